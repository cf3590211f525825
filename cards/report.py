"""How it went: a card with charts that Teams draws and the same as text, and tables for elsewhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from cards.blocks import (
    Element,
    adaptive_card,
    clean,
    container,
    gap,
    rich_text,
    row,
    text_block,
    text_run,
    unfolding,
)
from cards.words import numbered, public_title, source_name, times
from models.domain.incident_parts import FollowUp
from models.domain.process import Process
from models.domain.report_lines import Line
from models.domain.reports import PRIVATE, Repeat, Report, Spread

_MOST = 5
COLUMNS = (
    "id", "title", "source", "urgency", "state", "reported_at", "claimed_at", "assessed_at", "resolved_at",
    "closed_at", "owner", "minutes_to_claim", "minutes_to_resolve", "count", "flapping", "out_of_hours",
    "follow_ups", "issue_url", "came_in_period", "open_at_end", "judged_at", "minutes_to_judge",
    "minutes_to_assess", "minutes_live", "minutes_unowned", "reports", "affected", "follow_ups_open",
)  # fmt: skip


def report_card(report: Report, process: Process, zone: tzinfo) -> Element:
    """Return the report as a card."""
    title = came(report)
    head = [
        text_block("How it went", weight="Bolder", size="Large", heading=True),
        text_block(f"{period(report, zone)}: {title}", spacing="None"),
    ]
    body: list[Element] = [container(head, style="emphasis", bleed=True)]
    if report.count:
        sources = [(source_name(name), count) for name, count in report.by_source]
        levels = [(_level(name, process), count) for name, count in report.by_urgency]
        body += [
            _chart("Chart.Donut", "By source", sources),
            _chart("Chart.HorizontalBar", "By urgency", levels),
            row("Source", rich_text(text_run(_listed(sources), 400)), spacing="Medium"),
            row("Urgency", rich_text(text_run(_listed(levels), 400))),
            row("State", text_block(_listed([(name.capitalize(), count) for name, count in report.by_state]))),
        ]
    if report.lines:
        body += [
            row("To judge", text_block(_spread(report.to_judge)), spacing="Medium"),
            row("To claim", text_block(_spread(report.to_claim))),
            row("To assess", text_block(_spread(report.to_assess))),
            row("To resolve", text_block(_spread(report.to_resolve))),
            row("Live", text_block(_live(report))),
            row("Nobody's", text_block(f"{long(report.unowned)} in all")),
            row("Still open", text_block(_still_open(report))),
            row("Follow-ups", text_block(_follow_ups(report))),
            row("Unclaimed", text_block(_unclaimed(report))),
        ]
        body += _worth_fixing(report)
    return adaptive_card(body, speak=f"How it went: {title}")


def period(report: Report, zone: tzinfo) -> str:
    """Return the days that a report is about: ``16 – 22 November 2026``."""
    first = report.begin.astimezone(zone).date()
    last = (report.end - timedelta(seconds=1)).astimezone(zone).date()
    if first == last:
        return f"{first.day} {first:%B %Y}"
    return f"{first.day} {first:%B %Y} – {last.day} {last:%B %Y}"


def _level(key: str, process: Process) -> str:
    level = process.urgency(key)
    return level.name if level else (key or "Not assessed")


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{clean(name, 60)} {count}" for name, count in counts[:8]) or "none"


def _chart(kind: str, title: str, counts: Sequence[tuple[str, int]]) -> Element:
    """Return a chart; a client that knows none shows nothing in its place, since the text below says the same."""
    label, value = ("legend", "value") if kind == "Chart.Donut" else ("x", "y")
    data = [{label: clean(name, 40), value: count} for name, count in counts[:8]]
    return {"type": kind, "title": title, "data": data, "fallback": "drop"}


def _spread(durations: Spread) -> str:
    if not durations.count:
        return "nothing to measure"
    median, ninetieth, longest = (long(each) for each in (durations.median, durations.ninetieth, durations.longest))
    return f"median {median}, 90th percentile {ninetieth}, longest {longest} (of {durations.count})"


def _live(report: Report) -> str:
    text = f"{long(report.live)} in all"
    return f"{text}; {report.top_share}% of the reports came from two alerts" if report.top_share else text


def _still_open(report: Report) -> str:
    if not report.open_at_end:
        return "none"
    before = report.open_from_before
    came = f"; {numbered(before)} came before" if before else ""
    return f"{len(report.open_at_end)}: {numbered(report.open_at_end)}{came}"


def _unclaimed(report: Report) -> str:
    which = f": {numbered(report.unclaimed)}" if report.unclaimed else ""
    return f"{report.unclaimed_out_of_hours} out of hours, for over half an hour{which}"


def long(took: timedelta) -> str:
    """Return a duration in words: ``3 h 10 min``."""
    minutes = max(int(took.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} days"


def _worth_fixing(report: Report) -> list[Element]:
    if not report.repeats:
        return []
    lines = []
    for each in report.repeats[:_MOST]:
        lines.append(
            rich_text(
                text_run(f"#{each.incident_id} {each.title}", 140),
                gap(" – ", subtle=True),
                text_run(_how_often(each), 240, subtle=True),
                spacing="None",
            )
        )
    return list(unfolding("Repeats worth fixing", container(lines), "repeats"))


def _how_often(each: Repeat) -> str:
    parts = [f"reported {times(each.reports)}"]
    if each.incidents > 1:
        parts.append(f"{each.incidents} candidates ({numbered(each.numbers)})")
    if len(each.resources) > 1:
        parts.append(f"on {len(each.resources)} resources")
    if each.dismissed:
        parts.append(f"{each.dismissed} of them no incident")
    if each.flapping:
        parts.append("flapping")
    return ", ".join(parts)


# -- for elsewhere --------------------------------------------------------------------------------------------


def _follow_ups(report: Report) -> str:
    if not report.follow_ups:
        return "none raised"
    unknown = f", {report.follow_ups_unknown} not known" if report.follow_ups_unknown else ""
    return f"{report.follow_ups} raised, {report.follow_ups_open} of them open{unknown}"


def came(report: Report) -> str:
    """Return how many came, in words."""
    return f"{report.count} incidents and candidates" if report.count != 1 else "1 incident or candidate"


def report_text(report: Report, process: Process, zone: tzinfo) -> str:
    """Return the report as plain text."""
    lines = [
        f"{period(report, zone)}: {came(report)}",
        f"by source:   {_listed([(source_name(name), count) for name, count in report.by_source])}",
        f"by urgency:  {_listed([(_level(name, process), count) for name, count in report.by_urgency])}",
        f"by state:    {_listed(report.by_state)}",
        f"to judge:    {_spread(report.to_judge)}",
        f"to claim:    {_spread(report.to_claim)}",
        f"to assess:   {_spread(report.to_assess)}",
        f"to resolve:  {_spread(report.to_resolve)}",
        f"live:        {_live(report)}",
        f"nobody's:    {long(report.unowned)} in all",
        f"still open:  {_still_open(report)}",
        f"follow-ups:  {_follow_ups(report)}",
        f"unclaimed:   {_unclaimed(report)}",
    ]
    lines += [
        f"repeats:     #{each.incident_id} {clean(each.title, 90)}: {_how_often(each)}"
        for each in report.repeats[:_MOST]
    ]
    return "\n".join(lines)


def report_csv(report: Report) -> str:
    """Return a line for each incident that came, was open or ended in the period.

    No cell of foreign text is a formula to a spreadsheet. What is not public of an incident of security is empty.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for each in report.lines:
        writer.writerow({key: _cell(value) for key, value in _values(report, each).items()})
    return out.getvalue()


def report_json(report: Report) -> str:
    """Return the report and its incidents as JSON."""
    durations = {
        name: {
            "count": each.count,
            "median_minutes": _minutes(each.median),
            "ninetieth_minutes": _minutes(each.ninetieth),
            "longest_minutes": _minutes(each.longest),
        }
        for name, each in (
            ("to_claim", report.to_claim),
            ("to_resolve", report.to_resolve),
            ("to_judge", report.to_judge),
            ("to_assess", report.to_assess),
        )
    }
    whole = {
        "begin": report.begin.isoformat(),
        "end": report.end.isoformat(),
        "count": report.count,
        "by_source": dict(report.by_source),
        "by_urgency": dict(report.by_urgency),
        "by_state": dict(report.by_state),
        **durations,
        "live_minutes": _minutes(report.live),
        "unowned_minutes": _minutes(report.unowned),
        "earlier": report.earlier,
        "open_at_end": report.open_at_end,
        "follow_ups": report.follow_ups,
        "follow_ups_open": report.follow_ups_open,
        "follow_ups_unknown": report.follow_ups_unknown,
        "unclaimed_out_of_hours": report.unclaimed_out_of_hours,
        "unclaimed": report.unclaimed,
        "repeats": [
            {
                "incident": each.incident_id,
                "title": each.title,
                "reports": each.reports,
                "incidents": each.incidents,
                "dismissed": each.dismissed,
                "flapping": each.flapping,
                "numbers": each.numbers,
                "resources": each.resources,
            }
            for each in report.repeats
        ],
        "incidents": [_values(report, each) for each in report.lines],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2)


_WITHHELD = ("urgency", "count", "flapping", "follow_ups", "issue_url", "reports", "affected", "follow_ups_open")


def _values(report: Report, line: Line) -> dict[str, Any]:
    incident = line.incident
    values = {
        "id": incident.id,
        "title": public_title(incident),
        "source": incident.source,
        "urgency": incident.urgency,
        "state": incident.state.value,
        "reported_at": _stamp(incident.created_at),
        "claimed_at": _stamp(line.claimed_at),
        "assessed_at": _stamp(line.assessed_at),
        "resolved_at": _stamp(line.resolved_at),
        "closed_at": _stamp(line.closed_at),
        "owner": incident.owner.name if incident.owner else None,
        "minutes_to_claim": _minutes(line.to_claim),
        "minutes_to_resolve": _minutes(line.to_resolve),
        "count": incident.count,
        "flapping": incident.flapping,
        "out_of_hours": line.out_of_hours,
        "follow_ups": len(incident.follow_ups),
        "issue_url": incident.issue_url or None,
        "came_in_period": report.came(line),
        "open_at_end": incident.id in report.open_at_end,
        "judged_at": _stamp(line.judged_at),
        "minutes_to_judge": _minutes(line.to_judge),
        "minutes_to_assess": _minutes(line.to_assess),
        "minutes_live": _minutes(line.live(report.begin, report.until)),
        "minutes_unowned": _minutes(line.nobodys(report.begin, report.until)),
        "reports": line.reports(report.begin, report.end),
        "affected": len(incident.affected),
        "follow_ups_open": _open(incident.follow_ups),
    }
    if incident.private:
        values |= {"source": PRIVATE, **dict.fromkeys(_WITHHELD)}
    return values


def _open(follow_ups: Sequence[FollowUp]) -> int | None:
    """Return how many are open; ``None`` where that is not known of all."""
    if any(each.closed is None for each in follow_ups):
        return None
    return sum(not each.closed for each in follow_ups)


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _minutes(took: timedelta | None) -> float | None:
    return round(took.total_seconds() / 60, 1) if took is not None else None


def _cell(value: object) -> object:
    """Return a cell's value; a text that a spreadsheet would take for a formula gets a quote in front."""
    if isinstance(value, str):
        text = clean(value, 1000)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
    return value
