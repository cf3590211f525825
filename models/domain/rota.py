"""Changes of a rota: who stands in for whom on which days. The rota itself is kept by its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.domain.people import Person
from models.domain.working_hours import DAYS

MOST_DAYS = 31
FURTHEST = timedelta(days=800)
"""How far ahead a day may be: what is further is a slip."""
_RANGE = re.compile(r"\s*(?:\.\.|–|\bto\b|\buntil\b)\s*|\s+-\s+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WRITTEN = re.compile(r"(\d{1,2})(?:st|nd|rd|th)? (?:of )?([a-z]{3})[a-z]*\.?,?(?: (\d{4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Swap:
    """One change.

    Attributes:
        first, last: The days, both included.
        out: Whose shift it is; ``None`` for whoever is on call.
        into: Who takes it. Where they are on call that day themselves, ``out`` takes theirs.
        by: Who said so.
        at: When they did; later changes go by what earlier ones made.
    """

    first: date
    last: date
    into: Person
    by: Person
    at: datetime
    out: Person | None = None

    def holds(self, day: date) -> bool:
        """Tell whether it is about that day."""
        return self.first <= day <= self.last


def swapped(on_call: Sequence[Person], day: date, swaps: Sequence[Swap]) -> tuple[Person, ...]:
    """Return who is on call on a day, once the changes for it are made, in the order in which they were said."""
    people = list(on_call)
    for swap in swaps:
        if not swap.holds(day):
            continue
        if swap.out is None:
            people = [swap.into]
            continue
        out, into = swap.out, swap.into
        people = [into if alike(each, out) else out if alike(each, into) else each for each in people]
    return tuple(people)


def alike(one: Person, other: Person) -> bool:
    """Tell whether both are one person, also where a rota knows only a name or a login."""
    if one.same(other):
        return True
    mine = {text.casefold() for text in (one.id, one.name, one.username) if text}
    return any(text.casefold() in mine for text in (other.id, other.name, other.username) if text)


def read_days(text: str, today: date) -> tuple[date, date] | None:
    """Return the first and the last day that somebody typed; ``None`` for no day, too many, or too far ahead.

    Args:
        text: ``2026-12-24``, ``2026-12-24..2026-12-28``, ``24 December``, ``today``, ``tomorrow``, or the name of a
            day that comes; ``friday to monday`` is the Monday after that Friday.
    """
    parts = [part for part in _RANGE.split(text.strip(" .,").lower()) if part]
    if not 1 <= len(parts) <= 2:
        return None
    first = _day(parts[0], today)
    last = first if len(parts) == 1 or first is None else _day(parts[1], today, not_before=first)
    if first is None or last is None or not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        return None
    if last - today > FURTHEST:
        return None
    return first, last


def _day(text: str, today: date, not_before: date | None = None) -> date | None:
    word = text.removeprefix("from ").removeprefix("on ").removeprefix("for ").strip()
    if word in ("today", "tomorrow"):
        return today + timedelta(days=word == "tomorrow")
    if word in DAYS:
        start = not_before or today
        return start + timedelta(days=(DAYS.index(word) - start.weekday()) % 7 or 7)
    try:
        if written := _WRITTEN.fullmatch(word):
            month = _MONTHS.index(written[2]) + 1
            year = int(written[3] or (not_before or today).year)
            day = date(year, month, int(written[1]))
            return day if written[3] or day >= (not_before or today) else day.replace(year=year + 1)
        return date.fromisoformat(word)
    except ValueError:
        return None
