"""The forms of cases. What was entered survives a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cards import inputs
from cards.blocks import Element, adaptive_card, escape, execute, plain, rich_text, text_block, text_run
from cards.call import end_inputs, judge_inputs
from cards.case_actions import FIELD, MAIL, STEP, CaseForm, encode_case
from cards.payload import NOTE, SHORT, TITLE
from models.domain import access
from models.domain.cases import Case
from models.domain.decisions import Refusal
from models.domain.procedures import Draft, Procedure
from models.domain.views import CaseView

Values = Mapping[str, str]
_MOST_OTHERS = 20

_TITLES = {
    CaseForm.TAKE: ("Take it with the issue of another", "case_take", "Take"),
    CaseForm.STEPS: ("What is done?", "case_steps", "Tick"),
    CaseForm.ASK_TEAM: ("Ask the requester for a team", "case_ask_team", "Send this mail"),
    CaseForm.ASK_WHY: ("Ask the requester why they need it", "case_ask_why", "Send this mail"),
    CaseForm.REFER: ("Refer it to the team lead", "case_refer", "Refer"),
    CaseForm.DECLINE: ("Decline it", "case_decline", "Decline"),
    CaseForm.NOTE: ("Note into the issue", "case_note", "Note"),
    CaseForm.REOPEN: ("Reopen it", "case_reopen", "Reopen"),
    CaseForm.JUDGE: ("What is this call?", "call_judge", "Judge"),
    CaseForm.END: ("Close the call", "call_end", "Close"),
}


def case_form(
    view: CaseView, form: CaseForm, *, values: Values | None = None, refusal: Refusal | None = None, once: str
) -> Element:
    """Return a form about a case.

    Args:
        values: What was entered before.
        refusal: Why the last try changed nothing.
        once: Names this form, so that a repeated delivery is noticed.
    """
    case = view.case
    title, verb, button = _TITLES[form]
    asks = _asks(view, form, values or {})
    body = [
        rich_text(text_run(f"Number {case.id}: {case.title}", 200)),
        text_block(title, weight="Bolder", size="Large", heading=True),
        *_refused(refusal),
        *asks,
    ]
    back = execute("Back", encode_case("case_refresh", case=case.id), inputs=False)
    style = "destructive" if form is CaseForm.DECLINE else "positive"
    send = execute(button, encode_case(verb, case=case.id, once=once), style=style)
    can_be_sent = any(str(each["type"]).startswith("Input.") for each in asks)
    return adaptive_card(body, [send, back] if can_be_sent else [back], speak=f"{title}: {plain(case.title, 200)}")


def support_form(
    procedure: Procedure,
    values: Values | None = None,
    refusal: Refusal | None = None,
    *,
    others: Sequence[tuple[int, str]] = (),
    call: int | None = None,
    once: str,
) -> Element:
    """Return the form that begins a support procedure.

    Args:
        call: The number of the support call's case that asks for it.
    """
    values = values or {}
    asks = [
        inputs.choice(
            FIELD + each.key,
            each.label,
            [(choice, choice) for choice in each.choices],
            value=values.get(FIELD + each.key, ""),
            required="Choose one." if each.required else "",
        )
        if each.choices
        else inputs.text(
            FIELD + each.key,
            each.label,
            value=values.get(FIELD + each.key, ""),
            limit=SHORT,
            required="This is needed." if each.required else "",
        )
        for each in procedure.fields
    ]
    if others:
        asks.append(_shared(others, values))
    body = [
        text_block(escape(procedure.name, 200), weight="Bolder", size="Large", heading=True),
        *([text_block(escape(procedure.about, 400), subtle=True)] if procedure.about else []),
        *_refused(refusal),
        *asks,
    ]
    data = encode_case("support_begin", case=call, once=once, procedure=procedure.key)
    return adaptive_card(body, [execute("Begin", data, style="positive")], speak=plain(procedure.name, 200))


def _refused(refusal: Refusal | None) -> list[Element]:
    return [text_block(escape(refusal.text, 600), weight="Bolder", color="Attention")] if refusal else []


def _asks(view: CaseView, form: CaseForm, values: Values) -> list[Element]:
    match form:
        case CaseForm.TAKE:
            if not view.others:
                return [text_block("No other has an issue that is open.")]
            return [_shared(view.others, values)]
        case CaseForm.STEPS:
            return _steps(view, values)
        case CaseForm.ASK_TEAM | CaseForm.ASK_WHY:
            return _letter(view, form, values)
        case CaseForm.NOTE:
            return [_text("What is noted?", values, NOTE, "Say what.")]
        case CaseForm.JUDGE:
            return judge_inputs(view, values)
        case CaseForm.END:
            return end_inputs(view, values)
        case CaseForm.DECLINE | CaseForm.REOPEN | CaseForm.REFER:
            return [_text("Why?", values, SHORT, "Say why.")]


def _text(label: str, values: Values, limit: int, required: str) -> Element:
    return inputs.text("text", label, value=values.get("text", ""), limit=limit, multiline=True, required=required)


def _shared(others: Sequence[tuple[int, str]], values: Values) -> Element:
    choices = [("an issue of its own", "0")]
    choices += [(f"the issue of number {number}: {plain(title, 60)}", str(number)) for number, title in others]
    return inputs.choice("shares", "Its issue", choices[: _MOST_OTHERS + 1], value=values.get("shares", "0"))


def _steps(view: CaseView, values: Values) -> list[Element]:
    case = view.case
    left = _left(case, view)
    if not left:
        return [text_block("Nothing is left to tick.")]
    asks = [inputs.toggle(STEP + key, plain(text, 200), on=values.get(STEP + key) == "true") for key, text in left]
    return [*asks, inputs.text("text", "How do you know?", value=values.get("text", ""), limit=SHORT)]


def _left(case: Case, view: CaseView) -> list[tuple[str, str]]:
    if case.is_access:
        return [(each.key, each.text) for each in access.missing(case, view.procedures.access) if each.tickable]
    procedure = view.procedures.of(case.procedure)
    steps = procedure.steps if procedure else ()
    return [(each.key, each.text) for each in steps if case.tick(each.key) is None]


def _letter(view: CaseView, form: CaseForm, values: Values) -> list[Element]:
    app, process = view.case.app, view.procedures.access
    if app is None:
        return [text_block("There is nobody to write to.")]
    draft = filled(process.ask_team if form is CaseForm.ASK_TEAM else process.ask_why, view)
    return [
        inputs.text("to", "To", value=values.get("to") or app.requester, limit=TITLE, required="Say to whom."),
        inputs.text(
            "subject",
            "Subject",
            value=values.get("subject") or draft.subject,
            limit=TITLE,
            required="It needs one.",
        ),
        inputs.text(
            "body",
            "Text",
            value=values.get("body") or draft.body,
            limit=MAIL,
            multiline=True,
            required="It needs one.",
        ),
        text_block("It goes out in the team's name when you press the button, and not before.", subtle=True),
    ]


def filled(draft: Draft, view: CaseView) -> Draft:
    """Return a letter's draft with what is known of the request."""
    app = view.case.app
    assert app is not None
    products = ", ".join(each.title or each.name for each in app.products)
    words = {
        "app": app.title,
        "products": products or "an API product",
        "team": app.team_title or app.team,
        "guide": view.procedures.access.guide,
    }
    return draft.filled(words)
