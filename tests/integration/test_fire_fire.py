"""One action makes channel, issue and log page; each tells how it went, and what failed is tried again alone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot import firing_deliveries
from bot import outbox as outbox_module
from bot.adapters.graph_channels import GraphChannels
from bot.places import Place
from models import queue, store
from models.directory import INCIDENT
from models.domain.incident_effects import WriteLogPage
from models.domain.requests import AddNote, FireFire, MarkPrivate
from models.domain.security_rules import Security
from models.operations import incidents
from models.sql import reading
from tests.integration.test_gitlab_outbox import Fault, Team, team
from tests.integration.test_graph_channels import Team as Graph
from tests.integration.test_graph_channels import graph, maker, outbox_of
from tests.integration.test_private import ADA, BEN, DEVS, House, house, private, security
from tests.support.gitlab_contract import needs_contracts

__all__ = ["graph", "house", "maker", "private", "security", "team"]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(firing_deliveries, "LOOK_SECONDS", 0.01)


async def settled(house: House, *, parked: int = 0) -> None:
    for _ in range(200):
        await house.outbox.drain()
        items = await queue.waiting()
        if all(item.state == "parked" for item in items):
            assert len(items) == parked, [(item.kind, item.error) for item in items]
            return
        await reading().run("UPDATE outbox SET due_ms = 0 WHERE state = 'waiting'")
        await asyncio.sleep(0.005)
    raise AssertionError([(item.kind, item.state, item.error) for item in await queue.waiting()])


async def declared(house: House, text: str = "fire-fire Nobody can log in; description: since nine") -> None:
    await house.speech.say(text, [], ADA, Place("a1", DEVS, "", DEVS, "http://x", "tenant", "a1"))
    await settled(house)


def reports(house: House) -> list[str]:
    said = [json.dumps(message.card) for _, message in house.teams.replies if message.card is not None]
    return [each for each in said if "Log page:" in each]


def pages(house: House) -> list[str]:
    folder = house.tracker._path / "pages"
    return [file.read_text() for file in folder.glob("*.md")] if folder.is_dir() else []


def issues(house: House) -> list[Path]:
    return list((house.tracker._path / "issues").glob("*.md"))


@pytest.mark.usefixtures("connected")
async def test_one_word_makes_all_and_tells_each(house: House, graph: Graph, maker: GraphChannels) -> None:
    house.outbox = outbox_of(house, maker)
    house.around.process = replace(house.around.process, channel_name="fire-fire-{date}")
    await declared(house)
    incident = await incidents.load(1)
    assert incident.title == "Nobody can log in"
    assert incident.channel_name.startswith("fire-fire-20")
    assert incident.issue_key
    assert incident.log_key
    (report,) = reports(house)
    assert report.count("\\u2714") == 3
    assert "Try again" not in report
    assert [len(pages(house)), len(issues(house)), len(graph.channels)] == [1, 1, 1]
    called = [message for _, message in house.teams.replies if "asks everybody to help" in message.text]
    assert [person.name for person in called[0].mentions] == [BEN.name]


@pytest.mark.usefixtures("connected")
async def test_what_is_refused_says_why_and_is_tried_again_alone(
    house: House, graph: Graph, maker: GraphChannels
) -> None:
    house.outbox = outbox_of(house, maker)
    graph.faults = ["forbidden"]
    (house.tracker._path).mkdir(parents=True)
    (house.tracker._path / "pages").write_text("in the way")
    await declared(house)
    (report,) = reports(house)
    assert "Channel.Create.Group" in report
    assert "Issue: made" in report
    assert "pages" in report
    assert report.count("\\u2718") == 2
    assert "Try again what failed" in report
    await house.press(INCIDENT, "fire")
    await settled(house)
    assert len(graph.channels) == 1
    assert "Log page: not made" in reports(house)[1]
    (house.tracker._path / "pages").unlink()
    await house.say(INCIDENT, "fire-fire")
    await settled(house)
    assert reports(house)[-1].count("\\u2714") == 3
    assert [len(pages(house)), len(issues(house)), len(graph.channels)] == [1, 1, 1]


@pytest.mark.usefixtures("connected")
async def test_two_clicks_at_once_make_one_of_each(house: House, graph: Graph, maker: GraphChannels) -> None:
    house.outbox = outbox_of(house, maker)
    incident = await house.fires("Login")
    process = house.around.process
    both = [incidents.act(incident, FireFire(), by, process) for by in (ADA, BEN, ADA, BEN)]
    done = await asyncio.gather(*both)
    assert all(each.refusal is None for each in done)
    await settled(house)
    assert [len(pages(house)), len(issues(house)), len(graph.channels)] == [1, 1, 1]
    fired = [entry for entry in await store.timeline(1) if entry.verb == "fire"]
    assert len(fired) == 1


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("security", [Security(), Security("Head", "ciso@example.ac.uk")], ids=["nobody", "mailed"])
async def test_the_page_keeps_up_and_is_emptied_once_it_is_private(house: House) -> None:
    await declared(house)
    await house.asks(AddNote("restarted the gateway"))
    await settled(house)
    (page,) = pages(house)
    assert "restarted the gateway" in page
    assert "since nine" in page
    await house.asks(MarkPrivate("a key is out"))
    await settled(house)
    (page,) = pages(house)
    assert "Nobody can log in" not in page
    assert "handled in private" in page
    assert (await house.asks(FireFire())).refusal is not None


@needs_contracts
@pytest.mark.parametrize(
    "kind", ["drop before", "drop after", 500, "500 after", 429, 401, "slow", "garbage"], ids=str
)
@pytest.mark.parametrize("call", ["createIssue", "createSnippet", "updateSnippet", "Pages"])
async def test_gitlab_has_one_of_each_whatever_breaks(team: Team, call: str, kind: str | int) -> None:
    team.server.faults = [Fault(call, kind, times=2 if "drop" in str(kind) else 1)]
    await team.fires()
    await team.asks(FireFire())
    await team.delivered()
    await team.asks(AddNote("restarted the gateway"))
    await team.asks(FireFire())
    await team.delivered()
    (issue,), (snippet,) = team.server.issues, team.server.snippets
    assert snippet.title == "Log of incident 1: Alert a"
    assert "restarted the gateway" in snippet.files["log.md"]
    incident = await incidents.load(1)
    assert (incident.issue_key, incident.log_url.rpartition("/")[2]) == (str(issue.iid), str(snippet.id))


@needs_contracts
async def test_an_issue_that_was_refused_is_raised_when_it_is_tried_again(team: Team) -> None:
    team.server.faults = [Fault("createIssue", "refused")]
    await team.fires()
    await team.asks(FireFire())
    for _ in range(20):
        await team.outbox.drain()
        await asyncio.sleep(0.01)
    said = json.dumps([body for _, _, body, _ in team.teams.asked])
    assert "Issue: not made" in said
    assert "Log page: made" in said
    await team.asks(FireFire())
    await team.outbox.drain()
    await team.delivered()
    assert [len(team.server.issues), len(team.server.snippets)] == [1, 1]


@needs_contracts
async def test_where_snippets_are_off_the_report_says_so_and_nothing_waits(team: Team) -> None:
    team.server.snippets_on = False
    await team.fires()
    await team.asks(FireFire())
    await team.delivered()
    assert "are they switched on" in (await incidents.load(1)).log_failed
    assert len(team.server.issues) == 1
    team.server.snippets_on = True
    await team.asks(FireFire())
    await team.delivered()
    assert len(team.server.snippets) == 1


@needs_contracts
async def test_a_page_among_many_is_found(team: Team) -> None:
    await team.fires()
    await team.asks(FireFire())
    await team.delivered()
    (ours,) = team.server.snippets
    for number in range(250):
        team.server.snippets.append(replace(ours, id=10_000 + number, description="somebody's"))
    stranger = replace(ours, id=5, author=team.server.users[1])
    team.server.snippets.insert(0, stranger)
    await store.leave([WriteLogPage(1)])
    await team.delivered()
    assert len(team.server.snippets) == 252
    assert team.server.asked.count("createSnippet") == 1
