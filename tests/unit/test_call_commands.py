"""What is typed in the thread of a support call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call_commands import parse_call
from bot.case_commands import Bring, CaseAct, CaseCommand, Say, ShowCaseForm, Wrong, parse_channel
from cards.case_actions import CaseForm
from cards.case_lists import call_help
from models.domain.case_requests import EndCall, JudgeCall, NoteCase, ReopenCase, Replied, TakeCase
from tests.unit.cards.case_samples import PROCEDURES

CALLS = PROCEDURES.calls
NAMED = replace(
    CALLS,
    outcomes=tuple(
        replace(each, teams=("Team Raven", "Finance")) if each.key == "other_team" else each
        for each in CALLS.outcomes
    ),
)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("take", CaseAct(TakeCase())),
        ("triage information", CaseAct(JudgeCall("information"))),
        ("triage unclear: which token?", CaseAct(JudgeCall("unclear", "which token?"))),
        ("unclear which token?", CaseAct(JudgeCall("unclear", "which token?"))),
        ("triage other-team Raven: they run it", CaseAct(JudgeCall("other_team", "they run it", "Raven"))),
        ("triage not_devops it is Finance's", CaseAct(JudgeCall("not_devops", "it is Finance's"))),
        ("triage", ShowCaseForm(CaseForm.JUDGE)),
        ("answered", CaseAct(Replied())),
        ("close answered", CaseAct(EndCall("answered"))),
        ("close no reply", CaseAct(EndCall("no_reply", ""))),
        ("close", ShowCaseForm(CaseForm.END)),
        ("note asked them", CaseAct(NoteCase("asked them"))),
        ("reopen they wrote again", CaseAct(ReopenCase("they wrote again"))),
        ("status", Say("status")),
        ("", Say("help")),
    ],
)
def test_what_is_meant(text: str, meaning: CaseCommand) -> None:
    assert parse_call(text, CALLS, addressed=True) == meaning


def test_the_teams_of_the_process_are_understood() -> None:
    meant = parse_call("triage other_team Team Raven – they run it", NAMED, addressed=True)
    assert meant == CaseAct(JudgeCall("other_team", "they run it", "Team Raven"))
    assert isinstance(parse_call("triage other_team somebody", NAMED, addressed=True), Wrong)


@pytest.mark.parametrize("text", ["triage nonsense", "close now", "aproved", "dance"])
def test_what_is_not_clear_is_answered_with_what_would_be(text: str) -> None:
    assert isinstance(parse_call(text, CALLS, addressed=True), Wrong)


@pytest.mark.parametrize("text", ["take a look", "close to it", "note that", "information", "", "answered it?"])
def test_people_may_talk_to_each_other(text: str) -> None:
    assert parse_call(text, CALLS, addressed=False) is None


def test_a_call_is_brought_in_the_channel() -> None:
    assert parse_channel("support call 4711", ["drive"], calls=True) == Bring("4711")
    assert isinstance(parse_channel("support call", ["drive"], calls=True), Wrong)
    assert isinstance(parse_channel("support call 4711", ["drive"]), Wrong)


def test_help_names_every_outcome_and_every_ending() -> None:
    told = call_help(CALLS)
    assert all(f"`triage {each.key}`" in told for each in CALLS.outcomes)
    assert all(f"`close {each.key}`" in told for each in CALLS.endings)


@given(st.text(max_size=200), st.booleans())
def test_nothing_that_is_typed_breaks_it(text: str, addressed: bool) -> None:
    parse_call(text, CALLS, addressed=addressed)
