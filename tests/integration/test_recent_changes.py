"""What was merged and deployed shortly before an incident: on its card and in its issue, asked for once."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot import recent_changes
from bot.adapters.connector import TeamsMessenger
from bot.adapters.gitlab_changes import GitLabChanges, NoChanges
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.posting import Channels
from fittings import changes_of
from models import queue, store
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.effects import Effect
from models.domain.incident_effects import LookForChanges
from models.domain.recent_changes import ChangeRules
from models.domain.requests import Claim, MarkPrivate
from models.domain.timeline import Verb
from models.operations import incidents
from models.operations.alerts import record_mails
from models.queue import Item
from models.settings import Settings, Tracker
from models.settings import Teams as TeamsSettings
from tests.integration.test_gitlab_outbox import SETTLE, Team, team
from tests.support.gitlab import TOKEN, Fault, GitLab
from tests.support.gitlab_contract import needs_contracts
from tests.support.handling import deliveries_of
from tests.unit.test_issue_text import HOSTILE

__all__ = ["team"]
pytestmark = needs_contracts
API, WEB = "lookup/api", "lookup/web"
NASTY = "Drop <at>All</at> [x](https://evil.example) @all !7 #7 {{DATE(2026-11-20T10:00:00Z)}}"


def ago(minutes: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)


def merged(server: GitLab, project: str, number: int, at: datetime, **more: Any) -> None:
    url = f"{server.url}/{project}/-/merge_requests/{number}"
    told = {
        "iid": str(number), "title": f"Index {number}", "state": "merged", "webUrl": url, "targetBranch": "main",
        "mergedAt": at.isoformat(), "mergeUser": {"name": "Megan Byte"}, "author": {"name": "Ada Example"},
    }  # fmt: skip
    server.merge_requests.setdefault(project, []).append(told | more)


def source_at(server: GitLab, *projects: str) -> GitLabChanges:
    settings = Tracker(kind="gitlab", url=server.url, token=SecretStr(TOKEN), timeout_seconds=SETTLE)
    return GitLabChanges(settings, projects, lambda: datetime.now(UTC))


@dataclass
class House(Team):
    """A team whose process says where to look for changes."""

    deliver: Callable[[Item], Awaitable[Sequence[Effect]]]

    async def fires(self, name: str = "a", summary: str = "", started_at: datetime | None = None) -> None:
        alert = Alert("gcp_monitoring", MailKind.FIRING, f"Alert {name}", name, started_at=started_at)
        told = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{name}>", "0", alert=alert)
        await record_mails([(told, datetime.now(UTC))], self.process)

    def cards(self) -> list[str]:
        """Return the cards that Teams got, in their order."""
        bodies = [json.dumps(body, ensure_ascii=False) for _, _, body, _ in self.teams.asked]
        return [each for each in bodies if "AdaptiveCard" in each]


@pytest.fixture
async def house(team: Team) -> AsyncIterator[House]:
    server = team.server
    process = replace(team.process, changes=ChangeRules((API, WEB), 120))
    team.around.process = process
    for project in (API, WEB):
        server.merge_requests[project], server.deployments[project] = [], []
    source, messenger = source_at(server, API, WEB), TeamsMessenger(TeamsSettings(auth="disabled"))
    unhurried = itertools.count(step=60.0).__next__
    channels = Channels("Devs", "Devs")
    deliveries = deliveries_of(messenger, team.tracker, team.around, channels, Pacer(unhurried), changes=source)
    outbox = Outbox(deliveries.deliver, deliveries.prepare, settle_seconds=SETTLE)
    yield House(server, team.tracker, outbox, process, team.teams, team.around, deliveries.deliver)
    await source.close()
    await messenger.close()


async def recent() -> list[tuple[str, str]]:
    found = (await incidents.load(1)).recent
    return [(each.name, each.where) for each in found.kept] if found is not None else []


async def test_the_two_hours_before_it_began_are_on_the_card_newest_first(house: House) -> None:
    _, megan, ada = house.server.users
    began = ago(10)
    merged(house.server, API, 1, began - timedelta(minutes=121))
    merged(house.server, API, 2, began - timedelta(minutes=119))
    merged(house.server, WEB, 3, began - timedelta(minutes=30), targetBranch="release-4")
    merged(house.server, WEB, 4, began + timedelta(minutes=1))
    house.server.deploys(API, "production", ada, began - timedelta(minutes=20))
    house.server.deploys(API, "staging", megan, began - timedelta(minutes=130))
    house.server.deploys(API, "production", megan, began + timedelta(minutes=2))
    house.server.deploys(WEB, "review/7", megan, began - timedelta(minutes=60), job=False)
    await house.fires(started_at=began)
    await house.delivered()
    assert await recent() == [
        (API, "production"),
        (f"{WEB}!3", "release-4"),
        (WEB, "review/7"),
        (f"{API}!2", ""),
    ]
    card = house.cards()[-1]
    for text in (
        "Merged or deployed in the 2 hours before it began:",
        "deployed to production by Ada Example",
        "main (c0ffee11)",
        "merged into release-4 by Megan Byte",
        f"{house.server.url}/{API}/-/merge_requests/2",
        f"{house.server.url}/{API}/-/jobs/",
        f"{house.server.url}/{WEB}/-/environments",
    ):
        assert text in card
    assert "Index 4" not in card
    entries = [each for each in await store.timeline(1) if each.verb is Verb.CHANGED_BEFORE]
    assert [each.data["count"] for each in entries] == [4]
    said = [body for _, path, body, _ in house.teams.asked if "AdaptiveCard" not in json.dumps(body)]
    assert not any("went out" in json.dumps(each) for each in said)


async def test_five_are_shown_and_the_others_are_counted(house: House) -> None:
    for number in range(1, 14):
        merged(house.server, API, number, ago(number))
    await house.fires()
    await house.delivered()
    found = (await incidents.load(1)).recent
    assert found is not None
    assert [each.name for each in found.kept] == [f"{API}!{number}" for number in range(1, 11)]
    assert (found.more, found.count) == (3, 13)
    card = house.cards()[-1]
    assert f"{API}!5" in card
    assert f"{API}!6" not in card
    assert "and 8 more" in card


async def test_the_issue_says_it_whether_it_is_raised_later_or_was_before(house: House) -> None:
    merged(house.server, API, 1, ago(5))
    await house.fires()
    await house.delivered()
    await house.asks(Claim())
    await house.delivered()
    (issue,) = house.server.issues
    assert issue.description.count("### Merged or deployed in the 2 hours before it began") == 1
    assert "Index 1" in issue.description
    assert "/merge_requests/1" not in issue.description  # or each would be told of the incident
    assert not any("Index 1" in note.body for note in issue.notes)


async def test_what_is_found_after_it_was_raised_is_a_comment(house: House) -> None:
    merged(house.server, API, 1, ago(5))
    house.server.faults = [Fault("Merged", 503, times=1)]
    await house.fires()
    await house.asks(Claim())
    await house.delivered()
    (issue,) = house.server.issues
    assert "Index 1" not in issue.description
    assert sum("One change went out in the 2 hours before it" in note.body for note in issue.notes) == 1


async def test_nothing_in_foreign_text_acts(house: House) -> None:
    nasty = [NASTY, *(each.replace("\ud800", "") for each in HOSTILE)]
    for number, text in enumerate(nasty, 1):
        who = {"name": f"/close {text}"[:200]}
        merged(house.server, API, number, ago(number / 10), title=text, mergeUser=who, targetBranch=text[:60])
    await house.fires()
    await house.asks(Claim())
    await house.delivered()
    found = (await incidents.load(1)).recent
    assert found is not None
    assert found.count == len(nasty)
    card = house.cards()[-1]
    assert "Merged or deployed" in card
    for bad in ("<at>All", "](https://evil", "{{DATE(2026-11-20T10"):
        assert bad not in card
    assert house.server.issues[0].state == "opened"  # and the fixture looks for mentions and commands


async def test_what_is_handled_in_private_is_told_in_private_alone(house: House) -> None:
    merged(house.server, API, 1, ago(5), title="Publish the key")
    house.server.faults = [Fault("Merged", 503, times=1)]
    await house.fires()
    await house.outbox.drain()
    await house.asks(Claim())
    await house.asks(MarkPrivate("a key is out"))
    await house.delivered()
    assert (await incidents.load(1)).recent is not None
    posted = json.dumps([body for _, _, body, _ in house.teams.asked])
    assert "Handled in private" in posted
    assert "Publish the key" not in posted
    (issue,) = house.server.issues
    assert issue.confidential


FAILURES: list[str | int] = ["drop before", "drop after", 500, 502, 429, 401, "garbage"]


@pytest.mark.parametrize("call", ["Merged", "GET deployments"])
@pytest.mark.parametrize("kind", FAILURES)
async def test_no_failure_holds_the_card_or_tells_it_twice(house: House, call: str, kind: str | int) -> None:
    merged(house.server, API, 1, ago(5))
    house.server.faults = [Fault(call, kind, {}, 999)]
    await house.fires()
    await house.outbox.drain()
    assert len(house.cards()) == 1
    assert [item.kind for item in await queue.waiting()] == ["LookForChanges"]
    house.server.faults = []
    await house.delivered()
    await store.leave([LookForChanges(1)])
    asked = len(house.server.asked)
    await house.delivered()
    assert len(house.server.asked) == asked
    assert await recent() == [(f"{API}!1", "")]
    assert [each.verb for each in await store.timeline(1)].count(Verb.CHANGED_BEFORE) == 1


async def test_after_an_hour_it_is_given_up_and_nobody_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recent_changes, "WORTH_IT", timedelta())
    house.server.faults = [Fault("Merged", 503, times=9)]
    await house.fires()
    await house.delivered()
    assert (await incidents.load(1)).recent is None
    assert "not looked for any more" in caplog.text
    assert not any("Given up" in json.dumps(body) for _, _, body, _ in house.teams.asked)


async def test_a_process_that_died_after_posting_the_card_leaves_it_to_the_next(house: House) -> None:
    merged(house.server, API, 1, ago(5))
    await house.fires()
    (item,) = [each for each in await queue.waiting() if each.kind == "PostCard"]
    follows = await house.deliver(item)  # and it is never written down that it was done
    assert list(follows) == [LookForChanges(1)]
    await house.delivered()
    assert await recent() == [(f"{API}!1", "")]


async def test_two_that_look_at_once_write_it_once(house: House) -> None:
    merged(house.server, API, 1, ago(5))
    await house.fires()
    (item,) = [each for each in await queue.waiting() if each.kind == "PostCard"]
    source = source_at(house.server, API)
    rules = ChangeRules((API,), 120)
    await asyncio.gather(*(recent_changes.look(source, rules, 1, item) for _ in range(4)))
    await source.close()
    assert [each.verb for each in await store.timeline(1)].count(Verb.CHANGED_BEFORE) == 1


async def test_a_project_that_is_not_shown_leaves_the_others(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    merged(house.server, API, 1, ago(5))
    source = source_at(house.server, API, "lookup/none")
    for _ in range(2):
        found = await source.between(ago(120), ago(0))
        assert [each.name for each in found] == [f"{API}!1"]
    assert caplog.text.count("lookup/none: ") == 2  # one for merge requests and one for deployments
    findings = await source.check()
    assert [each.ok for each in findings] == [False, False]
    assert all("lookup/none: " in each.text and each.advice for each in findings)
    await source.close()


async def test_the_doctor_says_that_all_can_be_read(house: House) -> None:
    source = source_at(house.server, API, WEB)
    (finding,) = await source.check()
    assert (finding.ok, finding.text) == (True, "merge requests and deployments of 2 projects can be read")
    house.server.faults = [Fault("Merged", 401, times=9)]
    findings = await source.check()
    assert [each.ok for each in findings] == [False, False]
    await source.close()


async def test_a_flood_that_shares_a_digest_is_not_looked_into(house: House) -> None:
    most = house.process.digest_cards_per_minute
    for number in range(most + 3):
        await house.fires(f"alert {number}")
    await house.delivered()
    found = await incidents.unfinished()
    assert sum(each.digest_id is not None for each in found) == 3
    assert all((each.recent is None) is (each.digest_id is not None) for each in found)
    assert house.server.asked.count("Merged") == 2 * most
    in_digest = next(each for each in found if each.digest_id is not None)
    await incidents.show_card(in_digest.id)
    await house.delivered()
    assert (await incidents.load(in_digest.id)).recent is not None


async def test_without_projects_nobody_is_asked(team: Team) -> None:
    await team.fires()
    await team.delivered()
    assert not {"Merged", "GET deployments"} & set(team.server.asked)
    assert (await incidents.load(1)).recent is None
    assert await NoChanges().between(ago(1), ago(0)) == ()


PROCESS_FILE = Path("models/processes/wilson.toml")
GITLAB = {"kind": "gitlab", "url": "https://gitlab.example.org", "token": "glpat-x", "project": "iam/admin"}


async def test_only_a_gitlab_is_asked(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    text = PROCESS_FILE.read_text(encoding="utf-8")
    ours.write_text(f'{text}\n[changes]\nprojects = ["lookup/api"]\n', encoding="utf-8")
    plain = Settings.model_validate({"tracker": GITLAB})
    assert not changes_of(plain).configured
    local = changes_of(Settings.model_validate({"process": {"path": ours}}))
    assert not local.configured
    (finding,) = await local.check()
    assert finding.ok is False
    source = changes_of(Settings.model_validate({"process": {"path": ours}, "tracker": GITLAB}))
    assert source.configured
    await source.close()
