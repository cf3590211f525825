"""What the card of a support call shows besides what every case shows: what it is, what is next, what to press."""

from __future__ import annotations

from collections.abc import Mapping

from cards import inputs
from cards.blocks import Element, clean, escape, execute, rich_text, row, show_card, text_block, text_run, unfolding
from cards.case_actions import CaseForm, encode_case
from cards.payload import SHORT
from models.domain.call_process import CallProcess
from models.domain.cases import Case, CaseState
from models.domain.views import CaseView

_MOST_PROCEDURES = 6


def call_state(case: Case) -> str:
    """Return how a call stands, in words."""
    match case.state:
        case CaseState.ASKED:
            return "Waiting for the user"
        case CaseState.DONE:
            return "Closed" if case.reason else "Passed on"
        case CaseState.OPEN:
            return "In hand" if case.outcome else "To be judged"
    return case.state.value.capitalize()


def call_next(case: Case, process: CallProcess) -> str:
    """Return what is to be done next about a call that somebody has taken."""
    outcome = process.outcome(case.outcome)
    if case.state is CaseState.ASKED:
        return f"Close it for one of the reasons; after {process.silence.days} days without a reply it may be."
    if outcome is None:
        return "Read it at the service desk, and say what it is."
    match outcome.then:
        case "answer":
            return "Answer the user at the service desk, and press “Answered”."
        case "ask_team":
            return "Somebody who knows takes it and answers."
        case "lead":
            return "The team lead decides about it."
        case "incident":
            return "The incident is being declared."
        case "procedure":
            return "Begin the procedure, under More."
    return ""


def call_body(view: CaseView) -> list[Element]:
    """Return what was judged, what to heed, and the text to copy."""
    case, process = view.case, view.procedures.calls
    rows: list[Element] = []
    outcome = process.outcome(case.outcome)
    if outcome is not None:
        rows.append(row("Judged", rich_text(text_run(outcome.name, 80))))
        if case.outcome_note:
            rows.append(row("", rich_text(text_run(case.outcome_note, 300, subtle=True))))
        if outcome.draft and not case.state.finished and case.call is not None:
            who = case.call.requester or "there"
            draft = outcome.draft.replace("{requester}", who).replace("{note}", case.outcome_note)
            rows += unfolding("Text to copy", rich_text(text_run(draft, 800)), "draft_call")
    if case.incident is not None:
        rows.append(row("Incident", text_block(f"#{case.incident}")))
    if process.courtesy and not case.state.finished:
        rows.append(text_block(escape(process.courtesy, 300), subtle=True, size="Small"))
    return rows


def call_buttons(view: CaseView) -> list[Element]:
    """Return what can be pressed about a call that is not over."""
    case, viewer = view.case, view.viewer
    owns = viewer is not None and viewer.same(case.owner)
    outcome = view.procedures.calls.outcome(case.outcome)
    buttons: list[Element] = []
    if case.owner is None:
        name = "I know: take it" if outcome is not None and outcome.then == "ask_team" else "Take"
        buttons.append(_do(name, case, "case_take", "positive"))
    elif not owns:
        buttons.append(_do("Take over", case, "case_take"))
    buttons.append(_form("What is it?", case, CaseForm.JUDGE, "" if outcome or case.owner is None else "positive"))
    if case.owner is not None and case.state is CaseState.OPEN:
        buttons.append(_do("Answered", case, "call_replied"))
    buttons += [_form("Close", case, CaseForm.END), _form("Note", case, CaseForm.NOTE)]
    more = [
        execute(clean(f"Begin: {each.name}", 60), encode_case("call_procedure", case=case.id, procedure=each.key))
        for each in view.procedures.support[:_MOST_PROCEDURES]
    ]
    return [*buttons, show_card("More", more)] if more else buttons


def judge_inputs(view: CaseView, values: Mapping[str, str]) -> list[Element]:
    """Return what is asked when a call is judged."""
    process = view.procedures.calls
    if not process.outcomes:
        return [text_block("The process file says nothing about support calls any more.")]
    kinds = [
        (clean(f"{each.name}: {each.about}" if each.about else each.name, 160), each.key)
        for each in process.outcomes
    ]
    parts = [
        inputs.choice("outcome", "It is", kinds, value=values.get("outcome", ""), expanded=True, required="Choose.")
    ]
    teams = list(dict.fromkeys(team for each in process.outcomes for team in each.teams))
    if teams:
        some = [(clean(team, 80), team) for team in teams]
        parts.append(inputs.choice("team", "Passed on to", some, value=values.get("team", "")))
    elif any(each.then == "pass_on" for each in process.outcomes):
        parts.append(inputs.text("team", "Passed on to", value=values.get("team", ""), limit=SHORT))
    label = "Why, or what you ask"
    return [*parts, inputs.text("text", label, value=values.get("text", ""), limit=SHORT, multiline=True)]


def end_inputs(view: CaseView, values: Mapping[str, str]) -> list[Element]:
    """Return what is asked when a call is closed."""
    reasons = [(clean(each.name, 120), each.key) for each in view.procedures.calls.endings]
    if not reasons:
        return [text_block("The process file says nothing about support calls any more.")]
    return [
        text_block("Nobody needs to permit it: a user can open it again easily.", subtle=True),
        inputs.choice(
            "ending", "Because", reasons, value=values.get("ending", ""), expanded=True, required="Choose."
        ),
        inputs.text("text", "More about it", value=values.get("text", ""), limit=SHORT),
    ]


def _do(title: str, case: Case, verb: str, style: str = "") -> Element:
    return execute(title, encode_case(verb, case=case.id), style=style)


def _form(title: str, case: Case, form: CaseForm, style: str = "") -> Element:
    return execute(title, encode_case("case_open", case=case.id, form=form.value), style=style)
