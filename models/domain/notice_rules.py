"""When the team is told who is on call, and when it meets for the incident review, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from models.domain.process_reader import Reader

LONGEST_NAME = 30
"""Characters of what a review is called, since a button says it."""


@dataclass(frozen=True, slots=True)
class Notices:
    """``morning_at``: when whoever is on call is named, on working days; ``None`` for never.

    Attributes:
        gaps_ahead_days: How many days ahead a day without anybody on call is told of.
    """

    morning_at: time | None = None
    gaps_ahead_days: int = 7


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """The incident review (W67): every so many weeks from a first day on; ``first`` is ``None`` for never.

    Attributes:
        announced: When it is announced, on the day before.
        board: The address of the team's own board; empty for none.
        name: What the team calls it.
    """

    first: date | None = None
    every_weeks: int = 2
    at: time = time(10)
    announced: time = time(10)
    board: str = ""
    name: str = "incident review"

    @property
    def title(self) -> str:
        """Its name as a heading."""
        return f"{self.name[:1].upper()}{self.name[1:]}"

    def next_meeting(self, after: datetime, zone: tzinfo) -> datetime | None:
        """Return the first meeting that begins after a moment."""
        if self.first is None:
            return None
        step = timedelta(weeks=self.every_weeks)
        here = after.astimezone(zone)
        past = max((here.date() - self.first) // step, 0)
        day = self.first + past * step
        meeting = datetime.combine(day, self.at, tzinfo=zone)
        return meeting if meeting > after else datetime.combine(day + step, self.at, tzinfo=zone)

    def announced_at(self, meeting: datetime, zone: tzinfo) -> datetime:
        """Return when a meeting is announced."""
        day = meeting.astimezone(zone).date() - timedelta(days=1)
        return datetime.combine(day, self.announced, tzinfo=zone)


def review_of(day: date) -> int:
    """Return the number of the review of a day, such as 20261126."""
    return day.year * 10_000 + day.month * 100 + day.day


def read_notices(reader: Reader) -> Notices:
    """Read ``[notices]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    made = Notices(reader.clock("on_call_at"), reader.number("gaps_ahead_days", 60, 7))
    reader.done()
    return made


def read_review(reader: Reader) -> ReviewRules:
    """Read ``[review]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    held = reader.typed("first", date, "a day such as 2026-01-08", None) if reader.has("first") else None
    if isinstance(held, datetime):
        reader.wrong(f"first holds {held}; it needs a day such as 2026-01-08")
    usual = ReviewRules()
    made = ReviewRules(
        held,
        reader.number("every_weeks", 26, 2),
        reader.clock("at") or usual.at,
        reader.clock("announced_the_day_before_at") or usual.announced,
        reader.text("board", ""),
        reader.text("name") if reader.has("name") else usual.name,
    )
    if len(made.name) > LONGEST_NAME:
        reader.wrong(f"name holds {made.name[:60]!r}; it needs at most {LONGEST_NAME} characters")
    reader.done()
    return made
