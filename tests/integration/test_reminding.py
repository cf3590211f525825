"""Reminders of incidents: once each, also with two replicas; many at once are one message."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.reminding import MOST, Reminding
from models import directory, queue, store
from models.domain.decisions import Decision
from models.domain.effects import Tell
from models.domain.incident_effects import Announce
from models.domain.known_issues import KnownIssue
from models.domain.people import Person
from models.domain.reminders import holds
from models.domain.requests import AddNote, Assess, Claim, Park
from models.domain.timeline import Entry, Verb
from models.domain.working_hours import WorkingHours
from models.operations import incidents
from tests.integration.test_outbox import House, house
from tests.unit.cards.samples import PROCESS
from tests.unit.domain.samples import INTERNAL

__all__ = ["house"]
ADA = Person("aad-ada", "Ada", "29:ada")
ALWAYS = WorkingHours(frozenset(range(7)), PROCESS.hours.start.replace(0, 0), PROCESS.hours.end.replace(23, 59))


def replicas(house: House, count: int = 2) -> list[Reminding]:
    house.around.process = replace(PROCESS, hours=ALWAYS)
    return [Reminding(house.around, ZoneInfo("UTC"), lambda: None) for _ in range(count)]


async def look(some: list[Reminding], after: timedelta) -> None:
    await asyncio.gather(*(each.look(datetime.now(UTC) + after) for each in some))


async def reminded(incident_id: int = 1) -> int:
    return sum(entry.verb is Verb.REMINDED for entry in await store.timeline(incident_id))


def told(effects: list[object]) -> int:
    return sum(isinstance(each, Announce) and each.entry.verb is Verb.REMINDED for each in effects)


async def test_two_replicas_remind_once_each_time(house: House) -> None:
    await house.fires("a")
    both = replicas(house)
    for minutes in (1, 16, 17, 61, 62, 241, 1000):
        await look(both, timedelta(minutes=minutes))
    assert await reminded() == 3
    assert told([item.effect for item in await queue.waiting()]) == 3


async def test_what_somebody_took_meanwhile_is_not_reminded_of(house: House) -> None:
    await house.fires("a")
    both = replicas(house)
    await look(both, timedelta(minutes=16))
    await incidents.act(await incidents.load(1), Claim(), ADA, PROCESS)
    await incidents.act(await incidents.load(1), Assess(INTERNAL), ADA, PROCESS)
    await look(both, timedelta(minutes=200))
    assert await reminded() == 1
    await look(both, timedelta(minutes=250))  # and then nobody notes anything for four hours
    assert await reminded() == 2
    await incidents.act(await incidents.load(1), AddNote("looked"), ADA, PROCESS)
    await look(both, timedelta(minutes=200))
    assert await reminded() == 2


async def test_that_it_struck_somebody_too_is_no_news_of_it(house: House) -> None:
    await house.fires("a")
    both = replicas(house)
    await incidents.act(await incidents.load(1), Claim(), ADA, PROCESS)
    done = await incidents.act(await incidents.load(1), Assess(INTERNAL), ADA, PROCESS)
    later = Entry(datetime.now(UTC) + timedelta(minutes=200), Verb.ME_TOO, ADA, {"count": 1})
    await store.commit([(done.incident, Decision(done.incident, (later,)))])
    await look(both, timedelta(minutes=250))
    assert await reminded() == 1
    timeline = await store.timeline(1)
    again = replace(later, at=timeline[-1].at + timedelta(minutes=1))
    assert holds(done.incident, timeline[-1], PROCESS, [*timeline, again])
    assert not holds(done.incident, timeline[-1], PROCESS, [*timeline, replace(again, verb=Verb.NOTED)])


@pytest.mark.parametrize(("count", "alone"), [(3, 3), (4, 0), (30, 0)])
async def test_many_at_once_are_one_message(house: House, count: int, alone: int) -> None:
    await house.fires(*(f"a{n}" for n in range(count)))
    both = replicas(house)
    await look(both, timedelta(minutes=16))
    effects = [item.effect for item in await queue.waiting()]
    assert told(effects) == alone
    digests = [each for each in effects if isinstance(each, Tell)]
    assert len(digests) == (0 if alone else 1)
    assert sum([await reminded(n + 1) for n in range(count)]) == count
    if digests:
        assert "These wait for somebody" in digests[0].text


async def test_a_reminder_that_waited_until_somebody_took_it_is_not_told(house: House) -> None:
    await house.fires("a", "b")
    await house.outbox.drain()
    await look(replicas(house), timedelta(minutes=16))
    await incidents.act(await incidents.load(1), Claim(), ADA, PROCESS)
    await house.outbox.drain()
    said = [body["text"] for method, _, body, _ in house.teams.asked if method == "POST" and "text" in body]
    assert sum("Nobody has judged this" in text for text in said) == 1  # of the second one


async def test_a_digest_calls_whoever_each_of_them_is_for(house: House) -> None:
    lea = Person("aad-lea", "Lea", "29:lea")
    await directory.remember_people([ADA, lea])
    await house.around.refresh()
    await house.fires(*(f"a{n}" for n in range(4)))
    both = replicas(house)
    rules = replace(PROCESS.reminders, lead="Lea")
    house.around.process = replace(house.around.process, reminders=rules)
    for minutes in (16, 61, 241):
        await look(both, timedelta(minutes=minutes))
    digests = [item.effect for item in await queue.waiting() if isinstance(item.effect, Tell)]
    assert [each.mentions for each in digests] == [(), house.around.team, (lea,)]  # nobody is on call
    assert digests[2].text.endswith("<at>Lea</at>")


async def test_an_owner_who_does_not_say_how_urgent_it_is_is_reminded(house: House) -> None:
    await house.fires("a")
    both = replicas(house)
    await incidents.act(await incidents.load(1), Claim(), ADA, PROCESS)
    for minutes in (59, 61, 62, 239, 241, 242, 2000):
        await look(both, timedelta(minutes=minutes))
    assert await reminded() == 2
    said = [entry.data["what"] for entry in await store.timeline(1) if entry.verb is Verb.REMINDED]
    assert said == ["unassessed", "unassessed"]


async def test_what_usually_clears_by_itself_is_left_alone_until_it_is_overdue(house: House) -> None:
    await house.fires("a")
    both = replicas(house)
    warning = KnownIssue("w", "A warning", (("title", ("*",)),), clears_within=timedelta(minutes=90))
    known = replace(house.around.process, known_issues=(warning,))
    house.around.process = replace(known, reminders=replace(known.reminders, severities=("page",)))
    for minutes in (16, 61, 89):
        await look(both, timedelta(minutes=minutes))
    assert await reminded() == 0
    await look(both, timedelta(minutes=91))
    assert await reminded() == 1


async def test_what_is_urgent_is_reminded_of_whatever_is_known_of_it(house: House) -> None:
    await house.fires("a")  # of a severity that counts as urgent
    both = replicas(house)
    warning = KnownIssue("w", "A warning", (("title", ("*",)),), clears_within=timedelta(minutes=90))
    house.around.process = replace(house.around.process, known_issues=(warning,))
    await look(both, timedelta(minutes=16))
    assert await reminded() == 1


async def test_what_is_put_off_waits_for_its_time_and_then_calls_its_owner_once(house: House) -> None:
    await house.fires("a")
    both = replicas(house)
    for request in (Claim(), Assess(INTERNAL)):
        await incidents.act(await incidents.load(1), request, ADA, PROCESS)
    until = datetime.now(UTC) + timedelta(days=3)
    done = await incidents.act(await incidents.load(1), Park("", "the vendor's answer", until), ADA, PROCESS)
    assert done.refusal is None
    await look(both, timedelta(days=2))
    assert await reminded() == 0
    await look(both, timedelta(days=3, minutes=1))
    await look(both, timedelta(days=3, minutes=2))
    assert await reminded() == 1
    (said,) = [
        item.effect
        for item in await queue.waiting()
        if isinstance(item.effect, Announce) and item.effect.entry.verb is Verb.REMINDED
    ]
    assert said.mentions == (ADA,)
    assert said.entry.data["reason"] == "the vendor's answer"
    await look(both, timedelta(days=3, hours=5))  # and from then on as always: nobody notes anything
    assert await reminded() == 2


async def test_a_storm_is_reminded_of_to_the_last_one(house: House) -> None:
    for number in range(MOST + 20):
        await house.fires(f"storm {number}")
    both = replicas(house)
    for minutes in (16, 17, 18):
        await look(both, timedelta(minutes=minutes))
    assert [await reminded(number) for number in (1, MOST, MOST + 20)] == [1, 1, 1]
    tells = [item.effect for item in await queue.waiting() if isinstance(item.effect, Tell)]
    assert len(tells) == 2
