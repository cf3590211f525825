"""Support calls: from the queue or a person, judged, answered or passed on, closed or gone on (W78-W100)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from bot.adapters.halo import HaloDesk
from bot.adapters.unconfigured import NoGateway
from bot.case_clock import CaseClock
from bot.case_lookup import Lookup
from bot.places import Shown
from cards.case_actions import encode_case
from models import cases as rows
from models import directory, queue
from models.directory import CASE
from models.domain.case_effects import DeclareFromCall
from models.domain.case_timeline import CaseVerb
from models.domain.cases import Case, CaseState
from models.domain.effects import Tell
from models.domain.requests import MarkPrivate
from models.operations import calls, cases, incidents
from tests.integration.test_halo import settings_of
from tests.integration.test_support import ALWAYS, Team, team, verbs
from tests.support.access_world import ADA, BEN
from tests.support.handling import speech_of
from tests.unit.cards.samples import PROCESS

__all__ = ["team"]


async def brought(team: Team, call: str = "4711") -> Case:
    await speech_of(team.around).say(f"support call {call}", [], ADA, team.place())
    await team.delivered()
    return (await rows.unfinished())[-1]


async def press(team: Team, case: int, verb: str, by: Any = ADA, **given: str) -> Shown:
    (card, *_) = await directory.cards_of(CASE, case)
    data = encode_case(verb, case=case, once=f"c{team.number}", **given)
    return await team.clicks.press(data, by, team.place(case, card.thread))


async def say(team: Team, case: int, text: str, by: Any = ADA) -> None:
    (card, *_) = await directory.cards_of(CASE, case)
    await speech_of(team.around).say(text, [], by, team.place(case, card.thread))


@asynccontextmanager
async def reading(team: Team, **settings: Any) -> AsyncIterator[list[CaseClock]]:
    """Run two replicas that read the queue."""
    desk = HaloDesk(settings_of(team.halo.url, **settings), lambda: datetime.now(UTC))
    lookup = Lookup(NoGateway(), desk, team.people)
    yield [CaseClock(team.cases, lookup, 300, lambda: None) for _ in range(2)]
    await desk.close()


async def test_a_brought_call_is_looked_up_judged_answered_and_closed(team: Team) -> None:
    case = await brought(team)
    assert case.call is not None
    assert (case.title, case.call.requester, case.owner) == ("Files of a leaver", "Sam Smith", None)
    await press(team, case.id, "call_judge", outcome="information")
    await press(team, case.id, "call_replied")
    assert (await cases.load(case.id)).state is CaseState.ASKED
    await press(team, case.id, "call_end", BEN, ending="confirmed", text="")
    await team.delivered()
    ended = await cases.load(case.id)
    assert (ended.state, ended.reason) == (CaseState.DONE, "The user confirms that it is resolved")
    notes = [each["note_html"] for each in team.halo.actions]
    assert len(notes) == 2
    assert "judged this call: Request for information" in notes[1]
    assert "closed this: The user confirms that it is resolved" in notes[0]
    assert not list((team.folder / "issues").glob("*.md"))


async def test_a_call_that_is_brought_twice_is_one(team: Team) -> None:
    await asyncio.gather(*(brought(team) for _ in range(2)))
    assert len(await rows.unfinished()) == 1


async def test_the_queue_is_read_once_for_each_call_also_by_two_replicas(team: Team) -> None:
    team.halo.ticket(5000, summary="How do I get a token?", user_name="Kim Example", team="Wilson")
    for other in (4711, 5001):
        team.halo.ticket(other, summary="A printer", team="Printing", team_id=3)
    async with reading(team, queue="Wilson") as clocks:
        for _ in range(3):
            await asyncio.gather(*(clock.read_queue() for clock in clocks))
    await team.delivered()
    assert [each.title for each in await rows.unfinished()] == ["How do I get a token?"]
    await press(team, 1, "call_judge", outcome="not_devops", text="it is the help desk's")
    async with reading(team, queue="Wilson") as clocks:
        await asyncio.gather(*(clock.read_queue() for clock in clocks))
    await team.delivered()
    assert await rows.unfinished() == []
    assert len(await directory.cards_of(CASE, 1)) == 1
    assert "it is the help desk" in team.halo.actions[0]["note_html"]


async def test_a_bug_becomes_an_incident_once_however_often_it_is_tried(team: Team) -> None:
    case = await brought(team)
    await press(team, case.id, "call_judge", outcome="bug", text="since this morning")
    (item,) = [each for each in await queue.waiting() if isinstance(each.effect, DeclareFromCall)]
    process, setting = team.around.process, team.cases.setting
    await calls.declare(await cases.load(case.id), ADA, process, setting, once=f"call:{item.uid}")
    await team.delivered()
    (incident,) = await incidents.unfinished()
    assert (incident.title, incident.declared_by) == ("Files of a leaver", ADA)
    assert "Support call 4711 of Sam Smith" in str(incident.summary)
    ended = await cases.load(case.id)
    assert (ended.state, ended.incident) == (CaseState.DONE, incident.id)


async def test_a_procedure_that_is_begun_for_a_call_takes_it_on(team: Team) -> None:
    case = await brought(team)
    shown = await press(team, case.id, "call_procedure", procedure="drive")
    assert '"value": "4711"' in json.dumps(shown.card)
    await press(team, case.id, "support_begin", procedure="drive", field_call="4711", field_crsids="xyz98")
    await team.delivered()
    ended, begun = await cases.load(case.id), await cases.load(case.id + 1)
    assert (ended.state, begun.procedure, begun.state) == (CaseState.DONE, "drive", CaseState.OPEN)
    assert "made this a standard procedure (number 2)" in team.said()


async def test_who_knows_takes_it_by_a_command(team: Team) -> None:
    case = await brought(team)
    await say(team, case.id, "triage ask who knows tokens?")
    await say(team, case.id, "take", BEN)
    await say(team, case.id, "nonsense")
    await say(team, case.id, "status")
    await say(team, case.id, "help")
    await team.delivered()
    assert (await cases.load(case.id)).owner == BEN
    said = team.said()
    for part in ("asks the team: who knows tokens?", "I don't know", f"{BEN.name} has it", "`triage information`"):
        assert part in said


async def test_an_untaken_call_is_reminded_of_and_a_silent_user_after_ten_days(team: Team) -> None:
    case = await brought(team)
    team.around.process = replace(PROCESS, hours=ALWAYS)
    clocks = [team.clock(), team.clock()]
    begun = case.opened_at
    for later in (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=3)):
        await asyncio.gather(*(clock.remind(begun + later) for clock in clocks))
    assert (await verbs(case.id)).count(CaseVerb.REMINDED) == 1
    await press(team, case.id, "case_take")
    await press(team, case.id, "call_replied")
    replied = (await cases.load(case.id)).waiting_since
    assert replied is not None
    for days in (9, 10.01, 10.2, 11, 17.2, 30):
        await asyncio.gather(*(clock.remind(replied + timedelta(days=days)) for clock in clocks))
    assert (await verbs(case.id)).count(CaseVerb.DUE) == 2
    await team.delivered()
    assert "This is due now: close it, or write again: the user has not replied for 10 days" in team.said()


async def test_a_queue_that_can_t_be_read_is_told_of(team: Team) -> None:
    async with reading(team, queue="Wilson", client_secret=SecretStr("wrong")) as (clock, _):
        running = asyncio.create_task(clock.run())
        try:
            async with asyncio.timeout(20):
                while not (
                    told := [each.effect for each in await queue.waiting() if isinstance(each.effect, Tell)]
                ):
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert "service desk's queue can't be looked at" in told[0].text.replace("\\", "")


async def test_the_calls_of_the_month_are_counted_together(team: Team) -> None:
    case = await brought(team)
    await press(team, case.id, "call_judge", outcome="not_devops", text="it is Finance's")
    await speech_of(team.around).say("support", [], ADA, team.place())
    await team.delivered()
    assert "Support calls of the last 30 days: Not for DevOps 1." in team.said()


async def test_a_call_whose_incident_is_one_of_security_keeps_no_text(team: Team) -> None:
    case = await brought(team)
    await press(team, case.id, "call_judge", outcome="bug", text="the keys are on a public page")
    await team.delivered()
    (incident,) = await incidents.unfinished()
    await incidents.act(incident, MarkPrivate(""), ADA, PROCESS)
    await team.delivered()
    held = await cases.load(case.id)
    assert (held.title, held.outcome_note) == ("Support call 4711", "")
    shown = [body for method, _, body, _ in team.teams.asked if method == "PUT"]
    card = json.dumps([each for each in shown if "Support call 1" in json.dumps(each)][-1])
    assert "Files of a leaver" not in card
    assert "Sam Smith" not in card
