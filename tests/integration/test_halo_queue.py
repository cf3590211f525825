"""The queue of a team at the service desk: all that stands in it, nothing of others, and never empty by mistake."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters.halo import HaloDesk
from bot.issue_text import one_line
from models.ports.errors import Permanent, PortError, Temporary, Unauthorised
from models.ports.service_desk import SupportCall
from tests.integration.test_halo import settings_of
from tests.support.halo import Fault, Halo
from tests.unit.test_issue_text import HOSTILE

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
async def halo() -> AsyncIterator[Halo]:
    async with Halo().running() as server:
        server.ticket(4711)
        yield server
        assert server.violations == []


@pytest.fixture
async def make(halo: Halo) -> AsyncIterator[Callable[..., HaloDesk]]:
    made: list[HaloDesk] = []

    def desk(**changes: Any) -> HaloDesk:
        made.append(HaloDesk(settings_of(halo.url, **changes), lambda: NOW))
        return made[-1]

    yield desk
    for each in made:
        await each.close()


@pytest.fixture
def desk(make: Callable[..., HaloDesk]) -> HaloDesk:
    return make(queue="Wilson")


def keys(calls: Sequence[SupportCall]) -> list[str]:
    return [each.key for each in calls]


async def test_the_queue_is_the_open_calls_of_one_team(halo: Halo, make: Callable[..., HaloDesk]) -> None:
    desk = make(queue=" wilson ", closed_status_ids=(9, 31))
    assert desk.has_queue
    halo.tickets.clear()
    halo.ticket(7, dateoccurred="2026-11-19T17:00:00.1234567", agent_name="Ben Example")
    halo.ticket(5, dateoccurred="2026-11-20T08:00:00Z", agent_name="Unassigned", user_email="ada@example.org")
    halo.ticket(6, dateoccurred="1900-01-01T00:00:00")
    halo.ticket(8, team="Service Desk", team_id=1)
    halo.ticket(9, status_id=9)
    halo.ticket(10, status_id=31)
    url = f"{halo.url}/ticket?id="
    opened = datetime(2026, 11, 19, 17, 0, 0, 123456, UTC), datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert await desk.queue() == [
        SupportCall("7", f"{url}7", "No access", "Ada Example", opened_at=opened[0], agent="Ben Example"),
        SupportCall("5", f"{url}5", "No access", "Ada Example", "ada@example.org", opened_at=opened[1]),
        SupportCall("6", f"{url}6", "No access", "Ada Example"),
    ]
    assert halo.asked == ["GET authinfo", "POST token", "GET team", "GET tickets"]


async def test_a_call_that_is_read_alone_says_since_when_and_who(halo: Halo, desk: HaloDesk) -> None:
    halo.ticket(5, dateoccurred="2026-11-20T09:00:00+01:00", agent={"name": "Ben\nExample"})
    found = await desk.call("5")
    assert found is not None
    assert (found.opened_at, found.agent) == (datetime(2026, 11, 20, 8, 0, tzinfo=UTC), "Ben Example")


@pytest.mark.parametrize(
    "told", [None, 5, "", "soon", "0001-01-01T00:00:00", "1899-12-30T00:00:00", "9999-12-31T23:59:59-12:00"]
)
async def test_a_time_that_is_none_is_left_out(halo: Halo, desk: HaloDesk, told: Any) -> None:
    halo.ticket(5, dateoccurred=told)
    found = await desk.call("5")
    assert found is not None
    assert found.opened_at is None


async def test_no_queue_is_read_where_none_is_set(halo: Halo, make: Callable[..., HaloDesk]) -> None:
    desk = make()
    assert not desk.has_queue
    assert await desk.queue() == ()
    assert halo.asked == []


async def test_what_halo_passes_over_is_left_out_all_the_same(
    halo: Halo, desk: HaloDesk, caplog: pytest.LogCaptureFixture
) -> None:
    halo.heeds = False
    halo.ticket(1, team="Service Desk", team_id=2)
    halo.ticket(2, team=None, team_id=1)
    halo.ticket(3, status_id=9)
    halo.ticket(4, team=None, team_id=2)
    halo.ticket(5, team=None, team_id=None)
    with caplog.at_level(logging.WARNING):
        assert keys(await desk.queue()) == ["4", "4711"], "what names no team is not ours among others' calls"
    assert "2 calls of other teams" in caplog.text
    del halo.tickets[1], halo.tickets[2]
    assert keys(await desk.queue()) == ["4", "5", "4711"]


@pytest.mark.parametrize("counts", [True, False])
async def test_the_queue_is_read_to_its_end(halo: Halo, desk: HaloDesk, counts: bool) -> None:
    halo.counts = counts
    halo.tickets.clear()
    for number in range(250, 0, -1):
        halo.ticket(number)
    assert keys(await desk.queue()) == [str(number) for number in range(1, 251)]
    assert halo.asked.count("GET tickets") == (3 if counts else 4)


async def test_a_long_queue_is_cut_and_told_of(
    halo: Halo, desk: HaloDesk, caplog: pytest.LogCaptureFixture
) -> None:
    halo.tickets.clear()
    for number in range(1, 1002):
        halo.ticket(number)
    with caplog.at_level(logging.WARNING):
        assert keys(await desk.queue()) == [str(number) for number in range(1, 1001)]
    assert "only 1000 calls" in caplog.text
    caplog.clear()
    del halo.tickets[1001]
    assert len(await desk.queue()) == 1000
    assert caplog.text == ""


async def test_a_desk_that_turns_no_page_is_not_asked_for_ever(
    halo: Halo, desk: HaloDesk, caplog: pytest.LogCaptureFixture
) -> None:
    halo.heeds = False
    for number in range(1, 151):
        halo.ticket(number)
    with caplog.at_level(logging.WARNING):
        assert len(await desk.queue()) == 100
    assert halo.asked.count("GET tickets") == 2
    assert "100 of the 151 calls" in caplog.text


async def test_foreign_text_in_the_queue_is_cleaned(halo: Halo, desk: HaloDesk) -> None:
    halo.tickets.clear()
    # Half a surrogate pair is no JSON.
    hostile = [each.encode(errors="replace").decode() for each in HOSTILE]
    for number, text in enumerate(hostile, 1):
        halo.ticket(number, summary=text, user_name=text, agent_name=text, user_email=f"a@b\u202e{text}")
    halo.ticket(900, summary=["x"], user_name={"x": 1}, agent_name=7, user_email=None)
    calls = await desk.queue()
    assert len(calls) == len(hostile) + 1
    for call in calls:
        for text in (call.subject, call.requester, call.agent, call.requester_mail):
            assert text == one_line(text)
    assert (calls[-1].subject, calls[-1].requester, calls[-1].agent) == ("", "", "")


async def test_teams_come_bare_or_wrapped(halo: Halo, desk: HaloDesk) -> None:
    halo.wrapped = True
    assert keys(await desk.queue()) == ["4711"]


@pytest.mark.parametrize(
    ("teams", "said"),
    [
        ({1: "Service\nDesk\u202e", 3: "Network"}, "no team 'Wilson'; it shows: Network, Service Desk"),
        ({}, "it shows: none"),
        ({number: f"Team {number:02}" for number in range(1, 15)}, "Team 10 and 4 more"),
        ({2: "Wilson", 4: "WILSON"}, "2 teams that are called 'Wilson'"),
    ],
)
async def test_an_unknown_team_is_named(halo: Halo, desk: HaloDesk, teams: dict[int, str], said: str) -> None:
    halo.teams = teams
    with pytest.raises(Permanent, match=re.escape(said)):
        await desk.queue()
    assert "GET tickets" not in halo.asked
    _, finding = await desk.check()
    assert (finding.subject, finding.ok) == ("support queue", False)
    assert said in finding.text
    assert "Configuration → Teams & Agents → Teams" in finding.advice


@pytest.mark.parametrize("told", [None, "x", 5, {"id": True}, {"id": 0}, {"id": "4711/x"}, {"summary": "x"}])
async def test_a_queue_that_is_not_understood_is_not_taken_for_an_empty_one(
    halo: Halo, desk: HaloDesk, told: Any
) -> None:
    halo.strange = {"tickets": told if told is None else [told]}
    with pytest.raises(Temporary, match="calls of a queue"):
        await desk.queue()
    halo.strange = {"team": told if told is None else [told]}
    with pytest.raises((Temporary, Permanent), match="team"):
        await desk.queue()


QUEUE_FAULTS: dict[tuple[str | int, str], type[PortError] | None] = {
    ("drop before", ""): Temporary,
    ("slow", ""): Temporary,
    ("garbage", ""): Temporary,
    (500, ""): Temporary,
    (503, "20"): Temporary,
    (429, "30"): Temporary,
    (401, ""): None,
    (403, ""): Permanent,
    (404, ""): Permanent,
    (302, ""): Permanent,
}


@pytest.mark.parametrize("call", ["GET team", "GET tickets"])
@pytest.mark.parametrize(("kind", "header"), QUEUE_FAULTS, ids=lambda each: str(each).replace(" ", "_"))
async def test_a_failure_is_not_taken_for_an_empty_queue(
    halo: Halo, desk: HaloDesk, call: str, kind: str | int, header: str
) -> None:
    # The client itself repeats once where a connection was closed on it.
    times = 2 if kind == "drop before" else 1
    halo.faults = [Fault(call, kind, {"Retry-After": header} if header else {}, times)]
    if (expected := QUEUE_FAULTS[kind, header]) is not None:
        with pytest.raises(expected) as caught:
            await desk.queue()
        if kind == 429:
            assert isinstance(caught.value, Temporary)
            assert caught.value.retry_after == 30
    assert keys(await desk.queue()) == ["4711"]


async def test_a_refused_token_waits_for_a_person(halo: Halo, desk: HaloDesk) -> None:
    halo.faults = [Fault("GET tickets", 401, times=2)]
    with pytest.raises(Unauthorised, match=r"halo\.client_secret"):
        await desk.queue()
    assert keys(await desk.queue()) == ["4711"]


async def test_the_doctor_counts_the_calls_of_the_queue(halo: Halo, desk: HaloDesk) -> None:
    halo.ticket(5, team="Service Desk", team_id=1)
    whole, queue = await desk.check()
    assert (whole.ok, whole.text) == (True, "127.0.0.1 shows 2 calls")
    assert (queue.subject, queue.ok, queue.text) == ("support queue", True, "open calls of Wilson: 1")


async def test_the_doctor_says_that_the_queue_can_not_be_read(halo: Halo, desk: HaloDesk) -> None:
    halo.faults = [Fault("GET team", 403)]
    whole, queue = await desk.check()
    assert (whole.ok, queue.ok) == (True, False)
    assert "403" in queue.text
    assert "docs/halo.md" in queue.advice
