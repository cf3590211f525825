from dataclasses import replace
from datetime import timedelta

import pytest

from models.domain import finishing
from models.domain.alerts import Link
from models.domain.decisions import Decision, Refusal
from models.domain.incident_effects import RaiseFollowUp
from models.domain.incidents import Incident, State
from models.domain.requests import Dismiss, Raise, Reopen, Resolve
from tests.unit.domain.samples import (
    ADA,
    ASSESSED,
    AT,
    BEN,
    CANDIDATE,
    CLOSED,
    DISMISSED,
    DISMISSED_AFTER_RAISING,
    LATER,
    OPEN,
    OVER,
    PROCESS,
    RESOLVED,
    act,
    kinds,
    refuse,
    told,
)


def merged(part: Incident, whole: Incident) -> tuple[Decision, Decision]:
    gone, grown = finishing.merge(part, whole, ADA, at=LATER)
    assert isinstance(gone, Decision)
    assert isinstance(grown, Decision)
    return gone, grown


WHOLE = replace(
    OPEN,
    id=8,
    title="db-1 is slow",
    count=3,
    first_seen=AT - timedelta(minutes=9),
    last_seen=AT - timedelta(minutes=1),
    links=(Link("Runbook", "https://example.com/runbook"),),
)
PART = replace(CANDIDATE, count=2, links=(*WHOLE.links, Link("Page", "https://example.com/page")))


def test_a_candidate_is_dismissed_without_a_reason() -> None:
    decision = act(CANDIDATE, Dismiss())
    assert decision.incident.state is State.DISMISSED
    assert decision.incident.dismiss_reason == ""


def test_what_has_an_issue_is_dismissed_with_a_reason_only() -> None:
    assert refuse(OPEN, Dismiss(" ")).fields == ("reason",)
    decision = act(OPEN, Dismiss(" a test "))
    assert decision.incident.dismiss_reason == "a test"
    assert decision.entries[0].data == {"reason": "a test"}


def test_dismissing_can_ask_for_better_alerting() -> None:
    decision = act(OPEN, Dismiss("a test", improve=True))
    assert [(each.kind, each.title) for each in decision.incident.follow_ups] == [
        ("alerting", "Improve alerting: Disk is full")
    ]
    assert decision.effects[-1] == RaiseFollowUp(7, "1")


def test_a_process_without_the_alerting_follow_up_just_dismisses() -> None:
    without = replace(PROCESS, follow_ups=tuple(kind for kind in PROCESS.follow_ups if kind.key != "alerting"))
    assert act(OPEN, Dismiss("a test", improve=True), process=without).incident.follow_ups == ()


@pytest.mark.parametrize("incident", [RESOLVED, CLOSED])
def test_what_is_resolved_is_not_dismissed(incident: Incident) -> None:
    assert "Reopen" in refuse(incident, Dismiss("a test")).text


def test_a_dismissed_candidate_reopens_as_a_candidate() -> None:
    decision = act(DISMISSED, Reopen())
    at = decision.entries[0].at
    assert decision.incident == replace(DISMISSED, state=State.CANDIDATE, dismiss_reason="", anew_at=at)
    assert kinds(decision) == ["Announce", "RefreshCard"]
    assert act(decision.incident, Raise()).incident.state is State.OPEN


@pytest.mark.parametrize("incident", [RESOLVED, CLOSED, DISMISSED_AFTER_RAISING])
def test_what_was_raised_reopens_as_open_and_keeps_its_owner(incident: Incident) -> None:
    decision = act(incident, Reopen(" it is back "), BEN)
    assert decision.incident.state is State.OPEN
    assert decision.incident.owner == ADA
    assert decision.incident.dismiss_reason == ""
    assert decision.entries[0].data == {"reason": "it is back"}
    assert "SyncIssue" in kinds(decision)


def test_a_reopened_incident_forgets_how_it_was_resolved_and_keeps_its_follow_ups() -> None:
    resolved = act(ASSESSED, Resolve(replace(OVER, follow_ups={"long_term": "Buy a disk"}))).incident
    reopened = act(resolved, Reopen()).incident
    assert reopened.resolution is None
    assert reopened.follow_ups == resolved.follow_ups
    assert reopened.urgency == resolved.urgency


@pytest.mark.parametrize("incident", [CANDIDATE, OPEN])
def test_what_is_not_finished_does_not_reopen(incident: Incident) -> None:
    assert act(incident, Reopen()) == Decision(incident, notice="It is not finished.")


def test_a_merged_incident_is_dismissed_and_says_where_it_went() -> None:
    gone, _ = merged(PART, WHOLE)
    assert gone.incident.state is State.DISMISSED
    assert gone.incident.merged_into == 8
    assert gone.incident.dismiss_reason == "merged into incident 8"
    assert gone.entries[0].data == {"into": 8, "title": "db-1 is slow"}
    assert told(gone) == ["merged"]


def test_the_whole_counts_and_links_what_the_part_did() -> None:
    _, grown = merged(PART, WHOLE)
    assert grown.incident.count == 5
    assert [link.label for link in grown.incident.links] == ["Runbook", "Page"]
    assert (grown.incident.first_seen, grown.incident.last_seen) == (WHOLE.first_seen, PART.last_seen)
    assert grown.entries[0].data == {"part": 7, "title": "Disk is full"}
    assert grown.incident.owner == WHOLE.owner
    assert grown.incident.state is WHOLE.state


@pytest.mark.parametrize(
    ("part", "whole", "after"),
    [
        (True, False, True),
        (False, True, True),
        (False, False, False),
        (True, None, True),
        (False, None, False),
        (None, None, None),
        (None, False, False),
    ],
)
def test_the_whole_fires_while_either_does(part: bool | None, whole: bool | None, after: bool | None) -> None:
    _, grown = merged(replace(PART, alerting=part), replace(WHOLE, alerting=whole))
    assert grown.incident.alerting is after


def test_merging_what_no_mail_announced() -> None:
    part = replace(PART, first_seen=None, last_seen=None, alerting=None, count=0, links=())
    _, grown = merged(part, WHOLE)
    unchanged = replace(grown.incident)
    assert unchanged == WHOLE
    _, both = merged(part, replace(WHOLE, first_seen=None, last_seen=None))
    assert (both.incident.first_seen, both.incident.last_seen) == (None, None)


def test_effects_of_merging_reach_both() -> None:
    gone, grown = merged(replace(PART, state=State.OPEN, raised_at=AT), WHOLE)
    assert kinds(gone) == ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]
    assert {getattr(effect, "incident_id", None) for effect in gone.effects} == {7}
    assert {getattr(effect, "incident_id", None) for effect in grown.effects} == {8}


def test_merging_twice_changes_nothing_twice() -> None:
    gone, grown = merged(PART, WHOLE)
    again, same = merged(gone.incident, grown.incident)
    assert again == Decision(gone.incident, notice="They are merged already.")
    assert same == Decision(grown.incident)


def test_an_incident_is_not_merged_into_itself() -> None:
    gone, grown = finishing.merge(OPEN, OPEN, ADA, at=LATER)
    assert isinstance(gone, Refusal)
    assert "itself" in gone.text
    assert isinstance(grown, Refusal)


def test_two_incidents_are_not_merged_into_each_other() -> None:
    gone, grown = merged(PART, WHOLE)
    back, _ = finishing.merge(grown.incident, gone.incident, ADA, at=LATER)
    assert isinstance(back, Refusal)


def test_a_merged_incident_does_not_reopen() -> None:
    gone, _ = merged(PART, WHOLE)
    assert "part of incident 8" in refuse(gone.incident, Reopen()).text
