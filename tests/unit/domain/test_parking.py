"""Putting an incident off: until when, for what, and who is reminded then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.domain.decisions import Decision, Refusal
from models.domain.incident_parts import Parked
from models.domain.incidents import Incident, State
from models.domain.moments import read_moment
from models.domain.parking import park, put_off, unpark
from models.domain.reminder_rules import Lack, Reminders
from models.domain.reminders import called, due, holds, lack_of, remind
from models.domain.requests import Park, Reopen, Unpark, carry_out
from models.domain.timeline import Verb
from models.domain.working_hours import WorkingHours
from tests.unit.domain.samples import ADA, AT, BEN, CANDIDATE, CYD, OPEN, PROCESS, RESOLVED, URGENT

LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
OWNED = replace(OPEN, owner=BEN, owned_at=AT)
PARKED = replace(OWNED, parked=Parked(AT + 2 * HOUR, "the vendor's answer", BEN, AT))


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("tomorrow", "2026-10-25T09:30+00:00"),  # the clocks go back in the night before
        ("until tomorrow at 10:00", "2026-10-25T10:00+00:00"),
        ("today 17:15", "2026-10-24T17:15+01:00"),
        ("16:00", "2026-10-24T16:00+01:00"),
        ("9:05", "2026-10-25T09:05+00:00"),  # over for today
        ("monday", "2026-10-26T09:30+00:00"),
        ("Monday 8.15", "2026-10-26T08:15+00:00"),
        ("2026-12-01", "2026-12-01T09:30+00:00"),
        ("on 2026-12-01, 14:00", "2026-12-01T14:00+00:00"),
        ("3 hours", "2026-10-24T15:00+01:00"),
        ("for 90 minutes", "2026-10-24T13:30+01:00"),
        ("in 2 days", "2026-10-26T11:00+00:00"),
        ("1 week", "2026-10-31T11:00+00:00"),
        ("", None),
        ("soon", None),
        ("25:00", None),
        ("tomorrow 10:99", None),
        ("2026-13-01", None),
        ("monday..friday", None),
    ],
)
def test_a_moment_that_somebody_typed(said: str, moment: str | None) -> None:
    now = datetime(2026, 10, 24, 11, tzinfo=UTC)  # Saturday, noon in London
    found = read_moment(said, now, LONDON, time(9, 30))
    assert found == (datetime.fromisoformat(moment) if moment else None)
    assert found is None or found.tzinfo is LONDON


def test_what_is_put_off_says_until_when_and_for_what() -> None:
    until = datetime(2026, 11, 23, 10, tzinfo=LONDON)
    done = park(OWNED, until, " the vendor's answer ", BEN, PROCESS, at=AT)
    assert isinstance(done, Decision)
    assert done.incident.parked == Parked(until, "the vendor's answer", BEN, AT)
    (entry,) = done.entries
    assert (entry.verb, entry.data["until"]) == (Verb.PARKED, "Mon 23 Nov 2026, 10:00")


@pytest.mark.parametrize(
    ("incident", "until", "reason", "said"),
    [
        (replace(OPEN, owner=None), AT + HOUR, "x", "claim it first"),
        (CANDIDATE, AT + HOUR, "x", "candidate"),
        (RESOLVED, AT + HOUR, "x", "resolved"),
        (URGENT, AT + HOUR, "x", "can't be put off"),
        (OWNED, None, "x", "Say until when"),
        (OWNED, AT, "x", "over"),
        (OWNED, AT + timedelta(days=61), "x", "sixty days"),
        (OWNED, AT + HOUR, " ", "what it waits for"),
    ],
)
def test_what_can_not_be_put_off(incident: Incident, until: datetime | None, reason: str, said: str) -> None:
    refused = park(incident, until, reason, BEN, PROCESS, at=AT)
    assert isinstance(refused, Refusal)
    assert said in refused.text


def test_going_on_ends_it_and_so_does_reopening() -> None:
    done = unpark(PARKED, CYD, at=AT)
    assert isinstance(done, Decision)
    assert done.incident.parked is None
    again = unpark(done.incident, CYD, at=AT)
    assert again == Decision(done.incident, notice="It is not put off.")
    over = carry_out(Reopen("x"), replace(PARKED, state=State.RESOLVED), ADA, PROCESS, at=AT)
    assert isinstance(over, Decision)
    assert over.incident.parked is None


def test_a_time_that_nobody_has_read_is_none() -> None:
    refused = carry_out(Park("soon", "x"), OWNED, BEN, PROCESS, at=AT)
    assert isinstance(refused, Refusal)
    assert refused.fields == ("when",)
    assert isinstance(carry_out(Unpark(), PARKED, BEN, PROCESS, at=AT), Decision)


def test_nobody_is_reminded_before_unless_it_becomes_urgent() -> None:
    assert put_off(PARKED, PROCESS, AT + HOUR)
    assert not put_off(PARKED, PROCESS, AT + 2 * HOUR)
    assert not put_off(replace(PARKED, urgency=URGENT.urgency), PROCESS, AT + HOUR)
    assert not put_off(OWNED, PROCESS, AT + HOUR)


def test_then_its_owner_is_reminded_once() -> None:
    lack = lack_of(PARKED, False, AT)
    assert lack == (Lack.PUT_OFF, AT + 2 * HOUR)
    always = WorkingHours(frozenset(range(7)), time(0), time(23, 59))
    rules = Reminders()
    assert due(PARKED, lack, rules, always, UTC, False, AT + HOUR) is None
    found = due(PARKED, lack, rules, always, UTC, False, AT + 2 * HOUR)
    assert found is not None
    assert called([found], rules, [ADA], [ADA, BEN, CYD]) == (BEN,)
    decision = remind(found, rules, [ADA], [ADA, BEN, CYD], AT + 2 * HOUR, alone=True)
    assert decision.entries[0].data["reason"] == "the vendor's answer"
    after = decision.incident
    assert after.parked is not None
    assert after.parked.told
    assert lack_of(after, False, None) is None
    assert holds(after, decision.entries[0], PROCESS, decision.entries)
    assert not holds(replace(after, parked=None), decision.entries[0], PROCESS, decision.entries)
