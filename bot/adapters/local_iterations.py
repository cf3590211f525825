"""The team's iterations, as a file tells them.

``iterations.toml`` holds ``[[iterations]]`` tables with ``name``, ``from`` and ``to`` (dates, both included). On a
day that none covers, and without the file, the iteration is a fortnight counted from Monday 5 January 2026, and its
name is its first and last day.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.adapters.local_files import decode
from models.ports.errors import Permanent

_FIRST_FORTNIGHT = date(2026, 1, 5)


def iteration_of(file: Path, now: datetime) -> str:
    """Return the name of the iteration that a time is in."""
    today = now.astimezone(UTC).date()
    for name, first, last in _iterations(file) if file.exists() else ():
        if first <= today <= last:
            return name
    first = today - timedelta(days=(today - _FIRST_FORTNIGHT).days % 14)
    return f"{first} to {first + timedelta(days=13)}"


def _iterations(file: Path) -> list[tuple[str, date, date]]:
    try:
        entries = tomllib.loads(decode(file)).get("iterations", [])
    except tomllib.TOMLDecodeError as error:
        raise Permanent(f"{file}: is not valid TOML: {error}") from None
    found: list[tuple[str, date, date]] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [None], start=1):
        told = entry if isinstance(entry, dict) else {}
        name, first, last = told.get("name"), told.get("from"), told.get("to")
        if not (isinstance(name, str) and name and type(first) is date and type(last) is date and first <= last):
            raise Permanent(
                f"{file}: [[iterations]] number {number}: needs name, from and to (dates such as 2026-11-16)"
            )
        found.append((name, first, last))
    return found
