"""What the team knows about alerts that come again: causes, what to do, and which need nobody (T19, T32-T37)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from models.domain.matching import Patterns, match, read_patterns
from models.domain.process_reader import Reader, all_known, each_its_own
from models.domain.working_hours import WorkingHours, read_working_hours


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """One row of the team's table of known issues.

    Attributes:
        key: What others name it by in ``related``.
        patterns: By field of ``FIELDS``, with ``*`` and ``?``, whatever the case; ``!`` in front: anything else.
            Of each field one must match.
        causes, actions: In the order in which to think of them and to do them.
        risks: What may go wrong by doing so.
        url: Where more is written.
        owner: Whom to ask.
        related: Keys of others that belong to it.
        clears_within: It usually clears by itself within so long, and needs nobody before that; ``None`` where it
            does not.
        repeats: So many reports end that quiet, although it may clear.
        hours: The quiet holds only for what begins then; ``None`` for always.
    """

    key: str
    name: str
    patterns: Patterns
    causes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    risks: str = ""
    url: str = ""
    owner: str = ""
    related: tuple[str, ...] = ()
    clears_within: timedelta | None = None
    repeats: int = 3
    hours: WorkingHours | None = None

    def matches(self, values: Mapping[str, str | None]) -> bool:
        """Tell whether an alert of these values, by field of ``FIELDS``, is one of these."""
        return match(self.patterns, values)


def read_known_issues(readers: Sequence[Reader]) -> tuple[KnownIssue, ...]:
    """Read ``[[known_issues]]``.

    Raises:
        ProcessError: An entry does not fit, or ``related`` names one that is not there.
    """
    found = tuple(_known_issue(each) for each in readers)
    keys = [each.key for each in found]
    each_its_own(readers, keys)
    for reader, each in zip(readers, found, strict=True):
        for other in each.related:
            if other not in keys and all_known(keys):
                reader.wrong(f"related holds {other!r}; it needs keys of other known issues")
    return found


def _known_issue(reader: Reader) -> KnownIssue:
    patterns = read_patterns(reader.table("match"))
    minutes = reader.number("clears_within_minutes", 10_080) if reader.has("clears_within_minutes") else None
    hours = read_working_hours(reader.table("hours")) if reader.has("hours") else None
    made = KnownIssue(
        reader.key(),
        reader.text("name"),
        patterns,
        reader.texts("causes"),
        reader.texts("actions"),
        reader.text("risks", ""),
        reader.text("url", ""),
        reader.text("owner", ""),
        reader.texts("related"),
        timedelta(minutes=minutes) if minutes else None,
        reader.number("repeats", 1000, 3),
        hours,
    )
    reader.done()
    return made
