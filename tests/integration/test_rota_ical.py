"""The rota from a calendar: recurrences, swaps, daylight saving; an address that is away or hostile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from bot.adapters import rota_ical
from bot.adapters.rota_ical import IcalRota
from bot.rota import coverage
from bot.surroundings import Surroundings
from fittings import rota_of
from models import directory
from models.domain.people import Person
from models.domain.working_hours import WorkingHours
from models.ports.errors import Permanent, Temporary
from models.settings import Settings, SettingsError
from tests.support.botframework import serving
from tests.unit.cards.samples import PROCESS

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:STANDARD
DTSTART:19701025T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
"""
WEEKLY = """BEGIN:VEVENT
UID:ada
SUMMARY:On call: Ada Example
DTSTART;TZID=Europe/London:20261019T090000
DTEND;TZID=Europe/London:20261026T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
EXDATE;TZID=Europe/London:20261130T090000
END:VEVENT
BEGIN:VEVENT
UID:ben
SUMMARY:On call - Ben Builder
DTSTART;TZID=Europe/London:20261026T090000
DTEND;TZID=Europe/London:20261102T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
END:VEVENT
BEGIN:VEVENT
UID:ben
RECURRENCE-ID;TZID=Europe/London:20261109T090000
SUMMARY:On call - Cem Swap
DTSTART;TZID=Europe/London:20261109T090000
DTEND;TZID=Europe/London:20261116T090000
END:VEVENT
"""


def calendar(*events: str) -> bytes:
    lines = "".join(("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n", ZONE, *events, "END:VCALENDAR\n"))
    return lines.replace("\n", "\r\n").encode()


@dataclass
class Calendar:
    """An address that serves one."""

    held: bytes
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Calendar]:
        async def answer(request: web.Request) -> web.Response:
            self.asked.append(dict(request.headers))
            if self.status != 200:
                return web.Response(status=self.status)
            tag = f'"{hash(self.held)}"'
            if request.headers.get("If-None-Match") == tag:
                return web.Response(status=304)
            return web.Response(body=self.held, headers={"ETag": tag}, content_type="text/calendar")

        app = web.Application()
        app.router.add_get("/rota.ics", answer)
        async with serving(app) as base:
            self.url = f"{base}/rota.ics?token=s3cret"
            yield self


async def names(held: bytes, at: datetime, now: datetime | None = None) -> list[str]:
    async with Calendar(held).running() as server:
        rota = IcalRota(server.url, "Europe/London", lambda: now or at)
        return [each.name for each in await rota.on_call(at)]


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        (utc(10, 19, 8), ["Ada Example"]),  # nine o'clock in summer
        (utc(10, 19, 7, 59), []),
        (utc(10, 26, 8, 59), ["Ada Example"]),  # the clocks went back on the 25th
        (utc(10, 26, 9), ["Ben Builder"]),
        (utc(11, 2, 9), ["Ada Example"]),
        (utc(11, 10, 3), ["Cem Swap"]),
        (utc(11, 24, 12), ["Ben Builder"]),
        (utc(12, 1, 12), []),  # EXDATE
    ],
)
async def test_recurrences_swaps_and_daylight_saving(at: datetime, who: list[str]) -> None:
    assert await names(calendar(WEEKLY), at) == who


async def test_whole_days_and_floating_times_go_by_the_rotas_zone() -> None:
    days = "DTSTART;VALUE=DATE:20260706\nDTEND;VALUE=DATE:20260707"
    whole = f"BEGIN:VEVENT\nUID:1\nSUMMARY:Ada, Ben\n{days}\nEND:VEVENT\n"
    floating = "BEGIN:VEVENT\nUID:2\nSUMMARY:Cem\nDTSTART:20260707T220000\nDTEND:20260708T060000\nEND:VEVENT\n"
    held = calendar(whole, floating)
    assert await names(held, utc(7, 5, 23)) == ["Ada", "Ben"]  # midnight there
    assert await names(held, utc(7, 6, 23)) == []
    assert await names(held, utc(7, 7, 21)) == ["Cem"]
    assert await names(held, utc(7, 8, 4, 59)) == ["Cem"]
    assert await names(held, utc(7, 8, 5)) == []


async def test_cancelled_ones_do_not_count_and_attendees_do() -> None:
    event = "BEGIN:VEVENT\nUID:{}\nSUMMARY:Rota\nDTSTART:20261116T000000Z\nDTEND:20261117T000000Z\n{}\nEND:VEVENT\n"
    held = calendar(
        event.format(1, "STATUS:CANCELLED\nATTENDEE;CN=Gone:mailto:gone@example.org"),
        event.format(2, "ATTENDEE;CN=Ada Example:mailto:ak101@example.org\nATTENDEE:mailto:bb202@example.org"),
    )
    assert await names(held, utc(11, 16, 12)) == ["Ada Example", "bb202"]


@pytest.mark.parametrize(
    ("title", "who"),
    [
        ("Ada Example (on call)", ["Ada Example"]),
        ("Ada Example – on call", ["Ada Example"]),
        ("Ada Example: on call", ["Ada Example"]),
        ("On Call Ada Example", ["Ada Example"]),
        ("Ada Example's shift", ["Ada Example"]),
        ("Wilson rota: Ada Example + Ben Builder", ["Ada Example", "Ben Builder"]),
        ("Support & incidents: Ada Example", ["Ada Example"]),
        ("On-call primary: Ada Example", ["Ada Example"]),
        ("On call", []),
    ],
)
async def test_words_around_a_name_are_no_part_of_it(title: str, who: list[str]) -> None:
    event = f"BEGIN:VEVENT\nUID:1\nSUMMARY:{title}\nDTSTART;VALUE=DATE:20261116\nEND:VEVENT\n"
    assert await names(calendar(event), utc(11, 16, 12)) == who


async def test_who_declined_and_what_is_a_room_are_not_on_call() -> None:
    people = (
        "ATTENDEE;CN=Ada Example;PARTSTAT=ACCEPTED:MailTo:ak101@example.org\n"
        "ATTENDEE;CN=Ben Builder;PARTSTAT=DECLINED:mailto:bb202@example.org\n"
        "ATTENDEE;CUTYPE=ROOM;CN=Room 1:mailto:room@example.org\n"
        "ATTENDEE;ROLE=NON-PARTICIPANT;CN=To know:mailto:list@example.org\n"
        "ATTENDEE:MailTo:cc303@example.org\n"
    )
    event = f"BEGIN:VEVENT\nUID:1\nSUMMARY:Eve\nDTSTART;VALUE=DATE:20261116\n{people}END:VEVENT\n"
    assert await names(calendar(event), utc(11, 16, 12)) == ["Ada Example", "cc303"]
    none = event.replace("ACCEPTED", "DECLINED").replace("ATTENDEE:MailTo:cc303@example.org\n", "")
    assert await names(calendar(none), utc(11, 16, 12)) == []


async def test_an_event_that_says_no_time_hides_no_other() -> None:
    good = "BEGIN:VEVENT\nUID:1\nSUMMARY:Ada\nDTSTART;VALUE=DATE:20261116\nDTEND;VALUE=DATE:20261116\nEND:VEVENT\n"
    bad = [
        f"BEGIN:VEVENT\nUID:{n}\nSUMMARY:Ben\n{lines}END:VEVENT\n"
        for n, lines in enumerate(("", "DTSTART:soon\n", "DTSTART:20261116T090000Z\nDTEND:late\n"), start=2)
    ]
    assert await names(calendar(*bad, good), utc(11, 16, 12)) == ["Ada"]


@pytest.mark.usefixtures("connected")
async def test_people_of_the_calendar_are_those_of_the_team() -> None:
    ada, ben = Person("a", "Ada Example", "29:a"), Person("b", "Ben", "29:b", "bb202")
    await directory.remember_people([ada, ben])
    now = datetime.now(UTC)
    times = f"DTSTART:{now - timedelta(hours=1):%Y%m%dT%H%M%SZ}\nDTEND:{now + timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    who = "ATTENDEE;CN=ADA EXAMPLE:mailto:x@y.z\nATTENDEE:mailto:bb202@y.z"
    event = f"BEGIN:VEVENT\nUID:1\n{times}\n{who}\nEND:VEVENT\n"
    async with Calendar(calendar(event)).running() as server:
        around = Surroundings(PROCESS, IcalRota(server.url, "Europe/London"))
        await around.refresh()
        assert around.on_call == (ada, ben)


async def test_what_was_read_last_holds_while_the_address_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rota_ical, "FRESH_SECONDS", 0.0)
    async with Calendar(calendar(WEEKLY)).running() as server:
        rota = IcalRota(server.url, "Europe/London", lambda: utc(11, 2, 9))
        for status in (200, 200, 500, 404, 200):
            server.status = status
            assert [each.name for each in await rota.on_call(utc(11, 2, 9))] == ["Ada Example"]
        assert "If-None-Match" in server.asked[1]
        assert len(server.asked) == 5


async def test_it_is_asked_once_in_a_while() -> None:
    async with Calendar(calendar(WEEKLY)).running() as server:
        rota = IcalRota(server.url, "Europe/London", lambda: utc(11, 2, 9))
        for _ in range(5):
            await rota.on_call(utc(11, 2, 9))
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("held", "status", "error"),
    [
        (b"<html>sign in</html>", 200, Permanent),
        (b"", 200, Permanent),
        (b"\xff\xfe", 200, Permanent),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:never\r\nEND:VEVENT\r\n", 200, Permanent),
        (b"x", 404, Permanent),
        (b"x", 503, Temporary),
        (b"x" * (rota_ical.LARGEST + 1), 200, Permanent),
    ],
)
async def test_what_is_no_calendar_is_said_without_the_address(
    held: bytes, status: int, error: type[Exception]
) -> None:
    async with Calendar(held, status).running() as server:
        rota = IcalRota(server.url, "Europe/London")
        with pytest.raises(error) as told:
            await rota.on_call(datetime.now(UTC))
        assert "s3cret" not in str(told.value)
        assert (await rota.check())[0].ok is False


async def test_what_recurs_by_the_second_is_left_out() -> None:
    hostile = "".join(
        f"BEGIN:VEVENT\nUID:{n}\nSUMMARY:Eve\nDTSTART:20261101T000000Z\nDTEND:20261101T000001Z\nRRULE:FREQ={freq}\nEND:VEVENT\n"
        for n, freq in enumerate(("SECONDLY", "MINUTELY", "HOURLY"))
    )
    assert await names(calendar(hostile, WEEKLY), utc(11, 2, 9)) == ["Ada Example"]


async def test_gaps_are_found_ahead() -> None:
    async with Calendar(calendar(WEEKLY)).running() as server:
        rota = IcalRota(server.url, "Europe/London", lambda: utc(11, 25, 12))
        assert [each.ok for each in await rota.check()] == [True]
        (found,) = await coverage(rota, utc(11, 25, 12), ZoneInfo("Europe/London"), WorkingHours(), [])
        assert found.ok is False
        assert "Tue 2026-12-01" in found.text
        assert "Wed 2026-11-25" not in found.text


async def test_days_far_ahead_and_at_the_edges_of_what_is_worked_out_at_once_are_known() -> None:
    days = "DTSTART;VALUE=DATE:20260601\nDTEND;VALUE=DATE:20260602\nRRULE:FREQ=DAILY"
    daily = f"BEGIN:VEVENT\nUID:1\nSUMMARY:Ada\n{days}\nEND:VEVENT\n"
    async with Calendar(calendar(daily)).running() as server:
        rota = IcalRota(server.url, "Europe/London", lambda: utc(6, 2, 12))
        for hours in range(0, 365 * 24, 1):
            at = utc(6, 2, 0, 30) + timedelta(hours=hours)
            assert [each.name for each in await rota.on_call(at)] == ["Ada"], at
        assert len(server.asked) == 1


@pytest.mark.parametrize("url", ["", "http://calendar.example/x", "calendar"])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(SettingsError, match=r"rota\.url"):
        rota_of(Settings.model_validate({"rota": {"kind": "ical", "url": url}}))
