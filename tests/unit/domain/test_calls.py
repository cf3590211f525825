"""Support calls: judged, answered or passed on, and closed for a reason (W78-W100)."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.domain import calls
from models.domain.case_effects import DeclareFromCall, LookUpCase, NoteCall, PostCase, TellCase
from models.domain.case_reminders import SILENT, UNTAKEN, lacks
from models.domain.case_requests import (
    Approve,
    CaseRequest,
    EndCall,
    JudgeCall,
    NoteCase,
    Refer,
    ReopenCase,
    Replied,
    Setting,
    TakeCase,
    TickStep,
    carry_out,
)
from models.domain.cases import Call, Case, CaseDecision, CaseState
from models.domain.decisions import Refusal
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from tests.unit.domain.samples import ADA, BEN, PROCESS, PROCESS_FILE

AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
SETTING = Setting(PROCESS.procedures, (ADA, BEN), lead=BEN)
ASKED = Call("4711", "https://desk.example.ac.uk/ticket?id=4711", "How do I get a token?", "Sam Smith")
NEW = replace(calls.opened(ASKED, None, AT).case, id=3, version=1)


def done(case: Case, request: CaseRequest, by: Any = ADA, setting: Setting = SETTING) -> CaseDecision:
    outcome = carry_out(request, case, by, setting, at=AT + timedelta(hours=1))
    assert isinstance(outcome, CaseDecision), outcome
    return outcome


def refused(case: Case, request: CaseRequest, setting: Setting = SETTING) -> Refusal:
    outcome = carry_out(request, case, ADA, setting, at=AT)
    assert isinstance(outcome, Refusal)
    return outcome


def kinds(decision: CaseDecision) -> set[str]:
    return {type(each).__name__ for each in decision.effects}


def test_a_call_of_the_queue_is_shown_and_looked_up_and_nobodys() -> None:
    decision = calls.opened(ASKED, None, AT)
    assert decision.case.title == "How do I get a token?"
    assert decision.case.owner is None
    assert {type(each) for each in decision.effects} == {PostCase, LookUpCase}
    assert decision.case.key == "call|4711"
    assert calls.opened(Call("4711"), ADA, AT).case.title == "Support call 4711"


def test_taking_it_tells_whoever_had_it_and_raises_no_issue() -> None:
    taken = done(NEW, TakeCase())
    assert taken.case.owner == ADA
    over = done(taken.case, TakeCase(), BEN)
    assert over.case.owner == BEN
    (told,) = [each for each in over.effects if isinstance(each, TellCase)]
    assert told.mentions == (ADA,)
    assert not {"RaiseCaseIssue", "SyncCaseIssue", "NoteCaseIssue"} & (kinds(taken) | kinds(over))
    assert done(taken.case, TakeCase()).notice == "You have it already."


@pytest.mark.parametrize(
    ("request_", "state", "owner", "waits"),
    [
        (JudgeCall("unclear", "Which token?"), CaseState.ASKED, ADA, True),
        (JudgeCall("not_devops", "it is Finance's"), CaseState.DONE, None, False),
        (JudgeCall("other_team", "they run it", "Team Raven"), CaseState.DONE, None, False),
        (JudgeCall("information"), CaseState.OPEN, ADA, False),
        (JudgeCall("ask", "who knows tokens?"), CaseState.OPEN, None, False),
        (JudgeCall("feature"), CaseState.OPEN, BEN, False),
        (JudgeCall("procedure"), CaseState.OPEN, ADA, False),
        (JudgeCall("bug"), CaseState.OPEN, ADA, False),
    ],
)
def test_each_outcome_says_whose_it_is_then(request_: JudgeCall, state: CaseState, owner: Any, waits: bool) -> None:
    case = done(NEW, request_).case
    assert (case.state, case.owner, case.waiting_since is not None) == (state, owner, waits)
    assert (case.outcome, case.outcome_note) == (request_.outcome, request_.note)


def test_what_is_passed_on_ends_with_a_note_at_the_desk() -> None:
    decision = done(NEW, JudgeCall("other_team", "they run it", "Team Raven"))
    assert "CloseCall" in kinds(decision)
    assert decision.entries[0].data == {
        "outcome": "For another team of DevOps", "note": "they run it", "team": "Team Raven",
    }  # fmt: skip


def test_what_is_asked_of_the_team_is_told_and_whoever_knows_takes_it() -> None:
    mine = done(NEW, JudgeCall("ask", "who knows tokens?")).case
    assert mine.owner is None
    assert done(mine, TakeCase(), BEN).case.owner == BEN


def test_a_feature_is_the_leads_who_is_told() -> None:
    decision = done(NEW, JudgeCall("feature"))
    (told,) = [each for each in decision.effects if isinstance(each, TellCase)]
    assert told.mentions == (BEN,)
    assert refused(NEW, JudgeCall("feature"), replace(SETTING, lead=None)).text == calls.NO_LEAD


def test_a_bug_begins_the_incident_process() -> None:
    decision = done(NEW, JudgeCall("bug", "since this morning"))
    assert DeclareFromCall(3, ADA) in decision.effects
    title, text = calls.as_incident(decision.case, "since this morning")
    assert title == "How do I get a token?"
    assert "Support call 4711 of Sam Smith" in text
    assert ASKED.url in text


def test_it_is_said_why_where_the_process_wants_it() -> None:
    assert refused(NEW, JudgeCall("unclear")).fields == ("text",)
    assert refused(NEW, JudgeCall("holiday")).fields == ("outcome",)


def test_the_teams_to_choose_from_are_the_process_s() -> None:
    rules = PROCESS.procedures.calls
    named = tuple(replace(each, teams=("Raven",)) if each.key == "other_team" else each for each in rules.outcomes)
    setting = replace(SETTING, procedures=replace(PROCESS.procedures, calls=replace(rules, outcomes=named)))
    assert refused(NEW, JudgeCall("other_team", "why", "Finance"), setting).fields == ("team",)
    assert done(NEW, JudgeCall("other_team", "why", "Raven"), setting=setting).case.state is CaseState.DONE


def test_what_was_judged_wrongly_is_judged_anew() -> None:
    unclear = done(NEW, JudgeCall("unclear", "Which?")).case
    again = done(unclear, JudgeCall("information"), BEN).case
    assert (again.outcome, again.owner, again.state, again.waiting_since) == (
        "information", BEN, CaseState.OPEN, None,
    )  # fmt: skip


def test_notes_go_to_the_desk() -> None:
    decision = done(NEW, NoteCase("asked the service desk"))
    assert NoteCall(3, decision.entries[0]) in decision.effects
    assert refused(NEW, NoteCase(" ")).fields == ("text",)


def test_nobody_needs_to_permit_that_it_is_closed() -> None:
    answered = done(done(NEW, TakeCase()).case, Replied())
    assert answered.case.state is CaseState.ASKED
    closed = done(answered.case, EndCall("answered", "with the guide"), BEN)
    assert closed.case.state is CaseState.DONE
    assert closed.case.reason == "The question was clear, and is answered: with the guide"
    assert closed.case.key == ""
    assert refused(NEW, EndCall("bored")).fields == ("ending",)
    assert "already" in refused(closed.case, EndCall("answered")).text


def test_a_closed_one_is_reopened_easily() -> None:
    closed = done(NEW, EndCall("confirmed")).case
    opened = done(closed, ReopenCase("they wrote again"))
    assert opened.case.state is CaseState.OPEN
    assert "SyncCaseIssue" not in kinds(opened)


@pytest.mark.parametrize("request_", [Approve(), TickStep("told"), Refer("x")])
def test_what_is_for_other_requests_is_refused(request_: CaseRequest) -> None:
    assert "support call" in refused(NEW, request_).text


def test_what_is_for_calls_is_refused_elsewhere() -> None:
    other = replace(NEW, procedure="drive")
    assert "can't be done with this request" in refused(other, JudgeCall("bug")).text
    assert "can't be done with this request" in refused(other, Replied()).text


def test_an_untaken_call_lacks_somebody_and_a_silent_one_an_end_after_ten_days() -> None:
    procedures = PROCESS.procedures
    assert [each.what for each in lacks(NEW, procedures, AT)] == [UNTAKEN]
    taken = done(NEW, TakeCase()).case
    assert lacks(taken, procedures, AT + timedelta(days=100)) == ()
    asked = done(taken, Replied()).case
    assert lacks(asked, procedures, AT + timedelta(days=10)) == ()
    (silent,) = lacks(asked, procedures, AT + timedelta(days=10, hours=1))
    assert (silent.what, silent.since) == (SILENT, AT + timedelta(days=10, hours=1))


def _with(calls_: dict[str, Any]) -> Any:
    values = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))
    values["calls"] |= calls_
    return values


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"outcomes": []}, "needs at least one"),
        ({"endings": [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]}, "as another does"),
        ({"outcomes": [{"key": "a", "name": "A", "then": "sleep"}]}, "one of answer, ask_user"),
        ({"outcomes": [{"key": "a", "name": "A", "then": "answer", "teams": ["B"]}]}, "teams goes with"),
        ({"close_after_days": 0}, "from 1 to 400"),
        ({"remind_after_hours": [4, 1]}, "growing hours"),
        ({"colour": "red"}, "no such entry"),
    ],
)
def test_a_mistake_is_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ProcessError, match=told):
        read_process(_with(changed), "ours.toml")


def test_no_procedure_takes_the_name_of_calls() -> None:
    values = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))
    values["support"][0]["key"] = "call"
    with pytest.raises(ProcessError, match="stands for something else"):
        read_process(values, "ours.toml")
