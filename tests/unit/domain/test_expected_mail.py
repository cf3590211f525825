"""Mails that must come: which they are, when one is missed, over a change of the clock, and each mistake named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.domain.alerts import Authenticated, MailKind, Reading
from models.domain.expected_mail import ExpectedMail, read_expected
from models.domain.mail import MailRule, MailRules, Outcome, Trust, sort_mail
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError, Reader
from tests.unit.domain.test_process import VALUES

LONDON = ZoneInfo("Europe/London")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE = datetime(2026, 10, 1, tzinfo=UTC)
ETL = ExpectedMail("etl", "ETL", (("subject", "*etl*succe*"), ("sender", "*@jobs.example")), time(7))
READING = Reading(
    MailKind.UNRECOGNISED,
    None,
    "",
    "The NDW ETL succeeded",
    "Jobs <etl@jobs.example>",
    "<1>",
    "0",
    Authenticated.PASS,
)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of October 2026 by London's clocks, which go back on the 25th."""
    return datetime(2026, 10, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "last", "missed"),
    [
        (at(6, 6, 59), None, at(5, 7)),
        (at(6, 7), None, at(6, 7)),
        (at(6, 7), at(6, 6, 59), None),
        (at(6, 7), at(5, 19), None),
        (at(6, 7), at(5, 18, 59), at(6, 7)),  # a late one of the day before
        (at(6, 8), at(6, 7, 30), None),
        (at(24, 7), at(24, 3), None),
        (at(25, 6, 59), at(24, 3), None),
        (at(25, 7), at(24, 3), at(25, 7)),
        (at(26, 7), at(26, 3), None),
    ],
)
def test_a_mail_is_missed_that_did_not_come_by_its_time(
    now: datetime, last: datetime | None, missed: datetime | None
) -> None:
    assert ETL.missed(now, SINCE, last, LONDON) == missed


def test_it_goes_by_the_clock_on_the_wall() -> None:
    assert [ETL.missed(at(day, 12), SINCE, None, LONDON) for day in (24, 26)] == [
        datetime(2026, 10, 24, 6, tzinfo=UTC),
        datetime(2026, 10, 26, 7, tzinfo=UTC),
    ]


def test_only_on_its_days() -> None:
    fridays = replace(ETL, days=frozenset({4}))
    assert [fridays.missed(at(day, 12), SINCE, None, LONDON) for day in (9, 12, 15, 16)] == [
        at(9, 7), at(9, 7), at(9, 7), at(16, 7),
    ]  # fmt: skip
    assert fridays.missed(at(8, 12), at(3, 0), None, LONDON) is None


def test_what_was_to_come_before_it_was_looked_for_is_not_missed() -> None:
    assert ETL.missed(at(6, 7), at(5, 19, 1), None, LONDON) is None
    assert ETL.missed(at(7, 7), at(5, 19, 1), None, LONDON) == at(7, 7)


def test_one_in_every_so_many_hours() -> None:
    beat = replace(ETL, by=None, every=3 * HOUR)
    assert beat.missed(SINCE + 2.9 * HOUR, SINCE, None, LONDON) is None
    assert beat.missed(SINCE + 9 * HOUR, SINCE, None, LONDON) == SINCE + 3 * HOUR
    assert beat.missed(SINCE + 9 * HOUR, SINCE, SINCE + 7 * HOUR, LONDON) is None
    assert beat.missed(SINCE + 10 * HOUR, SINCE, SINCE + 7 * HOUR, LONDON) == SINCE + 10 * HOUR
    assert beat.missed(SINCE + 2 * HOUR, SINCE, SINCE - 9 * DAY, LONDON) is None


def sorted_as(reading: Reading, rules: MailRules | None = None) -> tuple[Outcome, tuple[str, ...]]:
    made = sort_mail(reading, SINCE, rules or MailRules(expected=(ETL,)), Trust())
    return made.outcome, made.expected


def test_an_expected_mail_is_for_information_and_a_doubted_one_is_none() -> None:
    assert sorted_as(READING) == (Outcome.INFORMATION, ("etl",))
    assert sorted_as(replace(READING, subject="The NDW ETL failed")) == (Outcome.UNRECOGNISED, ())
    assert sorted_as(replace(READING, sender="etl@elsewhere.example")) == (Outcome.UNRECOGNISED, ())
    assert sorted_as(replace(READING, authenticated=Authenticated.FAIL)) == (Outcome.UNRECOGNISED, ())
    assert sorted_as(replace(READING, authenticated=Authenticated.NONE)) == (Outcome.INFORMATION, ("etl",))


def test_a_rule_about_mail_still_says_what_it_ends_as() -> None:
    mute = MailRule("quiet", "it is well", "mute", (("subject", "*etl*"),))
    assert sorted_as(READING, MailRules((mute,), expected=(ETL,))) == (Outcome.MUTED, ("etl",))
    known = replace(READING, kind=MailKind.IGNORED, source="cron")
    assert sorted_as(known) == (Outcome.NOT_OURS, ("etl",))


def test_it_is_read_from_the_process_file() -> None:
    table: dict[str, Any] = {"key": "etl", "name": "ETL", "by": "07:00", "days": ["Monday"], "subject": "*etl*"}
    made = read_expected(Reader(table | {"within_hours": 6, "action": "Run it again."}, "x"))
    assert made == ExpectedMail(
        "etl", "ETL", (("subject", "*etl*"),), time(7), frozenset({0}), 6 * HOUR, None, "Run it again."
    )
    beat = read_expected(Reader({"key": "b", "name": "B", "every_hours": 3, "sender": "x"}, "x"))
    assert (beat.by, beat.every, len(beat.days)) == (None, 3 * HOUR, 7)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"by": "7"}, "by holds '7'; it needs a time"),
        ({"by": ""}, "it needs either by"),
        ({"every_hours": 3}, "it needs either by"),
        ({"by": "", "every_hours": 3, "days": ["monday"]}, "days goes with by"),
        ({"by": "", "every_hours": 0}, "every_hours holds 0"),
        ({"days": ["mon"]}, "days holds 'mon'"),
        ({"within_hours": 200}, "within_hours holds 200"),
        ({"key": "A B"}, "key holds 'A B'"),
        ({"subjekt": "*"}, "subjekt = '*' is not a pattern"),
        ({"subject": ""}, "subject = '' is not a pattern"),
    ],
)
def test_each_mistake_is_named(change: dict[str, Any], told: str) -> None:
    table = {"key": "etl", "name": "ETL", "by": "07:00", "subject": "*etl*"} | change
    with pytest.raises(ProcessError) as error:
        read_process(VALUES | {"mail": {"expected": [table]}}, "x.toml")
    assert told in str(error.value)
    assert str(error.value).startswith("x.toml: [mail]: [[expected]] number 1")


def test_each_needs_its_own_key() -> None:
    table = {"key": "etl", "name": "ETL", "by": "07:00", "subject": "*etl*"}
    with pytest.raises(ProcessError, match="key holds 'etl', as another does"):
        read_process(VALUES | {"mail": {"expected": [table, table]}}, "x.toml")


def test_without_a_pattern_there_is_nothing_to_wait_for() -> None:
    with pytest.raises(ProcessError, match="names no pattern"):
        read_expected(Reader({"key": "etl", "name": "ETL", "by": "07:00"}, "x"))
