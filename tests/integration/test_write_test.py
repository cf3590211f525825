"""``wilson doctor --write-test``: done for real, and nothing is left behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

import wilson
from bot.adapters.gitlab import GitLabTracker
from bot.adapters.local_tracker import LocalTracker
from bot.write_test import WriteTest
from models.ports.checks import Finding
from models.ports.tracker import IssueTracker
from models.settings import Tracker
from tests.support.gitlab import TOKEN, Fault, GitLab
from tests.support.gitlab_contract import needs_contracts
from tests.unit.cards.samples import PROCESS


async def findings_of(tracker: IssueTracker) -> list[Finding]:
    found: list[Finding] = []
    await WriteTest(tracker, PROCESS, "Incident", found.append).run()
    return found


def of(server: GitLab) -> GitLabTracker:
    settings = Tracker(kind="gitlab", url=server.url, token=SecretStr(TOKEN), timeout_seconds=0.5)
    return GitLabTracker(settings, lambda: datetime.now(UTC))


@needs_contracts
async def test_each_step_is_done_and_all_is_deleted() -> None:
    async with GitLab().running() as server:
        tracker = of(server)
        found = await findings_of(tracker)
        await tracker.close()
    assert [each.text for each in found if not each.ok] == []
    names = [each.subject.removeprefix("write test: ") for each in found]
    assert names == [
        "raise an incident", "find it again", "comment", "timeline", "severity", "set to review",
        "raise a follow-up", "link the follow-up", "clean up 2", "clean up 1",
    ]  # fmt: skip
    assert server.issues == []
    assert server.violations == []


@needs_contracts
async def test_what_may_not_be_deleted_is_closed_and_named() -> None:
    async with GitLab().running() as server:
        server.may_delete = False
        tracker = of(server)
        found = await findings_of(tracker)
        await tracker.close()
        assert [each.state for each in server.issues] == ["closed", "closed"]
        assert all(server.issues[n].iteration is None for n in (0, 1))
    assert [each.ok for each in found] == [True] * 10
    assert "may not delete it" in found[-1].text


@needs_contracts
@pytest.mark.parametrize("call", ["timelineEventCreate", "POST notes", "GET issue", "POST links", "PUT issue"])
async def test_a_step_that_fails_is_named_and_the_rest_is_cleaned_up(call: str) -> None:
    async with GitLab().running() as server:
        server.faults = [Fault(call, 403, times=3)]
        tracker = of(server)
        found = await findings_of(tracker)
        await tracker.close()
        assert server.issues == []
    assert call == "timelineEventCreate" or any(each.ok is False and "403" in each.text for each in found)


@needs_contracts
async def test_what_a_lost_answer_left_behind_is_cleaned_up_too() -> None:
    async with GitLab().running() as server:
        server.faults = [Fault("createIssue", "drop after", times=1)]
        tracker = of(server)
        found = await findings_of(tracker)
        await tracker.close()
        assert server.issues == []
    assert found[0].ok is False
    assert found[-1].text == "deleted"


@needs_contracts
async def test_interrupted_it_cleans_up() -> None:
    async with GitLab().running() as server:
        server.slow_seconds = 30
        server.faults = [Fault("POST notes", "slow", times=9)]
        tracker = of(server)
        running = asyncio.create_task(findings_of(tracker))
        while "POST notes" not in server.asked:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await tracker.close()
        assert server.issues == []


async def test_the_local_tracker_passes_and_keeps_nothing(tmp_path: Path) -> None:
    tracker = LocalTracker(tmp_path / "issues", "iam/admin", lambda: datetime.now(UTC))
    found = await findings_of(tracker)
    assert [each.text for each in found if not each.ok] == []
    assert list(tmp_path.glob("issues/issues/*.md")) == []


def test_without_being_asked_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wilson.toml"
    file.write_text(f'[tracker]\nkind = "local"\npath = "{tmp_path}/issues"\n[mailbox]\nkind = "none"\n'
                    f'[database]\nurl = "sqlite://{tmp_path}/w.db"\n')  # fmt: skip
    wilson.main(["--config", str(file), "doctor"])
    assert "write test" not in capsys.readouterr().out
    wilson.main(["--config", str(file), "doctor", "--write-test"])
    assert capsys.readouterr().out.count("write test") == 10
    assert list(tmp_path.glob("issues/issues/*.md")) == []
