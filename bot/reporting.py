"""Posts the weekly report, and answers for one with what the tracker says about follow-ups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.clock import look_now_and_then
from bot.surroundings import Surroundings
from models import directory, reporting, store
from models.domain.effects import SendReport
from models.domain.incident_parts import FollowUp
from models.domain.reports import Report
from models.ports.errors import Permanent, PortError
from models.ports.tracker import IssueTracker

MOST_FOLLOW_UPS = 30


class Reporting:
    """Has the weekly report posted, once, whichever replica looks first.

    Args:
        around: The team's process.
        timezone: Whose weeks.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, around: Surroundings, timezone: ZoneInfo, wake: Callable[[], None]) -> None:
        self._around = around
        self._timezone = timezone
        self._wake = wake

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await look_now_and_then(self.look, "the weekly report")

    async def look(self, now: datetime) -> None:
        """Ask for the report of the week that is over, unless it was, or nothing was known in that week yet."""
        week = self._around.process.reports.week_to_tell(now, self._timezone)
        if week is None:
            return
        key = f"report:{week[1].isoformat()}"
        told = await directory.fact("report_told")
        if told == key:
            return
        if told is None and await self._is_new(now):
            await directory.remember_fact("report_told", key)  # a fresh installation tells of no week before it
            return
        if await store.leave([SendReport(*(day.isoformat() for day in week))], once=[key]):
            self._wake()
        await directory.remember_fact("report_told", key)

    async def _is_new(self, now: datetime) -> bool:
        week = self._around.process.reports.week_to_tell(now, self._timezone)
        if week is None:
            return True
        made = await reporting.report(*week, self._around.process, self._timezone, now)
        return not made.lines


async def with_follow_ups(report: Report, tracker: IssueTracker) -> Report:
    """Return a report that says how its follow-ups stand. Asks the tracker of the newest few.

    A tracker that is away leaves the rest unknown, and holds no report.
    """
    keys = [each.key for line in report.lines for each in line.incident.follow_ups if each.key]
    closed: dict[str, bool] = {}
    for key in keys[-MOST_FOLLOW_UPS:]:
        try:
            closed[key] = (await tracker.get(key)).closed
        except Permanent:
            continue
        except PortError:
            break  # it is away: the rest is not waited for
    lines = tuple(
        replace(line, incident=replace(line.incident, follow_ups=_standing(line.incident.follow_ups, closed)))
        for line in report.lines
    )
    return replace(report, lines=lines)


def _standing(follow_ups: Sequence[FollowUp], closed: Mapping[str, bool]) -> tuple[FollowUp, ...]:
    return tuple(replace(each, closed=closed.get(each.key)) for each in follow_ups)
