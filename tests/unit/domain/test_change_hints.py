"""Which changes count as being shortly before an incident, and what comes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from models.domain import intake
from models.domain.change_hints import awaits_hints, take_hints, window
from models.domain.incident_effects import NoteIssue, RefreshCard
from models.domain.incidents import Incident
from models.domain.process_reader import ProcessError, Reader
from models.domain.recent_changes import ChangeKind, ChangeRules, RecentChange, read_change_rules, span
from models.domain.timeline import Verb
from tests.unit.domain.samples import ALERT, AT, CANDIDATE, CLOSED, DISMISSED, LATER, OPEN

RULES = ChangeRules(("lookup/api",), 120)


def change(minutes: float, kind: ChangeKind = ChangeKind.MERGED, name: str = "lookup/api!1") -> RecentChange:
    return RecentChange(kind, name, "Index", "Ada", AT - timedelta(minutes=minutes))


def began(told: datetime | None) -> datetime | None:
    return intake.candidate(replace(ALERT, started_at=told), at=AT).incident.started_at


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        (None, None),
        (AT - timedelta(minutes=30), AT - timedelta(minutes=30)),
        (AT, AT),
        (AT + timedelta(seconds=1), None),
        (AT - timedelta(days=2), AT - timedelta(days=2)),
        (AT - timedelta(days=2, seconds=1), None),
        (AT.replace(tzinfo=None), None),
    ],
)
def test_when_it_began_is_its_sources_word_where_that_can_be(
    told: datetime | None, believed: datetime | None
) -> None:
    assert began(told) == believed


def test_the_window_ends_when_it_began_and_not_when_the_mail_came() -> None:
    early = AT - timedelta(minutes=40)
    assert window(replace(CANDIDATE, started_at=early), RULES) == (early - timedelta(hours=2), early)
    assert window(CANDIDATE, RULES) == (AT - timedelta(hours=2), AT)
    assert window(replace(CANDIDATE, first_seen=None), ChangeRules(("a/b",), 30)) == (
        AT - timedelta(minutes=30),
        AT,
    )


def test_what_is_outside_the_window_and_what_is_there_twice_does_not_count() -> None:
    inside = [change(0), change(60), change(120), change(60)]
    decision = take_hints(CANDIDATE, [*inside, change(-0.1), change(120.1)], RULES, at=LATER)
    assert decision.incident.recent is not None
    assert decision.incident.recent.kept == (change(0), change(60), change(120))
    assert decision.incident.recent.more == 0
    assert decision.effects == (RefreshCard(7),)
    (entry,) = decision.entries
    assert (entry.verb, entry.actor, entry.data["count"]) == (Verb.CHANGED_BEFORE, None, 3)
    assert str(entry.data["text"]).startswith("lookup/api!1 Index, merged by Ada at 09:00 UTC; ")


def test_what_is_raised_already_is_told_in_the_issue() -> None:
    decision = take_hints(OPEN, [change(1)], RULES, at=LATER)
    assert decision.effects == (RefreshCard(7), NoteIssue(7, decision.entries[0]))
    gone = take_hints(replace(OPEN, issue_gone="moved"), [change(1)], RULES, at=LATER)
    assert gone.effects == (RefreshCard(7),)


def test_that_nothing_was_found_is_remembered_and_not_told() -> None:
    decision = take_hints(OPEN, [], RULES, at=LATER)
    assert (decision.entries, decision.effects) == ((), ())
    assert not awaits_hints(decision.incident, RULES)


@pytest.mark.parametrize(
    ("incident", "rules", "awaits"),
    [
        (CANDIDATE, RULES, True),
        (OPEN, RULES, True),
        (CANDIDATE, ChangeRules(), False),
        (DISMISSED, RULES, False),
        (CLOSED, RULES, False),
    ],
)
def test_it_is_looked_for_while_it_is_worth_it(incident: Incident, rules: ChangeRules, awaits: bool) -> None:
    assert awaits_hints(incident, rules) is awaits


def test_a_change_is_one_line() -> None:
    deployed = RecentChange(ChangeKind.DEPLOYED, "lookup/api", "main (c0ffee11)", "Ada", AT, where="production")
    assert deployed.line == "lookup/api main (c0ffee11), deployed to production by Ada at 09:00 UTC"
    assert replace(change(0), title="", who="", where="v2").line == "lookup/api!1, merged into v2 at 09:00 UTC"


@pytest.mark.parametrize(("minutes", "told"), [(60, "hour"), (120, "2 hours"), (90, "90 minutes")])
def test_how_long_before_is_said_in_words(minutes: int, told: str) -> None:
    assert span(minutes) == told


def test_the_rules_are_read() -> None:
    read = read_change_rules(Reader({"projects": ["a/b", "a/b/c.d", "a/b"]}, "x"))
    assert read == ChangeRules(("a/b", "a/b/c.d"), 120)
    assert read_change_rules(Reader({"projects": ["a/b"], "minutes": 30}, "x")).before == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "projects holds 0"),
        ({"projects": "a/b"}, "projects holds 'a/b'"),
        ({"projects": ["api"]}, "projects holds 'api'"),
        ({"projects": ["https://gitlab.example/a/b"]}, "projects holds 'https"),
        ({"projects": ["a/../b"]}, "projects holds 'a/../b'"),
        ({"projects": [f"a/b{n}" for n in range(21)]}, "projects holds 21"),
        ({"projects": ["a/b"], "minutes": 0}, "minutes holds 0"),
        ({"projects": ["a/b"], "minutes": 1441}, "minutes holds 1441"),
        ({"projects": ["a/b"], "hours": 2}, "no such entry as 'hours'"),
    ],
)
def test_a_mistake_is_named(values: dict[str, object], told: str) -> None:
    with pytest.raises(ProcessError, match=rf"^\[changes\].*{told}"):
        read_change_rules(Reader(values, "[changes]"))
    gathered: list[str] = []
    read_change_rules(Reader(values, "[changes]", mistakes=gathered))
    assert len(gathered) == 1
