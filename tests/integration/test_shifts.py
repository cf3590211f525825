"""Shifts: the hand-over comes once where somebody else is on call, and is taken over once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.places import Place, Shown
from bot.shifts import Shifts
from cards.shift_actions import encode_shift
from models import directory, queue
from models.directory import SHIFT
from models.domain.effects import AskAtDaysEnd, PostShift, Tell
from models.domain.people import Person
from models.domain.requests import Assess, Claim, MarkPrivate, Park
from models.domain.shift_rules import ShiftRules
from models.domain.working_hours import WorkingHours
from models.operations import incidents, shifts
from models.ports.checks import Finding
from models.ports.errors import PortError, Temporary
from tests.integration.test_private import ADA, BEN, DEVS, SECRET, House, house, private, security
from tests.unit.cards.samples import PROCESS
from tests.unit.domain.samples import INTERNAL

__all__ = ["house", "private", "security"]
pytestmark = pytest.mark.usefixtures("connected")
LONDON = ZoneInfo("Europe/London")
RULES = ShiftRules(time(9), timedelta(minutes=30), time(17))
CYD = Person("aad-cyd", "Cyd Instance", "29:cyd")


class Weekly:
    """Ada and Ben in turn by the week, whoever was swapped in, and nobody on one day."""

    def __init__(self) -> None:
        self.away: PortError | None = None
        self.swapped: dict[date, Person] = {}
        self.nobody: set[date] = set()

    async def on_call(self, at: datetime) -> Sequence[Person]:
        if self.away:
            raise self.away
        day = at.astimezone(LONDON).date()
        if day in self.nobody:
            return ()
        return (self.swapped.get(day) or (ADA if day.isocalendar().week % 2 else BEN),)

    async def check(self) -> Sequence[Finding]:
        return ()


def replicas(house: House, rota: Weekly | None) -> list[Shifts]:
    house.around.process = replace(PROCESS, shifts=RULES, hours=WorkingHours())
    return [Shifts(house.around, rota, LONDON, lambda: None) for _ in range(2)]


async def posted() -> list[shifts.Shift]:
    numbers = [item.effect.shift for item in await queue.waiting() if isinstance(item.effect, PostShift)]
    found = [await shifts.shift(number) for number in numbers]
    return [each for each in found if each is not None]


async def test_a_quarter_over_a_change_of_the_clock(house: House) -> None:
    rota = Weekly()
    rota.nobody.add(date(2026, 10, 21))
    rota.swapped[date(2026, 10, 28)] = CYD
    now = datetime(2026, 9, 1, 12, tzinfo=UTC)
    while now < datetime(2026, 12, 1, tzinfo=UTC):
        await asyncio.gather(*(each.look(now) for each in replicas(house, rota)))  # restarted each time
        now += timedelta(minutes=180)
    found = await posted()
    changes = [(each.at.astimezone(LONDON).date(), each.out[0].name, each.into[0].name) for each in found]
    mondays = [date(2026, 9, 7) + timedelta(weeks=n) for n in range(13)]
    expected = [
        (day, *(("Ben Sample", "Ada Example") if day.isocalendar().week % 2 else ("Ada Example", "Ben Sample")))
        for day in mondays
    ]
    week = "Ada Example" if date(2026, 10, 28).isocalendar().week % 2 else "Ben Sample"
    expected += [(date(2026, 10, 28), week, "Cyd Instance"), (date(2026, 10, 29), "Cyd Instance", week)]
    assert changes == sorted(expected)
    assert all(each.at.astimezone(LONDON).time() >= time(9) for each in found)


async def test_it_says_what_there_is_and_is_taken_over_once(house: House) -> None:
    await house.fires("Disk full")
    await house.fires(SECRET)
    await house.asks(MarkPrivate("a key is out"), number=2)
    rota, monday = Weekly(), datetime(2026, 9, 7, 8, 30, tzinfo=UTC)
    both = replicas(house, rota)
    await both[0].look(monday - timedelta(days=7))  # the first time that anybody looks, nobody hands over
    assert await posted() == []
    await asyncio.gather(*(each.look(monday) for each in both))
    (shift,) = await posted()
    await house.outbox.drain()
    (card,) = await directory.cards_of(SHIFT, shift.number)
    shown = json.dumps(house.teams.shows[card.thread.conversation_id].card)
    assert "Disk full" in shown
    assert SECRET not in shown
    assert "handled in private" in shown

    async def press(by: Person) -> Shown:
        data = encode_shift("shift_take", shift.number)
        thread = card.thread
        place = Place(by.id, thread.conversation_id, thread.activity_id, DEVS, "http://x", "tenant", data)
        return await house.clicks.press(data, by, place)

    answers = await asyncio.gather(press(ADA), press(BEN))
    await house.outbox.drain()
    taken = await shifts.shift(shift.number)
    assert taken is not None
    assert taken.taken_by in (ADA, BEN)
    texts = [json.dumps(each.card) for each in answers]
    assert sum("Somebody else has taken over already" in text for text in texts) == 1
    everyone = json.dumps(house.teams.shows[card.thread.conversation_id].card)
    assert f"**{taken.taken_by.name}** took over" in everyone
    assert "Taken over" not in everyone


async def test_whoever_did_not_take_over_is_reminded_once(house: House) -> None:
    rota, monday = Weekly(), datetime(2026, 9, 7, 8, 30, tzinfo=UTC)
    both = replicas(house, rota)
    await both[0].look(monday - timedelta(days=7))
    for minutes in (0, 29, 30, 31, 90, 600):
        await asyncio.gather(*(each.look(monday + timedelta(minutes=minutes)) for each in both))
    told = [item.effect for item in await queue.waiting() if isinstance(item.effect, Tell)]
    assert len(told) == 1
    assert told[0].mentions == (ADA,) if monday.isocalendar().week % 2 else (BEN,)


async def test_who_took_over_is_not_reminded(house: House) -> None:
    rota, monday = Weekly(), datetime(2026, 9, 7, 8, 30, tzinfo=UTC)
    (one, _) = replicas(house, rota)
    await one.look(monday - timedelta(days=7))
    await one.look(monday)
    (shift,) = await posted()
    await shifts.take(shift.number, ADA, monday)
    await one.look(monday + timedelta(hours=2))
    assert not [item for item in await queue.waiting() if isinstance(item.effect, Tell)]


async def test_a_rota_that_is_away_or_absent_hands_nothing_over(house: House) -> None:
    rota, monday = Weekly(), datetime(2026, 9, 7, 8, 30, tzinfo=UTC)
    (one, _) = replicas(house, rota)
    await one.look(monday - timedelta(days=7))
    rota.away = Temporary("away")
    await one.look(monday)
    assert await posted() == []
    rota.away = None
    await one.look(monday + timedelta(minutes=1))
    assert len(await posted()) == 1
    (none, _) = replicas(house, None)
    await none.look(monday + timedelta(days=7))
    assert len(await posted()) == 1


async def test_the_command_posts_it(house: House) -> None:
    house.around.process = replace(PROCESS, shifts=RULES)
    place = Place("1", DEVS, "", DEVS, "http://x", "tenant", "shift")
    for _ in range(2):  # delivered twice
        await house.speech.say("shift", [], ADA, place)
    await house.outbox.drain()
    assert house.teams.seen(DEVS).count("Shift hand-over") >= 1
    shift = await shifts.newest()
    assert shift is not None
    assert shift.out == (ADA,)
    assert len(await directory.cards_of(SHIFT, shift.number)) == 1


async def test_owners_are_asked_once_at_the_end_of_a_working_day(house: House) -> None:
    for title in ("Disk full", "Log ran full", "Queue is long"):
        await house.fires(title)
    for number in (1, 2):
        await house.asks(Claim(), number=number)
        await house.asks(Assess(INTERNAL), number=number)
    now = datetime.now(UTC)
    until = (now + timedelta(days=30)).replace(tzinfo=UTC)
    await house.asks(Park("", "the vendor's answer", until), number=2)
    day = now + timedelta(days=(7 - now.weekday()) % 7 + 7)  # a Monday that comes
    end = datetime.combine(day.date(), time(17), tzinfo=LONDON)
    for at in (end - timedelta(minutes=1), end, end + timedelta(minutes=30), end + timedelta(hours=3)):
        await asyncio.gather(*(each.look(at) for each in replicas(house, None)))
    asked = [item.effect.incident_id for item in await queue.waiting() if isinstance(item.effect, AskAtDaysEnd)]
    assert asked == [1]
    await asyncio.gather(*(each.look(end + timedelta(days=5)) for each in replicas(house, None)))  # a Saturday
    await house.outbox.drain()
    replies = json.dumps([message.card for _, message in house.teams.replies])
    assert "the working day ends" in replies
    assert replies.count("the working day ends") == 1
    before = len(house.teams.replies)
    await asyncio.gather(*(each.look(end + timedelta(days=1)) for each in replicas(house, None)))
    await incidents.act(await incidents.load(1), Park("", "x", until), ADA, PROCESS)
    await house.outbox.drain()
    said = json.dumps([message.card for _, message in house.teams.replies[before:]])
    assert "the working day ends" not in said  # it was put off before the question was delivered
