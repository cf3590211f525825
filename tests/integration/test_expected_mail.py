"""A mail that must come and does not is told of once, from two replicas; and when it comes after all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.watchkeeping import Watchkeeping
from mailwatcher.watch import BATCH, Watcher
from models import directory, queue, recording, store
from models.domain.alerts import Authenticated, MailKind, Reading
from models.domain.effects import Tell
from models.domain.expected_mail import ExpectedMail
from models.domain.mail import MailRules
from models.operations.alerts import record_mails
from models.ports.mailbox import MailFolder, StoredMail
from tests.unit.cards.samples import PROCESS

LONDON = ZoneInfo("Europe/London")
FIRST, LAST = date(2026, 10, 1), date(2026, 12, 31)
ETL = ExpectedMail(
    "etl",
    "NDW ETL",
    (("subject", "*etl*"),),
    time(7),
    frozenset(range(5)),
    timedelta(hours=6),
    None,
    "Run it again.",
)
BEAT = ExpectedMail("beat", "Heartbeat", (("subject", "*alive*"),), every=timedelta(hours=8))
RULES = MailRules(expected=(ETL, BEAT))
pytestmark = pytest.mark.usefixtures("connected")


async def arrives(subject: str, at: datetime, authenticated: Authenticated = Authenticated.PASS) -> None:
    name = f"<{subject}.{at:%m%d%H%M}>"
    reading = Reading(
        MailKind.UNRECOGNISED, None, "nobody knows it", subject, "a@b.example", name, "0", authenticated
    )
    await record_mails([(reading, at)], replace(PROCESS, mail=RULES))


async def look(now: datetime) -> list[str]:
    """Let two fresh replicas look, and return what they said."""
    before = len(await told())
    pair = [
        Watchkeeping(RULES, LONDON, away_minutes=15, silent_hours=0, wake=lambda: None, started=now)
        for _ in range(2)
    ]
    await asyncio.gather(*(each.look(now) for each in pair))
    return (await told())[before:]


async def read(at: datetime) -> None:
    """Let the watcher have read all that there was."""
    for fact in ("mailbox_polled_ms", "mailbox_emptied_ms"):
        await directory.remember_fact(fact, str(store.to_ms(at)))


async def told() -> list[str]:
    return [item.effect.text for item in await queue.waiting(10**6) if isinstance(item.effect, Tell)]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=LONDON).astimezone(UTC)


async def test_each_missed_day_of_a_quarter_is_told_once() -> None:
    missing, late = (
        {date(2026, 10, 9), date(2026, 10, 26), date(2026, 12, 1), date(2026, 12, 2)},
        date(2026, 10, 23),
    )
    said: list[tuple[datetime, str]] = []
    day = FIRST
    while day <= LAST:
        works = day.weekday() < 5 and day not in missing
        for hour, minute in ((0, 30), (6, 30), (7, 1), (7, 6), (7, 30), (9, 30), (15, 0)):
            now = at(day, hour, minute)
            if works and (hour, minute) == ((9, 30) if day == late else (6, 30)):
                await arrives("NDW ETL: done", now - timedelta(minutes=1))
            await arrives("I am alive", now - timedelta(minutes=2))
            await read(now)
            said += [(now, text) for text in await look(now)]
        day += timedelta(days=1)
    gone = [(now, text) for now, text in said if "has not come" in text]
    assert [now for now, _ in gone] == sorted(at(each, 7, 6) for each in (*missing, late))
    assert all("**The mail “NDW ETL” has not come.**" in text and "Run it again." in text for _, text in gone)
    back = [now for now, text in said if "has come," in text]
    assert back == [
        at(date(2026, 10, 12), 6, 30),
        at(late, 9, 30),
        at(date(2026, 10, 27), 6, 30),
        at(date(2026, 12, 3), 6, 30),
    ]
    assert len(said) == len(gone) + len(back)


async def test_a_silence_is_told_once_and_its_end() -> None:
    begun = at(FIRST, 9)
    said = []
    for hours in range(60):
        now = begun + timedelta(hours=hours)
        if hours in (5, 40):
            await arrives("I am alive", now)
        await read(now)
        said += [(hours, text) for text in await look(now) if "Heartbeat" in text]
    assert [(hours, "has not come" in text) for hours, text in said] == [(14, True), (40, False), (49, True)]


async def test_what_is_not_read_yet_is_not_missed() -> None:
    monday = date(2026, 10, 5)
    await read(at(monday, 0))
    await look(at(monday, 0))
    for hour in (7, 8, 9):  # the mailbox is away, or has more than is read
        await directory.remember_fact("mailbox_polled_ms", str(store.to_ms(at(monday, hour, 10))))
        assert await look(at(monday, hour, 11)) == []
    await arrives("NDW ETL: done", at(monday, 6, 50))
    await arrives("I am alive", at(monday, 6, 50))
    await read(at(monday, 9, 30))
    assert await look(at(monday, 9, 31)) == []


async def test_a_forged_confirmation_confirms_nothing() -> None:
    monday = date(2026, 10, 5)
    await look(at(monday, 0))
    await arrives("NDW ETL: done", at(monday, 6, 50), Authenticated.FAIL)
    await read(at(monday, 7, 10))
    (said,) = await look(at(monday, 7, 10))
    assert "None has come since Wilson looks for it" in said


async def test_a_mail_that_is_read_late_does_not_make_a_newer_one_forgotten() -> None:
    for minute in (50, 40):
        await arrives("NDW ETL: done", at(FIRST, 6, minute))
    assert await directory.fact(f"{recording.EXPECTED}etl") == str(store.to_ms(at(FIRST, 6, 50)))


class Inbox:
    """A mailbox of so many mails."""

    def __init__(self, count: int) -> None:
        self.held = [StoredMail(str(number), b"", at(FIRST, 6)) for number in range(count)]

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        return self.held[:limit]

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        self.held = [each for each in self.held if each.ref != ref]


async def test_the_inbox_is_known_to_be_read_once_all_of_it_is_recorded() -> None:
    inbox, happened = Inbox(BATCH + 1), list[str]()

    async def reads(raw: Sequence[bytes]) -> list[Reading]:
        return [Reading(MailKind.IGNORED, None, "", "", "", str(number), "0") for number in range(len(raw))]

    async def records(batch: Sequence[tuple[Reading, datetime]]) -> None:
        happened.append(f"{len(batch)} recorded")
        if len(happened) > 5:
            raise store.Conflict

    async def polled(_: str) -> None:
        return

    async def emptied() -> None:
        happened.append("empty")

    watcher = Watcher(inbox, reads, records, polled, emptied, 1)  # type: ignore[arg-type] # all that it asks of it
    while await watcher.once():
        pass
    assert happened == [f"{BATCH} recorded", "1 recorded", "empty", "empty"]
    inbox.held = Inbox(1).held
    await watcher.once()
    assert happened[4:] == ["1 recorded", "empty"]
    inbox.held = Inbox(1).held
    with pytest.raises(store.Conflict):
        await watcher.once()
    assert happened[6:] == ["1 recorded"]
