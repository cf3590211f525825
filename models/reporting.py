"""What a report is made of, read in few statements."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

from models.codec import entry_from_text
from models.domain.incidents import State
from models.domain.process import Process
from models.domain.report_lines import line_of
from models.domain.reports import Report, report_of
from models.domain.timeline import Entry
from models.sql import marks, reading
from models.store import incident_of, to_ms

_AT_ONCE = 300


async def report(first: date, after: date, process: Process, zone: tzinfo, now: datetime) -> Report:
    """Return the report of some days.

    Args:
        first: The first day, by the clocks of ``zone``.
        after: The day after the last one.
    """
    begin, end = (datetime(each.year, each.month, each.day, tzinfo=zone).astimezone(UTC) for each in (first, after))
    rows = await reading().rows(
        "SELECT id, version, body FROM incidents WHERE updated_ms >= ? OR state IN (?, ?) ORDER BY id",
        to_ms(begin),
        State.CANDIDATE.value,
        State.OPEN.value,
    )
    found = [each for each in map(incident_of, rows) if each.created_at < end]
    timelines: dict[int, list[Entry]] = {each.id: [] for each in found}
    ids = list(timelines)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        statement = f"SELECT incident_id, entry FROM timeline WHERE incident_id IN ({marks(len(some))}) ORDER BY id"  # noqa: S608 -- marks are question marks
        for row in await reading().rows(statement, *some):
            timelines[row["incident_id"]].append(entry_from_text(row["entry"]))
    lines = [line_of(each, timelines[each.id], process.hours, zone) for each in found]
    return report_of(lines, begin, end, now=now)
