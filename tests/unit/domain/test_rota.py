"""Changes of the rota, and when notices and the incident review fall due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.domain.notice_rules import ReviewRules
from models.domain.people import Person
from models.domain.rota import Swap, read_days, swapped
from tests.unit.domain.samples import ADA, BEN, CYD

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
THURSDAY = date(2026, 11, 26)
SAID = datetime(2026, 11, 20, 9, tzinfo=UTC)
NAMED = Person("", "Ada Lovelace")  # as a calendar knows her


def swap(into: Person, out: Person | None = None, days: int = 1) -> Swap:
    return Swap(THURSDAY, THURSDAY + timedelta(days=days - 1), into, CYD, SAID, out)


@pytest.mark.parametrize(
    ("on_call", "changes", "expected"),
    [
        ([ADA], [], [ADA]),
        ([ADA], [swap(BEN, ADA)], [BEN]),
        ([NAMED], [swap(BEN, ADA)], [BEN]),
        ([ADA, BEN], [swap(BEN, ADA)], [BEN, ADA]),
        ([CYD], [swap(BEN, ADA)], [CYD]),
        ([ADA, CYD], [swap(BEN)], [BEN]),
        ([], [swap(BEN)], [BEN]),
        ([ADA], [swap(BEN, ADA), swap(CYD, BEN)], [CYD]),
    ],
)
def test_who_is_on_call_after_changes(on_call: list[Person], changes: list[Swap], expected: list[Person]) -> None:
    assert list(swapped(on_call, THURSDAY, changes)) == expected


def test_a_change_holds_on_its_days_only() -> None:
    change = swap(BEN, days=3)
    days = [THURSDAY + timedelta(days=number) for number in range(-1, 4)]
    assert [swapped([ADA], day, [change])[0] for day in days] == [ADA, BEN, BEN, BEN, ADA]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-24", (date(2026, 12, 24), date(2026, 12, 24))),
        ("on 2026-12-24..2026-12-28", (date(2026, 12, 24), date(2026, 12, 28))),
        ("2026-12-24 to 2026-12-28", (date(2026, 12, 24), date(2026, 12, 28))),
        ("today", (THURSDAY, THURSDAY)),
        ("tomorrow", (date(2026, 11, 27), date(2026, 11, 27))),
        ("Monday", (date(2026, 11, 30), date(2026, 11, 30))),
        ("thursday", (date(2026, 12, 3), date(2026, 12, 3))),
        ("from 2026-12-24 to 2026-12-28", (date(2026, 12, 24), date(2026, 12, 28))),
        ("2026-12-24 - 2026-12-28", (date(2026, 12, 24), date(2026, 12, 28))),
        ("friday to monday", (date(2026, 11, 27), date(2026, 11, 30))),
        ("tuesday until tuesday", (date(2026, 12, 1), date(2026, 12, 8))),
        ("24 December", (date(2026, 12, 24), date(2026, 12, 24))),
        ("24th of Dec 2026", (date(2026, 12, 24), date(2026, 12, 24))),
        ("3 January", (date(2027, 1, 3), date(2027, 1, 3))),
        ("30 December to 2 January", (date(2026, 12, 30), date(2027, 1, 2))),
        ("31 November", None),
        ("29 February", None),
        ("24 sausages", None),
        ("2026-12-28..2026-12-24", None),
        ("2026-12-01..2027-12-01", None),
        ("2026-13-01", None),
        ("9999-12-31", None),
        ("someday", None),
        ("", None),
    ],
)
def test_days_are_read(text: str, expected: tuple[date, date] | None) -> None:
    assert read_days(text, THURSDAY) == expected


RULES = ReviewRules(date(2026, 1, 8), 2, time(10), time(16))


@pytest.mark.parametrize(
    ("after", "meeting"),
    [
        ("2025-11-01T00:00:00+00:00", "2026-01-08T10:00:00+00:00"),
        ("2026-01-08T09:59:00+00:00", "2026-01-08T10:00:00+00:00"),
        ("2026-01-08T10:00:00+00:00", "2026-01-22T10:00:00+00:00"),
        ("2026-03-20T12:00:00+00:00", "2026-04-02T10:00:00+01:00"),  # summer time since 29 March
        ("2026-10-16T12:00:00+00:00", "2026-10-29T10:00:00+00:00"),  # winter time since 25 October
    ],
)
def test_the_review_meets_every_second_week_by_the_teams_clock(after: str, meeting: str) -> None:
    found = RULES.next_meeting(datetime.fromisoformat(after), LONDON)
    assert found == datetime.fromisoformat(meeting)
    assert RULES.announced_at(found, LONDON) == found.replace(hour=16) - timedelta(days=1)


def test_a_year_of_meetings_is_on_thursdays_at_ten() -> None:
    at, met = datetime(2026, 1, 1, tzinfo=UTC), []
    while (meeting := RULES.next_meeting(at, NEW_YORK)) is not None and meeting.year == 2026:
        met.append(meeting)
        at = meeting
    assert len(met) == 26
    assert {(each.weekday(), each.hour) for each in met} == {(3, 10)}


def test_without_a_first_day_there_is_no_meeting() -> None:
    assert ReviewRules().next_meeting(datetime(2026, 1, 1, tzinfo=UTC), LONDON) is None
