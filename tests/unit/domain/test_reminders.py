"""Reminding: what is lacking, when it is due, to whom it goes, and that each comes once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.domain.incident_effects import Announce
from models.domain.incident_parts import Assessment
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.process_reader import ProcessError, Reader
from models.domain.reminder_rules import Lack, Reminders, read_reminders
from models.domain.reminders import due, is_urgent, lack_of, remind
from models.domain.working_hours import WorkingHours, read_working_hours

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
ADA, BEN, LEA = Person("a", "Ada", "29:a"), Person("b", "Ben", "29:b"), Person("l", "Lea", "29:l")
CANDIDATE = Incident(1, 1, State.CANDIDATE, "Slow", "gcp", MONDAY, alerting=True)
OPEN = replace(CANDIDATE, state=State.OPEN, raised_at=MONDAY)
RULES = Reminders(
    tuple((lack, (timedelta(minutes=15), timedelta(minutes=60), timedelta(hours=4))) for lack in Lack)
)
HOURS = WorkingHours(holidays=frozenset({date(2026, 12, 25)}))


def at(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def number(incident: Incident, now: datetime, *, urgent: bool = False) -> int | None:
    found = due(incident, lack_of(incident, False, None), RULES, HOURS, LONDON, urgent, now)
    return found.number if found else None


URGENT = Assessment({}, "urgent", "many users", at=at(7))


@pytest.mark.parametrize(
    ("incident", "must_decide", "last_word", "lack"),
    [
        (CANDIDATE, False, None, (Lack.JUDGEMENT, MONDAY)),
        (OPEN, False, None, (Lack.OWNER, MONDAY)),
        (replace(OPEN, owner=ADA), False, None, None),
        (replace(OPEN, owner=ADA), False, at(5), (Lack.NEWS, at(5))),
        (
            replace(OPEN, owner=ADA, assessment=URGENT),
            True,
            None,
            (Lack.DECISION, at(7)),
        ),
        (replace(OPEN, state=State.RESOLVED), False, at(5), None),
        (replace(OPEN, state=State.DISMISSED), True, at(5), None),
        (replace(OPEN, state=State.CLOSED), False, None, None),
    ],
)
def test_what_is_lacking(
    incident: Incident, must_decide: bool, last_word: datetime | None, lack: tuple[Lack, datetime] | None
) -> None:
    assert lack_of(incident, must_decide, last_word) == lack


def test_each_comes_at_its_time_and_once() -> None:
    assert [number(CANDIDATE, at(minute)) for minute in (0, 14.9, 15, 59)] == [None, None, 0, 0]
    found = due(CANDIDATE, lack_of(CANDIDATE, False, None), RULES, HOURS, LONDON, False, at(15))
    assert found is not None
    reminded = remind(found, RULES, (ADA,), (), at(15), alone=True).incident
    assert [number(reminded, at(minute)) for minute in (16, 59.9, 60)] == [None, None, 1]


def test_a_lack_that_another_hid_is_not_reminded_of_from_the_beginning() -> None:
    def reminded_of(incident: Incident, now: datetime, *, must_decide: bool = False) -> Incident:
        found = due(incident, lack_of(incident, must_decide, None), RULES, HOURS, LONDON, False, now)
        assert found is not None
        return remind(found, RULES, (ADA,), (), now, alone=True).incident

    unowned = reminded_of(OPEN, at(20))
    undecided = reminded_of(replace(unowned, assessment=URGENT), at(50), must_decide=True)
    assert undecided.reminded is not None
    assert undecided.reminded.of == Lack.DECISION
    assert [number(undecided, at(minute)) for minute in (51, 59)] == [None, None]
    assert number(undecided, at(80)) == 1
    again = reminded_of(undecided, at(80))
    assert [each.of for each in again.reminded_before] == [Lack.DECISION]


def test_what_is_taken_up_again_or_given_up_is_reminded_of_anew() -> None:
    found = due(OPEN, lack_of(OPEN, False, None), RULES, HOURS, LONDON, False, at(20))
    assert found is not None
    reminded = remind(found, RULES, (ADA,), (), at(20), alone=True).incident
    anew = replace(reminded, anew_at=at(100))
    assert lack_of(anew, False, None) == (Lack.OWNER, at(100))
    assert [number(anew, at(minute)) for minute in (110, 120)] == [None, 0]


def test_what_was_missed_comes_in_its_order_and_at_its_distance() -> None:
    incident, told = CANDIDATE, []
    for minute in range(300, 60 * 24, 5):  # nobody looked for five hours
        found = due(incident, lack_of(incident, False, None), RULES, HOURS, LONDON, True, at(minute))
        if found is not None:
            told.append((minute, found.number))
            incident = remind(found, RULES, (), (), at(minute), alone=True).incident
    assert told == [(300, 0), (345, 1), (525, 2)]


def test_monday_morning_begins_with_whoever_is_on_call() -> None:
    friday = MONDAY - timedelta(days=3) + timedelta(hours=8)
    incident, told = replace(CANDIDATE, created_at=friday), []
    for minute in range(0, 60 * 24 * 4, 5):
        now = friday + timedelta(minutes=minute)
        found = due(incident, lack_of(incident, False, None), RULES, HOURS, LONDON, False, now)
        if found is not None:
            told.append((f"{now:%a %H:%M}", found.number))
            incident = remind(found, RULES, (), (), now, alone=True).incident
    assert told == [("Mon 09:00", 0), ("Mon 09:45", 1), ("Mon 12:45", 2)]


def test_a_changed_state_begins_anew() -> None:
    found = due(CANDIDATE, lack_of(CANDIDATE, False, None), RULES, HOURS, LONDON, False, at(300))
    assert found is not None
    reminded = remind(found, RULES, (), (), at(300), alone=True).incident
    assert number(replace(reminded, state=State.OPEN, raised_at=at(301)), at(302)) is None
    assert number(replace(reminded, state=State.OPEN, raised_at=at(301)), at(317)) == 0


@pytest.mark.parametrize(
    ("now", "works"),
    [
        (datetime(2026, 11, 16, 8, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 16, 9, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 16, 17, 29, tzinfo=UTC), True),
        (datetime(2026, 11, 16, 17, 30, tzinfo=UTC), False),
        (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), False),
        (datetime(2026, 12, 25, 12, 0, tzinfo=UTC), False),
        (datetime(2026, 7, 6, 8, 0, tzinfo=UTC), True),  # summer: nine o'clock there
        (datetime(2026, 7, 6, 16, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 30, 8, 0, tzinfo=UTC), True),  # the first Monday after the clocks went forward
        (datetime(2026, 10, 26, 8, 0, tzinfo=UTC), False),  # and the first after they went back
    ],
)
def test_working_hours_go_by_the_clock_on_the_wall(now: datetime, works: bool) -> None:
    assert HOURS.contains(now, LONDON) is works
    started = replace(CANDIDATE, created_at=now - timedelta(minutes=20))
    assert (number(started, now) is not None) is works
    assert number(started, now, urgent=True) == 0


def test_hours_may_reach_over_midnight() -> None:
    night = WorkingHours(frozenset({4}), time(22), time(6))
    friday = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    assert [night.contains(friday + timedelta(hours=hour), UTC) for hour in (-1, 0, 7, 8, 24)] == [
        False, True, True, False, False,
    ]  # fmt: skip


def test_it_goes_to_whoever_is_on_call_then_the_team_then_the_lead() -> None:
    rules = replace(RULES, lead="Lea")
    told = []
    incident = CANDIDATE
    for minute in (15, 60, 240):
        found = due(incident, lack_of(incident, False, None), rules, HOURS, LONDON, True, at(minute))
        assert found is not None
        decision = remind(found, rules, (ADA,), (ADA, BEN, LEA), at(minute), alone=True)
        incident = decision.incident
        told += [(each.mentions, each.whole_team) for each in decision.effects if isinstance(each, Announce)]
    assert told == [((ADA,), False), ((), True), ((LEA,), False)]


@pytest.mark.parametrize(
    ("values", "severities"),
    [({}, ("critical",)), ({"urgent_severities": []}, ()), ({"urgent_severities": ["P1", "high"]}, ("p1", "high"))],
)
def test_which_words_of_a_source_are_urgent(values: dict[str, object], severities: tuple[str, ...]) -> None:
    assert read_reminders(Reader(values, "ours.toml")).severities == severities


def test_in_a_digest_no_thread_is_told() -> None:
    found = due(CANDIDATE, lack_of(CANDIDATE, False, None), RULES, HOURS, LONDON, True, at(15))
    assert found is not None
    assert remind(found, RULES, (ADA,), (), at(15), alone=False).effects == ()


@pytest.mark.parametrize(
    ("incident", "then", "urgent"),
    [
        (replace(CANDIDATE, severity="Critical"), "", True),
        (replace(CANDIDATE, severity="critical", alerting=False), "", False),
        (replace(CANDIDATE, severity="warning"), "", False),
        (replace(CANDIDATE, severity="critical"), "continue", False),
        (replace(CANDIDATE, severity="warning"), "decide", True),
    ],
)
def test_what_can_not_wait(incident: Incident, then: str, urgent: bool) -> None:
    assert is_urgent(incident, RULES, then) is urgent


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"unjudged_after_minutes": [60, 15]}, "it needs growing minutes"),
        ({"unjudged_after_minutes": [0]}, "holds [0]"),
        ({"unjudged_after_minutes": "15"}, "it needs a list of minutes"),
        ({"digest_above": 0}, "digest_above holds 0"),
        ({"unjudged": [1]}, "no such entry as 'unjudged'"),
    ],
)
def test_mistakes_in_reminders_are_named(values: dict[str, object], told: str) -> None:
    with pytest.raises(ProcessError) as error:
        read_reminders(Reader(values, "x.toml: [reminders]"))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"days": ["mon"]}, "days holds 'mon'"),
        ({"from": "9"}, "from holds '9'"),
        ({"from": "09:00", "to": "09:00"}, "are both 09:00"),
        ({"holidays": ["Christmas"]}, "holidays holds 'Christmas'"),
    ],
)
def test_mistakes_in_working_hours_are_named(values: dict[str, object], told: str) -> None:
    with pytest.raises(ProcessError) as error:
        read_working_hours(Reader(values, "x.toml: [working_hours]"))
    assert told in str(error.value)


def test_days_can_be_written_as_texts_or_as_dates() -> None:
    read = read_working_hours(Reader({"holidays": ["2026-12-25", date(2026, 12, 28)]}, "x"))
    assert read.holidays == {date(2026, 12, 25), date(2026, 12, 28)}
