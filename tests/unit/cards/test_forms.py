"""Forms ask what the process asks, and keep what was entered."""

from dataclasses import replace
from typing import Any

import pytest

from cards.actions import Do, Form, decode
from cards.blocks import Element
from cards.buttons import presses
from cards.declare_form import declare_form
from cards.forms import form_card
from cards.lists import help_text
from models.domain import requests
from models.domain.decisions import Refusal
from models.domain.judging import Judged
from models.domain.roles import Role, Roles
from tests.unit.cards.samples import (
    ADELE,
    ALEX,
    INTERNAL,
    MEGAN,
    NOW,
    OPEN,
    PROCESS,
    RESOLVED,
    TEAM,
    URGENT,
    process_named,
    view,
)
from tests.unit.domain.test_judging import PLATFORM


def shown(form: Form, **more: Any) -> Element:
    return form_card(view(INTERNAL, others=((40, "Disk"),)), form, once="o1", now=NOW, **more)


def inputs(card: Element) -> dict[str, Element]:
    return {each["id"]: each for each in card["body"] if str(each["type"]).startswith("Input.")}


def test_the_urgency_form_asks_every_question_of_the_process() -> None:
    asked = inputs(shown(Form.ASSESS))
    assert {f"q_{question.key}" for question in PROCESS.questions} <= set(asked)
    assert {"urgency", "reason", "follow_up_title"} <= set(asked)
    assert asked["q_users"]["value"] == 12
    assert asked["q_critical"]["value"] == "no"
    assert asked["urgency"]["value"] == "computed"
    levels = [choice["title"] for choice in asked["urgency"]["choices"]]
    for level in PROCESS.urgencies:
        assert f"{level.name}: {level.meaning}" in levels


def test_the_urgency_form_asks_the_tests_that_were_not_answered() -> None:
    looked = replace(view(replace(INTERNAL, judged=None)), process=PLATFORM)
    asked = inputs(form_card(looked, Form.ASSESS, once="o", now=NOW))
    assert {"q_planned", "q_users", "q_degrades", "q_risk"} <= set(asked)
    judged = Judged({"users": True}, ADELE, NOW)
    looked = replace(looked, incident=replace(looked.incident, judged=judged))
    asked = inputs(form_card(looked, Form.ASSESS, once="o", now=NOW))
    assert not {"q_users", "q_degrades", "q_risk"} & set(asked)


def test_the_resolve_form_proposes_every_follow_up_and_sets_the_required() -> None:
    incident = replace(INTERNAL, urgency="not_urgent")
    asked = inputs(form_card(view(incident), Form.RESOLVE, once="o", now=NOW))
    for kind in PROCESS.follow_ups:
        required = "not_urgent" in kind.required_for
        assert asked[f"follow_{kind.key}"]["value"] == ("true" if required else "false")
        assert ("(required)" in asked[f"follow_{kind.key}"]["title"]) == required
        assert INTERNAL.title in asked[f"title_{kind.key}"]["value"]


def test_the_resolve_form_asks_why_it_is_done_without_whoever_declares_it() -> None:
    roles = Roles((Role("manager", "Delivery manager"),), "manager")
    process = replace(PROCESS, roles=roles)
    held = replace(INTERNAL, roles=(("manager", ADELE),))
    for viewer, incident, asked in ((MEGAN, held, True), (ADELE, held, False), (MEGAN, INTERNAL, False)):
        looked = replace(view(incident, viewer), process=process)
        fields = inputs(form_card(looked, Form.RESOLVE, once="o", now=NOW))
        assert ("past_reason" in fields) is asked
        if asked:
            assert fields["past_reason"]["label"].startswith(
                "Adele Vance, the Delivery manager, declares it resolved."
            )


def test_a_refusal_keeps_what_was_entered_and_marks_the_field() -> None:
    refusal = Refusal("Name the cause.", fields=("cause",))
    card = shown(Form.RESOLVE, refusal=refusal, values={"over": "yes", "none_reason": "it ends", "safe": "no"})
    asked = inputs(card)
    assert asked["over"]["value"] == "yes"
    assert asked["none_reason"]["value"] == "it ends"
    texts = [str(each) for each in card["body"]]
    assert any("Name the cause." in text for text in texts)
    where = next(n for n, each in enumerate(card["body"]) if each.get("id") == "cause")
    assert "Here" in card["body"][where - 1]["text"]


@pytest.mark.parametrize(
    ("form", "request_"),
    [
        (Form.ASSIGN, requests.Assign(MEGAN, take_over=True)),
        (Form.HAND_OVER, requests.HandOver(MEGAN, take_over=True)),
    ],
)
def test_giving_away_what_another_owns_is_asked_in_the_form(form: Form, request_: requests.Request) -> None:
    card = shown(form, refusal=Refusal("Megan owns it.", ask="take_over"), values={"person": MEGAN.id})
    button = card["actions"][0]
    assert "all the same" in button["title"]
    assert decode(button["data"] | {"person": MEGAN.id}, ALEX, TEAM) == Do(request_, "o1", 42)


def test_taking_over_is_confirmed() -> None:
    card = shown(Form.TAKE_OVER, refusal=Refusal("Megan owns it.", ask="take_over"))
    assert card["actions"][0]["title"] == "Take over"
    assert decode(card["actions"][0]["data"], ALEX, TEAM) == Do(requests.Claim(take_over=True), "o1", 42)


def test_back_needs_no_input() -> None:
    back = shown(Form.NOTE)["actions"][1]
    assert back["associatedInputs"] == "none"
    assert back["fallback"]["associatedInputs"] == "none"


def test_without_a_known_team_the_command_is_named() -> None:
    card = form_card(view(INTERNAL, team=()), Form.ASSIGN, once="o", now=NOW)
    assert not inputs(card)
    assert "assign @person" in str(card["body"])


def test_a_form_that_cannot_be_sent_offers_only_the_way_back() -> None:
    for form, more in ((Form.ASSIGN, {"team": ()}), (Form.MERGE, {"others": ()})):
        card = form_card(view(INTERNAL, **more), form, once="o", now=NOW)
        assert [action["title"] for action in card["actions"]] == ["Back"]


def test_the_decision_form_offers_the_process_s_options() -> None:
    asked = inputs(form_card(view(URGENT), Form.DECIDE, once="o", now=NOW))
    assert [choice["value"] for choice in asked["option"]["choices"]] == [
        each.key for each in PROCESS.decision_options
    ]


def test_declaring_needs_a_title_only() -> None:
    asked = inputs(declare_form(PROCESS, once="o"))
    assert [name for name, each in asked.items() if each.get("isRequired")] == ["title"]


@pytest.mark.parametrize(
    ("process", "proposed"),
    [
        ("wilson", "Investigate: "),
        ("tis", "Quieter: "),
        ("twoi2c", "Support: "),
        ("wellcome", ""),
    ],
)
def test_what_goes_straight_to_resolved_proposes_its_own_follow_up(process: str, proposed: str) -> None:
    incident = INTERNAL
    looked = replace(view(incident), process=process_named(process))
    field = inputs(form_card(looked, Form.ASSESS, once="o", now=NOW))["follow_up_title"]
    assert field["value"] == f"{proposed}{incident.title}"


def test_a_process_without_follow_ups_asks_for_none() -> None:
    bare = replace(PROCESS, follow_ups=())
    looked = replace(view(INTERNAL), process=bare)
    for form in (Form.ASSESS, Form.RESOLVE):
        asked = form_card(looked, form, once="o", now=NOW)
        assert not {each for each in inputs(asked) if "follow" in each or "none" in each}
    assert "it is resolved at once." in str(form_card(looked, Form.ASSESS, once="o", now=NOW))
    assert "Raise it" not in str(form_card(looked, Form.FOLLOW_UP, once="o", now=NOW))
    for incident in (OPEN, INTERNAL, RESOLVED):
        offered = presses(replace(looked, incident=incident))
        assert "Follow-up" not in {each.title for some in offered for each in some}
    assert "`follow-up" not in help_text(bare)


def test_a_form_calls_the_owner_as_the_process_does() -> None:
    looked = replace(view(INTERNAL), process=process_named("wellcome"))
    assert f"Incident lead: {MEGAN.name}" in str(form_card(looked, Form.NOTE, once="o", now=NOW))
