"""What a report counts, by examples made by hand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cards.report import report_card, report_csv, report_json, report_text
from models.domain.incidents import FollowUp, Incident, State
from models.domain.people import Person
from models.domain.report_rules import ReportRules
from models.domain.reports import Report, Spread, line_of, report_of, spread
from models.domain.timeline import Entry, Verb
from models.domain.working_hours import WorkingHours
from tests.unit.domain.samples import PROCESS

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
ADA = Person("a", "Ada", "29:a")
HOURS = WorkingHours()


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def incident(number: int, *, at: datetime = MONDAY, **more: object) -> Incident:
    made = Incident(
        number,
        1,
        State.OPEN,
        f"Alert {number}",
        "gcp_monitoring",
        at,
        fingerprint=f"f{number}",
        count=1,
        raised_at=at,
    )
    return replace(made, **more)  # type: ignore[arg-type] # names are checked by the class


def entries(*what: tuple[float, Verb], **data: str) -> list[Entry]:
    return [Entry(MONDAY + minutes(at), verb, ADA, dict(data)) for at, verb in what]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], Spread()),
        ([5], Spread(1, minutes(5), minutes(5), minutes(5))),
        ([1, 2], Spread(2, minutes(1), minutes(2), minutes(2))),
        ([3, 1, 2], Spread(3, minutes(2), minutes(3), minutes(3))),
        (list(range(1, 11)), Spread(10, minutes(5), minutes(9), minutes(10))),
        (list(range(1, 21)), Spread(20, minutes(10), minutes(18), minutes(20))),
    ],
)
def test_percentiles_are_by_nearest_rank(given: list[int], expected: Spread) -> None:
    assert spread(minutes(each) for each in given) == expected


def test_the_moments_of_an_incident() -> None:
    told = entries(
        (1, Verb.RAISED), (4, Verb.CLAIMED), (9, Verb.ASSIGNED), (10, Verb.ASSESSED), (40, Verb.RESOLVED)
    )
    line = line_of(incident(1), told, HOURS, LONDON)
    assert (line.to_claim, line.to_resolve) == (minutes(4), minutes(40))
    assert line.assessed_at == MONDAY + minutes(10)
    again = line_of(incident(1), [*told, *entries((50, Verb.REOPENED))], HOURS, LONDON)
    assert again.to_resolve is None
    twice = line_of(incident(1), [*told, *entries((50, Verb.REOPENED), (70, Verb.RESOLVED))], HOURS, LONDON)
    assert twice.to_resolve == minutes(70)
    closed = line_of(incident(1), entries((5, Verb.HEARD), what="closed"), HOURS, LONDON)
    assert closed.closed_at == closed.resolved_at == MONDAY + minutes(5)


def test_out_of_hours_goes_by_the_teams_clock() -> None:
    half_past_five = datetime(2026, 7, 13, 16, 30, tzinfo=UTC)  # 17:30 in London's summer
    assert line_of(incident(1, at=half_past_five), [], HOURS, LONDON).out_of_hours
    assert not line_of(incident(1, at=half_past_five.replace(month=1, day=12)), [], HOURS, LONDON).out_of_hours


def made(*some: Incident) -> Report:
    lines = [line_of(each, [], HOURS, LONDON) for each in some]
    return report_of(lines, MONDAY - timedelta(days=7), MONDAY + timedelta(days=1), now=MONDAY + timedelta(hours=2))


def test_what_is_counted_and_what_is_not() -> None:
    report = made(
        incident(1, urgency="urgent"),
        incident(2, source="selftest"),
        incident(3, merged_into=1, state=State.DISMISSED),
        incident(4, source="grafana", state=State.DISMISSED),
        incident(5, follow_ups=(FollowUp("1", "alerting", "x"),)),
    )
    assert report.count == 3
    assert report.by_source == (("gcp_monitoring", 2), ("grafana", 1))
    assert dict(report.by_urgency) == {"urgent": 1, "": 2}
    assert dict(report.by_state) == {"open": 2, "dismissed": 1}
    assert report.follow_ups == 1
    assert report.live == timedelta(hours=4)


def test_repeats_worth_fixing_come_first_and_tell_what_was_no_incident() -> None:
    report = made(
        incident(1, fingerprint="a", count=2, state=State.DISMISSED),
        incident(2, fingerprint="a", count=5, state=State.DISMISSED),
        incident(3, fingerprint="b", count=9, flapping=True),
        incident(4, fingerprint="c", count=1),
    )
    assert [(each.incident_id, each.reports, each.incidents, each.dismissed) for each in report.repeats] == [
        (3, 9, 1, 0),
        (2, 7, 2, 2),
    ]
    assert report.top_share == round(100 * 16 / 17)


def test_unclaimed_out_of_hours() -> None:
    night = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
    claimed_late = line_of(incident(1, at=night), [Entry(night + minutes(31), Verb.CLAIMED, ADA)], HOURS, LONDON)
    claimed_soon = line_of(incident(2, at=night), [Entry(night + minutes(29), Verb.CLAIMED, ADA)], HOURS, LONDON)
    by_day = line_of(incident(3), [], HOURS, LONDON)
    report = report_of([claimed_late, claimed_soon, by_day], night, MONDAY, now=MONDAY + timedelta(hours=5))
    assert report.unclaimed_out_of_hours == 1


def test_no_cell_is_a_formula_and_all_incidents_are_there() -> None:
    report = made(incident(1, title='=HYPERLINK("https://evil.example")'), incident(2, title="@SUM(1)"))
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert [row["title"][:2] for row in rows] == ["'=", "'@"]
    assert rows[0]["reported_at"] == "2026-11-16T10:00:00+00:00"
    whole = json.loads(report_json(report))
    assert [each["id"] for each in whole["incidents"]] == [1, 2]
    assert whole["to_claim"]["count"] == 0


def test_the_card_says_in_words_what_its_charts_show() -> None:
    report = made(incident(1, urgency="urgent", count=3), incident(2, source="grafana"))
    card = report_card(report, PROCESS, LONDON, ", 1 of them open")
    charts = [each for each in card["body"] if each["type"].startswith("Chart.")]
    assert [each["type"] for each in charts] == ["Chart.Donut", "Chart.HorizontalBar"]
    assert all(each["fallback"] for each in charts)
    text = str([each for each in card["body"] if not each["type"].startswith("Chart.")])
    for said in ("GCP Monitoring 1, Grafana 1", "Urgent 1", "9 November 2026 – 17 November 2026", "1 of them open"):
        assert said in text
    assert "Grafana" in report_text(report, PROCESS, LONDON)


@pytest.mark.parametrize(
    ("now", "week"),
    [
        ("2026-03-30T07:59:00+00:00", ("2026-03-16", "2026-03-23")),  # 08:59 on Monday, summer time since Sunday
        ("2026-03-30T08:00:00+00:00", ("2026-03-23", "2026-03-30")),
        ("2026-10-26T08:59:00+00:00", ("2026-10-12", "2026-10-19")),  # winter time again
        ("2026-10-26T09:00:00+00:00", ("2026-10-19", "2026-10-26")),
        ("2026-11-01T23:00:00+00:00", ("2026-10-19", "2026-10-26")),
    ],
)
def test_the_week_is_told_by_the_teams_clock(now: str, week: tuple[str, str]) -> None:
    rules = ReportRules(0, datetime(2026, 1, 1, 9, 0, tzinfo=UTC).time())
    found = rules.week_to_tell(datetime.fromisoformat(now), LONDON)
    assert found is not None
    assert tuple(day.isoformat() for day in found) == week
    assert ReportRules().week_to_tell(datetime.fromisoformat(now), LONDON) is None
