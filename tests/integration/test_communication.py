"""Hand-off, third parties, and updates for stakeholders, which a person confirms."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.status_updates import StatusUpdates
from models import store
from models.directory import INCIDENT
from models.domain.communication_rules import Communication, Vendor
from models.domain.decisions import Refusal
from models.domain.process import Option
from models.domain.requests import AddVendor, Assess, Claim, Decide, MarkPrivate, NoUpdates, Resolve, SendUpdate
from models.domain.resolving import ResolveAnswers
from models.domain.timeline import Verb
from models.operations import incidents
from tests.integration.test_private import House, house, private, security

OVER = ResolveAnswers(True, "a log ran full", rolled_back=False, none_reason="nothing is left")
__all__ = ["house", "private", "security"]
pytestmark = pytest.mark.usefixtures("connected")
HOUR = timedelta(hours=1)
NEWS = "19:news@thread.tacv2"


async def urgent(house: House) -> None:
    rules = Communication(
        major_incident_contact="the Service Desk",
        major_incident_url="https://mim.example/",
        channel=NEWS,
        update_after=(("urgent", HOUR),),
    )
    vendors = (Vendor("Big Cloud", "Raise a case.", "Ring them."),)
    house.around.process = replace(house.around.process, communication=rules, vendors=vendors)
    await house.fires("Login is slow")
    await house.asks(Claim())
    await house.asks(Assess({}, "urgent", "everyone is out"))


async def look(house: House, at: datetime) -> int:
    before = len(house.teams.replies)
    await StatusUpdates(house.around, lambda: None).look(at)
    await house.outbox.drain()
    return len(house.teams.replies) - before


async def test_the_hand_off_has_the_facts_and_where_they_go(house: House) -> None:
    await urgent(house)
    await house.asks(Decide("major_incident", "Ada, Ben"))
    await house.say(INCIDENT, "note action: restarted the gateway")
    told = await house.say(INCIDENT, "handoff")
    for word in (
        "the Service Desk",
        "https://mim.example/",
        "Login is slow",
        "Ada Example",
        "restarted the gateway",
    ):
        assert word in told
    assert "everyone is out" in told


async def test_a_third_partys_ticket_is_kept_and_shown(house: House) -> None:
    await urgent(house)
    assert "Raise a case" in await house.say(INCIDENT, "vendor")
    assert "Say whose ticket" in await house.say(INCIDENT, "vendor Elsewhere")
    await house.say(INCIDENT, "vendor big cloud CASE 77 https://cloud.example/77")
    await house.say(INCIDENT, "vendor Big Cloud CASE 77 ")
    (call,) = (await incidents.load(1)).vendors
    assert (call.name, call.ref, call.url) == ("Big Cloud", "CASE 77", "https://cloud.example/77")
    assert "Big Cloud CASE 77" in house.teams.seen("19:devs")
    issue = await house.tracker.get((await incidents.load(1)).issue_key)
    assert any("CASE 77" in note.body for note in issue.notes)


async def test_a_ticket_without_news_is_chased_once_an_interval_until_the_incident_ends(house: House) -> None:
    await urgent(house)
    rules = replace(house.around.process.communication, update_after=(), chase_after=4 * HOUR)
    house.around.process = replace(house.around.process, communication=rules)
    await house.say(INCIDENT, "vendor Big Cloud CASE 77")
    await house.asks(AddVendor("Elsewhere", "12"))
    await house.say(INCIDENT, "vendor Elsewhere 12 closed")
    begun = datetime.now(UTC)
    asked = []
    for minutes in range(0, 60 * 13, 30):
        pair = [StatusUpdates(house.around, lambda: None) for _ in range(2)]  # restarted each time, and two of them
        before = len(house.teams.replies)
        await asyncio.gather(*(each.look(begun + timedelta(minutes=minutes)) for each in pair))
        await house.outbox.drain()
        asked += [(minutes / 60, message) for _, message in house.teams.replies[before:]]
    assert [hours for hours, _ in asked] == [4, 8, 12]
    assert "about the ticket CASE 77 with Big Cloud for 4 hours" in asked[0][1].text
    assert "Ring them." in asked[0][1].text
    assert [each.name for each in asked[0][1].mentions] == ["Ada Example"]
    await house.asks(Decide("internal", "Ada"))
    await house.asks(Resolve(OVER))
    assert await look(house, begun + timedelta(days=2)) == 0


async def test_a_chase_that_waited_until_the_incident_ended_is_not_told(house: House) -> None:
    await urgent(house)
    await house.asks(Decide("internal", "Ada"))
    rules = replace(house.around.process.communication, update_after=(), chase_after=HOUR)
    house.around.process = replace(house.around.process, communication=rules)
    await house.asks(AddVendor("Big Cloud", "77"))
    await house.outbox.drain()
    before = len(house.teams.replies)
    await StatusUpdates(house.around, lambda: None).look(datetime.now(UTC) + HOUR)
    await house.asks(Resolve(OVER))
    await house.outbox.drain()
    assert not any("Nothing was heard" in message.text for _, message in house.teams.replies[before:])
    assert sum(entry.verb is Verb.REMINDED for entry in await store.timeline(1)) == 1


async def test_an_update_is_asked_for_once_a_period_by_any_number_of_replicas(house: House) -> None:
    await urgent(house)
    now = datetime.now(UTC)
    assert await look(house, now + HOUR / 2) == 0
    several = [StatusUpdates(house.around, lambda: None).look(now + HOUR) for _ in range(4)]
    before = len(house.teams.replies)
    await asyncio.gather(*several)
    await house.outbox.drain()
    assert len(house.teams.replies) == before + 1
    assert "Confirm and send" in json.dumps(house.teams.replies[-1][1].card)
    assert await look(house, now + HOUR * 1.5) == 0
    assert await look(house, now + HOUR * 2.1) == 1
    await house.asks(NoUpdates())
    assert await look(house, now + HOUR * 9) == 0


async def test_outside_working_hours_nobody_is_asked_about_what_is_not_urgent(house: House) -> None:
    await urgent(house)
    await house.asks(Assess({}, "resolve_internally", "few"))
    rules = replace(house.around.process.communication, update_after=(("resolve_internally", HOUR),))
    house.around.process = replace(house.around.process, communication=rules)
    monday = (datetime.now(UTC) + timedelta(days=7 - datetime.now(UTC).weekday())).replace(hour=3, minute=0)
    assert await look(house, monday) == 0
    assert await look(house, monday.replace(hour=12)) == 1


async def test_what_was_decided_about_stakeholders_asks_at_once_or_no_more(house: House) -> None:
    await urgent(house)
    now, never = (Option(each, each, each) for each in ("now", "never"))
    house.around.process = replace(house.around.process, decision_options=(now, never))
    replies = len(house.teams.replies)
    await house.asks(Decide("now", "Ada"))
    asked = [message for _, message in house.teams.replies[replies:] if message.card]
    assert "Confirm and send" in json.dumps([each.card for each in asked])
    assert len(asked) == 1
    begun = datetime.now(UTC)
    assert await look(house, begun + HOUR / 2) == 0
    assert await look(house, begun + HOUR * 1.1) == 1
    await house.asks(Decide("never", "Ada, Ben"))
    assert await look(house, begun + HOUR * 9) == 0


async def test_nothing_goes_out_before_it_is_confirmed_and_then_once(house: House) -> None:
    await urgent(house)
    await house.say(INCIDENT, "update")
    assert NEWS not in json.dumps(list(house.teams.shows))
    values = {"headline": "Login is slow", "text": "We are on it.", "stage": "identified"}
    for _ in range(2):
        await house.press(INCIDENT, "update", once="form1", **values)
    posted = [message.text for thread, message in house.teams.shows.items() if thread.startswith(NEWS)]
    assert len(posted) == 1
    assert "We are on it." in posted[0]
    assert len((await incidents.load(1)).updates) == 1
    issue = await house.tracker.get((await incidents.load(1)).issue_key)
    assert any("We are on it" in note.body for note in issue.notes)


async def test_nothing_of_a_private_one_is_told(house: House) -> None:
    await urgent(house)
    await house.asks(MarkPrivate())
    done = await house.asks(SendUpdate("a", "b", "identified"))
    assert isinstance(done.refusal, Refusal)
    assert await look(house, datetime.now(UTC) + HOUR * 2) == 0


async def test_the_end_is_asked_for_once_where_the_beginning_was_told(house: House) -> None:
    await urgent(house)
    await house.asks(SendUpdate("Login is slow", "We are on it.", "identified"))
    await house.asks(Decide("internal", "Ada"))
    await house.asks(Resolve(OVER))
    later = datetime.now(UTC) + HOUR
    assert await look(house, later) == 1
    assert "is over" in json.dumps(house.teams.replies[-1][1].card)
    assert await look(house, later + HOUR) == 0


async def test_the_hand_off_is_shown_by_its_button_to_be_copied(house: House) -> None:
    await urgent(house)
    shown = json.dumps((await house.press(INCIDENT, "handoff")).card)
    for word in (
        "the Service Desk",
        "https://mim.example/",
        "decision is not recorded",
        "# Incident 1: Login is slow",
    ):
        assert word in shown
