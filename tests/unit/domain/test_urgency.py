"""The urgency by the team's own sentences (W33-W37), at its boundaries."""

from dataclasses import replace
from typing import Any

import pytest

from models.domain.incident_effects import Announce
from models.domain.incident_parts import Escalation, FollowUp, ManualChange
from models.domain.incidents import State
from models.domain.process import Answer
from models.domain.requests import AddFollowUp, Assess, Claim, Decide, Reopen, Resolve
from tests.unit.domain.samples import (
    ADA,
    ASSESSED,
    AT,
    BEN,
    GRAVE,
    INTERNAL,
    LATER,
    MILD,
    OPEN,
    OVER,
    OWNED,
    PROCESS,
    URGENT,
    act,
    kinds,
    refuse,
    told,
)


def level(**answers: Answer) -> str:
    return PROCESS.assess({**INTERNAL, **answers})[0].key


@pytest.mark.parametrize(
    ("users", "critical", "blocked", "expected"),
    [
        (0, False, False, "not_urgent"),
        (0, False, True, "resolve_internally"),
        (0, True, False, "not_urgent"),
        (0, True, True, "resolve_internally"),
        (1, False, False, "not_urgent"),
        (1, False, True, "resolve_internally"),
        (1, True, False, "resolve_internally"),
        (1, True, True, "resolve_internally"),
        (2, False, False, "resolve_internally"),
        (2, False, True, "resolve_internally"),
        (2, True, False, "urgent"),
        (2, True, True, "urgent"),
        (100, False, False, "resolve_internally"),
        (100, False, True, "resolve_internally"),
        (100, True, False, "urgent"),
        (101, False, False, "urgent"),
        (101, False, True, "urgent"),
        (101, True, True, "urgent"),
    ],
)
def test_users_and_critical_work_decide_at_their_boundaries(
    users: int, critical: bool, blocked: bool, expected: str
) -> None:
    assert level(users=users, critical=critical, development_blocked=blocked) == expected


@pytest.mark.parametrize("users", [0, 1, 2, 100, 101, None])
@pytest.mark.parametrize("critical", [False, True, None])
@pytest.mark.parametrize("excuse", ["workaround", "self_resolved"])
def test_a_workaround_or_recovery_makes_it_not_urgent(
    users: int | None, critical: bool | None, excuse: str
) -> None:
    assert (
        level(**{"users": users, "critical": critical, "development_blocked": True, excuse: True}) == "not_urgent"
    )


@pytest.mark.parametrize(
    ("answers", "as_if"),
    [
        ({"users": None}, {"users": 101}),
        ({"users": 2, "critical": None}, {"users": 2, "critical": True}),
        ({"users": 1, "critical": None}, {"users": 1, "critical": True}),
        ({"users": 0, "development_blocked": None}, {"users": 0, "development_blocked": True}),
        ({"workaround": None}, {"workaround": False}),
        ({"self_resolved": None}, {"self_resolved": False}),
    ],
)
def test_what_is_not_known_counts_as_the_graver(answers: dict[str, Answer], as_if: dict[str, Answer]) -> None:
    assert level(**answers) == level(**as_if)
    missing = {key: value for key, value in (INTERNAL | answers).items() if value is not None}
    assert PROCESS.assess(missing)[0].key == level(**as_if)


def test_nothing_known_is_urgent() -> None:
    assert PROCESS.assess({})[0].key == "urgent"


def test_each_answer_that_gets_graver_never_makes_it_milder() -> None:
    rank = {each.key: n for n, each in enumerate(PROCESS.urgencies)}
    for users in (0, 1, 2, 100):
        for critical in (False, True):
            for blocked in (False, True):
                here = rank[level(users=users, critical=critical, development_blocked=blocked)]
                assert rank[level(users=users + 1, critical=critical, development_blocked=blocked)] >= here
                assert rank[level(users=users, critical=True, development_blocked=blocked)] >= here
                assert rank[level(users=users, critical=critical, development_blocked=True)] >= here


def test_a_process_whose_rules_all_fail_calls_it_the_gravest() -> None:
    assert replace(PROCESS, rules=()).assess(MILD)[0].key == "urgent"


def test_the_urgency_is_set_with_the_reason_in_the_processs_words() -> None:
    decision = act(OWNED, Assess(INTERNAL))
    assert decision.incident.urgency == "resolve_internally"
    assert decision.incident.state is State.OPEN
    assert decision.entries[0].data["because"] == "more than one user can't work"
    assert decision.incident.assessment is not None
    assert decision.incident.assessment.reason == ""


def test_an_override_without_a_reason_is_refused() -> None:
    refusal = refuse(OWNED, Assess(INTERNAL, "urgent"))
    assert refusal.fields == ("reason",)
    assert "Resolve internally" in refusal.text
    assert refuse(OWNED, Assess(INTERNAL, "urgent", "  ")).fields == ("reason",)


@pytest.mark.parametrize(("answers", "urgency"), [(INTERNAL, "urgent"), (GRAVE, "resolve_internally")])
def test_an_override_with_a_reason_is_kept_with_both(answers: dict[str, Any], urgency: str) -> None:
    decision = act(OWNED, Assess(answers, urgency, "exams are on"))
    assert decision.incident.urgency == urgency
    assessment = decision.incident.assessment
    assert assessment is not None
    assert assessment.computed != urgency
    assert assessment.reason == "exams are on"
    assert decision.entries[0].data["because"] == "exams are on"


def test_naming_the_computed_level_is_no_override() -> None:
    decision = act(OWNED, Assess(INTERNAL, "resolve_internally"))
    assert decision.incident.assessment is not None
    assert decision.incident.assessment.reason == ""


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    refusal = refuse(OWNED, Assess(INTERNAL, "dire", "x"))
    assert refusal.fields == ("urgency",)
    assert "not_urgent, resolve_internally, urgent" in refusal.text


def test_urgent_asks_the_whole_team_to_meet() -> None:
    decision = act(OWNED, Assess(GRAVE))
    assert decision.incident.must_decide(PROCESS)
    assert [effect.whole_team for effect in decision.effects if isinstance(effect, Announce)] == [True]
    assert decision.entries[0].data["then"] == "decide"


def test_resolve_internally_asks_nobody() -> None:
    decision = act(OWNED, Assess(INTERNAL))
    assert [effect.whole_team for effect in decision.effects if isinstance(effect, Announce)] == [False]
    assert not decision.incident.must_decide(PROCESS)


def test_urgent_is_not_resolved_until_the_team_has_decided() -> None:
    assert "decision is not recorded" in refuse(URGENT, Resolve(OVER)).text
    decided = act(URGENT, Decide("internal", "Ada, Ben")).incident
    assert act(decided, Resolve(OVER)).incident.state is State.RESOLVED


def test_a_decision_is_recorded_with_names_and_time() -> None:
    decision = act(URGENT, Decide("major_incident", " Ada, Ben "), BEN)
    assert decision.incident.escalation == Escalation("major_incident", BEN, "Ada, Ben", LATER)
    assert decision.entries[0].data == {"option": "Major Incident Process", "present": "Ada, Ben"}


def test_a_decision_needs_who_took_part_and_a_known_option() -> None:
    assert refuse(URGENT, Decide("internal", " ")).fields == ("present",)
    refusal = refuse(URGENT, Decide("later", "Ada"))
    assert refusal.fields == ("option",)
    assert "major_incident, internal" in refusal.text


@pytest.mark.parametrize("incident", [OWNED, ASSESSED])
def test_only_an_urgent_one_is_decided(incident: Any) -> None:
    assert "Only an urgent" in refuse(incident, Decide("internal", "Ada")).text


def test_a_decision_holds_while_it_stays_urgent() -> None:
    decided = act(URGENT, Decide("internal", "Ada")).incident
    again = act(decided, Assess(GRAVE | {"users": 500}))
    assert not again.incident.must_decide(PROCESS)
    assert not any(effect.whole_team for effect in again.effects if isinstance(effect, Announce))


def test_a_decision_does_not_outlive_another_urgency() -> None:
    decided = act(URGENT, Decide("internal", "Ada")).incident
    milder = act(decided, Assess(INTERNAL)).incident
    assert milder.escalation is None
    assert act(milder, Assess(GRAVE)).incident.must_decide(PROCESS)


def test_not_urgent_is_resolved_with_its_follow_up_in_one_act() -> None:
    decision = act(OWNED, Assess(MILD))
    incident = decision.incident
    assert incident.state is State.RESOLVED
    assert told(decision) == ["assessed", "resolved"]
    assert [(each.kind, each.title) for each in incident.follow_ups] == [
        ("investigate", "Investigate: Disk is full")
    ]
    assert incident.resolution is not None
    assert incident.resolution.by == ADA
    assert kinds(decision) == [
        *("NoteIssue", "NoteIssue", "SyncIssue", "Announce", "Announce", "RefreshCard", "RaiseFollowUp")
    ]


def test_not_urgent_takes_a_title_for_its_follow_up() -> None:
    decision = act(OWNED, Assess(MILD, follow_up_title="Why did it fill up?"))
    assert [each.title for each in decision.incident.follow_ups] == ["Why did it fill up?"]


def test_not_urgent_needs_an_owner() -> None:
    assert "claim it first" in refuse(OPEN, Assess(MILD)).text
    assert act(act(OPEN, Claim()).incident, Assess(MILD)).incident.state is State.RESOLVED


def test_not_urgent_waits_for_changes_by_hand_to_be_confirmed() -> None:
    change = ManualChange(1, "restarted it", "no pipeline", ADA, AT)
    assert "number 1" in refuse(replace(OWNED, changes=(change,)), Assess(MILD)).text


def test_not_urgent_raises_its_follow_up_once() -> None:
    with_one = act(OWNED, AddFollowUp("investigate", "Look into it")).incident
    decision = act(with_one, Assess(MILD))
    assert decision.incident.state is State.RESOLVED
    assert [each.title for each in decision.incident.follow_ups] == ["Look into it"]
    assert "RaiseFollowUp" not in kinds(decision)


def test_not_urgent_twice_with_a_reopening_between_raises_one_follow_up() -> None:
    once = act(OWNED, Assess(MILD)).incident
    again = act(act(once, Reopen()).incident, Assess(MILD)).incident
    assert again.state is State.RESOLVED
    assert again.follow_ups == (FollowUp("1", "investigate", "Investigate: Disk is full"),)


def test_only_the_first_of_several_required_follow_ups_takes_the_title() -> None:
    both = tuple(replace(kind, required_for=("not_urgent",)) for kind in PROCESS.follow_ups[:2])
    decision = act(OWNED, Assess(MILD, follow_up_title="Why?"), process=replace(PROCESS, follow_ups=both))
    assert [each.title for each in decision.incident.follow_ups] == ["Why?", both[1].title_for("Disk is full")]


def test_where_no_follow_up_is_required_not_urgent_is_resolved_without_one() -> None:
    optional = tuple(replace(kind, required_for=()) for kind in PROCESS.follow_ups)
    decision = act(OWNED, Assess(MILD), process=replace(PROCESS, follow_ups=optional))
    assert decision.incident.state is State.RESOLVED
    assert decision.incident.follow_ups == ()
    made = decision.incident.resolution
    assert made is not None
    assert made.none_reason == "the process requires none"
