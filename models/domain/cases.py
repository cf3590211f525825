"""A case: somebody asks for something, and people handle it in steps (W78-W130).

Two kinds share it: a request for access to the API gateway, and a standard support procedure. What is special to
each stands in ``access`` and ``support``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from models.domain.case_effects import (
    CloseCall,
    NoteCaseIssue,
    RaiseCaseIssue,
    RefreshCase,
    SyncCaseIssue,
    TellCase,
)
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.decisions import Refusal
from models.domain.effects import Effect
from models.domain.gateway import Grant
from models.domain.incident_parts import Reminded
from models.domain.people import Person

CALL = "call"
"""What a support call's ``procedure`` holds, which is judged before anybody knows what is to be done."""


class CaseState(StrEnum):
    """Where a case stands.

    ``asked`` waits for the requester's answer, ``referred`` for the team lead, ``approved`` for the gateway;
    ``folded`` turned out to be another case.
    """

    OPEN = "open"
    ASKED = "asked"
    REFERRED = "referred"
    APPROVED = "approved"
    DONE = "done"
    DECLINED = "declined"
    FOLDED = "folded"

    @property
    def finished(self) -> bool:
        """Whether nothing is to be done any more."""
        return self in (CaseState.DONE, CaseState.DECLINED, CaseState.FOLDED)


@dataclass(frozen=True, slots=True)
class Tick:
    """Somebody's word that a step is done. ``note`` is how they know."""

    step: str
    by: Person
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's word that access may be given."""

    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to the requester.

    Attributes:
        kind: ``team`` or ``why``.
        token: Stands in the subject, so that the answer is recognised.
        state: ``waiting``, ``sending``, ``sent``, or ``unknown`` where the answer of the mail server was lost.
    """

    kind: str
    to: str
    subject: str
    body: str
    by: Person
    at: datetime
    token: str
    state: Literal["waiting", "sending", "sent", "unknown"] = "waiting"


@dataclass(frozen=True, slots=True)
class Product:
    """An API product that is asked for.

    Attributes:
        name: As the gateway, or else the mail, calls it.
        grant: How the gateway says it stands; ``None`` where it was not asked or does not know it.
    """

    name: str
    title: str = ""
    gives: str = ""
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class App:
    """The app that asks for access.

    Attributes:
        team: The team that owns it by the gateway's or the mail's word; empty for a personal account, or not known.
        requester: Their e-mail address; empty where it is not known.
        looked_up_at: When the gateway was asked; ``None`` where all is a mail's word.
        authorised: Whether the directory knows the requester as authorised; ``None`` where it was not asked.
        authorised_how: How that is known.
    """

    title: str
    app_id: str = ""
    name: str = ""
    team: str = ""
    team_title: str = ""
    requester: str = ""
    products: tuple[Product, ...] = ()
    description: str = ""
    callback_url: str = ""
    created_at: datetime | None = None
    console_url: str = ""
    looked_up_at: datetime | None = None
    gone: bool = False
    authorised: bool | None = None
    authorised_how: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """The support call that a case is about. ``known`` says whether its requester is who may ask, and how."""

    key: str
    url: str = ""
    subject: str = ""
    requester: str = ""
    requester_mail: str = ""
    known: bool | None = None
    known_how: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One request that people handle.

    Attributes:
        id: Its number; 0 until it is stored.
        version: What compare-and-set goes by.
        procedure: ``access``, ``call``, or the key of a support procedure.
        opened_at: When it was first seen.
        count: How often it was asked for, by mail, poll or repeat.
        owner: Who handles it: whoever took it.
        answers: What the form of a support procedure was told, by the field's key.
        trouble: Why the last carrying out did not work; empty where it did, or was not tried.
        shares: The case whose issue it shares; ``None`` where it has its own.
        reminders: What was reminded of, one of each kind.
        waiting_since: Since when it waits for a decision, or for the user; ``None`` for since it was opened.
        folded_into: The case that it turned out to be.
        outcome: What a support call was judged to be; empty until somebody did.
        outcome_note: Why, or what was asked.
        incident: The incident that a support call became.
    """

    procedure: str
    title: str
    opened_at: datetime
    id: int = 0
    version: int = 0
    state: CaseState = CaseState.OPEN
    opened_by: Person | None = None
    last_seen: datetime | None = None
    count: int = 1
    owner: Person | None = None
    owned_at: datetime | None = None
    app: App | None = None
    call: Call | None = None
    answers: tuple[tuple[str, str], ...] = ()
    ticks: tuple[Tick, ...] = ()
    approvals: tuple[Approval, ...] = ()
    letters: tuple[Letter, ...] = ()
    decided_by: Person | None = None
    decided_at: datetime | None = None
    reason: str = ""
    trouble: str = ""
    issue_key: str = ""
    issue_url: str = ""
    shares: int | None = None
    reminders: tuple[Reminded, ...] = ()
    waiting_since: datetime | None = None
    folded_into: int | None = None
    outcome: str = ""
    outcome_note: str = ""
    incident: int | None = None

    def tick(self, step: str) -> Tick | None:
        """Return who ticked a step; ``None`` where nobody did."""
        return next((tick for tick in self.ticks if tick.step == step), None)

    @property
    def is_access(self) -> bool:
        """Whether it is a request for access to the gateway."""
        return self.app is not None

    @property
    def is_call(self) -> bool:
        """Whether it is a support call that is yet to be judged, answered or passed on."""
        return self.procedure == CALL

    @property
    def key(self) -> str:
        """What is equal for the same request while it is undecided; empty where nothing joins it."""
        if self.is_call and self.call is not None and not self.state.finished:
            return f"call|{self.call.key}"
        if self.app is None or self.state.finished:
            return ""
        who = f"id:{self.app.app_id}" if self.app.app_id else f"title:{self.app.title.casefold()}"
        return "|".join(["access", who, *sorted(each.name.casefold() for each in self.app.products)])


@dataclass(frozen=True, slots=True)
class CaseDecision:
    """What a case becomes, what is written down, and what must leave the system."""

    case: Case
    entries: tuple[CaseEntry, ...] = ()
    effects: tuple[Effect, ...] = ()
    notice: str = ""


CaseOutcome = CaseDecision | Refusal


def told(
    case: Case,
    *entries: CaseEntry,
    mentions: Sequence[Person] = (),
    also: Sequence[Effect] = (),
    quiet: bool = False,
    notice: str = "",
) -> CaseDecision:
    """Return a decision that is told: in the thread, in the issue where there is one, and on the card.

    Args:
        mentions: Who is mentioned in the thread.
        also: What must leave the system besides.
        quiet: Whether only the card and the timeline tell of it.
    """
    effects: list[Effect] = [*also]
    if not quiet:
        effects += [TellCase(case.id, entry, tuple(mentions)) for entry in entries]
        if _has_issue(case):
            effects += [NoteCaseIssue(case.id, entry) for entry in entries]
    return CaseDecision(case, tuple(entries), (*effects, RefreshCase(case.id)), notice)


def _has_issue(case: Case) -> bool:
    """Tell whether it has an issue, or will have one. A support call is the service desk's own record."""
    return not case.is_call and (case.owner is not None or bool(case.issue_key))


def over(case: Case) -> Refusal | None:
    """Say that nothing can be done about a case any more; ``None`` where it can."""
    if case.state is CaseState.FOLDED:
        return Refusal(f"This is the same request as number {case.folded_into}: go on there.")
    if case.state.finished:
        who = f" by {case.decided_by.name}" if case.decided_by else ""
        return Refusal(f"It was {_ENDS[case.state]}{who} already.")
    return None


_ENDS = {CaseState.DONE: "done", CaseState.DECLINED: "declined"}


def take(case: Case, by: Person, *, at: datetime, shares: Case | None = None) -> CaseOutcome:
    """Take a case: whoever does handles it, and its issue is raised and assigned to them (W118, W103-W105).

    Args:
        shares: Another case whose issue serves this one, too, where many arrive together (note 3 of the process).
    """
    if refusal := over(case):
        return refusal
    if by.same(case.owner):
        return CaseDecision(case, notice="You have it already.")
    data: dict[str, str | int | bool | None] = {"from": case.owner.name if case.owner else None}
    changed = replace(case, owner=by, owned_at=at)
    also: list[Effect] = [SyncCaseIssue(case.id)]
    if not case.issue_key and case.owner is None:
        if shares is not None and (shares.id == case.id or shares.owner is None):
            return Refusal(f"Number {shares.id} has no issue that could be shared.", fields=("shares",))
        changed = replace(changed, shares=shares.id if shares else None)
        also.insert(0, RaiseCaseIssue(case.id))
    entry = CaseEntry(at, CaseVerb.TAKEN, by, data | ({"shares": shares.id} if shares else {}))
    mentions = [case.owner] if case.owner is not None else []
    return told(changed, entry, mentions=mentions, also=also)


def note(case: Case, text: str, by: Person, *, at: datetime) -> CaseOutcome:
    """Write something down: in the issue, where findings belong, and on the timeline."""
    if not text.strip():
        return Refusal("A note needs a text.", fields=("text",))
    if case.owner is None and not case.issue_key:
        return Refusal("There is no issue to write it into yet: take the request first.")
    entry = CaseEntry(at, CaseVerb.NOTED, by, {"text": text.strip()})
    effects = (NoteCaseIssue(case.id, entry), RefreshCase(case.id))
    return CaseDecision(case, (entry,), effects, "Written into the issue.")


def finish(
    case: Case, *entries: CaseEntry, at: datetime, by: Person | None, state: CaseState, reason: str = ""
) -> CaseDecision:
    """End a case: its issue is closed, unless it serves another that is not over (W130)."""
    ended = replace(case, state=state, decided_by=by, decided_at=at, reason=reason, trouble="")
    also: list[Effect] = [SyncCaseIssue(case.id)] if _has_issue(case) else []
    if case.call is not None:
        also.append(CloseCall(case.id))
    decision = told(ended, *entries)
    return replace(decision, effects=(*decision.effects, *also))


def give_up(case: Case, reason: str, by: Person, *, at: datetime) -> CaseOutcome:
    """End a case before its steps are done, with a reason."""
    if refusal := over(case):
        return refusal
    if not reason.strip():
        return Refusal("Say why.", fields=("reason",))
    entry = CaseEntry(at, CaseVerb.DECLINED, by, {"reason": reason.strip()[:600]})
    return finish(case, entry, at=at, by=by, state=CaseState.DECLINED, reason=reason.strip()[:600])


def reopen(case: Case, reason: str, by: Person, *, at: datetime) -> CaseOutcome:
    """Take back that a case was declined or done."""
    if case.state is CaseState.FOLDED or not case.state.finished:
        return over(case) or Refusal("It is open.")
    if not reason.strip():
        return Refusal("Say why.", fields=("reason",))
    opened = replace(
        case, state=CaseState.OPEN, decided_by=None, decided_at=None, reason="", approvals=(), trouble="",
        waiting_since=at,
    )  # fmt: skip
    also = [SyncCaseIssue(case.id)] if case.issue_key else []
    return told(opened, CaseEntry(at, CaseVerb.REOPENED, by, {"reason": reason.strip()}), also=also)
