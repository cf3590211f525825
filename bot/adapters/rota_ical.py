"""Who is on call, from a calendar at an address (iCalendar): recurrences, swaps and daylight saving included."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
import icalendar
import recurring_ical_events

from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Permanent, Temporary

log = logging.getLogger(__name__)

FRESH_SECONDS = 900.0
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
LARGEST = 5 * 1024 * 1024
MOST_EVENTS = 5000
WINDOW = timedelta(days=40)
"""For how long recurrences are worked out at once; a swap or a gap may lie in any such window."""
MOST_WINDOWS = 12
_START = datetime(2020, 1, 6, tzinfo=UTC)
_DAY = timedelta(days=1)  # whole days begin by other midnights than windows
_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_ON_CALL = r"on[ -]?call"
_DUTY = rf"(?:{_ON_CALL}|rota|shift|duty)"
_LABEL = re.compile(rf"^[^:]*\b(?:{_DUTY}|support|incidents?)\b[^:]*:\s*", re.IGNORECASE)
_PREFIX = re.compile(rf"^\s*(?:{_DUTY}\s*[:–—-]|{_ON_CALL}\b)\s*", re.IGNORECASE)
_SUFFIX = re.compile(rf"(?:['’]s|\s*[:–—-])?\s*[(\[]?\b(?:is\s+)?{_DUTY}\b[)\]]?\s*$", re.IGNORECASE)
_MAIL = re.compile(r"^\s*mailto:\s*", re.IGNORECASE)
_THINGS = frozenset({"ROOM", "RESOURCE"})


@dataclass(frozen=True, slots=True)
class _Shift:
    start: datetime
    end: datetime
    who: tuple[Person, ...]


class IcalRota:
    """Asks the address at most every quarter of an hour; while it is away, what was read last holds.

    Args:
        url: It may hold a secret, and is shown nowhere whole.
        timezone: Of times that name none, and of whole days.
        clock: Tells the time, aware.

    Raises:
        Permanent: There is no such time zone.
    """

    def __init__(self, url: str, timezone: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or "the calendar"
        self._clock = clock
        try:
            self._zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Permanent(f"rota.timezone holds {timezone!r}; it needs a name such as Europe/London") from None
        self._calendar: Any = None
        self._windows: dict[int, tuple[_Shift, ...]] = {}
        self._raw = b""
        self._marks: dict[str, str] = {}
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def on_call(self, at: datetime) -> Sequence[Person]:
        """See ``models.ports.rota.RotaSource``."""
        shifts = await self._shifts(at)
        found = [person for shift in shifts if shift.start <= at < shift.end for person in shift.who]
        return tuple(dict.fromkeys(found))

    async def _shifts(self, at: datetime) -> tuple[_Shift, ...]:
        """Return the shifts around a moment."""
        number = (at - _START) // WINDOW
        async with self._asking:
            if self._calendar is None or time.monotonic() >= self._until:
                await self._refresh(number)
            if number not in self._windows:
                if len(self._windows) >= MOST_WINDOWS:
                    del self._windows[next(iter(self._windows))]
                self._windows[number] = await asyncio.to_thread(self._worked_out, self._calendar, number)
            return self._windows[number]

    async def _refresh(self, number: int) -> None:
        """Read the calendar anew, and a window of it, without which it is none that can be read."""
        try:
            raw = await self._fetch()
            if self._calendar is None or raw != self._raw:
                calendar = await asyncio.to_thread(self._read, raw)
                first = await asyncio.to_thread(self._worked_out, calendar, number)
                self._calendar, self._windows, self._raw = calendar, {number: first}, raw
        except (Permanent, Temporary) as error:
            if self._calendar is None:
                raise
            log.warning("the rota can't be read; what was read last holds: %s", error)
        self._until = time.monotonic() + FRESH_SECONDS

    async def _fetch(self) -> bytes:
        headers = dict(self._marks) if self._raw else {}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.get(self._url, headers=headers, max_redirects=3) as answer,
            ):
                if answer.status == 304:
                    return self._raw
                if answer.status != 200:
                    error = Temporary if answer.status >= 500 or answer.status == 429 else Permanent
                    raise error(f"{self._host} answered {answer.status} for rota.url")
                raw = bytearray()
                async for part in answer.content.iter_chunked(64 * 1024):
                    raw += part
                    if len(raw) > LARGEST:
                        raise Permanent(f"rota.url: the calendar is larger than {LARGEST // 1024 // 1024} MB")
                given = answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Temporary(f"{self._host} can't be reached for rota.url: {type(error).__name__}") from None
        pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
        self._marks = {asked: given[told] for asked, told in pairs if told in given}
        return bytes(raw)

    @staticmethod
    def _read(raw: bytes) -> Any:
        with _telling():
            return _bounded(icalendar.Calendar.from_ical(raw))

    def _worked_out(self, calendar: Any, number: int) -> tuple[_Shift, ...]:
        """Return the shifts of a window, those that reach into it included."""
        start, end = _START + number * WINDOW - _DAY, _START + (number + 1) * WINDOW + _DAY
        with _telling():
            events = recurring_ical_events.of(calendar, skip_bad_series=True).between(start, end)
            found = [shift for event in events[:MOST_EVENTS] if (shift := self._shift(event)) is not None]
        return tuple(sorted(found, key=lambda shift: shift.start))

    def _shift(self, event: Any) -> _Shift | None:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            return None
        who = _people(event)
        start, end = self._instant(event.start), self._instant(event.end)
        if start == end and not isinstance(event.start, datetime):
            end = self._instant(event.start + _DAY)  # some programs write one whole day so
        return _Shift(start, end, who) if who and start < end else None

    def _instant(self, told: date | datetime) -> datetime:
        """Return when something begins or ends; a whole day goes by the midnights of the rota's time zone."""
        if not isinstance(told, datetime):
            told = datetime(told.year, told.month, told.day)  # noqa: DTZ001 -- the zone follows
        return told if told.tzinfo else told.replace(tzinfo=self._zone)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        try:
            shifts = await self._shifts(self._clock())
        except (Permanent, Temporary) as error:
            return [Finding("rota", False, str(error), "correct rota.url")]
        return [Finding("rota", True, f"the calendar of {self._host} can be read; {len(shifts)} shifts around now")]


@contextmanager
def _telling() -> Iterator[None]:
    """Turn whatever the libraries raise about a calendar that is none into what can be told."""
    try:
        yield
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
    ) as error:
        raise Permanent(f"rota.url: is no calendar that can be read ({type(error).__name__})") from None


def _bounded(calendar: Any) -> Any:
    """Leave out what would recur without end: nobody is on call anew each second."""
    bounded = icalendar.Calendar()
    for part in calendar.subcomponents[:MOST_EVENTS]:
        rule = part.get("RRULE")
        rules = rule if isinstance(rule, list) else [rule] if rule else []
        if any(str(freq).upper() in _OFTEN for each in rules for freq in each.get("FREQ", [])):
            log.warning("an event of the rota recurs by the hour or faster and is left out")
            continue
        if part.name == "VEVENT" and not _readable(part):
            log.warning("an event of the rota has no time that can be read and is left out")
            continue
        bounded.add_component(part)
    return bounded


def _readable(event: Any) -> bool:
    """Tell whether an event says when it is; one that does not must not hide all the others."""
    broken = {name for name, _ in event.errors}
    return event.get("DTSTART") is not None and not broken & {
        "DTSTART",
        "DTEND",
        "DURATION",
        "RECURRENCE-ID",
        "RRULE",
    }


def _people(event: Any) -> tuple[Person, ...]:
    """Return who has a shift: its attendees, or else the name that its title is."""
    attendees = event.get("ATTENDEE") or []
    asked = [
        (each, getattr(each, "params", {})) for each in (attendees if isinstance(attendees, list) else [attendees])
    ]
    people = [
        (each, told)
        for each, told in asked
        if _means(told, "CUTYPE") not in _THINGS and _means(told, "ROLE") != "NON-PARTICIPANT"
    ]
    found = []
    for each, told in people:
        if _means(told, "PARTSTAT") != "DECLINED":
            login = _MAIL.sub("", str(each)).partition("@")[0]
            found.append(Person("", (str(told.get("CN", "")) or login)[:100], username=login[:100]))
    if people:
        return tuple(found)
    title = _name(" ".join(str(event.get("SUMMARY") or "").split()))
    names = [each.strip() for each in re.split(r"[,;&+/]|\band\b", title) if each.strip()]
    return tuple(Person("", name[:100]) for name in names[:10])


def _means(told: Any, key: str) -> str:
    return str(told.get(key, "")).upper()


def _name(title: str) -> str:
    """Return a title without the words around a name: "Wilson rota: Ada (on call)" names Ada."""
    name = title
    while (shorter := _SUFFIX.sub("", _PREFIX.sub("", _LABEL.sub("", name))).strip()) != name:
        name = shorter
    return name
