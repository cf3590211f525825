"""Resolved is when the process's conditions hold (W48-W55), and the follow-up tree (W56-W66)."""

from dataclasses import replace

import pytest

from models.domain.incident_effects import Announce, NoteIssue, RaiseFollowUp
from models.domain.incident_parts import Assessment, FollowUp, ManualChange
from models.domain.incidents import State
from models.domain.requests import AddFollowUp, Resolve
from models.domain.resolving import ResolveAnswers
from tests.unit.domain.samples import (
    ADA,
    ASSESSED,
    AT,
    BEN,
    CANDIDATE,
    LATER,
    OPEN,
    OVER,
    OWNED,
    PROCESS,
    RESOLVED,
    act,
    kinds,
    refuse,
    told,
)

ROLLED_BACK = replace(OVER, rolled_back=True, repositories=("repo-a", " repo-b "), safe=True)


def test_resolving_keeps_what_was_answered() -> None:
    decision = act(ASSESSED, Resolve(OVER), BEN)
    resolution = decision.incident.resolution
    assert decision.incident.state is State.RESOLVED
    assert resolution is not None
    assert (resolution.cause, resolution.by, resolution.at) == ("a log ran full", BEN, LATER)
    assert resolution.none_reason == "a one-off"
    assert resolution.repositories == ()
    assert told(decision) == ["resolved"]
    assert decision.entries[0].data["cause"] == "a log ran full"


def test_resolving_never_closes() -> None:
    assert act(ASSESSED, Resolve(OVER)).incident.state is not State.CLOSED


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (replace(OVER, over=None), "over"),
        (replace(OVER, over=False), "over"),
        (replace(OVER, cause=""), "cause"),
        (replace(OVER, cause=" \n"), "cause"),
        (replace(OVER, rolled_back=None), "rolled_back"),
        (replace(OVER, rolled_back=True), "repositories"),
        (replace(OVER, rolled_back=True, repositories=(" ",), safe=True), "repositories"),
        (replace(OVER, rolled_back=True, repositories=("a",)), "safe"),
        (replace(OVER, follow_ups={"holiday": "x"}), "follow_ups"),
        (replace(OVER, none_reason=""), "none_reason"),
        (replace(OVER, none_reason=" "), "none_reason"),
        (ResolveAnswers(), "over"),
    ],
)
def test_each_missing_answer_is_named(answers: ResolveAnswers, field: str) -> None:
    assert refuse(ASSESSED, Resolve(answers)).fields == (field,)


def test_the_limit_of_understanding_stands_for_a_cause() -> None:
    decision = act(ASSESSED, Resolve(replace(OVER, cause="", limit_reached=True)))
    assert decision.entries[0].data["cause"] == "limit of understanding reached"
    assert decision.incident.resolution is not None
    assert decision.incident.resolution.limit_reached


def test_what_nobody_owns_is_not_resolved() -> None:
    assert "claim it first" in refuse(replace(ASSESSED, owner=None), Resolve(OVER)).text


def test_what_nobody_assessed_is_not_resolved() -> None:
    assert "urgency" in refuse(OWNED, Resolve(OVER)).text


def test_somebody_who_is_not_the_owner_may_resolve() -> None:
    assert act(ASSESSED, Resolve(OVER), BEN).incident.owner == ADA


def test_a_change_that_nobody_confirmed_stops_it() -> None:
    change = ManualChange(2, "restarted it", "no pipeline", ADA, AT)
    assert "number 2" in refuse(replace(ASSESSED, changes=(change,)), Resolve(OVER)).text
    confirmed = replace(change, confirmed_by=BEN)
    assert act(replace(ASSESSED, changes=(confirmed,)), Resolve(OVER)).incident.state is State.RESOLVED


def test_a_candidate_is_judged_before_it_is_resolved() -> None:
    assert "raise or claim" in refuse(CANDIDATE, Resolve(OVER)).text


def test_a_safe_rollback_is_kept_with_its_repositories() -> None:
    decision = act(ASSESSED, Resolve(ROLLED_BACK))
    assert decision.incident.resolution is not None
    assert decision.incident.resolution.repositories == ("repo-a", "repo-b")
    assert decision.entries[0].data["repositories"] == "repo-a, repo-b"
    assert decision.incident.not_safe == ()


def test_a_rollback_that_is_not_safe_keeps_it_open_and_is_announced() -> None:
    decision = act(ASSESSED, Resolve(replace(ROLLED_BACK, safe=False)))
    assert decision.incident.state is State.OPEN
    assert decision.incident.resolution is None
    assert decision.incident.not_safe == ("repo-a", "repo-b")
    assert told(decision) == ["not_safe"]
    assert decision.entries[0].data == {"repositories": "repo-a, repo-b"}
    assert [type(each) for each in decision.effects if isinstance(each, Announce | NoteIssue)] == [
        NoteIssue,
        Announce,
    ]
    assert "stays open" in decision.notice


def test_not_safe_needs_no_follow_ups_yet() -> None:
    answers = replace(ROLLED_BACK, safe=False, none_reason="")
    assert act(ASSESSED, Resolve(answers)).incident.not_safe


def test_once_it_is_safe_it_is_resolved_and_the_warning_goes() -> None:
    unsafe = act(ASSESSED, Resolve(replace(ROLLED_BACK, safe=False))).incident
    decision = act(unsafe, Resolve(ROLLED_BACK))
    assert decision.incident.state is State.RESOLVED
    assert decision.incident.not_safe == ()


def test_each_chosen_follow_up_is_raised() -> None:
    answers = replace(OVER, none_reason="", follow_ups={"long_term": " Buy a disk ", "documentation": "Say how"})
    decision = act(ASSESSED, Resolve(answers))
    assert decision.incident.follow_ups == (
        FollowUp("1", "long_term", "Buy a disk"),
        FollowUp("2", "documentation", "Say how"),
    )
    raised = [effect for effect in decision.effects if isinstance(effect, RaiseFollowUp)]
    assert raised == [RaiseFollowUp(7, "1"), RaiseFollowUp(7, "2")]
    assert decision.entries[0].data["follow_ups"] == "Buy a disk; Say how"


def test_follow_ups_go_on_counting_from_those_that_are_there() -> None:
    one = act(ASSESSED, AddFollowUp("documentation")).incident
    answers = replace(OVER, follow_ups={"long_term": "Buy a disk"})
    assert [each.id for each in act(one, Resolve(answers)).incident.follow_ups] == ["1", "2"]


def test_a_follow_up_raised_before_makes_a_reason_for_none_needless() -> None:
    one = act(ASSESSED, AddFollowUp("documentation")).incident
    assert act(one, Resolve(replace(OVER, none_reason=""))).incident.state is State.RESOLVED


def test_none_needed_is_an_answer_with_its_reason() -> None:
    decision = act(ASSESSED, Resolve(OVER))
    assert decision.entries[0].data["none_reason"] == "a one-off"
    assert "RaiseFollowUp" not in kinds(decision)


@pytest.mark.parametrize(
    "incident",
    [
        replace(ASSESSED, urgency="not_urgent"),
        replace(ASSESSED, assessment=Assessment({"self_resolved": True}, "not_urgent", "x", "y")),
    ],
)
def test_not_urgent_and_self_resolved_require_an_investigation(incident: object) -> None:
    assert isinstance(incident, type(ASSESSED))
    refusal = refuse(incident, Resolve(OVER))
    assert refusal.fields == ("follow_ups",)
    assert "Investigate" in refusal.text
    chosen = replace(OVER, follow_ups={"investigate": "Why?"})
    assert act(incident, Resolve(chosen)).incident.state is State.RESOLVED
    there = act(incident, AddFollowUp("investigate")).incident
    assert act(there, Resolve(OVER)).incident.state is State.RESOLVED


@pytest.mark.parametrize("answer", [None, False])
def test_an_unknown_recovery_requires_nothing(answer: bool | None) -> None:
    incident = replace(ASSESSED, assessment=Assessment({"self_resolved": answer}, "resolve_internally", "x"))
    assert act(incident, Resolve(OVER)).incident.state is State.RESOLVED


def test_recovering_is_not_resolving() -> None:
    assert refuse(replace(ASSESSED, alerting=False), Resolve(ResolveAnswers())).fields == ("over",)


def test_a_follow_up_takes_the_processs_title_where_none_is_given() -> None:
    decision = act(RESOLVED, AddFollowUp("long_term"))
    assert decision.incident.follow_ups[0].title == "Long-term solution: Disk is full"
    assert decision.effects[-1] == RaiseFollowUp(7, "1")


def test_an_unknown_follow_up_is_refused_with_the_known_ones() -> None:
    refusal = refuse(OPEN, AddFollowUp("holiday"))
    assert refusal.fields == ("kind",)
    assert "long_term, investigate, alerting, documentation" in refusal.text


def test_two_follow_ups_of_one_kind_differ_by_their_titles() -> None:
    one = act(OPEN, AddFollowUp("documentation", "The runbook")).incident
    assert len(act(one, AddFollowUp("documentation", "The README")).incident.follow_ups) == 2
    assert act(one, AddFollowUp("documentation", " The runbook ")).incident is one


def test_a_follow_up_without_a_title_gets_the_proposed_one() -> None:
    decision = act(ASSESSED, Resolve(replace(OVER, follow_ups={"long_term": " "})))
    assert decision.incident.follow_ups[-1].title == f"Long-term solution: {ASSESSED.title}"


def test_where_the_process_knows_no_follow_ups_none_is_asked_for() -> None:
    decision = act(ASSESSED, Resolve(replace(OVER, none_reason="")), process=replace(PROCESS, follow_ups=()))
    assert decision.incident.state is State.RESOLVED
    made = decision.incident.resolution
    assert made is not None
    assert made.none_reason == "the process requires none"
