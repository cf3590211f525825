"""Moments that people type: ``tomorrow``, ``monday 10:00``, ``2026-12-01 at 9:30``, ``3 hours``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from models.domain.rota import read_days

_SPAN = re.compile(r"(?:for|in)?\s*(\d{1,4})\s*(minutes?|mins?|hours?|h|days?|weeks?)", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_CLOCK = re.compile(r"(?:\s*\bat)?\s*\b(\d{1,2})[:.](\d{2})$", re.IGNORECASE)


def read_moment(text: str, now: datetime, zone: tzinfo, morning: time) -> datetime | None:
    """Return the moment that somebody typed, by the clocks of ``zone``; ``None`` where it is none.

    Args:
        text: A day, a time of day, both, or how long from now.
        morning: When a day begins that is named without a time.
    """
    said = " ".join(text.lower().removeprefix("until ").split()).strip(" .,")
    if span := _SPAN.fullmatch(said):
        return (now + int(span[1]) * _UNITS[span[2][0]]).astimezone(zone)
    today = now.astimezone(zone).date()
    clock, found = morning, _CLOCK.search(said)
    if found is not None:
        hour, minute = int(found[1]), int(found[2])
        if hour > 23 or minute > 59:
            return None
        clock, said = time(hour, minute), said[: found.start()].strip(" ,")
    if not said and found is not None:
        moment = datetime.combine(today, clock, tzinfo=zone)
        later = datetime.combine(today + timedelta(days=1), clock, tzinfo=zone)
        return moment if moment.astimezone(UTC) > now else later
    days = read_days(said, today) if said else None
    if days is None or days[0] != days[1]:
        return None
    return datetime.combine(days[0], clock, tzinfo=zone)
