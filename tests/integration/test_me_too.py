"""Who sees it, too: counted once each on the card, in story and report; the thread hears of the first (T40)."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.command_types import Act, Chatter
from bot.commands import parse
from cards.actions import encode
from cards.buttons import presses
from cards.incident import incident_card
from cards.lists import status_text
from cards.report import report_csv
from cards.story import story
from models import directory, reporting, store
from models.directory import INCIDENT
from models.domain.incident_parts import Privacy
from models.domain.people import Person
from models.domain.requests import Assess, Claim, Merge, MeToo, Resolve
from models.operations import incidents
from tests.integration.test_gitlab_hearing import raised
from tests.integration.test_gitlab_outbox import ADA, MEGAN, OVER, Team, team
from tests.integration.test_post_mortem import place, says
from tests.support.gitlab_contract import needs_contracts
from tests.support.handling import clicks_of

__all__ = ["team"]
pytestmark = needs_contracts
CYD, DAN = (Person(f"aad-{name}", f"{name.capitalize()} Example", f"29:{name}") for name in ("cyd", "dan"))


def said(team: Team) -> list[str]:
    return [str(body.get("text")) for _, _, body, _ in team.teams.asked if body]


def told(team: Team) -> list[str]:
    return [each for each in said(team) if "sees this, too" in each]


async def test_each_person_counts_once_and_the_thread_hears_of_the_first(team: Team) -> None:
    await raised(team)
    press = clicks_of(team.around).press
    for number, who in enumerate((CYD, CYD, MEGAN, DAN, CYD)):
        shown = await press(encode("me_too"), who, await place(team, str(number)))
        assert shown.card is not None
    assert "You are counted already" in str(shown.card)
    await team.delivered()
    incident = await incidents.load(1)
    assert [each.name for each in incident.affected] == [CYD.name, MEGAN.name, DAN.name]
    assert told(team) == [f"{CYD.name} sees this, too."]
    card = str(incident_card(team.around.view(incident), now=datetime.now(UTC)))
    assert f"3 people see it, too: {CYD.name}, {MEGAN.name}, {DAN.name}" in card
    timeline = await store.timeline(1)
    assert [entry.actor for entry in timeline if entry.verb == "me_too"] == [CYD, MEGAN, DAN]
    assert "- **Affected:** 3 people see it, too" in story(incident, timeline, team.process)
    assert "3 people see it, too" in status_text(team.around.view(incident), datetime.now(UTC))
    notes = [note.body for note in team.server.issues[0].notes if "sees this, too" in note.body]
    assert len(notes) == 1


async def test_two_at_once_are_both_counted(team: Team) -> None:
    await raised(team)
    press = clicks_of(team.around).press
    places = [await place(team, str(number)) for number in range(4)]
    people = (CYD, DAN, CYD, DAN)
    await asyncio.gather(*(press(encode("me_too"), who, each) for who, each in zip(people, places, strict=True)))
    await team.delivered()
    assert {each.name for each in (await incidents.load(1)).affected} == {CYD.name, DAN.name}
    assert len(told(team)) == 1


async def test_what_somebody_adds_goes_into_the_issue(team: Team) -> None:
    await raised(team)
    await team.asks(MeToo(), CYD)
    await says(team, "1", "me too: in Leeds, @all")
    (added,) = [note.body for note in team.server.issues[0].notes if "2 people so far" in note.body]
    assert "in Leeds" in added
    assert len(told(team)) == 1


async def test_what_was_said_of_a_candidate_is_in_its_issue(team: Team) -> None:
    await team.fires()
    await team.asks(MeToo(), CYD)
    await team.asks(MeToo("in Leeds #1"), DAN)
    await team.asks(Claim())
    await team.delivered()
    (issue,) = team.server.issues
    assert "2 people see it, too" in issue.description
    assert f"{DAN.name} sees this, too (2 people so far): in Leeds" in issue.description.replace("\\", "")
    assert f"{CYD.name} sees this, too." not in issue.description


async def test_the_command_counts_only_where_wilson_was_meant(team: Team) -> None:
    for text in ("me too", "Me-too", "me too!"):
        assert parse(text, (), team.process, in_thread=True) == Act(MeToo())
    assert parse("me too", (), team.process, in_thread=True, addressed=False) == Chatter()


async def test_who_declared_it_is_counted_by_that(team: Team) -> None:
    done = await incidents.declare_incident("Login is slow", "", CYD, team.process)
    assert not isinstance(done, incidents.Refusal)
    again = await incidents.act(done.incident, MeToo(), CYD, team.process)
    assert again.notice == "You declared it: you are counted already."
    assert again.incident.affected == ()
    titles = [press.title for press in presses(team.around.view(done.incident, CYD))[1]]
    assert "Me too" not in titles
    assert "Me too" in [press.title for press in presses(team.around.view(done.incident, DAN))[1]]


async def test_merging_counts_nobody_twice(team: Team) -> None:
    await raised(team)
    other = await incidents.declare_incident("Login is slow", "", CYD, team.process)
    assert not isinstance(other, incidents.Refusal)
    await team.asks(MeToo(), DAN)
    await team.asks(MeToo(), CYD)
    for who in (DAN, MEGAN):
        await incidents.act(await incidents.load(2), MeToo(), who, team.process)
    await incidents.act(await incidents.load(1), Merge(2), ADA, team.process)
    assert {each.name for each in (await incidents.load(2)).affected} == {DAN.name, MEGAN.name}


async def test_the_report_has_the_count_and_nobody_is_thanked_for_being_struck(team: Team) -> None:
    await raised(team)
    await team.asks(MeToo(), CYD)
    await team.asks(Assess({"users": 50, "critical": False, "workaround": False, "self_resolved": False}), MEGAN)
    await team.asks(Resolve(OVER))
    await team.delivered()
    assert await directory.cards_of(INCIDENT, 1)
    (thanks,) = [each for each in said(team) if "Thanks to" in each]
    assert MEGAN.name in thanks
    assert CYD.name not in thanks
    today = datetime.now(team.around.zone).date()
    days = (today - timedelta(days=1), today + timedelta(days=1))
    made = await reporting.report(*days, team.process, team.around.zone, datetime.now(UTC))
    (row,) = csv.DictReader(io.StringIO(report_csv(made)))
    assert row["affected"] == "1"
    hidden = replace(made.lines[0].incident, privacy=Privacy(ADA, datetime.now(UTC)))
    withheld = replace(made, lines=(replace(made.lines[0], incident=hidden),))
    (row,) = csv.DictReader(io.StringIO(report_csv(withheld)))
    assert row["affected"] == ""
