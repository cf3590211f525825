"""Whether an alert keeps to a weekday, or comes every day (T37, T46)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

LOOKED_BACK = timedelta(weeks=13)
"""How far back earlier incidents are looked at."""
_WEEKS, _DAYS = 2, 3
"""From how many in a row on it is told; once may be chance."""
_CLOSE = 60
"""How many minutes the times of day may differ to count as the same."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """That the same rule alerted before, on days like this one.

    Attributes:
        count: On how many such days in a row.
        weekday: Which weekday that was; empty where it was every day.
        around: At which time of day each time, by the team's clock; empty where that differs.
        incidents: The numbers of those incidents, the oldest first.
    """

    count: int
    weekday: str = ""
    around: str = ""
    incidents: tuple[int, ...] = ()


def recurrence(at: datetime, before: Sequence[tuple[int, datetime]], zone: tzinfo) -> Recurrence | None:
    """Tell what an alert keeps to; ``None`` where it keeps to nothing.

    Args:
        at: When it came now.
        before: The incidents of the same rule, and when each fired.
        zone: By whose days and clocks.
    """
    now = at.astimezone(zone)
    came: dict[date, list[tuple[int, datetime]]] = {}
    for number, when in before:
        local = when.astimezone(zone)
        came.setdefault(local.date(), []).append((number, local))
    today = now.date()
    daily = _in_a_row(today, came, 1)
    if len(daily) >= _DAYS:
        return _made(now, [came[day] for day in daily])
    weekly = _in_a_row(today, came, 7)
    if len(weekly) < _WEEKS:
        return None
    between = [day for day in came if weekly[-1] < day < today and day not in weekly]
    if len(between) > len(weekly):
        return None  # it comes on other days as often
    return _made(now, [came[day] for day in weekly], weekday=f"{today:%A}")


def _in_a_row(today: date, came: dict[date, list[tuple[int, datetime]]], every: int) -> list[date]:
    """Return the days before today on which it came, each so many days before the next, the newest first."""
    found: list[date] = []
    while (day := today - timedelta(days=every * (len(found) + 1))) in came:
        found.append(day)
    return found


def _made(now: datetime, days: Sequence[Sequence[tuple[int, datetime]]], weekday: str = "") -> Recurrence:
    numbers = sorted({number for day in days for number, _ in day})
    same = all(any(_apart(now, at) <= _CLOSE for _, at in day) for day in days)
    half = (now + timedelta(minutes=15)).replace(minute=(now + timedelta(minutes=15)).minute // 30 * 30)
    return Recurrence(len(days), weekday, f"{half:%H:%M}" if same else "", tuple(numbers))


def _apart(one: datetime, other: datetime) -> int:
    """Return by how many minutes two times of day differ, also across midnight."""
    minutes = abs((one.hour - other.hour) * 60 + one.minute - other.minute)
    return min(minutes, 24 * 60 - minutes)
