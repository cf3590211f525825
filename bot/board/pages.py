"""The pages' HTML. Jinja escapes what is put into them; nothing else writes HTML here."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.board.charts import Chart, chart_of
from bot.board.rows import Page, case_row, coverage, moment, row_of
from cards.blocks import clean
from cards.report import came, long, period
from cards.words import source_name
from models.domain.cases import Case
from models.domain.incidents import Incident
from models.domain.ordering import by_need
from models.domain.people import Person
from models.domain.process import Process
from models.domain.reports import Report

NAVIGATION = (
    ("board", "/board", "Open"),
    ("review", "/board/review", "Review"),
    ("figures", "/board/figures", "Figures"),
)
_MOST_REPEATS = 10
_MOST_BARS = 12


class Pages:
    """Renders the pages for one team.

    Args:
        process: The team's process.
        zone: By whose clocks.
        script: The address and the digest of Teams' own library, where the pages sign in through Teams.
    """

    def __init__(self, process: Process, zone: tzinfo, script: tuple[str, str] | None) -> None:
        self._process = process
        self._zone = zone
        self._environment = Environment(
            loader=PackageLoader("bot.board"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.globals.update(
            team=process.title.partition(":")[0], pages=NAVIGATION, script=script, review=process.review
        )

    def sign_in(self) -> str:
        """Return the page that signs in and then shows another in its place; there is nothing to read in it."""
        return self._render("sign_in.html", here="")

    def configure(self) -> str:
        """Return the page that Teams shows while somebody adds the tab to a channel."""
        return self._render("configure.html", here="")

    def board(
        self, incidents: list[Incident], cases: list[Case], on_call: tuple[Person, ...], now: datetime
    ) -> str:
        """Return what is open."""
        ordered = by_need(incidents, self._process)
        rows = [row_of(each, self._process, now, self._zone) for each in ordered]
        return self._render(
            "board.html",
            here="board",
            now=moment(now, self._zone),
            coverage=coverage(incidents, cases, now),
            on_call=", ".join(clean(each.name, 80) for each in on_call),
            raised=[row for row, each in zip(rows, ordered, strict=True) if each.raised],
            candidates=[row for row, each in zip(rows, ordered, strict=True) if not each.raised],
            cases=[case_row(each, now) for each in cases],
        )

    def review(self, incidents: list[Incident], meeting: datetime | None, now: datetime) -> str:
        """Return what awaits the incident review, in the order given (W71)."""
        return self._render(
            "review.html",
            here="review",
            now=moment(now, self._zone),
            meeting=moment(meeting, self._zone) if meeting else None,
            rows=[row_of(each, self._process, now, self._zone) for each in incidents],
        )

    def incident(self, page: Page, now: datetime) -> str:
        """Return one incident and its timeline."""
        return self._render("incident.html", here="", now=moment(now, self._zone), page=page)

    def figures(self, report: Report, now: datetime) -> str:
        """Return how it went."""
        spreads = [
            (name, each.count, long(each.median), long(each.ninetieth), long(each.longest))
            for name, each in (
                ("To judge", report.to_judge),
                ("To claim", report.to_claim),
                ("To assess", report.to_assess),
                ("To resolve", report.to_resolve),
            )
            if each.count
        ]
        repeats = [
            (
                each.incident_id,
                clean(each.title, 120) or "handled in private",
                each.reports,
                each.dismissed,
                each.flapping,
            )
            for each in report.repeats[:_MOST_REPEATS]
        ]
        return self._render(
            "figures.html",
            here="figures",
            now=moment(now, self._zone),
            period=period(report, self._zone),
            came=came(report),
            charts=[each for each in self._charts(report) if each.bars],
            spreads=spreads,
            repeats=repeats,
            unclaimed=report.unclaimed_out_of_hours,
        )

    def message(self, title: str, text: str, now: datetime) -> str:
        """Return a page that says one thing."""
        return self._render("message.html", here="", now=moment(now, self._zone), title=title, text=text)

    def _charts(self, report: Report) -> list[Chart]:
        sources = [(source_name(name), count) for name, count in report.by_source[:_MOST_BARS]]
        levels = [(self._level(key), count) for key, count in report.by_urgency[:_MOST_BARS]]
        weeks = self._weeks(report) if report.count else []
        return [
            chart_of("weeks", "Reported by week", "Week of", weeks),
            chart_of("urgency", "By urgency", "Urgency", levels),
            chart_of("source", "By source", "Source", sources),
        ]

    def _weeks(self, report: Report) -> list[tuple[str, int]]:
        """Return how much came in each week, by the team's calendar."""
        days = [each.incident.created_at.astimezone(self._zone).date() for each in report.lines]
        found = []
        week, after = (each.astimezone(self._zone).date() for each in (report.begin, report.end))
        while week < after:
            count = sum(week <= day < week + timedelta(days=7) for day in days)
            found.append((f"{week.day} {week:%b}", count))
            week += timedelta(days=7)
        return found

    def _level(self, key: str) -> str:
        level = self._process.urgency(key)
        return clean(level.name if level else key, 60) or "Not assessed"

    def _render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(values)
