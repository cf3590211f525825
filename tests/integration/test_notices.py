"""A simulated quarter: who is on call each morning, gaps ahead, the review; once each, whatever restarts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.adapters.rota_file import NoRota
from bot.notices import Notices
from bot.rota import ChangedRota, days, remember_swap, swaps, undo_swaps
from models import queue, store
from models.domain import notice_rules
from models.domain.effects import PostReview, Tell
from models.domain.people import Person
from models.domain.rota import Swap
from models.domain.working_hours import WorkingHours
from models.ports.checks import Finding
from models.ports.errors import Temporary
from tests.integration.test_outbox import House, house
from tests.unit.cards.samples import PROCESS

__all__ = ["house"]
ADA, BEN = Person("aad-ada", "Ada", "29:ada"), Person("aad-ben", "Ben", "29:ben")
GAP = date(2026, 10, 28)


class EveryOtherDay:
    """Ada and Ben in turn, by the days of a zone; nobody on one day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    async def on_call(self, at: datetime) -> Sequence[Person]:
        day = at.astimezone(self._zone).date()
        return () if day == GAP else (ADA if day.toordinal() % 2 else BEN,)

    async def check(self) -> Sequence[Finding]:
        return ()


async def told() -> list[str]:
    return [item.effect.text for item in await queue.waiting() if isinstance(item.effect, Tell)]


@pytest.mark.parametrize("name", ["Europe/London", "America/New_York"])
async def test_a_quarter_over_a_change_of_the_clock(house: House, name: str) -> None:
    zone = ZoneInfo(name)
    house.around.process = replace(
        PROCESS,
        hours=WorkingHours(),
        notices=notice_rules.Notices(time(9), 7),
        review=notice_rules.ReviewRules(date(2026, 1, 8), 2, time(10), time(16)),
    )
    now = datetime(2026, 9, 1, 12, tzinfo=UTC)
    while now < datetime(2026, 12, 1, tzinfo=UTC):
        pair = [  # restarted each time, and two of them
            Notices(house.around, ChangedRota(EveryOtherDay(zone), zone), zone, lambda: None) for _ in range(2)
        ]
        await asyncio.gather(*(each.look(now) for each in pair))
        now += timedelta(minutes=90)
    texts = await told()
    working = [
        day
        for day in (date(2026, 9, 1) + timedelta(days=number) for number in range(91))
        if day.weekday() < 5 and day != GAP
    ]
    mornings = [text for text in texts if "on call today" in text]
    assert len(mornings) == len(working)
    expected = ["Ada" if day.toordinal() % 2 else "Ben" for day in working]
    assert [re.findall(r"\*\*(\w+)\*\*", text)[0] for text in mornings] == expected
    gaps = [text for text in texts if "Nobody is on call" in text]
    assert len(gaps) == 1
    assert "Wednesday, 28 October" in gaps[0]
    assert sum("incident review is tomorrow at 10:00" in text for text in texts) == 7
    reviews = [item.effect.review for item in await queue.waiting() if isinstance(item.effect, PostReview)]
    assert reviews == [20260903, 20260917, 20261001, 20261015, 20261029, 20261112, 20261126]


@pytest.mark.parametrize(
    ("at", "said", "called_up"),
    [
        ("2026-09-16T14:00+00:00", "", False),
        ("2026-09-16T16:00+00:00", "tomorrow at 10:00", False),
        ("2026-09-17T08:30+00:00", "today at 10:00", False),  # the bot was away the day before
        ("2026-09-17T09:30+00:00", "", True),
        ("2026-09-17T20:00+00:00", "", True),  # it was away at the meeting's time, and the day is not over
        ("2026-09-18T09:30+00:00", "", False),
    ],
)
async def test_the_review_is_told_as_late_as_its_day(house: House, at: str, said: str, called_up: bool) -> None:
    zone = ZoneInfo("Europe/London")
    house.around.process = replace(
        PROCESS, review=notice_rules.ReviewRules(date(2026, 1, 8), 2, time(10), time(16))
    )
    await Notices(house.around, None, zone, lambda: None).look(datetime.fromisoformat(at))
    texts = await told()
    assert [said in text for text in texts] == ([True] if said else [])
    assert any(isinstance(item.effect, PostReview) for item in await queue.waiting()) is called_up


async def test_a_swap_holds_for_every_replica_until_it_is_undone(house: House) -> None:
    zone = ZoneInfo("Europe/London")
    first = date(2026, 10, 20)
    for _ in range(2):  # a message that is delivered twice makes one change
        out, into = (BEN, ADA) if first.toordinal() % 2 == 0 else (ADA, BEN)
        await remember_swap(Swap(first, first, into, BEN, datetime.now(UTC), out), "message-1")
    assert len(await swaps()) == 1
    plain, changed = EveryOtherDay(zone), ChangedRota(EveryOtherDay(zone), zone)
    before, after = await days(plain, first, 2, zone), await days(changed, first, 2, zone)
    assert before[0][1] != after[0][1]
    assert before[1] == after[1]
    assert len(await undo_swaps(first)) == 1
    assert await days(changed, first, 2, zone) == before


async def test_a_rota_that_has_run_out_is_told_of_and_none_at_all_is_not(house: House) -> None:
    zone = ZoneInfo("Europe/London")
    house.around.process = replace(PROCESS, notices=notice_rules.Notices(time(9), 7))
    at = datetime(2026, 9, 1, 12, tzinfo=UTC)
    await Notices(house.around, None, zone, lambda: None).look(at)
    assert await told() == []
    for _ in range(2):
        await Notices(house.around, NoRota(), zone, lambda: None).look(at)
    (text,) = await told()
    assert "today, on Wednesday, 2 September" in text


class Holes:
    """Ada on every day but some."""

    def __init__(self, *gaps: date) -> None:
        self.gaps = set(gaps)
        self.away = False

    async def on_call(self, at: datetime) -> Sequence[Person]:
        if self.away:
            raise Temporary("the file is not YAML")
        return () if at.astimezone(ZoneInfo("Europe/London")).date() in self.gaps else (ADA,)

    async def check(self) -> Sequence[Finding]:
        return ()


async def test_each_gap_is_told_once_whatever_becomes_of_the_others(house: House) -> None:
    zone = ZoneInfo("Europe/London")
    house.around.process = replace(PROCESS, hours=WorkingHours(), notices=notice_rules.Notices(time(9), 30))
    gaps = [date(2026, 9, 3), date(2026, 9, 10), date(2026, 9, 24)]
    rota, now = Holes(*gaps), datetime(2026, 9, 1, 12, tzinfo=UTC)
    for _ in range(30):  # the first two pass, and the key of the message is long forgotten
        await asyncio.gather(*(Notices(house.around, rota, zone, lambda: None).look(now) for _ in range(2)))
        await store.forget_seen(store.now_ms() + 1)
        now += timedelta(days=1)
    told_of = [text for text in await told() if "Nobody is on call" in text]
    assert len(told_of) == 1
    assert "on Thursday, 3 September, on Thursday, 10 September, on Thursday, 24 September" in told_of[0]


async def test_a_gap_that_was_covered_in_between_is_told_again(house: House) -> None:
    zone = ZoneInfo("Europe/London")
    house.around.process = replace(PROCESS, hours=WorkingHours(), notices=notice_rules.Notices(time(9), 30))
    rota = Holes(date(2026, 9, 24))
    for day in (1, 2, 3):
        rota.gaps = set() if day == 2 else {date(2026, 9, 24)}
        await Notices(house.around, rota, zone, lambda: None).look(datetime(2026, 9, day, 12, tzinfo=UTC))
    assert sum("Nobody is on call" in text for text in await told()) == 2


async def test_a_rota_that_can_not_be_read_is_told_once_a_day(house: House) -> None:
    zone = ZoneInfo("Europe/London")
    house.around.process = replace(PROCESS, hours=WorkingHours(), notices=notice_rules.Notices(time(9), 7))
    rota = Holes()
    rota.away = True
    for hour in (12, 13, 36):
        await Notices(house.around, rota, zone, lambda: None).look(
            datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=hour)
        )
    texts = [text for text in await told() if "The rota can't be read" in text]
    assert len(texts) == 2
    assert all("not YAML" in text for text in texts)
