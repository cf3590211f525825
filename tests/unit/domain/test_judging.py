"""Whether it is an incident, by the tests of the processes (P4, U7-U10)."""

import copy
import tomllib
from typing import Any

import pytest

from models.domain import intake
from models.domain.decisions import Decision
from models.domain.incidents import State
from models.domain.judging import ASK, Judging
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.domain.requests import Assess, Claim, Dismiss, Raise
from tests.unit.domain.samples import ADA, AT, CANDIDATE, LATER, OPEN, PROCESS, PROCESS_FILE, act, kinds, refuse

UNPLANNED = {"planned": False}


def shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((PROCESS_FILE.parent / f"{name}.toml").read_text(encoding="utf-8"))


def process(name: str) -> Process:
    return read_process(shipped(name), f"{name}.toml")


HUB, PLATFORM = process("twoi2c"), process("modernisation_platform")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, None),
        ({"login": True}, True),
        ({"login": False, "server": True}, True),
        ({"login": False, "server": False}, None),
        ({"login": False, "server": False, "workers": None}, None),
        ({"login": False, "server": False, "workers": False}, False),
        ({"login": False, "server": False, "workers": False, "degraded": True}, False),
    ],
)
def test_any_of_the_hubs_tests_makes_it_an_incident(answers: dict[str, Any], expected: bool | None) -> None:
    assert HUB.judging.verdict(answers) is expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"planned": True, "users": True}, False),
        ({"planned": True}, False),
        ({"users": True}, True),
        (UNPLANNED | {"risk": True}, True),
        (UNPLANNED | {"users": False, "degrades": False, "risk": False}, False),
        (UNPLANNED | {"users": False, "degrades": False}, None),
        (UNPLANNED, None),
    ],
)
def test_the_platforms_must_be_unplanned_and_have_an_effect(answers: dict[str, Any], expected: bool | None) -> None:
    assert PLATFORM.judging.verdict(answers) is expected


def test_without_tests_nothing_is_refused() -> None:
    assert Judging().verdict({"login": False}) is None
    assert PROCESS.judging == Judging()


def test_a_test_that_a_question_asks_is_asked_once() -> None:
    assert [each.key for each in HUB.all_questions] == ["login", "server", "workers", "degraded"]
    assert HUB.judging.tests[0].text == "Are users unable to log in to the hub?"
    assert [each.key for each in PLATFORM.all_questions][-3:] == ["users", "degrades", "risk"]


def test_raising_records_how_the_tests_were_answered() -> None:
    decision = act(CANDIDATE, Raise({"login": True, "degraded": True}), process=HUB)
    assert decision.incident.state is State.OPEN
    assert decision.incident.judged is not None
    assert decision.incident.judged.answers == {"login": True}
    entry = decision.entries[0]
    assert entry.data == {"tests": "Are users unable to log in to the hub? Yes.", "against": False}


def test_what_the_tests_say_is_none_is_raised_only_all_the_same() -> None:
    none = {"login": False, "server": False, "workers": False}
    refusal = refuse(CANDIDATE, Raise(none), process=HUB)
    assert refusal.ask == ASK
    assert "none of its tests holds" in refusal.text
    assert HUB.judging.instead in refusal.text
    decision = act(CANDIDATE, Raise(none, anyway=True), process=HUB)
    assert decision.incident.judged is not None
    assert decision.incident.judged.against
    assert decision.entries[0].data["against"] is True


def test_the_refusal_names_the_required_test_that_does_not_hold() -> None:
    assert "Was it planned? Yes" in refuse(CANDIDATE, Raise({"planned": True}), process=PLATFORM).text


def test_dismissing_records_the_tests_and_raises_what_serves_it_instead() -> None:
    none = {"login": False, "server": False, "workers": False}
    decision = act(CANDIDATE, Dismiss(answers=none, instead=True), process=HUB)
    assert decision.incident.dismiss_reason == "by the tests of the process"
    assert [each.kind for each in decision.incident.follow_ups] == ["ticket"]
    assert kinds(decision)[-1] == "RaiseFollowUp"
    assert "Are users unable to start a server? No." in str(decision.entries[0].data["tests"])
    plain = act(CANDIDATE, Dismiss("a test"), process=HUB)
    assert plain.incident.judged is None
    assert "tests" not in plain.entries[0].data


def test_an_issue_that_is_there_already_needs_a_reason_still() -> None:
    assert refuse(OPEN, Dismiss(answers={"login": True}), process=HUB).fields == ("reason",)


def test_a_declared_one_keeps_its_answers() -> None:
    made = intake.declare("The hub is down", "", ADA, HUB.judging, {"server": True}, at=AT).incident
    assert made.judged is not None
    assert made.judged.answers == {"server": True}
    assert not made.judged.against
    assert intake.declare("The hub is down", "", ADA, HUB.judging, {}, at=AT).incident.judged is None


def test_the_urgency_is_reached_as_before() -> None:
    opened = act(CANDIDATE, Raise({"login": True}), process=HUB).incident
    answers = {"login": True, "server": False, "workers": False, "degraded": False}
    assert act(opened, Assess(answers), process=HUB, at=LATER).incident.urgency == "incident"


def test_who_claims_a_candidate_hears_that_the_tests_will_be_asked() -> None:
    claimed = act(CANDIDATE, Claim(), process=PLATFORM)
    assert claimed.incident.raised
    assert claimed.notice == "Whether it is an incident at all is asked with the urgency."
    judged = act(CANDIDATE, Raise({"users": True}), process=PLATFORM).incident
    assert act(judged, Claim(), process=PLATFORM).notice == ""
    assert act(CANDIDATE, Claim()).notice == ""


def test_the_urgency_answers_the_tests_of_one_that_was_claimed() -> None:
    claimed = act(CANDIDATE, Claim(), process=PLATFORM).incident
    none = UNPLANNED | {"users": False, "degrades": False, "risk": False}
    decision = act(claimed, Assess(none | {"at_risk": True}), process=PLATFORM, at=LATER)
    assert decision.incident.judged is not None
    assert decision.incident.judged.against
    assert decision.entries[0].data["against"] is True
    assert "By the process this is not an incident: none of its tests holds." in decision.notice
    again = act(decision.incident, Assess({"planned": False, "part_down": True}), process=PLATFORM, at=LATER)
    assert again.incident.judged == decision.incident.judged
    assert "against" not in again.entries[0].data


def test_an_urgency_that_leaves_the_tests_open_judges_nothing() -> None:
    claimed = act(CANDIDATE, Claim(), process=PLATFORM).incident
    decision = act(claimed, Assess({"planned": None, "all_down": True}), process=PLATFORM, at=LATER)
    assert decision.incident.judged is None
    assert decision.notice == ""


def _changed(**judging: Any) -> Any:
    values = copy.deepcopy(shipped("twoi2c"))
    values["judging"] |= judging
    return values


@pytest.mark.parametrize(
    ("judging", "told"),
    [
        ({"tests": []}, "needs at least one"),
        ({"tests": [{"key": "login"}, {"key": "login"}]}, "as another does"),
        ({"tests": [{"key": "other"}]}, "text is missing"),
        ({"tests": [{"key": "login", "holds": "yes"}]}, "true or false"),
        ({"tests": [{"key": "login", "weight": 3}]}, "no such entry"),
        ({"instead": ""}, "instead is empty"),
        ({"follow_up": "holiday"}, "prevent, ticket"),
    ],
)
def test_a_mistake_is_told(judging: dict[str, Any], told: str) -> None:
    with pytest.raises(ProcessError, match=told):
        read_process(_changed(**judging), "ours.toml")


def test_a_test_is_answered_with_yes_or_no() -> None:
    values = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))
    values["judging"] = {"instead": "Nothing.", "tests": [{"key": "users", "text": "How many?"}]}
    with pytest.raises(ProcessError, match="takes a number"):
        read_process(values, "ours.toml")


def test_a_decision_is_returned_for_a_raised_one_whatever_the_answers() -> None:
    assert isinstance(act(OPEN, Raise({"planned": True}), process=PLATFORM), Decision)
