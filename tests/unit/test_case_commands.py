"""What is typed in the thread of a request, and in a channel about requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.case_commands import Begin, CaseAct, CaseCommand, Say, ShowCaseForm, Wrong, parse_case, parse_channel
from bot.case_speech import filled_in
from cards.case_actions import CaseForm
from models.domain.case_requests import Approve, Decline, NoteCase, Refer, ReopenCase, TakeCase, TickStep
from tests.unit.cards.case_samples import PROCEDURES

STEPS = ("team", "list_card_reader", "approved")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("take", CaseAct(TakeCase())),
        ("Take with #12", CaseAct(TakeCase(12))),
        ("approve", CaseAct(Approve())),
        ("decline no answer for a month", CaseAct(Decline("no answer for a month"))),
        ("decline", ShowCaseForm(CaseForm.DECLINE)),
        ("refer they seem right", CaseAct(Refer("they seem right"))),
        ("reopen", ShowCaseForm(CaseForm.REOPEN)),
        ("reopen again", CaseAct(ReopenCase("again"))),
        ("note one\ntwo", CaseAct(NoteCase("one\ntwo"))),
        ("ask team", ShowCaseForm(CaseForm.ASK_TEAM)),
        ("ask for a team", ShowCaseForm(CaseForm.ASK_TEAM)),
        ("Ask why?", ShowCaseForm(CaseForm.ASK_WHY)),
        ("done team", CaseAct(TickStep("team"))),
        ("done TEAM: asked them", CaseAct(TickStep("team", "asked them"))),
        ("done CARD_READER", CaseAct(TickStep("list_card_reader"))),
        ("done card-reader merged", CaseAct(TickStep("list_card_reader", "merged"))),
        ("done", ShowCaseForm(CaseForm.STEPS)),
        ("status", Say("status")),
        ("help", Say("help")),
        ("", Say("help")),
    ],
)
def test_what_is_meant(text: str, meaning: CaseCommand) -> None:
    assert parse_case(text, STEPS, addressed=True) == meaning


@pytest.mark.parametrize(
    "text", ["take it", "approve it all", "ask", "ask them", "done nothing", "aprove", "dance"]
)
def test_what_is_not_clear_is_answered_with_what_would_be(text: str) -> None:
    assert isinstance(parse_case(text, STEPS, addressed=True), Wrong)


@pytest.mark.parametrize(
    "text",
    ["take a look at this", "approve of it?", "note that it is late", "decline it", "done, thanks", "ask her", ""],
)
def test_people_may_talk_to_each_other(text: str) -> None:
    assert parse_case(text, STEPS, addressed=False) is None


@pytest.mark.parametrize("text", ["take", "approve", "status", "done team", "done card_reader"])
def test_what_can_be_nothing_else_needs_no_mention(text: str) -> None:
    assert isinstance(parse_case(text, STEPS, addressed=False), CaseAct | Say)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("access list", Say("access list")),
        ("Access", Say("access list")),
        ("support", Say("support")),
        ("support drive", Begin("drive")),
        ("Support Drive #4711 xyz98", Begin("drive", ("#4711", "xyz98"))),
        ("list", None),
        ("", None),
        ("incident access list", None),
    ],
)
def test_what_is_meant_in_a_channel(text: str, meaning: CaseCommand) -> None:
    assert parse_channel(text, ("drive", "admins")) == meaning


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("4711 xyz98", {"field_call": "4711", "field_crsids": "xyz98"}),
        ("add abc12, xyz98 #4711", {"field_call": "#4711", "field_change": "add", "field_crsids": "abc12, xyz98"}),
        (
            "https://halo.example/t?id=1 REMOVE",
            {"field_call": "https://halo.example/t?id=1", "field_change": "remove"},
        ),
        ("", {}),
        ("<at>x</at> ../..", {}),
    ],
)
def test_what_is_typed_behind_a_procedure_fills_its_form(given: str, values: dict[str, str]) -> None:
    procedure = PROCEDURES.of("admins" if "field_change" in values else "drive")
    assert procedure is not None
    assert filled_in(procedure, given.split()) == values


def test_an_unknown_procedure_is_answered_with_those_there_are() -> None:
    wrong = parse_channel("support drvie", ("drive", "admins"))
    assert isinstance(wrong, Wrong)
    assert "support drive, support admins" in wrong.text


@given(st.text(max_size=300), st.booleans())
def test_any_text_gives_an_answer(text: str, addressed: bool) -> None:
    parse_case(text, STEPS, addressed=addressed)
    parse_channel(text, STEPS)
