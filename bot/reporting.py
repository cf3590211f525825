"""Posts the weekly report, and answers for one with what the tracker says about follow-ups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.clock import look_now_and_then
from bot.surroundings import Surroundings
from models import directory, reporting, store
from models.domain.effects import SendReport
from models.domain.reports import Report
from models.ports import IssueTracker, Permanent, PortError

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


async def open_follow_ups(report: Report, tracker: IssueTracker) -> str:
    """Return how many follow-ups of a report are open, in words. Asks the tracker of the newest few.

    A tracker that is away makes them unknown, and holds no report.
    """
    keys = [each.key for line in report.lines for each in line.incident.follow_ups if each.key][-MOST_FOLLOW_UPS:]
    still = unknown = 0
    for number, key in enumerate(keys):
        try:
            still += not (await tracker.get(key)).closed
        except Permanent:
            unknown += 1
        except PortError:
            unknown += len(keys) - number  # it is away: the rest is not waited for
            break
    unknown += report.follow_ups - len(keys)
    if not report.follow_ups:
        return ""
    return f", {still} of them open" + (f", {unknown} not known" if unknown else "")
