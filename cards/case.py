"""The card of a case: who asks for what, which checks hold, what to press."""

from __future__ import annotations

from datetime import datetime

from cards.blocks import (
    Element,
    adaptive_card,
    container,
    escape,
    execute,
    fit,
    gap,
    host_of,
    open_url,
    plain,
    rich_text,
    row,
    safe_url,
    text_block,
    text_run,
    unfolding,
    when,
)
from cards.call import call_body, call_buttons, call_next, call_state
from cards.case_actions import CaseForm, encode_case
from models.domain import access, support
from models.domain.access import Check, Standing
from models.domain.cases import Case, CaseState, Product
from models.domain.gateway import Grant
from models.domain.people import Person
from models.domain.procedures import Procedure
from models.domain.views import CaseView

_SIGNS = {Standing.HOLDS: ("✔", "Default"), Standing.FAILS: ("✖", "Attention"), Standing.OPEN: ("○", "Accent")}
_STATES = {
    CaseState.OPEN: ("To decide", "accent"),
    CaseState.ASKED: ("Waiting for the requester", "emphasis"),
    CaseState.REFERRED: ("Referred to the team lead", "warning"),
    CaseState.APPROVED: ("Approved, being carried out", "accent"),
    CaseState.DONE: ("Done", "good"),
    CaseState.DECLINED: ("Declined", "emphasis"),
    CaseState.FOLDED: ("The same as another", "emphasis"),
}
_GRANTS = {Grant.PENDING: "pending", Grant.APPROVED: "approved", Grant.REVOKED: "revoked"}
CONSOLE = "console.cloud.google.com"
_MOST_PRODUCTS = (12, 2)
"""How many products and letters a card shows: the usual, and what is left when every text is at its longest."""
_MOST_CONCERNED, _LONG_URL = 30, 300


def case_card(view: CaseView, *, now: datetime) -> Element:
    """Return the card of a case as ``view.viewer`` should see it; without a viewer, as everyone does."""
    card: Element = {}
    for most in _MOST_PRODUCTS:
        card = _card(view, now, most)
        if fit(card):
            break
    return card


def _card(view: CaseView, now: datetime, most: int) -> Element:
    case = view.case
    procedure = None if case.is_access else view.procedures.of(case.procedure)
    body = [
        container(_head(view, procedure), style=_colour(case), bleed=True),
        *(_access_facts(view, most) if case.is_access else _support_facts(case, procedure)),
        *_what_is_to_be_done(view, procedure, now),
        *_outcome(view, most),
        *_why(case),
    ]
    return adaptive_card(body, _buttons(view, procedure), speak=_speak(view, procedure), refresh=_refresh(view))


def _what_is_to_be_done(view: CaseView, procedure: Procedure | None, now: datetime) -> list[Element]:
    if view.case.is_call:
        return call_body(view)
    return _access_checks(view) if view.case.is_access else _steps(view.case, procedure, now)


def _name(case: Case, procedure: Procedure | None) -> str:
    if case.is_access:
        return f"Access request {case.id}"
    if case.is_call:
        return f"Support call {case.id}"
    return f"Support {case.id}: {procedure.name if procedure else case.procedure}"


def _colour(case: Case) -> str:
    return "attention" if case.trouble else _STATES[case.state][1]


def _state(case: Case) -> str:
    if case.is_call:
        return call_state(case)
    if not case.is_access:
        return {CaseState.OPEN: "To do", CaseState.DECLINED: "Given up"}.get(case.state, _STATES[case.state][0])
    return _STATES[case.state][0]


def _head(view: CaseView, procedure: Procedure | None) -> list[Element]:
    case = view.case
    parts = [
        text_block(escape(f"{_name(case, procedure)} · {_state(case)}", 200), weight="Bolder", size="Small"),
        rich_text(text_run(case.title, 200, size="Large", weight="Bolder"), spacing="Small"),
    ]
    if view.notice:
        parts.append(text_block(escape(view.notice, 300), spacing="Small", weight="Bolder", color="Accent"))
    if case.trouble:
        runs = text_run(case.trouble, 300, weight="Bolder")
        parts.append(rich_text(gap("It did not work: "), runs, spacing="Small"))
    if step := _next(view, procedure):
        parts.append(text_block(escape(step, 300), spacing="Small", weight="Bolder"))
    return parts


def _next(view: CaseView, procedure: Procedure | None) -> str:
    case = view.case
    if case.state is CaseState.FOLDED:
        return f"Go on at number {case.folded_into}."
    if case.state.finished:
        return ""
    if case.owner is None:
        return "Nobody has taken it yet."
    if case.is_call:
        return call_next(case, view.procedures.calls)
    if not case.is_access:
        left = [step for step in procedure.steps if case.tick(step.key) is None] if procedure else []
        return f"Next: {left[0].text}" if left else ""
    match case.state:
        case CaseState.ASKED:
            return "The requester was asked; their answer will be shown in the thread."
        case CaseState.REFERRED:
            return "The team lead decides."
        case CaseState.APPROVED:
            return "" if view.gateway else "Approve it in the console, and say so here."
    lacks = access.missing(case, view.procedures.access)
    if lacks:
        return "Check first what is open below."
    if case.approvals:
        return f"{case.approvals[0].by.name} approved; a second person must, too."
    return "All checks hold: approve or decline it."


def _access_facts(view: CaseView, most: int) -> list[Element]:
    case, app = view.case, view.case.app
    assert app is not None
    facts: list[tuple[str, str]] = [
        ("App", app.name if app.name != app.title else ""),
        ("App id", app.app_id),
        ("Team", app.team_title or app.team or ("none: a personal account" if app.looked_up_at else "")),
        ("Asked by", app.requester),
        ("Says", app.description),
        ("Callback", app.callback_url),
    ]
    rows = [row(label, rich_text(text_run(value, 160))) for label, value in facts if value]
    if app.products:
        rows.append(row("APIs", container([_product(each) for each in app.products[:most]])))
        if len(app.products) > most:
            rows.append(text_block(f"and {len(app.products) - most} more", subtle=True))
    else:
        rows.append(row("APIs", text_block("not known yet", subtle=True)))
    rows.append(row("Asked", text_block(_asked(case))))
    return [*rows, *_handled(case)]


def _product(product: Product) -> Element:
    runs = [text_run(product.title or product.name, 100, weight="Bolder")]
    if product.title and product.title != product.name:
        runs += [gap(), text_run(f"({product.name})", 110, subtle=True)]
    if product.grant is not None:
        runs.append(gap(f" – {_GRANTS[product.grant]}"))
    if product.gives:
        runs += [gap(": ", subtle=True), text_run(product.gives, 160, subtle=True)]
    return rich_text(*runs, spacing="None")


def _asked(case: Case) -> str:
    times = f", {case.count} times" if case.count > 1 else ""
    return f"{when(case.opened_at)}{times}"


def _handled(case: Case) -> list[Element]:
    rows = []
    if case.owner is not None:
        since = f" since {when(case.owned_at)}" if case.owned_at else ""
        rows.append(row("Taken by", text_block(f"{escape(case.owner.name, 80)}{since}")))
    if case.issue_key:
        rows.append(row("Issue", rich_text(text_run(f"#{case.issue_key}", 40, url=safe_url(case.issue_url)))))
    return rows


def _access_checks(view: CaseView) -> list[Element]:
    case, process = view.case, view.procedures.access
    found = list(access.checks(case, process))
    if access.needs_second(case, process):
        named = ", ".join(each.by.name for each in case.approvals)
        standing = Standing.HOLDS if len(case.approvals) > 1 else Standing.OPEN
        found.append(Check("second", "Approved by two people", standing, named))
    given = Standing.HOLDS if case.state is CaseState.DONE else Standing.OPEN
    who = case.decided_by.name if case.decided_by and case.state in (CaseState.APPROVED, CaseState.DONE) else ""
    found.append(Check("approved", "Approved; the gateway informs the requester", given, who))
    closed = Standing.HOLDS if case.state.finished and case.issue_key else Standing.OPEN
    found.append(Check("closed", "The issue is closed", closed))
    return [
        text_block("Checks", weight="Bolder", spacing="Medium"),
        *(_check(n, each) for n, each in enumerate(found, 1)),
    ]


def _check(number: int, check: Check) -> Element:
    sign, colour = _SIGNS[check.standing]
    runs = [
        text_run(sign, 4, color=colour, weight="Bolder"),
        gap(f" {number}. "),
        text_run(check.text, 160, url=safe_url(check.url)),
    ]
    if check.how:
        runs += [gap(" – ", subtle=True), text_run(check.how, 200, subtle=True)]
    return rich_text(*runs, spacing="Small")


def _support_facts(case: Case, procedure: Procedure | None) -> list[Element]:
    rows: list[Element] = []
    if procedure is not None and procedure.about:
        rows.append(text_block(escape(procedure.about, 400), subtle=True))
    if case.call is not None:
        call = case.call
        title = f"{call.key}: {call.subject}" if call.subject else call.key
        rows.append(row("Call", rich_text(text_run(title, 160, url=safe_url(call.url)))))
        if call.requester or call.requester_mail:
            rows.append(row("Asked by", rich_text(text_run(call.requester or call.requester_mail, 120))))
    fields = procedure.fields if procedure else ()
    asked = {each.key: each for each in fields if each.kind != "call"}
    for key, value in case.answers:
        if each := asked.get(key):
            url = safe_url(value) if each.kind == "url" else None
            rows.append(row(escape(each.label, 40), rich_text(text_run(value, 200, url=url))))
    return [*rows, *_handled(case)]


def _steps(case: Case, procedure: Procedure | None, now: datetime) -> list[Element]:
    if procedure is None:
        return [text_block("The process file has no such procedure any more.", color="Attention")]
    rows: list[Element] = [text_block("Steps", weight="Bolder", spacing="Medium")]
    for number, step in enumerate(procedure.steps, 1):
        tick, due = case.tick(step.key), support.due_on(case, step, procedure)
        standing = Standing.HOLDS if tick else Standing.OPEN
        if tick is None and due is not None and due <= now:
            standing = Standing.FAILS
        how = f"{tick.by.name}{f': {tick.note}' if tick.note else ''}" if tick else ""
        if step.groups and case.call is not None and case.call.known_how:
            how = f"{case.call.known_how}; {how}".removesuffix("; ")
        if step.unknown and not tick and not (case.call and case.call.known):
            how = f"{how}; where they are not known: {step.unknown}".removeprefix("; ")
        rows.append(_check(number, Check(step.key, step.text, standing, how, step.url)))
        if due is not None and tick is None:
            rows.append(text_block(f"due {when(due)}", subtle=True, spacing="None"))
        if step.draft and tick is None:
            draft = step.draft.replace("{due}", f"{_due_after(case, step.key, procedure, now):%d %B %Y}")
            rows += unfolding("Text to copy", rich_text(text_run(draft, 800)), f"draft_{number}")
    return rows


def _due_after(case: Case, key: str, procedure: Procedure, now: datetime) -> datetime:
    """Return the day on which the step after this one is due, if this one is done now."""
    keys = [step.key for step in procedure.steps]
    later = procedure.steps[keys.index(key) + 1 :]
    return now + next((step.after for step in later if step.after), later[0].after if later else now - now)


def _outcome(view: CaseView, most: int) -> list[Element]:
    case = view.case
    rows = []
    for letter in case.letters[-min(most, 3) :]:
        said = {
            "waiting": "is being sent",
            "sending": "is being sent",
            "sent": "was sent",
            "unknown": "may not have been sent",
        }
        text = f"“{letter.subject}” to {letter.to} {said[letter.state]} ({letter.by.name})"
        rows.append(row("Mail", rich_text(text_run(text, 300))))
    if case.decided_by is not None and case.state.finished:
        at = f" {when(case.decided_at)}" if case.decided_at else ""
        rows.append(row("Decided", text_block(f"{escape(case.decided_by.name, 80)}{at}")))
    if case.reason:
        rows.append(row("Because", rich_text(text_run(case.reason, 300))))
    return rows


def _why(case: Case) -> list[Element]:
    app = case.app
    if app is None:
        return []
    known = (
        f"from the gateway, {when(app.looked_up_at)}"
        if app.looked_up_at
        else "from a mail alone; anybody can write one"
    )
    return list(unfolding("How is this known?", text_block(known, subtle=True), "known"))


def _speak(view: CaseView, procedure: Procedure | None) -> str:
    case = view.case
    return f"{_name(case, procedure)}, {_state(case)}: {plain(case.title, 200)}"


def _buttons(view: CaseView, procedure: Procedure | None) -> list[Element]:
    case = view.case
    if case.state is CaseState.FOLDED or view.may_decide is False:
        return []
    if view.may_decide is None:
        return [] if case.state.finished else [_open("Decide", case, "case_refresh", "positive")]
    if case.state.finished:
        return [_form("Reopen", case, CaseForm.REOPEN)]
    if case.is_call:
        return call_buttons(view)
    buttons = _access_buttons(view) if case.is_access else _support_buttons(case, procedure)
    console = safe_url(view.console_url)  # a mail may have named it
    if console and host_of(console) == CONSOLE and len(console) <= _LONG_URL and case.is_access:
        buttons.append(open_url(f"Open {host_of(console)}", console))
    return buttons


def _access_buttons(view: CaseView) -> list[Element]:
    case, process = view.case, view.procedures.access
    taken = case.owner is not None
    buttons: list[Element] = []
    if not taken:
        buttons.append(_open("Take", case, "case_take", "positive"))
    if case.state is CaseState.APPROVED:
        if not view.gateway:
            buttons.append(_open("Done in the console", case, "case_tick", "positive", pick=access.APPROVED))
            buttons.append(_form("Decline", case, CaseForm.DECLINE))
        return [*buttons, _form("Note", case, CaseForm.NOTE)]
    lacks = access.missing(case, process)
    if taken:
        approve = _open("Approve", case, "case_approve", "positive")
        buttons.append(_disabled(approve) if lacks or not (case.app and case.app.products) else approve)
    if any(each.tickable for each in lacks):
        buttons.append(_form("Tick checks", case, CaseForm.STEPS))
    buttons += [
        _form("Ask for a team", case, CaseForm.ASK_TEAM),
        _form("Ask why", case, CaseForm.ASK_WHY),
        _form("Refer", case, CaseForm.REFER),
        _form("Decline", case, CaseForm.DECLINE),
    ]
    if taken:
        buttons.append(_form("Note", case, CaseForm.NOTE))
    else:
        buttons.append(_form("Take with another's issue", case, CaseForm.TAKE))
    return _few(buttons)


def _support_buttons(case: Case, procedure: Procedure | None) -> list[Element]:
    buttons = [_form("Tick steps", case, CaseForm.STEPS)] if procedure is not None else []
    if case.owner is None:
        buttons.insert(0, _open("Take", case, "case_take", "positive"))
    else:
        buttons.append(_open("Take over", case, "case_take"))
    return [*buttons, _form("Note", case, CaseForm.NOTE), _form("Give up", case, CaseForm.DECLINE)]


def _few(buttons: list[Element]) -> list[Element]:
    """Leave room for the console's button: six are what every Teams client shows."""
    if len(buttons) <= 5:
        return buttons
    more = {"type": "AdaptiveCard", "actions": buttons[4:]}
    return [*buttons[:4], {"type": "Action.ShowCard", "title": "More", "card": more}]


def _open(title: str, case: Case, verb: str, style: str = "", **more: str) -> Element:
    return execute(title, encode_case(verb, case=case.id, **more), style=style)


def _form(title: str, case: Case, form: CaseForm) -> Element:
    return execute(title, encode_case("case_open", case=case.id, form=form.value))


def _disabled(button: Element) -> Element:
    fallback = {**button["fallback"], "isEnabled": False}
    return {**button, "isEnabled": False, "tooltip": "Not before the checks hold", "fallback": fallback}


def _refresh(view: CaseView) -> Element | None:
    """Return what renews the card by itself: for those who may decide first, then for the others of the team."""
    process = view.procedures.access
    if view.case.is_access and process.approvers:
        able = [each for each in view.team if process.may_decide(each, view.team)]
        people: list[Person] = [*able, *view.team]
    else:
        people = [each for each in (view.case.owner, *view.on_call) if each is not None]
    ids = list(dict.fromkeys(each.teams_id for each in people if each.teams_id))[:_MOST_CONCERNED]
    if not ids:
        return None
    action = execute("Refresh", encode_case("case_refresh", case=view.case.id))
    action.pop("fallback")
    return {"action": action, "userIds": ids}
