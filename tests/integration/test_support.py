"""Standard support procedures: begun by a form, ticked step by step, reminded of on their day, then closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.connector import TeamsMessenger
from bot.adapters.halo import HaloDesk, NoDesk
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import NoRota
from bot.adapters.unconfigured import NoGateway
from bot.case_clicks import CaseClicks
from bot.case_clock import CaseClock
from bot.case_lookup import Lookup
from bot.case_surroundings import CaseSurroundings
from bot.clicks import Clicks
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.places import Place, Shown
from bot.posting import Channels
from bot.surroundings import Surroundings
from cards.case_actions import encode_case
from models import cases as rows
from models import directory, queue, store
from models.directory import CASE
from models.domain import support
from models.domain.case_timeline import CaseVerb
from models.domain.cases import CaseState
from models.domain.working_hours import WorkingHours
from models.operations import cases
from models.ports.service_desk import ServiceDesk
from models.settings import Teams
from tests.integration.test_graph_people import directory_of
from tests.integration.test_halo import settings_of
from tests.support.access_world import ADA, BEN, Rooms
from tests.support.botframework import TENANT
from tests.support.graph_people import GraphDirectory
from tests.support.halo import Halo
from tests.support.handling import deliveries_of, speech_of
from tests.unit.cards.samples import PROCESS

DRIVE = {"procedure": "drive", "field_call": "4711", "field_crsids": "xyz98"}


class Team:
    """Those who help, with stand-ins for Teams, HALO and the directory."""

    def __init__(self, teams: Rooms, folder: Path, halo: Halo, people: GraphDirectory) -> None:
        self.teams, self.halo, self.folder = teams, halo, folder
        self.around = Surroundings(PROCESS, NoRota())
        self.desk: ServiceDesk = HaloDesk(settings_of(halo.url), lambda: datetime.now(UTC))
        self.people = directory_of(people.url, lambda: datetime.now(UTC))
        self.messenger = TeamsMessenger(Teams(auth="disabled"))
        self.cases = CaseSurroundings(self.around, NoGateway())
        tracker = LocalTracker(folder, "iam/admin", lambda: datetime.now(UTC))
        unhurried = iter(range(0, 10**9, 60)).__next__
        deliveries = deliveries_of(
            self.messenger, tracker, self.around, Channels("Devs", "Gateway"), Pacer(unhurried),
            desk=self.desk, people=self.people,
        )  # fmt: skip
        self.outbox = Outbox(deliveries.deliver, deliveries.prepare)
        self.number = 0

    @property
    def clicks(self) -> Clicks:
        return Clicks(self.around, CaseClicks(self.cases, self.desk), lambda: None)

    def place(self, case: int = 0, thread: Any = None) -> Place:
        self.number += 1
        where = thread.conversation_id if thread else "19:devs@thread.tacv2"
        message = thread.activity_id if thread else ""
        return Place(f"i{self.number}", where, message, "c", self.teams.url, TENANT, self.number)

    async def begins(self, by: Any = ADA, **given: str) -> Shown:
        return await self.clicks.press(
            encode_case("support_begin", once=f"o{self.number}", **given), by, self.place()
        )

    async def ticks(self, *steps: str, by: Any = ADA, case: int = 1) -> Shown:
        (card, *_) = await directory.cards_of(CASE, case)
        data = encode_case("case_steps", case=case, text="", **{f"step_{each}": "true" for each in steps})
        return await self.clicks.press(data, by, self.place(case, card.thread))

    async def delivered(self) -> None:
        for _ in range(40):
            await self.outbox.drain()
            waiting = [item for item in await queue.waiting() if item.state != "parked"]
            if not waiting:
                return
            await asyncio.sleep(0.01)
            await queue.hasten([item.kind for item in waiting], store.now_ms())
        raise AssertionError([(item.kind, item.error) for item in await queue.waiting()])

    def said(self) -> str:
        return json.dumps([body for _, _, body, _ in self.teams.asked], ensure_ascii=False)

    def clock(self) -> CaseClock:
        return CaseClock(self.cases, Lookup(NoGateway(), self.desk, self.people), 300, lambda: None)


@pytest.fixture
async def team(tmp_path: Path, connected: str) -> AsyncIterator[Team]:
    people, halo = GraphDirectory(), Halo()
    people.person("sam@example.ac.uk", "sam@example.ac.uk", displayName="Sam Smith")
    people.group("User Administration")
    halo.ticket(4711, summary="Files of a leaver", user_name="Sam Smith", user_email="sam@example.ac.uk")
    async with Rooms().running() as teams, halo.running(), people.running():
        await directory.remember_people([ADA, BEN])
        made = Team(teams, tmp_path / "issues", halo, people)
        await made.around.refresh()
        await directory.remember_installation("19:team", TENANT, teams.url, "Wilson")
        await made.outbox.drain()
        yield made
        for each in (made.desk, made.people, made.messenger):
            await each.close()


ALWAYS = WorkingHours(frozenset(range(7)), time(0), time(23, 59))


async def day_of_removal() -> datetime | None:
    procedure = PROCESS.procedures.of("drive")
    assert procedure is not None
    return support.due_on(await cases.load(1), procedure.steps[3], procedure)


async def verbs(case: int = 1) -> list[CaseVerb]:
    return [entry.verb for entry in await rows.timeline(case)]


async def test_the_drive_procedure_from_the_form_to_the_end_two_weeks_later(team: Team) -> None:
    await team.begins(**DRIVE)
    await team.delivered()
    case = await cases.load(1)
    assert case.call is not None
    assert (case.owner, case.call.subject, case.call.requester) == (ADA, "Files of a leaver", "Sam Smith")
    assert (await directory.cards_of(CASE, 1))[0].thread.conversation_id.startswith("19:devs")
    await team.ticks("assigned", "restored")
    assert await day_of_removal() is None
    await team.ticks("told")
    due = await day_of_removal()
    assert due is not None
    assert timedelta(days=13) < due - datetime.now(UTC) <= timedelta(days=14)
    team.around.process = replace(PROCESS, hours=ALWAYS)
    clocks = [team.clock(), team.clock()]  # as after a restart, and with two replicas
    for later in (timedelta(days=-1), timedelta(minutes=1), timedelta(minutes=2), timedelta(hours=23)):
        await asyncio.gather(*(clock.remind(due + later) for clock in clocks))
    assert (await verbs()).count(CaseVerb.DUE) == 1
    await asyncio.gather(*(clock.remind(due + timedelta(days=1, hours=1)) for clock in clocks))
    assert (await verbs()).count(CaseVerb.DUE) == 2
    await team.delivered()
    assert "This is due now: Remove the permissions again" in team.said()
    await team.ticks("removed", by=BEN)
    await team.ticks("closed", by=BEN)
    await team.delivered()
    assert (await cases.load(1)).state is CaseState.DONE
    (file,) = (team.folder / "issues").glob("*.md")
    issue = file.read_text()
    for part in ('state: "closed"', "issuetype::Support", "team::Identity", "xyz98", "4711"):
        assert part in issue
    (note,) = team.halo.actions
    assert note["ticket_id"] == 4711
    assert "All steps are done" in note["note_html"]
    await team.clock().remind(due + timedelta(days=99))
    assert (await verbs()).count(CaseVerb.DUE) == 2


async def test_a_reminder_that_waited_until_its_step_was_done_is_not_told(team: Team) -> None:
    await team.begins(**DRIVE)
    await team.delivered()
    await team.ticks("assigned", "restored", "told")
    await team.delivered()
    team.around.process = replace(PROCESS, hours=ALWAYS)
    await team.clock().remind(datetime.now(UTC) + timedelta(days=15))
    await team.ticks("removed")
    await team.delivered()
    assert (await verbs()).count(CaseVerb.DUE) == 1
    assert "This is due now" not in team.said()


async def test_what_is_missing_or_wrong_in_the_form_is_said_and_kept(team: Team) -> None:
    shown = await team.begins(procedure="drive", field_call="call 4711", field_crsids="")
    text = json.dumps(shown.card, ensure_ascii=False)
    assert "CRSId(s) of the users who left” is missing" in text
    assert "no number or address of a support call" in text
    assert '"value": "call 4711"' in text
    shown = await team.begins(procedure="admins", field_call="4711", field_crsids="x", field_change="destroy")
    assert "none of add, remove" in json.dumps(shown.card, ensure_ascii=False)
    assert (await team.begins(procedure="nothing", field_call="1")).text
    assert await rows.unfinished() == []


async def test_the_same_form_sent_twice_begins_once(team: Team) -> None:
    data = encode_case("support_begin", once="same", **DRIVE)
    for _ in range(3):
        await team.clicks.press(data, ADA, team.place())
    assert len(await rows.unfinished()) == 1


async def test_who_may_ask_is_shown_and_whom_to_reach_where_they_may_not(team: Team) -> None:
    await team.begins(procedure="admins", field_call="4711", field_crsids="abc1", field_change="add")
    await team.delivered()
    case = await cases.load(1)
    assert case.call is not None
    assert (case.call.known, case.call.known_how) == (False, "the directory: Sam Smith, not in User Administration")
    assert "Michelle Hollins" in team.said()


async def test_without_a_desk_a_link_is_enough(team: Team) -> None:
    await team.desk.close()
    team.desk = NoDesk()
    await team.begins(**DRIVE | {"field_call": "https://halo.example.ac.uk/tickets?id=99"})
    case = await cases.load(1)
    assert case.call is not None
    assert (case.call.key, case.call.url) == ("99", "https://halo.example.ac.uk/tickets?id=99")


async def test_a_step_can_be_ticked_by_a_command_and_by_two_at_once_counts_once(team: Team) -> None:
    await team.begins(**DRIVE)
    await team.delivered()
    await asyncio.gather(*(team.ticks("assigned", by=who) for who in (ADA, BEN) * 3))
    assert len((await cases.load(1)).ticks) == 1
    (card,) = await directory.cards_of(CASE, 1)
    speech = speech_of(team.around)
    await speech.say("done restored all of them", [], BEN, team.place(1, card.thread))
    await speech.say("done nonsense", [], BEN, team.place(1, card.thread))
    await speech.say("support", [], BEN, team.place())
    await speech.say("support admins", [], BEN, team.place())
    await speech.say("support dance", [], BEN, team.place())
    await team.delivered()
    case = await cases.load(1)
    assert [(tick.step, tick.note) for tick in case.ticks][1] == ("restored", "all of them")
    for part in ("Say what is done", "1 under way", "What is asked for?", "Which procedure?"):
        assert part in team.said()
