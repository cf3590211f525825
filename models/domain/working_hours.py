"""When the team works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from models.domain.process_reader import Reader

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Days of the week, and from when until when. An end before the start reaches into the next day.

    Attributes:
        days: Numbers from 0 (Monday).
        holidays: Days on which nobody works.
    """

    days: frozenset[int] = frozenset(range(5))
    start: time = time(9)
    end: time = time(17, 30)
    holidays: frozenset[date] = frozenset()

    def contains(self, at: datetime, zone: tzinfo) -> bool:
        """Tell whether the team works at that instant, by the clocks of ``zone``."""
        here = at.astimezone(zone)
        if self.start < self.end:
            return self.works_on(here.date()) and self.start <= here.time() < self.end
        yesterday = date.fromordinal(here.date().toordinal() - 1)
        today = self.works_on(here.date()) and here.time() >= self.start
        return today or (self.works_on(yesterday) and here.time() < self.end)

    def works_on(self, day: date) -> bool:
        """Tell whether the team works on that day at all."""
        return day.weekday() in self.days and day not in self.holidays


def read_days(reader: Reader) -> frozenset[int]:
    """Read the entry ``days``: days of the week, as numbers from 0 (Monday); none where it is missing.

    Raises:
        ProcessError: One of them is no day.
    """
    names = [each.lower() for each in reader.texts("days")]
    if unknown := [each for each in names if each not in DAYS]:
        reader.wrong(f"days holds {unknown[0]!r}; it needs some of {', '.join(DAYS)}")
    return frozenset(DAYS.index(each) for each in names if each in DAYS)


def read_working_hours(reader: Reader) -> WorkingHours:
    """Read ``[working_hours]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    usual = WorkingHours()
    days = read_days(reader)
    holidays = []
    for each in reader.typed("holidays", list, "a list of days", []):
        try:
            holidays.append(each if type(each) is date else date.fromisoformat(str(each)))
        except ValueError:
            reader.wrong(f"holidays holds {each!r}; it needs days as 2026-12-25")
    hours = WorkingHours(
        days or usual.days,
        reader.clock("from") or usual.start,
        reader.clock("to") or usual.end,
        frozenset(holidays),
    )
    if hours.start == hours.end:
        reader.wrong(f"from and to are both {hours.start:%H:%M}; they need to differ")
    reader.done()
    return hours
