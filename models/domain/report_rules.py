"""When the team is told how it went, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from models.domain.process_reader import Reader
from models.domain.working_hours import DAYS

YEARS = range(2000, 2200)
"""In which years the days of a report or a balance may lie."""


@dataclass(frozen=True, slots=True)
class ReportRules:
    """When the weekly report is posted; ``at`` is ``None`` for never. ``day`` counts from 0 (Monday)."""

    day: int = 0
    at: time | None = None

    def week_to_tell(self, now: datetime, zone: tzinfo) -> tuple[date, date] | None:
        """Return the seven days whose report is due by now, the second being the day after; ``None`` for none."""
        here = now.astimezone(zone)
        if self.at is None:
            return None
        end = here.date() - timedelta(days=(here.weekday() - self.day) % 7)
        if here.date() == end and here.time() < self.at:
            end -= timedelta(days=7)
        return end - timedelta(days=7), end


def read_report_rules(reader: Reader) -> ReportRules:
    """Read ``[reports]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    rules = ReportRules(DAYS.index(reader.one_of("weekly_on", DAYS)), reader.clock("weekly_at"))
    reader.done()
    return rules
