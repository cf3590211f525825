"""What people ask of a case, as data: buttons and commands make the same requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models.domain import access, calls, cases, support
from models.domain.cases import Case, CaseOutcome, Letter
from models.domain.decisions import Refusal
from models.domain.people import Person
from models.domain.procedures import Procedures


@dataclass(frozen=True, slots=True)
class TakeCase:
    """Take it. ``shares`` is the number of another case whose issue serves this one, too."""

    shares: int | None = None


@dataclass(frozen=True, slots=True)
class TickStep:
    """Say that a check holds, or that a step is done."""

    step: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """Give access."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Write to the requester: that a team is needed, or why they need it."""

    kind: Literal["team", "why"]
    subject: str
    body: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Refer:
    """Pass it over to the team lead."""

    reason: str


@dataclass(frozen=True, slots=True)
class Decline:
    """Say no, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoteCase:
    """Write something into the issue."""

    text: str


@dataclass(frozen=True, slots=True)
class ReopenCase:
    """Take back that it has ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """Say what a support call is: an outcome's key, why, and to whom it is passed on."""

    outcome: str
    note: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Replied:
    """Say that the user was answered at the service desk."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """Close a support call, for a reason of the process."""

    ending: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallWentOn:
    """Say that a call goes on as an incident or as a standard procedure: whatever begins one does, no button."""

    number: int
    incident: bool


CaseRequest = (
    TakeCase
    | TickStep
    | Approve
    | Ask
    | Refer
    | Decline
    | NoteCase
    | ReopenCase
    | JudgeCall
    | Replied
    | EndCall
    | CallWentOn
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a decision goes by besides the case.

    Attributes:
        team: The team's roster.
        gateway: Whether Wilson carries approvals out itself.
        token: A text that nobody can guess, for a letter.
        lead: The team lead, as the team knows them.
    """

    procedures: Procedures
    team: Sequence[Person] = ()
    gateway: bool = False
    token: str = ""
    lead: Person | None = None


def carry_out(
    request: CaseRequest, case: Case, by: Person, setting: Setting, *, at: datetime, shares: Case | None = None
) -> CaseOutcome:
    """Decide what a request makes of a case.

    Args:
        shares: The case that ``TakeCase`` names, loaded.
    """
    if case.is_call:
        return _call(request, case, by, setting, at)
    if not case.is_access:
        return _support(request, case, by, setting, at, shares)
    process, team = setting.procedures.access, setting.team
    if not process.may_decide(by, team):
        return Refusal("Only those whom the process names may decide about access.", ask="not_allowed")
    match request:
        case TakeCase():
            return cases.take(case, by, at=at, shares=shares)
        case TickStep(step, note):
            return access.tick(case, step, note, by, process, team, at=at)
        case Approve():
            return access.approve(case, by, process, team, gateway=setting.gateway, at=at)
        case Ask(kind, subject, body, to):
            letter = Letter(
                kind, to or (case.app.requester if case.app else ""), subject, body, by, at, setting.token
            )
            return access.ask(case, letter, process, team, at=at)
        case Refer(reason):
            return access.refer(case, reason, by, process, team, at=at)
        case Decline(reason):
            return access.decline(case, reason, by, process, team, gateway=setting.gateway, at=at)
        case NoteCase(text):
            return cases.note(case, text, by, at=at)
        case ReopenCase(reason):
            return cases.reopen(case, reason, by, at=at)
        case _:
            return Refusal("That can't be done with this request.")


def _call(request: CaseRequest, case: Case, by: Person, setting: Setting, at: datetime) -> CaseOutcome:
    process = setting.procedures.calls
    match request:
        case TakeCase():
            return calls.take(case, by, at=at)
        case JudgeCall(outcome, note, team):
            return calls.judge(case, outcome, note, team, by, process, setting.lead, at=at)
        case Replied():
            return calls.replied(case, by, at=at)
        case EndCall(ending, note):
            return calls.end(case, ending, note, by, process, at=at)
        case CallWentOn(number, incident):
            return calls.went_on(case, by, at=at, number=number, incident=incident)
        case NoteCase(text):
            return calls.note(case, text, by, at=at)
        case ReopenCase(reason):
            return cases.reopen(case, reason, by, at=at)
        case _:
            return Refusal("That can't be done with a support call: judge it, answer it, or close it.")


def _support(
    request: CaseRequest, case: Case, by: Person, setting: Setting, at: datetime, shares: Case | None
) -> CaseOutcome:
    procedure = setting.procedures.of(case.procedure)
    match request:
        case TakeCase():
            return cases.take(case, by, at=at, shares=shares)
        case TickStep(step, note) if procedure is not None:
            return support.tick(case, step, note, by, procedure, at=at)
        case TickStep():
            return Refusal(
                f"The process file has no procedure {case.procedure!r} any more: decline this with a reason."
            )
        case Decline(reason):
            return cases.give_up(case, reason, by, at=at)
        case NoteCase(text):
            return cases.note(case, text, by, at=at)
        case ReopenCase(reason):
            return cases.reopen(case, reason, by, at=at)
        case _:
            return Refusal("That can't be done with this request.")
