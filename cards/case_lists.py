"""Answers about cases in Markdown: lists, how one stands, help."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from cards.blocks import escape
from cards.call import call_state
from cards.words import ago
from models.domain import access
from models.domain.call_process import CallProcess
from models.domain.cases import Case, CaseState
from models.domain.procedures import Procedures
from models.domain.views import CaseView

_MOST = 30
_STATES = {
    CaseState.OPEN: "to decide",
    CaseState.ASKED: "the requester was asked",
    CaseState.REFERRED: "referred to the team lead",
    CaseState.APPROVED: "approved, being carried out",
    CaseState.DONE: "done",
    CaseState.DECLINED: "declined",
    CaseState.FOLDED: "the same as another",
}


def state_name(case: Case) -> str:
    """Return how a case stands, in words."""
    return call_state(case).lower() if case.is_call else _STATES[case.state]


def access_list(unfinished: Sequence[Case], ended: Sequence[Case], procedures: Procedures, now: datetime) -> str:
    """Return the requests for access that wait, and how long those of the last thirty days took."""
    waiting = [case for case in unfinished if case.is_access]
    lines = [f"- {_access_line(case, procedures, now)}" for case in waiting[:_MOST]]
    if len(waiting) > _MOST:
        lines.append(f"- and {len(waiting) - _MOST} more")
    head = f"**{len(waiting)} requests for access wait**" if waiting else "No request for access waits."
    oldest = f", the oldest for {ago(min(case.opened_at for case in waiting), now)}" if waiting else ""
    return "\n\n".join(part for part in (head + oldest, "\n".join(lines), _decided(ended)) if part)


def _access_line(case: Case, procedures: Procedures, now: datetime) -> str:
    lacks = access.missing(case, procedures.access)
    parts = [_STATES[case.state], f"{ago(case.opened_at, now)} old"]
    parts.append(f"{escape(case.owner.name, 80)} has it" if case.owner else "**nobody has it**")
    if case.state is CaseState.OPEN and lacks:
        parts.append(f"{len(lacks)} checks open")
    return f"**{case.id}** {escape(case.title, 120)} ({', '.join(parts)})"


def _decided(ended: Sequence[Case]) -> str:
    over = [case for case in ended if case.is_access and case.decided_at is not None]
    if not over:
        return ""
    took = sorted((case.decided_at - case.opened_at).total_seconds() / 3600 for case in over if case.decided_at)
    done = sum(case.state is CaseState.DONE for case in over)
    ninth = took[max(0, -(-len(took) * 9 // 10) - 1)]
    return (
        f"In the last 30 days: {done} given, {len(over) - done} declined; decided within"
        f" {_hours(statistics.median(took))} (median), {_hours(ninth)} (nine of ten)."
    )


def _hours(hours: float) -> str:
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def support_list(
    unfinished: Sequence[Case], procedures: Procedures, now: datetime, ended: Sequence[Case] = ()
) -> str:
    """Return the calls and procedures that are under way, those that can be begun, and what ended calls were."""
    waiting = [case for case in unfinished if not case.is_access]
    lines = []
    for case in waiting[:_MOST]:
        who = escape(case.owner.name, 80) if case.owner else "**nobody**"
        stands = call_state(case).lower() if case.is_call else f"{_left(case, procedures)} steps left"
        lines.append(f"- **{case.id}** {escape(case.title, 120)} ({who}, {stands}, {ago(case.opened_at, now)} old)")
    head = f"**{len(waiting)} under way**" if waiting else "No support call and no support procedure is under way."
    can = "\n".join(f"- `support {each.key}`: {escape(each.name, 120)}" for each in procedures.support)
    return "\n\n".join(
        part
        for part in (
            head,
            "\n".join(lines),
            f"What can be begun:\n\n{can}" if can else "",
            _judged(ended, procedures.calls),
        )
        if part
    )


def _left(case: Case, procedures: Procedures) -> int:
    procedure = procedures.of(case.procedure)
    return len([step for step in procedure.steps if case.tick(step.key) is None]) if procedure else 0


def _judged(ended: Sequence[Case], process: CallProcess) -> str:
    """Return what the calls of the last thirty days were, all together: a call that came astray is normal (W88)."""
    over = Counter(case.outcome for case in ended if case.is_call and case.outcome)
    if not over:
        return ""
    named = {each.key: each.name for each in process.outcomes}
    said = ", ".join(f"{escape(named.get(key, key), 80)} {count}" for key, count in over.most_common())
    return f"Support calls of the last 30 days: {said}."


def call_help(process: CallProcess) -> str:
    """Return what can be typed in a support call's thread."""
    told = [
        ("`take`", "take it"),
        *((f"`triage {each.key}` why", escape(each.about or each.name, 160)) for each in process.outcomes),
        ("`answered`", "the user was answered at the service desk"),
        *((f"`close {each.key}`", escape(each.name, 120)) for each in process.endings),
        ("`note` text", "a private note at the service desk"),
        ("`reopen` why", "take back that it has ended"),
        ("`status`", "how it stands"),
    ]
    return "\n".join(f"- {what}: {means}" for what, means in told)


def case_digest(waiting: Sequence[tuple[Case, str]], now: datetime) -> str:
    """Return one message about many cases that wait, where each had one of its own otherwise.

    Args:
        waiting: Each case, and the step that is due; empty where it waits for a decision.
    """
    lines = []
    for case, step in waiting[:_MOST]:
        what = f"due: {escape(step, 160)}" if step else f"{state_name(case)}, {ago(case.opened_at, now)} old"
        who = f"{escape(case.owner.name, 80)} has it" if case.owner else "**nobody has it**"
        lines.append(f"- **{case.id}** {escape(case.title, 120)} ({what}, {who})")
    if len(waiting) > _MOST:
        lines.append(f"- and {len(waiting) - _MOST} more")
    return "**These wait for somebody.**\n\n" + "\n".join(lines)


def case_status(view: CaseView, now: datetime) -> str:
    """Return how a case stands, for somebody who asks in the thread."""
    case = view.case
    age = ago(case.opened_at, now)
    lines = [f"**Number {case.id}**: {escape(case.title, 200)} – {state_name(case)}, {age} old."]
    lines.append(f"{escape(case.owner.name, 80)} has it." if case.owner else "Nobody has taken it.")
    if case.trouble:
        lines.append(f"It did not work: {escape(case.trouble, 300)}.")
    if case.is_access:
        lacks = access.missing(case, view.procedures.access)
        lines += [f"Open: {escape(check.text, 200)} (`done {check.key}`)." for check in lacks if check.tickable]
    elif (procedure := view.procedures.of(case.procedure)) is not None:
        left = [step for step in procedure.steps if case.tick(step.key) is None]
        lines += [f"Left: {escape(step.text, 200)} (`done {step.key}`)." for step in left]
    return "\n\n".join(lines)


def case_help(is_access: bool) -> str:
    """Return what can be typed in a case's thread."""
    deciding = (
        ("`approve`", "give access, once the checks hold"),
        ("`decline` why", "say no"),
        ("`ask team`, `ask why`", "write to the requester; you see the mail first"),
        ("`refer` why", "pass it over to the team lead"),
    )
    told = (
        ("`take`, `take with 12`", "take it, with an issue of its own or that of number 12"),
        ("`done` step", "say that a check holds, or that a step is done"),
        *(deciding if is_access else (("`decline` why", "give it up"),)),
        ("`note` text", "write into the issue"),
        ("`reopen` why", "take back that it has ended"),
        ("`status`", "how it stands"),
    )
    return "\n".join(f"- {what}: {means}" for what, means in told)
