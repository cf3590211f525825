"""Patterns by which a process file speaks of mails."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from models.domain.alerts import Reading
from models.domain.process_reader import Reader

FIELDS = ("source", "sender", "subject", "title", "project", "resource")
"""What a pattern can speak of."""

Patterns = Sequence[tuple[str, str]]
"""Patterns by field, with ``*`` and ``?``, whatever the case."""


def speak_of(patterns: Patterns, reading: Reading) -> bool:
    """Tell whether all patterns match a mail."""
    return all(any(_matches(value, pattern) for value in _values(reading, field)) for field, pattern in patterns)


def address_of(reading: Reading) -> str:
    """Return the bare address of a mail's sender."""
    return reading.sender.rpartition("<")[2].partition(">")[0].strip()


def read_patterns(reader: Reader) -> tuple[tuple[str, str], ...]:
    """Read what is left of a table as patterns.

    Raises:
        ProcessError: An entry is no pattern, or there is none.
    """
    patterns = reader.rest()
    for key, value in patterns.items():
        if key not in FIELDS or not isinstance(value, str) or not value:
            reader.wrong(f"{key} = {value!r} is not a pattern for one of {', '.join(FIELDS)}")
    if not patterns:
        reader.wrong(f"names no pattern; it needs one for some of {', '.join(FIELDS)}")
    return tuple(patterns.items())


def _values(reading: Reading, name: str) -> tuple[str, ...]:
    if name == "sender":
        return reading.sender, address_of(reading)
    if name in ("source", "subject"):
        return (getattr(reading, name) or "",)
    return ((getattr(reading.alert, name) or "") if reading.alert else "",)


def _matches(value: str, pattern: str) -> bool:
    return fnmatchcase(value[:500].casefold(), pattern.casefold())
