"""Merge requests that people link: related in GitLab, shown on the card, told once in the thread."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.adapters.gitlab_merge_requests import name_of
from bot.hearing import Listener
from bot.hooks import merge_request_of
from models import queue, store
from models.domain.incident_effects import ReadMergeRequest
from models.domain.incident_parts import MergeRequest
from models.domain.requests import AddLink, Claim
from models.domain.timeline import Verb
from models.operations import incidents
from tests.integration.test_gitlab_outbox import Team, team
from tests.support.gitlab import Fault
from tests.support.gitlab_contract import needs_contracts

__all__ = ["team"]
pytestmark = needs_contracts
PROJECT = "iam/sync"
OPEN: dict[str, Any] = {
    "iid": 12, "title": "Keep <at>All</at> [logs](https://evil.example)", "state": "opened", "draft": False,
    "approved": False, "approvedBy": {"nodes": []}, "mergeUser": None,
}  # fmt: skip
NAME = "iam/sync!12"


async def linked(team: Team, **more: Any) -> str:
    team.server.merge_requests = {PROJECT: [OPEN | more]}
    url = f"{team.server.url}/{PROJECT}/-/merge_requests/12"
    await team.fires()
    await team.asks(Claim())
    await team.asks(AddLink(url, "the fix"))
    await team.delivered()
    return url


async def again(team: Team, **more: Any) -> MergeRequest:
    """Let it change, and look into GitLab."""
    held = team.server.merge_requests.get(PROJECT)
    if held:
        held[0] |= more
    await Listener(team.tracker, 300, lambda: None).look(store.from_ms(store.now_ms()))
    await team.delivered()
    (found,) = (await incidents.load(1)).merge_requests
    return found


async def told() -> list[tuple[str, str]]:
    entries = [each for each in await store.timeline(1) if each.verb is Verb.MERGE_REQUEST]
    return [(str(each.data["what"]), each.actor.name if each.actor else "") for each in entries]


def posted(team: Team) -> str:
    return json.dumps([body for _, _, body, _ in team.teams.asked], ensure_ascii=False)


async def test_it_is_related_shown_and_asked_to_be_reviewed(team: Team) -> None:
    url = await linked(team)
    (found,) = (await incidents.load(1)).merge_requests
    assert found == MergeRequest(url, NAME, OPEN["title"], "opened")
    comments = [note.body for note in team.server.issues[0].notes if not note.system]
    assert sum(f"Merge request {NAME} belongs to this incident." in each for each in comments) == 1
    assert await told() == [("review", "")]
    assert "Who reviews merge request" in posted(team)
    assert f"{NAME}" in posted(team)
    assert "<at>All</at>" not in posted(team)
    assert "](https://evil" not in posted(team)


async def test_approved_and_merged_are_told_once_each(team: Team) -> None:
    await linked(team)
    approved = {"approved": True, "approvedBy": {"nodes": [{"name": "Ben Example"}]}}
    for _ in range(3):
        assert (await again(team, **approved)).approved
    for _ in range(3):
        assert (await again(team, state="merged", mergeUser={"name": "Megan Byte"})).state == "merged"
    assert await told() == [("review", ""), ("approved", "Ben Example"), ("merged", "Megan Byte")]
    asked = len(team.server.asked)
    await again(team)
    assert "MergeRequest" not in " ".join(team.server.asked[asked:])  # what is merged does not change any more
    assert "was merged by Megan Byte" in posted(team)


async def test_one_that_is_not_shown_to_us_is_told_once_and_found_later(team: Team) -> None:
    url = await linked(team)
    held = team.server.merge_requests.pop(PROJECT)
    for _ in range(3):
        assert (await again(team)).hidden
    assert await told() == [("review", ""), ("hidden", "")]
    team.server.merge_requests = {PROJECT: held}
    assert not (await again(team)).hidden
    assert [each.url for each in (await incidents.load(1)).links].count(url) == 1


async def test_one_that_was_linked_before_the_incident_was_raised_is_related_too(team: Team) -> None:
    team.server.merge_requests = {PROJECT: [OPEN]}
    await team.fires()
    await team.asks(AddLink(f"{team.server.url}/{PROJECT}/merge_requests/12", ""))
    await team.asks(Claim())
    await team.delivered()
    assert [each.name for each in (await incidents.load(1)).merge_requests] == [NAME]


async def test_the_webhook_has_it_read_at_once(team: Team) -> None:
    await linked(team)
    listener = Listener(team.tracker, 300, lambda: None)
    project = {"path_with_namespace": PROJECT}
    payload = {"object_kind": "merge_request", "project": project, "object_attributes": {"iid": 12}}
    await listener.merge_request(merge_request_of(payload), "hook:1")
    await listener.merge_request(merge_request_of(payload), "hook:1")
    await listener.merge_request("iam/other!12", "hook:2")
    assert [item.kind for item in await queue.waiting()] == ["ReadMergeRequest"]


@pytest.mark.parametrize("kind", ["drop before", "drop after", 500, 502, 429, 401, "garbage"])
async def test_no_failure_tells_it_twice_or_loses_it(team: Team, kind: str | int) -> None:
    team.server.faults = [Fault("MergeRequest", kind, {}, 2), Fault("POST notes", kind, {}, 1)]
    await linked(team)
    await store.leave([ReadMergeRequest(1, (await incidents.load(1)).links[-1].url)])
    await team.delivered()
    assert await told() == [("review", "")]
    bodies = [note.body for note in team.server.issues[0].notes]
    assert sum("belongs to this incident" in each for each in bodies) == 1


BASE = "https://gitlab.example.com/git"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{BASE}/iam/sync/-/merge_requests/12", "iam/sync!12"),
        (f"{BASE}/iam/sync/-/merge_requests/12/", "iam/sync!12"),
        (f"{BASE}/iam/sync/merge_requests/12/diffs?x=1#note_3", "iam/sync!12"),
        (f"{BASE}/iam/deep/er/sync.py/-/merge_requests/7", "iam/deep/er/sync.py!7"),
        (f"{BASE}/iam/sync/-/issues/12", None),
        (f"{BASE}/iam/sync/-/merge_requests/0", None),
        (f"{BASE}/iam/sync/-/merge_requests/12x", None),
        (f"{BASE}/iam/-/merge_requests/12", None),
        (f"{BASE}/iam/@all/-/merge_requests/12", None),
        (f"{BASE}/iam/a%0A/close/-/merge_requests/12", None),
        ("https://gitlab.example.com.evil.example/git/iam/sync/-/merge_requests/12", None),
        ("https://gitlab.example.com/iam/sync/-/merge_requests/12", None),
        ("https://gitlab.example.com:444/git/iam/sync/-/merge_requests/12", None),
        ("http://gitlab.example.com/git/iam/sync/-/merge_requests/12", None),
        ("https://ak@gitlab.example.com/git/iam/sync/-/merge_requests/12", None),
        ("https://[bad/git/iam/sync/-/merge_requests/12", None),
        ("", None),
    ],
)
def test_only_addresses_of_the_server_itself_are_merge_requests(url: str, name: str | None) -> None:
    assert name_of(url, BASE) == name


@pytest.mark.parametrize("premium", [True, False])
async def test_another_link_is_a_linked_resource_where_gitlab_has_them(team: Team, premium: bool) -> None:
    team.server.premium = premium
    await team.fires()
    await team.asks(Claim())
    team.server.faults = [Fault("issuableResourceLinkCreate", "drop after")]
    await team.asks(AddLink("https://runbook.example/disk", "the runbook"))
    await team.delivered()
    (issue,) = team.server.issues
    comments = "".join(note.body for note in issue.notes if not note.system)
    assert issue.resources == ([("the runbook", "https://runbook.example/disk")] if premium else [])
    assert ("runbook" in comments or any("runbook" in text for text, _ in issue.events)) is True
    assert (await incidents.load(1)).merge_requests == ()
