"""Patterns by which entries of a process file speak of incidents."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from models.domain.process_reader import Reader

FIELDS = ("source", "title", "project", "resource", "condition", "summary", "severity")
"""What patterns can speak of."""

Patterns = tuple[tuple[str, tuple[str, ...]], ...]
"""By field of ``FIELDS``, with ``*`` and ``?``, whatever the case; ``!`` in front: anything else."""


def match(patterns: Patterns, values: Mapping[str, str | None]) -> bool:
    """Tell whether of each field's patterns one matches its value. Without patterns everything does."""
    return all(
        any(_matches((values.get(field) or "")[:1000], pattern) for pattern in several)
        for field, several in patterns
    )


def _matches(value: str, pattern: str) -> bool:
    wanted = not pattern.startswith("!")
    return fnmatchcase(value.casefold(), pattern.removeprefix("!").casefold()) is wanted


def values_of(incident: Any) -> dict[str, str | None]:
    """Return what patterns go by, of an incident or an alert."""
    return {field: getattr(incident, field) for field in FIELDS}


def read_patterns(reader: Reader) -> Patterns:
    """Read a table of patterns, each a text or several.

    Raises:
        ProcessError: It names no pattern, or one of something else.
    """
    held = reader.rest()
    patterns = [(key, tuple(value) if isinstance(value, list) else (value,)) for key, value in held.items()]
    for key, several in patterns:
        if key not in FIELDS or not several or not all(isinstance(each, str) and each for each in several):
            reader.wrong(f"{key} = {held[key]!r} is not a pattern for one of {', '.join(FIELDS)}")
    if not patterns:
        reader.wrong(f"names no pattern; it needs one for some of {', '.join(FIELDS)}")
    return tuple(patterns)
