"""When one person's turn on call ends and the next one's begins, and when a working day ends, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

from models.domain.process_reader import Reader


@dataclass(frozen=True, slots=True)
class ShiftRules:
    """What is told of shifts; ``None`` for never.

    Attributes:
        handed_over_at: From when on a day the hand-over card is posted, where somebody else is on call than before.
        reminded_after: How long after it whoever is on call is reminded to take over.
        ends_at: When owners are asked on a working day whether they hand over, put off, or go on (U22).
    """

    handed_over_at: time | None = None
    reminded_after: timedelta = timedelta(hours=1)
    ends_at: time | None = None


def read_shifts(reader: Reader) -> ShiftRules:
    """Read ``[shifts]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    made = ShiftRules(
        reader.clock("handed_over_at"),
        timedelta(minutes=reader.number("reminded_after_minutes", 1440, 60)),
        reader.clock("day_ends_at"),
    )
    reader.done()
    return made
