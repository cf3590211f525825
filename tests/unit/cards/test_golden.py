"""Every card, compared with the one that was looked at and approved, and held against the official schema.

After a wanted change: ``WILSON_RENEW_GOLDEN=1 .venv/bin/pytest tests/unit/cards/test_golden.py``, then read the
difference in git before it is committed.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from cards.actions import Form, decode
from cards.blocks import MAX_BYTES, Element, size
from cards.case import case_card
from cards.case_actions import CaseForm, decode_case, is_about_a_case
from cards.case_forms import case_form, support_form
from cards.declare_form import declare_form
from cards.digest import digest_card
from cards.firing import parts_card
from cards.forms import form_card
from cards.incident import incident_card
from cards.mail import mail_card
from cards.payload import BadAction
from cards.private import redacted_card
from cards.report import report_card
from cards.review import discussed_card, follow_up_card, review_card
from cards.review_actions import decode_review, is_about_the_review
from cards.shift import days_end_card, shift_card
from cards.shift_actions import decode_shift, is_about_a_shift
from models.domain.decisions import Refusal
from models.domain.firing import Part
from models.domain.incident_parts import Kept, Parked
from models.domain.incidents import State
from models.domain.judging import ASK as NOT_AN_INCIDENT
from models.domain.mail import Outcome
from models.domain.report_lines import line_of
from models.domain.reports import Repeat, report_of
from models.domain.shifts import Shift, ShiftView, Timer
from models.domain.timeline import Entry, Verb
from models.domain.views import ReviewView
from tests.unit.cards import case_samples, samples
from tests.unit.cards.samples import ALEX, MEGAN, NOW, STATES, TEAM, process_named, view

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(__file__).parents[4] / "shared/contracts/teams/adaptive-card-1.5.0.schema.json"
OTHERS = ((40, "Low disk space on lookup-db-2"), (41, "Pipeline failed: lookup/api"))

ASKED = Refusal("Megan Bowen owns it since 03:16 UTC. Take it over only if you have agreed on it.", ask="take_over")
NO_CAUSE = Refusal("Name the cause, or say that the limit of understanding is reached.", fields=("cause",))


REPORT = report_of(
    [line_of(each, [], samples.PROCESS.hours, UTC) for each in STATES.values()],
    NOW - timedelta(days=7),
    NOW,
    now=NOW,
)


PLATFORM = process_named("modernisation_platform")
NONE = Refusal("By the process this is not an incident: Was it planned? Yes.", ask=NOT_AN_INCIDENT)


PARTS = (
    Part("Channel", "failed", "Graph answered 403: the application needs Channel.Create.Group"),
    Part("Issue", "made", "12", "https://gitlab.example.com/iam/admin/-/issues/12"),
    Part("Log page", "trying", "gitlab.example.com answered 502"),
)


def _judge(refusal: Refusal | None = None) -> Element:
    values = {"q_planned": "yes"} if refusal else {}
    looked = replace(view(samples.CANDIDATE), process=PLATFORM)
    return form_card(looked, Form.JUDGE, values=values, refusal=refusal, once="o1", now=NOW)


def _form(form: Form, **more: Any) -> Element:
    incident = samples.RESOLVED if form is Form.REOPEN else samples.INTERNAL
    return form_card(view(incident, others=OTHERS), form, once="o1", now=NOW, **more)


REVIEW = ReviewView(
    20261126,
    (
        samples.RESOLVED,
        replace(samples.CLOSED, id=43),
        replace(samples.RESOLVED, id=44, kept=Kept(MEGAN, datetime(2026, 11, 26, 10, tzinfo=UTC), "the vendor")),
        replace(samples.PRIVATE, id=45, state=State.RESOLVED),
    ),
    samples.PROCESS,
    strays=(("An old one", "https://gitlab.example/iam/admin/-/issues/7"),),
    unlabelled=(samples.RESOLVED.id,),
)
TOLD = [Entry(NOW, Verb.CLAIMED, MEGAN), Entry(NOW, Verb.RESOLVED, MEGAN, {"cause": "a log ran full"})]
SHIFT = ShiftView(
    Shift(29_000_000, NOW, (MEGAN,), (ALEX,)),
    (samples.OWNED, samples.PRIVATE),
    (replace(samples.OWNED, id=46, parked=Parked(NOW + timedelta(days=1), "the vendor", MEGAN, NOW)),),
    (case_samples.VIEWS["taken"].case,),
    (Timer("Drive of abc1: delete it", NOW - timedelta(hours=1)),),
    (Repeat("Disk full", 40, 9, 4, 2, True),),
    1,
    2,
    samples.PROCESS,
)

CARDS: dict[str, Callable[[], Element]] = {
    **{name: (lambda each=each: incident_card(view(each), now=NOW)) for name, each in STATES.items()},
    "private": lambda: incident_card(view(samples.PRIVATE), now=NOW),
    "private_as_everyone_sees_it": lambda: redacted_card(
        samples.PRIVATE, now=NOW, notice="It is handled in private."
    ),
    "owned_as_owner": lambda: incident_card(view(samples.OWNED, MEGAN), now=NOW),
    "owned_as_other": lambda: incident_card(view(samples.OWNED, ALEX), now=NOW),
    "changing_as_its_maker": lambda: incident_card(view(samples.CHANGING, MEGAN), now=NOW),
    **{f"form_{form.value}": (lambda form=form: _form(form)) for form in Form if form is not Form.DECLARE},
    "form_assign_refused": lambda: _form(Form.ASSIGN, refusal=ASKED, values={"person": ALEX.id}),
    "form_resolve_refused": lambda: _form(
        Form.RESOLVE,
        refusal=NO_CAUSE,
        values={"over": "yes", "follow_alerting": "true", "title_alerting": "Louder"},
    ),
    "form_resolve_required": lambda: form_card(
        view(replace(samples.INTERNAL, urgency="not_urgent")), Form.RESOLVE, once="o1", now=NOW
    ),
    "form_judge": _judge,
    "form_judge_refused": lambda: _judge(NONE),
    "form_declare_judged": lambda: declare_form(PLATFORM, once="o1"),
    "form_declare": lambda: declare_form(samples.PROCESS, once="o1"),
    "form_declare_refused": lambda: declare_form(
        samples.PROCESS, {"title": "It burns"}, Refusal("Say why.", fields=("reason",)), once="o1"
    ),
    "mail": lambda: mail_card(samples.MAIL),
    "mail_unverified": lambda: mail_card(
        replace(samples.MAIL, outcome=Outcome.UNVERIFIED, facts=(("Title", "CPU saturated"), ("Source", "cron")))
    ),
    "mail_unreadable": lambda: mail_card(replace(samples.MAIL, outcome=Outcome.UNREADABLE, subject="")),
    "mail_adopted": lambda: mail_card(replace(samples.MAIL, incident_id=43)),
    "mail_set_aside": lambda: mail_card(replace(samples.MAIL, set_aside_by=MEGAN)),
    "mail_accepted": lambda: mail_card(replace(samples.MAIL, outcome=Outcome.ACCESS_REQUEST)),
    **{f"case_{name}": (lambda view=view: case_card(view, now=NOW)) for name, view in case_samples.VIEWS.items()},
    **{
        f"form_case_{form}": (lambda form=form: case_form(case_samples.VIEWS["taken"], form, once="o1"))
        for form in CaseForm
        if form not in (CaseForm.JUDGE, CaseForm.END)
    },
    **{
        f"form_case_{form}": (lambda form=form: case_form(case_samples.VIEWS["call"], form, once="o1"))
        for form in (CaseForm.JUDGE, CaseForm.END)
    },
    "form_support_of_a_call": lambda: support_form(samples.PROCESS.procedures.support[0], call=10, once="o1"),
    "form_case_take_shared": lambda: case_form(
        replace(case_samples.VIEWS["new"], others=((3, "Another"),)), CaseForm.TAKE, once="o1"
    ),
    "form_support": lambda: support_form(
        samples.PROCESS.procedures.support[1],
        {"field_crsids": "abc1"},
        Refusal("Wrong."),
        others=((3, "X"),),
        once="o1",
    ),
    "report": lambda: report_card(REPORT, samples.PROCESS, ZoneInfo("Europe/London")),
    "fire_parts": lambda: parts_card(samples.OWNED, PARTS),
    "review": lambda: review_card(REVIEW, now=NOW),
    "review_discussed": lambda: discussed_card(REVIEW, samples.RESOLVED, TOLD, once="o1", now=NOW),
    "review_refused": lambda: discussed_card(
        REVIEW, samples.RESOLVED, TOLD, once="o1", now=NOW, refusal=Refusal("Say what it waits for.")
    ),
    "review_follow_up": lambda: follow_up_card(REVIEW, samples.RESOLVED, once="o1"),
    "shift": lambda: shift_card(SHIFT, now=NOW),
    "shift_taken": lambda: shift_card(
        replace(SHIFT, shift=replace(SHIFT.shift, taken_by=ALEX, taken_at=NOW)), now=NOW
    ),
    "days_end": lambda: days_end_card(samples.OWNED, MEGAN, [ALEX]),
    "digest": lambda: digest_card(samples.DIGEST),
}


@cache
def _validator() -> jsonschema.Draft6Validator:
    if not SCHEMA.exists():
        pytest.skip(f"the Adaptive Cards schema is not at {SCHEMA}: cards were NOT held against it")
    return jsonschema.Draft6Validator(
        {"$ref": "#/definitions/AdaptiveCard", "definitions": json.loads(SCHEMA.read_text())["definitions"]}
    )


def elements(part: object) -> Iterator[Element]:
    """Walk through every object of a card."""
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from elements(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from elements(inner)


@pytest.mark.parametrize("name", CARDS)
def test_the_card_is_the_one_that_was_approved(name: str) -> None:
    card, file = CARDS[name](), GOLDEN / f"{name}.json"
    if os.environ.get("WILSON_RENEW_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    assert card == json.loads(file.read_text())


def test_every_approved_card_is_still_made() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_the_card_fits_the_official_schema(name: str) -> None:
    card = CARDS[name]()
    card.pop("msteams")
    charts = [each for each in card["body"] if each["type"].startswith("Chart.")]
    assert all(each["fallback"] for each in charts)  # Teams' own elements are not in the schema
    _validator().validate(card | {"body": [each for each in card["body"] if each not in charts]})


@pytest.mark.parametrize("name", CARDS)
def test_ids_are_unique_and_the_card_is_small_enough(name: str) -> None:
    card = CARDS[name]()
    ids = [each["id"] for each in elements(card) if "id" in each and str(each.get("type", "")) != ""]
    assert len(ids) == len(set(ids))
    assert size(card) <= MAX_BYTES


@pytest.mark.parametrize("name", CARDS)
def test_everything_wraps_and_uses_theme_colours_only(name: str) -> None:
    for each in elements(CARDS[name]()):
        if each.get("type") in ("TextBlock", "Input.ChoiceSet", "Input.Toggle"):
            assert each["wrap"] is True
        assert each.get("color", "Default") in ("Default", "Accent", "Attention")
        assert "backgroundImage" not in each
        assert each.get("type") != "Image"


@pytest.mark.parametrize("name", CARDS)
def test_every_button_is_understood_with_its_fallback(name: str) -> None:
    inputs = {"person": MEGAN.id, "into": "40", "pick": "100", "kind": "alerting"}
    for each in elements(CARDS[name]()):
        if each.get("type") != "Action.Execute":
            continue
        sent = (inputs if each["data"]["do"] != "note" else {}) | each["data"]
        if is_about_a_shift(sent):
            assert decode_shift(sent)
        elif is_about_the_review(sent):
            assert decode_review(sent)
        elif is_about_a_case(sent):
            ticked = {"step_team": "true", "shares": "3", "field_crsids": "abc1"}
            assert decode_case(sent | ticked)
        else:
            assert decode(sent, ALEX, TEAM)
        assert each["verb"] == each["data"]["do"]
        if "fallback" in each:
            assert each["fallback"]["type"] == "Action.Submit"
            assert each["fallback"]["data"] == each["data"]
        else:
            assert each["data"]["do"] in ("refresh", "case_refresh")


def test_a_forged_payload_is_no_button() -> None:
    with pytest.raises(BadAction):
        decode({"wilson": 1, "do": "delete", "incident": 42}, ALEX, TEAM)
