"""An incident's whole life in GitLab, with every failure at every call: one incident, one of each note."""

from __future__ import annotations

import asyncio
import itertools
import re
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from bot import outbox as outbox_module
from bot.adapters.connector import TeamsMessenger
from bot.adapters.gitlab import GitLabTracker
from bot.adapters.rota_file import NoRota
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.posting import Channels
from bot.surroundings import Surroundings
from bot.tracker_health import TrackerHealth
from doctor import examine
from models import database, directory, queue, store
from models.domain.alerts import Alert, Link, MailKind, Reading
from models.domain.incident_effects import SyncIssue
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.requests import AddNote, Assess, Claim, HandOver, Request, Resolve
from models.domain.resolving import ResolveAnswers
from models.operations import incidents
from models.operations.alerts import record_mails
from models.ports.errors import Unauthorised
from models.settings import Settings, Teams, Tracker
from models.sql import reading
from tests.support.botframework import TENANT, Connector
from tests.support.gitlab import TOKEN, Fault, GitLab
from tests.support.gitlab_contract import needs_contracts
from tests.support.gitlab_state import Issue
from tests.support.handling import deliveries_of
from tests.unit.test_issue_text import HOSTILE

pytestmark = needs_contracts
ADA = Person("aad-ada", "Ada Example", "29:ada", "ak101")
MEGAN = Person("aad-megan", "Megan Byte", "29:megan", "mb2345")
STRANGER = Person("aad-x", "Nobody Known", "29:x", "nk1")
SETTLE = 0.5
OVER = ResolveAnswers(
    over=True, cause="a log ran full", rolled_back=False, follow_ups={"investigate": "Why did it run full?"}
)


@dataclass
class Team:
    """All that delivers, with stand-ins for Teams and GitLab."""

    server: GitLab
    tracker: GitLabTracker
    outbox: Outbox
    process: Process
    teams: Connector
    around: Surroundings

    async def fires(self, name: str = "a", summary: str = "") -> None:
        links = (Link("dashboard", "https://dash.example/1"),)
        alert = Alert("gcp_monitoring", MailKind.FIRING, f"Alert {name}", name, summary=summary, links=links)
        told = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{name}>", "0", alert=alert)
        await record_mails([(told, datetime.now(UTC))], self.process)

    async def asks(self, request: Request, by: Person = ADA) -> Incident:
        done = await incidents.act(await incidents.load(1), request, by, self.process)
        assert done.refusal is None, done.refusal
        return done.incident

    async def delivered(self) -> None:
        """Deliver all there is: short waits are waited out, long ones cut short, what is parked is sent again."""
        for _ in range(100):
            await self.outbox.drain()
            items = await queue.waiting()
            if not items:
                return
            holding = [item for item in items if item.state != "parked" or item.kind == "RaiseIssue"]
            heads = {item.stream: item for item in reversed(holding)}
            waiting = [item.due_ms for item in heads.values() if item.state == "waiting"]
            if not waiting:
                await queue.retry([], store.now_ms())
            elif (wait := min(waiting) - store.now_ms()) > 5_000:
                await reading().run("UPDATE outbox SET due_ms = 0 WHERE state = 'waiting'")
            else:
                await asyncio.sleep(max(0, wait) / 1000 + 0.005)
        raise AssertionError([(item.kind, item.state, item.error) for item in await queue.waiting()])


@pytest.fixture
async def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Team]:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    url = f"sqlite://{tmp_path}/wilson.db"
    await database.upgrade(url)
    await database.connect(url)
    file = Path("models/processes/wilson.toml")
    process = read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    async with Connector().running() as teams, GitLab().running() as server:
        settings = Tracker(kind="gitlab", url=server.url, token=SecretStr(TOKEN), timeout_seconds=SETTLE)
        tracker = GitLabTracker(settings, lambda: datetime.now(UTC))
        messenger = TeamsMessenger(Teams(auth="disabled"))
        channels = Channels("Devs", "Devs")
        unhurried = itertools.count(step=60.0).__next__  # so that the limits of Teams take no time
        around = Surroundings(process, NoRota())
        deliveries = deliveries_of(messenger, tracker, around, channels, Pacer(unhurried))
        health = TrackerHealth(tracker, ZoneInfo("Europe/London"))
        outbox = Outbox(deliveries.deliver, deliveries.prepare, settle_seconds=SETTLE, health=health)
        await directory.remember_installation("19:team", TENANT, teams.url, "Wilson")
        await outbox.drain()
        yield Team(server, tracker, outbox, process, teams, around)
        assert server.violations == []
        assert server.commands == []
        assert server.mentioned == []
        await messenger.close()
        await tracker.close()
    await database.disconnect()


async def _raise(team: Team) -> None:
    await team.fires()
    await team.asks(Claim())


async def _assign(team: Team) -> None:
    await team.asks(HandOver(MEGAN))


async def _assess(team: Team) -> None:
    await team.asks(Assess({"users": 50, "critical": False, "workaround": False, "self_resolved": False}))


async def _note(team: Team) -> None:
    await team.asks(AddNote("the disk is full"))


async def _resolve(team: Team) -> None:
    await team.asks(Resolve(OVER), MEGAN)


LIFE: dict[str, tuple[Callable[[Team], Awaitable[None]], tuple[str, ...]]] = {
    "raise": (
        _raise,
        ("GET members", "GET template", "createIssue", "GET issues", "issueSetSeverity", "GET issue", "PUT issue"),
    ),
    "assign": (_assign, ("Events", "timelineEventCreate", "GET issue", "PUT issue")),
    "assess": (_assess, ("Events", "timelineEventCreate", "GET issue", "issueSetSeverity")),
    "note": (_note, ("GET notes", "POST notes")),
    "resolve": (_resolve, ("POST notes", "GET issue", "PUT issue", "issueSetIteration")),
    "follow-up": (_resolve, ("createIssue", "GET issues", "POST links")),
}
FAULTS: list[tuple[str | int, dict[str, str]]] = [
    ("drop before", {}),
    ("drop after", {}),
    (500, {}),
    ("500 after", {}),
    (502, {}),
    (429, {}),
    (429, {"Retry-After": "30"}),
    (401, {}),
    (403, {}),
    (404, {}),
    (409, {}),
    ("slow", {}),
    ("garbage", {}),
]


def said(issue: Issue) -> list[str]:
    """Return the first words of an issue's comments and of its timeline."""
    comments = [note.body for note in issue.notes if not note.system]
    return [re.sub(r"[*\n].*", "", each.lstrip("*")) for each in [note for note, _ in issue.events] + comments]


def told(server: GitLab) -> dict[str, Any]:
    """Return what GitLab holds in the end, without times."""
    return {
        issue.title: (
            issue.type,
            issue.state,
            sorted(issue.labels),
            [each.username for each in issue.assignees],
            issue.severity,
            issue.iteration,
            sorted(said(issue)),
        )
        for issue in server.issues
    }


NOTES = [
    "Ada Example handed this over to Megan Byte, who owns it now.",
    "Ada Example owns this now.",
    "Ada Example set the urgency to Resolve internally: more than one user can't work.",
    "Megan Byte resolved this. Cause: a log ran full. Follow-ups: Why did it run full?",
    "Observation",
]
FOLLOW_UP_LABELS = ["bug", "incident-remedial", "issuetype::Maintenance", "refinement"]
AT_THE_END = {
    "Alert a": ("incident", "opened", ["workflow::Review Required"], ["mb2345"], "MEDIUM", None, NOTES),
    "Why did it run full?": ("issue", "opened", FOLLOW_UP_LABELS, [], "UNKNOWN", None, []),
}
STEPS = ("raise", "assign", "assess", "note", "resolve")


async def test_the_whole_life_and_what_it_costs(team: Team) -> None:
    calls = {}
    for step in STEPS:
        team.server.asked.clear()
        await LIFE[step][0](team)
        await team.delivered()
        calls[step] = list(team.server.asked)
    assert told(team.server) == AT_THE_END
    assert team.server.links == {(1, 2)}
    found_out_once = ["GET user", "GET project", "Iterations", "GET members", "GET template"]
    note, event = ["GET notes", "POST notes"], ["Events", "timelineEventCreate"]
    raised = [each for each in calls["raise"] if each not in found_out_once]
    look = ["GET issue", "GET notes", "GET resource_state_events", "GET resource_label_events"]
    assert raised == ["createIssue", "GET issue", *event, *look, "GET issue"]
    assert calls["assign"] == [*event, *look, "GET issue", "PUT issue"]
    assert calls["assess"] == [*event, *look, "GET issue", "issueSetSeverity"]
    assert calls["note"] == note
    assert sorted(calls["resolve"]) == sorted(
        [*note, *look, "GET issue", "PUT issue", "issueSetIteration", "createIssue", "POST links"]
    )
    assert sum(len(each) for each in calls.values()) == 43


async def test_a_titles_prefix_stands_there_once_whatever_happens(team: Team) -> None:
    team.around.process = replace(team.process, title_prefix="[Incident]")
    for step in STEPS:
        await LIFE[step][0](team)
        await team.delivered()
    titles = [issue.title for issue in team.server.issues]
    assert titles == ["[Incident] Alert a", "Why did it run full?"]
    assert (await incidents.load(1)).title == "Alert a"
    team.server.asked.clear()
    for _ in range(3):
        await store.leave([SyncIssue(1)])
        await team.delivered()
    assert "PUT issue" not in team.server.asked


@pytest.mark.parametrize(("kind", "headers"), FAULTS, ids=lambda each: str(each))
@pytest.mark.parametrize("phase", LIFE)
async def test_each_failure_at_each_call_leaves_one_of_everything(
    team: Team, phase: str, kind: str | int, headers: dict[str, str]
) -> None:
    for step in STEPS:
        act, calls = LIFE[phase]
        if act is LIFE[step][0]:
            # The client itself repeats once what may be repeated, where a connection was closed on it.
            times = 2 if "drop" in str(kind) else 1
            team.server.faults = [Fault(call, kind, headers, times) for call in calls]
            for fault in team.server.faults:
                if (fault.call, fault.kind) == ("POST links", 409):
                    fault.kind = "409 after"  # what it says there: they are linked
        await LIFE[step][0](team)
        await team.delivered()
    assert told(team.server) == AT_THE_END
    assert team.server.links == {(1, 2)}
    incident = await incidents.load(1)
    assert [each.key for each in incident.follow_ups] == ["2"]
    assert (incident.issue_key, len(team.server.issues)) == ("1", 2)


@pytest.mark.parametrize("kind", ["refused", "not valid"])
async def test_what_graphql_refuses_waits_for_a_person(team: Team, kind: str) -> None:
    team.server.faults = [Fault("createIssue", kind)]
    await _raise(team)
    await team.outbox.drain()
    assert {item.state for item in await queue.waiting() if item.kind == "RaiseIssue"} == {"parked"}
    await team.delivered()
    assert len(team.server.issues) == 1


async def test_a_create_that_ends_late_is_not_made_twice(team: Team) -> None:
    team.server.faults = [Fault("createIssue", "slow")]
    await _raise(team)
    await team.outbox.drain()
    (item,) = [each for each in await queue.waiting() if each.kind == "RaiseIssue"]
    assert len(team.server.issues) == 0, "not done yet: whoever looks now finds nothing"
    assert item.due_ms - store.now_ms() > (SETTLE - 0.2) * 1000
    await team.delivered()
    assert len(team.server.issues) == 1


async def test_what_a_killed_process_asked_for_is_looked_for_in_time(team: Team) -> None:
    await _raise(team)
    (item,) = [
        each for each in await queue.lease(store.now_ms(), lease_ms=10, limit=9) if each.kind == "RaiseIssue"
    ]
    assert item.attempts == 1
    await queue.release_all()
    await asyncio.sleep(0.01)
    await team.outbox.drain()
    assert "createIssue" not in team.server.asked
    (item,) = [each for each in await queue.waiting() if each.kind == "RaiseIssue"]
    assert item.due_ms > store.now_ms()
    await team.delivered()
    assert team.server.asked.index("GET issues") < team.server.asked.index("createIssue")
    assert len(team.server.issues) == 1


async def test_a_token_that_expired_holds_the_incident_until_it_is_renewed(team: Team) -> None:
    await _raise(team)
    team.server.faults = [Fault("GET user", 401, times=1000)]
    await team.outbox.drain()
    (raising, *_) = [item for item in await queue.waiting() if item.kind == "RaiseIssue"]
    assert (raising.state, "renew tracker.token" in raising.error) == ("waiting", True)
    assert raising.due_ms - store.now_ms() > 200_000
    late = outbox_module.next_try(
        raising, Unauthorised("x", 300), store.now_ms() + outbox_module.GIVE_UP_MS * 2, 1.0
    )
    assert late is not None, "it is never given up"
    team.server.faults.clear()
    await team.delivered()
    assert len(team.server.issues) == 1


async def test_after_a_long_time_away_all_arrives_in_order(team: Team) -> None:
    team.server.faults = [Fault(call, 502, times=12) for call in ("createIssue", "GET issues")]
    for step in STEPS:
        await LIFE[step][0](team)
    await team.delivered()
    assert told(team.server) == AT_THE_END
    assert [NOTES.index(each) for each in said(team.server.issues[0])] == [1, 0, 2, 4, 3]


async def test_whom_gitlab_does_not_know_is_named_with_what_to_do(team: Team) -> None:
    await team.fires()
    await team.asks(Claim(), STRANGER)
    await team.delivered()
    (issue,) = team.server.issues
    assert issue.assignees == []
    comment = next(note.body for note in issue.notes if not note.system)
    assert "Nobody Known owns this now" in comment
    assert "tracker.users" in comment
    assert '"aad-x"' in issue.description


async def test_the_doctor_names_people_whom_gitlab_does_not_know(team: Team, tmp_path: Path) -> None:
    await directory.remember_people([ADA, STRANGER])
    await database.disconnect()
    tracker = {"kind": "gitlab", "url": team.server.url, "token": TOKEN}
    url = f"sqlite://{tmp_path}/wilson.db"
    found = await examine(Settings.model_validate({"tracker": tracker, "database": {"url": url}}))
    await database.connect(url)
    told = {each.subject: each for each in found}
    assert told["tracker token"].ok
    assert told["tracker people"].text == "not known there: Nobody Known, ben"
    assert '"aad-x"' in told["tracker people"].advice


async def test_nothing_in_foreign_text_acts(team: Team) -> None:
    nasty = "\n".join(HOSTILE).replace("\ud800", "")  # which no mail and no message brings as far as here
    await team.fires(name=f"x {nasty}"[:200], summary=nasty)
    await team.asks(Claim(), Person("aad-ada", "/close @all", "29:ada", "ak101"))
    for text in (nasty, *HOSTILE):
        await team.asks(AddNote(text.replace("\ud800", "")))
    await team.delivered()
    (issue,) = team.server.issues
    assert issue.state == "opened"
    assert len(said(issue)) == len(HOSTILE) + 2
