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
from models.domain.incident_parts import FollowUp, Privacy
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.report_lines import line_of
from models.domain.report_rules import ReportRules
from models.domain.reports import Report, Spread, report_of, spread
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
        ([1, 2], Spread(2, minutes(1.5), minutes(2), minutes(2))),
        ([3, 1, 2], Spread(3, minutes(2), minutes(3), minutes(3))),
        (list(range(1, 11)), Spread(10, minutes(5.5), minutes(9), minutes(10))),
        (list(range(1, 21)), Spread(20, minutes(10.5), minutes(18), minutes(20))),
    ],
)
def test_the_ninetieth_percentile_is_by_nearest_rank_and_the_median_halfway(
    given: list[int], expected: Spread
) -> None:
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
        incident(1, title="A", count=2, state=State.DISMISSED),
        incident(2, title="A", count=5, state=State.DISMISSED),
        incident(3, title="B", count=9, flapping=True),
        incident(4, title="C", count=1),
    )
    assert [(each.incident_id, each.reports, each.incidents, each.dismissed) for each in report.repeats] == [
        (3, 9, 1, 0),
        (2, 7, 2, 2),
    ]
    assert report.top_share == round(100 * 16 / 17)


def test_one_rule_on_several_resources_is_one_source_of_noise() -> None:
    report = made(
        incident(1, title="Disk is full", project="prod", resource="db-1"),
        incident(2, title="disk is  full", project="Prod", resource="db-2"),
        incident(3, title="Disk is full", project="test", resource="db-1"),  # another project's rule
        incident(4, title="Disk is full", project="prod", resource="db-1", source="grafana"),
    )
    (found,) = report.repeats
    assert (found.numbers, found.resources, found.reports) == ((1, 2), ("db-1", "db-2"), 2)
    card = str(report_card(report, PROCESS, LONDON))
    assert "reported twice, 2 candidates (#1, #2), on 2 resources" in card


def test_a_group_whose_title_changes_stays_one_source_of_noise() -> None:
    report = made(
        incident(1, title="Disk", fingerprint="g"),
        incident(2, title="Memory"),
        incident(3, title="Memory", fingerprint="g"),
        incident(4, title="Disk"),
    )
    assert [each.numbers for each in report.repeats] == [(1, 2, 3, 4)]


def test_what_fires_on_is_noise_of_the_week_in_which_it_did() -> None:
    before = MONDAY - timedelta(days=8)
    fired = [
        Entry(before, Verb.REPORTED),
        *entries((-60, Verb.REPEATED), (-30, Verb.FLAPPING), (3000, Verb.REPEATED)),
    ]
    old = line_of(incident(1, at=before, count=4), fired, HOURS, LONDON)
    new = line_of(incident(2, title="Other", count=1), [], HOURS, LONDON)
    report = report_of([old, new], MONDAY - timedelta(days=7), MONDAY + minutes(5), now=MONDAY + minutes(5))
    (found,) = report.repeats
    assert (found.incident_id, found.reports, found.flapping) == (1, 2, True)
    assert report.top_share == round(100 * 2 / 3)


def test_unclaimed_out_of_hours() -> None:
    night = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
    claimed_late = line_of(incident(1, at=night), [Entry(night + minutes(31), Verb.CLAIMED, ADA)], HOURS, LONDON)
    claimed_soon = line_of(incident(2, at=night), [Entry(night + minutes(29), Verb.CLAIMED, ADA)], HOURS, LONDON)
    by_day = line_of(incident(3), [], HOURS, LONDON)
    report = report_of([claimed_late, claimed_soon, by_day], night, MONDAY, now=MONDAY + timedelta(hours=5))
    assert report.unclaimed_out_of_hours == 1


WEEK = (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
NEXT = (WEEK[1], datetime(2026, 11, 30, tzinfo=UTC))
DAY = 24 * 60.0
WHOLE = [
    (1, Verb.REPORTED),
    (6, Verb.RAISED),
    (10, Verb.CLAIMED),
    (30, Verb.ASSESSED),
    (90, Verb.RESOLVED),
    (DAY, Verb.REOPENED),
    (DAY + 60, Verb.RESOLVED),
    (8 * DAY, Verb.REOPENED),
    (8 * DAY + 120, Verb.RESOLVED),
    (9 * DAY, Verb.CLOSED),
]  # fmt: skip
"""Reported on Monday at 10; resolved, and reopened on Tuesday, and again in the week after."""


def test_one_incident_over_two_weeks_in_numbers() -> None:
    line = line_of(
        incident(1, at=MONDAY, state=State.CLOSED, raised_at=MONDAY + minutes(6)), entries(*WHOLE), HOURS, LONDON
    )
    now = MONDAY + timedelta(days=30)
    first = report_of([line], *WEEK, now=now)
    assert (first.count, first.earlier, first.open_at_end) == (1, 0, ())
    assert first.to_judge == Spread(1, *[minutes(6)] * 3)
    assert first.to_claim == Spread(1, *[minutes(10)] * 3)
    assert first.to_assess == Spread(1, *[minutes(30)] * 3)
    assert first.to_resolve == Spread(1, *[minutes(DAY + 60)] * 3)  # and not 90 minutes: it was not over then
    assert first.live == minutes(84 + 60)
    assert first.unowned == minutes(10)
    second = report_of([line], *NEXT, now=now)
    assert (second.count, second.earlier, second.open_at_end) == (0, 1, ())
    assert second.to_claim == second.to_judge == second.to_assess == Spread()
    assert second.to_resolve == Spread(1, *[minutes(8 * DAY + 120)] * 3)
    assert second.live == minutes(120)
    assert report_of([line], NEXT[1], NEXT[1] + timedelta(days=7), now=now).lines == ()


def test_reopened_and_still_open_is_open_and_not_resolved() -> None:
    line = line_of(incident(1), entries(*WHOLE[:6]), HOURS, LONDON)
    report = report_of([line], *WEEK, now=WEEK[1])
    assert (report.open_at_end, report.to_resolve, line.resolved_at) == ((1,), Spread(), None)


def test_what_a_person_declared_was_no_candidate_and_what_the_tracker_says_counts() -> None:
    heard = [
        Entry(MONDAY + minutes(5), Verb.HEARD, None, {"what": "assigned", "to": "Ada"}),
        Entry(MONDAY + minutes(25), Verb.HEARD, None, {"what": "assigned", "to": None}),
        Entry(MONDAY + minutes(45), Verb.HEARD, None, {"what": "closed"}),
    ]
    line = line_of(incident(1, declared_by=ADA, state=State.CLOSED), heard, HOURS, LONDON)
    report = report_of([line], *WEEK, now=WEEK[1])
    assert (report.to_judge, report.to_claim.median, report.to_resolve.median) == (
        Spread(),
        minutes(5),
        minutes(45),
    )
    assert report.unowned == minutes(5 + 20)  # before it was assigned, and after it was taken off again


def test_spreads_of_ten_incidents_by_hand() -> None:
    lines = [
        line_of(
            incident(n, at=MONDAY + minutes(n)),
            entries((n + 2 * n, Verb.CLAIMED), (n + 3 * n, Verb.ASSESSED), (n + 10 * n, Verb.RESOLVED)),
            HOURS,
            LONDON,
        )
        for n in range(1, 11)
    ]
    report = report_of(lines, *WEEK, now=WEEK[1])
    assert report.to_claim == report.to_judge == Spread(10, minutes(11), minutes(18), minutes(20))
    assert report.to_assess == Spread(10, minutes(16.5), minutes(27), minutes(30))
    assert report.to_resolve == Spread(10, minutes(55), minutes(90), minutes(100))
    assert report.unowned == minutes(2 * 55)


def test_an_incident_of_security_is_counted_and_nothing_else_is_told_of_it() -> None:
    secret = incident(
        1, title="A key is out", source="cloudwatch", resource="vault", count=7, urgency="urgent",
        privacy=Privacy(ADA, MONDAY), issue_url="https://gitlab.example/secret/1",
    )  # fmt: skip
    report = made(secret, incident(2, title="A key is out", source="cloudwatch"))
    assert report.count == 2
    assert report.repeats == ()
    (row,) = [each for each in csv.DictReader(io.StringIO(report_csv(report))) if each["id"] == "1"]
    assert (row["title"], row["source"], row["urgency"], row["count"]) == ("handled in private", "private", "", "")
    report = made(secret)
    told = report_csv(report) + report_json(report) + report_text(report, PROCESS, LONDON)
    told += str(report_card(report, PROCESS, LONDON))
    for withheld in ("key is out", "cloudwatch", "Cloudwatch", "vault", "secret/1"):
        assert withheld not in told
    assert "#1" in told
    assert "In private 1" in told


def test_what_is_still_open_is_named_with_what_came_before() -> None:
    old = incident(1, at=MONDAY - timedelta(days=20))
    lines = [line_of(each, [], HOURS, LONDON) for each in (old, incident(2))]
    report = report_of(lines, *WEEK, now=MONDAY + timedelta(hours=2))
    assert "2: #1, #2; #1 came before" in str(report_card(report, PROCESS, LONDON))
    whole = json.loads(report_json(report))
    assert (whole["count"], whole["earlier"], whole["open_at_end"]) == (1, 1, [1, 2])
    assert [(each["came_in_period"], each["open_at_end"]) for each in whole["incidents"]] == [
        (False, True),
        (True, True),
    ]
    assert [each["minutes_unowned"] for each in whole["incidents"]] == [12 * 60, 2 * 60]


def test_the_columns_that_were_there_keep_their_places() -> None:
    assert report_csv(made()).startswith(
        "id,title,source,urgency,state,reported_at,claimed_at,assessed_at,resolved_at,closed_at,owner,"
        "minutes_to_claim,minutes_to_resolve,count,flapping,out_of_hours,follow_ups,issue_url,"
    )
    whole = json.loads(report_json(made()))
    assert (whole["count"], whole["incidents"], whole["to_resolve"]["median_minutes"]) == (0, [], 0)


def test_no_cell_is_a_formula_and_all_incidents_are_there() -> None:
    report = made(incident(1, title='=HYPERLINK("https://evil.example")'), incident(2, title="@SUM(1)"))
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert [row["title"][:2] for row in rows] == ["'=", "'@"]
    assert rows[0]["reported_at"] == "2026-11-16T10:00:00+00:00"
    whole = json.loads(report_json(report))
    assert [each["id"] for each in whole["incidents"]] == [1, 2]
    assert whole["to_claim"]["count"] == 0


def test_the_card_says_in_words_what_its_charts_show() -> None:
    follow_ups = (
        FollowUp("1", "alerting", "x", "8", closed=False),
        FollowUp("2", "alerting", "y", "9", closed=True),
    )
    report = made(incident(1, urgency="urgent", count=3, follow_ups=follow_ups), incident(2, source="grafana"))
    card = report_card(report, PROCESS, LONDON)
    charts = [each for each in card["body"] if each["type"].startswith("Chart.")]
    assert [each["type"] for each in charts] == ["Chart.Donut", "Chart.HorizontalBar"]
    assert all(each["fallback"] for each in charts)
    text = str([each for each in card["body"] if not each["type"].startswith("Chart.")])
    for said in (
        "GCP Monitoring 1, Grafana 1",
        "Urgent 1",
        "9 November 2026 – 17 November 2026",
        "2 raised, 1 of them open",
    ):
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
