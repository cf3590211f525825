"""What the team knows about an alert: which entry it is, and how long it may be left alone."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from cards.incident import incident_card
from cards.known_issue import runbook_entry
from models.domain.incident_parts import Resolution
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.domain.recognising import known_issue_of, needs_nobody, quiet_until
from models.domain.timeline import Entry, Verb
from models.domain.views import IncidentView

VALUES = tomllib.loads((resources.files("models.processes") / "tis.toml").read_text(encoding="utf-8"))
TIS = read_process(VALUES, "tis.toml")
LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 7, 15, 11, 0, tzinfo=UTC)
ADA = Person("a", "Ada", "29:a")


def alert(title: str, *, at: datetime = NOON, source: str = "gcp_monitoring", count: int = 1) -> Incident:
    made = Incident(7, 1, State.CANDIDATE, title, source, at, alerting=True, count=count, severity="warning")
    return replace(made, first_seen=at, last_seen=at)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("User unable to LOG IN", "login"),
        ("Generic upload fails", "bulk_upload"),
        ("No confirmation that the NDW ETL succeeded", "etl"),
        ("ESR inbound: cannot decode", "esr_charset"),
        ("NIMDTA sync is slow", "overnight_sync"),
        ("Disk usage above 90%", "disk"),
        ("Out of memory: tcs", "memory"),
        ("Health check of profile fails", "temporary_warning"),
        ("NIMDTA Sync: PersonPlacementTrainingBodyTrustJob fails to start", "sync_blocked"),
        ("NIMDTA Sync: PostJob fails to start", "sync_blocked"),
        ("Login errors above 5%", "login"),
        ("Catalog is missing items", "temporary_warning"),
    ],
)
def test_the_first_entry_that_matches_is_the_one(title: str, key: str) -> None:
    found = known_issue_of(alert(title), TIS)
    assert found is not None
    assert found.key == key


def test_what_a_person_declares_is_no_temporary_warning() -> None:
    assert known_issue_of(alert("Nobody knows why it is slow", source="person"), TIS) is None


def test_a_temporary_warning_is_left_alone_until_its_recovery_is_overdue() -> None:
    warning = alert("Health check of profile fails")
    overdue = NOON + timedelta(minutes=15)
    assert quiet_until(warning, TIS, LONDON) == overdue
    assert needs_nobody(warning, TIS, LONDON, overdue - timedelta(seconds=1))
    assert not needs_nobody(warning, TIS, LONDON, overdue)
    in_time = replace(warning, alerting=False, recovered=(NOON + timedelta(minutes=9),))
    assert needs_nobody(in_time, TIS, LONDON, overdue + timedelta(days=1))
    late = replace(warning, alerting=False, recovered=(NOON + timedelta(minutes=16),))
    assert not needs_nobody(late, TIS, LONDON, overdue + timedelta(days=1))


@pytest.mark.parametrize(("count", "quiet"), [(1, True), (2, True), (3, False)])
def test_one_that_repeats_is_not_left_alone(count: int, quiet: bool) -> None:
    assert needs_nobody(alert("Health check fails", count=count), TIS, LONDON, NOON) is quiet


@pytest.mark.parametrize(
    "change", [{"severity": "critical"}, {"severity": "Critical"}, {"unreadable": "its text ends in the middle"}]
)
def test_what_is_urgent_or_was_not_understood_is_never_left_alone(change: dict[str, str]) -> None:
    everything = replace(TIS, known_issues=tuple(replace(each, patterns=()) for each in TIS.known_issues[-1:]))
    found = replace(alert("Health check fails"), **change)  # type: ignore[arg-type] # names are checked by the class
    assert known_issue_of(found, everything) is not None
    assert not needs_nobody(found, everything, LONDON, NOON)
    assert "Nobody is reminded" not in str(incident_card(IncidentView(found, everything, zone=LONDON), now=NOON))


@pytest.mark.parametrize("severity", ["critical", "error", None])
def test_only_warnings_are_taken_for_temporary(severity: str | None) -> None:
    assert known_issue_of(replace(alert("Failed pipeline for main"), severity=severity), TIS) is None


def test_one_that_somebody_raised_is_not_left_alone() -> None:
    raised = replace(alert("Health check fails"), state=State.OPEN)
    assert not needs_nobody(raised, TIS, LONDON, NOON)


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        (datetime(2026, 7, 15, 0, 30, tzinfo=UTC), True),  # half past one in London's summer
        (datetime(2026, 1, 15, 0, 30, tzinfo=UTC), False),  # half past midnight in its winter
        (datetime(2026, 1, 15, 4, 59, tzinfo=UTC), True),
        (datetime(2026, 7, 15, 4, 0, tzinfo=UTC), False),
    ],
)
def test_hours_go_by_the_teams_clock(at: datetime, quiet: bool) -> None:
    assert (quiet_until(alert("Nightly sync", at=at), TIS, LONDON) is not None) is quiet


def test_the_card_shows_causes_actions_and_risks_and_when_somebody_is_needed() -> None:
    view = IncidentView(alert("Health check of profile fails"), TIS, zone=LONDON)
    card = str(incident_card(view, now=NOON))
    assert "A temporary warning of production" in card
    assert "Stop and start the machine" in card
    assert "Nobody is reminded of it before {{TIME(2026-07-15T11:15:00Z)}}" in card
    overdue = str(incident_card(view, now=NOON + timedelta(minutes=16)))
    assert "Nobody is reminded" not in overdue
    assert "Is it real?" in overdue


def test_an_entry_is_proposed_that_the_process_file_takes() -> None:
    done = replace(
        alert('Queue "a" \\ `full` [x]', source="person"),
        state=State.RESOLVED,
        condition="depth > 10",
        resolution=Resolution('a "poison" message', False, (), ADA, NOON),
    )
    notes = [
        Entry(NOON, Verb.NOTED, ADA, {"kind": "action", "text": "moved it away"}),
        Entry(NOON, Verb.NOTED, ADA, {"kind": "observation", "text": "it was large"}),
    ]
    text = runbook_entry(done, notes, TIS)
    block = text.split("```toml\n")[1].split("```")[0]
    process = read_process(VALUES | {"known_issues": tomllib.loads(block)["known_issues"]}, "new.toml")
    found = known_issue_of(done, process)
    assert found is not None
    assert found.causes == ('a "poison" message',)
    assert found.actions == ("moved it away",)
    assert "follow-up runbook" in text
    assert "is in the process file already" in runbook_entry(done, notes, process)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"key": "a", "name": "A", "match": {}}, "names no pattern"),
        ({"key": "a", "name": "A", "match": {"colour": "red"}}, "is not a pattern for one of"),
        ({"key": "a", "name": "A", "match": {"title": "x"}, "related": ["b"]}, "needs keys of other known issues"),
        ({"key": "a", "name": "A"}, "match is missing"),
    ],
)
def test_a_mistake_is_named(entry: dict[str, object], says: str) -> None:
    with pytest.raises(ProcessError, match=says):
        read_process(VALUES | {"known_issues": [entry]}, "new.toml")


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("User unable to login", "login"),
        ("A user can't be created", "user_creation"),
        ("Cannot create a user", "user_creation"),
        ("Bulk upload fails", "bulk_upload"),
        ("No confirmation that the NDW Prod ETL processed", "etl"),
        ("PersonPlacementTrainingBodyTrustJob fails to start", "sync_blocked"),
        ("PersonOwnerJob failed", "person_job"),
        ("Wrong data in Stage", "data_quality"),
        ("Database is down", ""),
    ],
)
def test_each_row_of_the_table_is_found_by_what_people_call_it(title: str, key: str) -> None:
    known = known_issue_of(alert(title, source="person"), TIS)
    assert (known.key if known else "") == key
