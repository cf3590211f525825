"""When a team has somebody paged through an outside system, as data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from models.domain.process_reader import Reader


@dataclass(frozen=True, slots=True)
class PagingRules:
    """When somebody is paged about what is urgent and nobody owns.

    Attributes:
        after: How long after it began; empty for never.
        urgencies: Levels that page besides what counts as urgent anyway.
    """

    after: tuple[timedelta, ...] = ()
    urgencies: tuple[str, ...] = ()


def read_paging(reader: Reader, urgencies: Collection[str]) -> PagingRules:
    """Read ``[paging]``.

    Raises:
        ProcessError: No time is named, or an urgency is not known.
    """
    if not reader.values.get("after_minutes"):
        reader.wrong("after_minutes is missing or empty; it needs growing minutes, such as [10]")
    made = PagingRules(reader.minutes("after_minutes"), reader.texts("for"))
    for key in made.urgencies:
        if key not in urgencies and urgencies:
            reader.wrong(f"for holds {key!r}; it needs some of {', '.join(urgencies)}")
    reader.done()
    return made
