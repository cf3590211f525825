"""Third parties' tickets: recorded, asked about again, closed, and chased where nothing is heard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.domain.communication import chase, vendor
from models.domain.communication_rules import Communication, Vendor, read_communication, read_vendors
from models.domain.decisions import Decision, Refusal
from models.domain.incident_effects import Announce
from models.domain.incidents import Incident, State
from models.domain.process_reader import ProcessError, Reader
from models.domain.timeline import Entry, Verb
from models.domain.working_hours import WorkingHours
from tests.unit.domain.samples import ADA, ASSESSED, BEN, PROCESS, URGENT

MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = replace(
    PROCESS,
    hours=WorkingHours(),
    communication=Communication(chase_after=4 * HOUR),
    vendors=(Vendor("AWS", "Raise a case.", "Ring them.", chase_after=2 * HOUR), Vendor("Acme", "Ring.")),
)


def with_ticket(name: str = "AWS", ref: str = "1234", incident: Incident = ASSESSED) -> Incident:
    return done(incident, name, ref, MONDAY)


def done(incident: Incident, name: str, ref: str, at: datetime, *, closed: bool = False, url: str = "") -> Incident:
    outcome = vendor(incident, name, ref, url, BEN, at=at, closed=closed)
    assert isinstance(outcome, Decision)
    return outcome.incident


def hours(incident: Incident, until: int, timeline: tuple[Entry, ...] = ()) -> list[float]:
    """Look each quarter of an hour, and say after how many hours somebody was reminded."""
    said = []
    for quarters in range(until * 4):
        now = MONDAY + quarters * HOUR / 4
        decision = chase(incident, RULES, (), [each for each in timeline if each.at <= now], UTC, now)
        if decision is not None:
            said.append(quarters / 4)
            incident = decision.incident
    return said


def test_the_third_partys_own_time_comes_before_the_usual_one() -> None:
    assert hours(with_ticket("AWS"), 7) == [2, 4, 6]
    assert hours(with_ticket("aws"), 3) == [2]
    assert hours(with_ticket("Acme"), 7) == [4]
    assert hours(with_ticket("Somebody"), 7) == [4]


def test_outside_working_hours_only_an_urgent_one_is_chased() -> None:
    assert hours(with_ticket("AWS"), 24) == [2, 4, 6, 23]
    assert hours(with_ticket("AWS", incident=URGENT), 13) == [2, 4, 6, 8, 10, 12]


def test_news_begins_the_interval_anew() -> None:
    asked = Entry(MONDAY + HOUR, Verb.NOTED, BEN, {"text": "aws (1234): they look into it"})
    other = Entry(MONDAY + HOUR, Verb.NOTED, BEN, {"text": "12345 users are affected"})
    assert hours(with_ticket(), 4, (asked,)) == [3]
    assert hours(with_ticket(), 4, (other,)) == [2]
    assert hours(with_ticket(), 4, (replace(asked, actor=None),)) == [2]
    assert hours(done(with_ticket(), "aws", "1234", MONDAY + HOUR), 4) == [3]


def test_a_closed_ticket_is_left_alone_until_it_is_asked_about_again() -> None:
    closed = done(with_ticket(), "AWS", "1234", MONDAY + HOUR, closed=True)
    assert hours(closed, 7) == []
    again = done(closed, "AWS", "1234", MONDAY + HOUR, url="https://aws.example/1")
    assert (len(again.vendors), again.vendors[0].url) == (1, "https://aws.example/1")
    assert hours(again, 4) == [3]
    assert isinstance(vendor(ASSESSED, "AWS", "9", "", ADA, at=MONDAY, closed=True), Refusal)
    twice = vendor(closed, "AWS", "1234", "", ADA, at=MONDAY, closed=True)
    assert isinstance(twice, Decision)
    assert twice.incident == closed


@pytest.mark.parametrize("state", [State.RESOLVED, State.CLOSED, State.DISMISSED])
def test_an_incident_that_has_ended_chases_nobody(state: State) -> None:
    assert hours(replace(with_ticket(), state=state), 7) == []


def test_the_owner_is_reminded_or_whoever_is_on_call_where_there_is_none() -> None:
    now = MONDAY + 2 * HOUR
    for owner, told in ((ADA, (ADA,)), (None, (BEN,))):
        decision = chase(replace(with_ticket(), owner=owner), RULES, (BEN,), [], UTC, now)
        assert decision is not None
        (announced,) = [each for each in decision.effects if isinstance(each, Announce)]
        assert announced.mentions == told
        assert announced.entry.data["escalation"] == "Ring them."


def test_without_a_time_in_the_process_nobody_is_reminded() -> None:
    process = replace(RULES, communication=Communication(), vendors=())
    assert chase(with_ticket(), process, (), [], UTC, MONDAY + 99 * HOUR) is None


def test_the_times_are_read_and_checked() -> None:
    made = read_communication(Reader({"chase_vendors_after_hours": 24}, "x: [communication]"), ())
    assert made.chase_after == 24 * HOUR
    (party,) = read_vendors([Reader({"name": "A", "how": "B", "chase_after_hours": 2}, "x: [[vendors]] number 1")])
    assert party.chase_after == 2 * HOUR
    with pytest.raises(ProcessError, match="chase_vendors_after_hours holds 0"):
        read_communication(Reader({"chase_vendors_after_hours": 0}, "x: [communication]"), ())
    with pytest.raises(ProcessError, match="chase_after_hours holds 'soon'"):
        read_vendors([Reader({"name": "A", "how": "B", "chase_after_hours": "soon"}, "x")])
