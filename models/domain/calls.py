"""Support calls: what people do from the moment one comes until it is closed (W78-W100).

The conversation with the user stays at the service desk. Here it is seen that every call is taken, judged, and
answered or passed on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.domain import support
from models.domain.call_process import CallOutcome, CallProcess
from models.domain.case_effects import DeclareFromCall, LookUpCase, NoteCall, PostCase, RefreshCase
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.cases import CALL, Call, Case, CaseDecision, CaseOutcome, CaseState, finish, over, told
from models.domain.decisions import Refusal
from models.domain.effects import Effect
from models.domain.people import Person

NO_LEAD = "The process file names no team lead whom the team knows: hand it over by hand, in the service desk."


def opened(call: Call, by: Person | None, at: datetime) -> CaseDecision:
    """Make a case of a call.

    Args:
        by: Who told of it; ``None`` where it stood in the queue.
    """
    case = Case(CALL, title_of(call), at, opened_by=by, call=call)
    entry = CaseEntry(at, CaseVerb.OPENED, by, {"how": "queue" if by is None else "person"})
    return CaseDecision(case, (entry,), (PostCase(0), LookUpCase(0)))


def title_of(call: Call) -> str:
    """Return what a call is called: its subject, or its number where that is all that is known."""
    return (call.subject or f"Support call {call.key}")[:200]


def looked_up(case: Case, call: Call, at: datetime) -> CaseDecision:
    """Take over what the service desk says."""
    decision = support.looked_up(case, call, at)
    return replace(decision, case=replace(decision.case, title=title_of(call)))


def take(case: Case, by: Person, *, at: datetime) -> CaseOutcome:
    """Take a call: whoever knows the answer may, also from somebody else (W83, W91, W92)."""
    if refusal := over(case):
        return refusal
    if by.same(case.owner):
        return CaseDecision(case, notice="You have it already.")
    entry = CaseEntry(at, CaseVerb.TAKEN, by, {"from": case.owner.name if case.owner else None})
    mentions = [case.owner] if case.owner is not None else []
    return told(replace(case, owner=by, owned_at=at), entry, mentions=mentions)


def judge(
    case: Case,
    key: str,
    note: str,
    team: str,
    by: Person,
    process: CallProcess,
    lead: Person | None,
    *,
    at: datetime,
) -> CaseOutcome:
    """Say what a call is. Mistakes are expected, and it can be said anew (W80, W88).

    Args:
        note: Why, or what is asked.
        team: To whom it is passed on.
        lead: The team lead, as the team knows them.
    """
    if refusal := over(case):
        return refusal
    outcome = process.outcome(key)
    if outcome is None:
        known = ", ".join(each.key for each in process.outcomes)
        return Refusal(f"What is it? One of {known}.", fields=("outcome",))
    note, team = note.strip()[:600], team.strip()[:120]
    if outcome.why and not note:
        return Refusal(f"“{outcome.name}”: say why, or what is asked.", fields=("text",))
    if outcome.teams and team not in outcome.teams:
        return Refusal(f"“{outcome.name}”: to whom? One of {', '.join(outcome.teams)}.", fields=("team",))
    if outcome.then == "lead" and lead is None:
        return Refusal(NO_LEAD)
    data: dict[str, str | int | bool | None] = {"outcome": outcome.name, "note": note or None}
    if outcome.then == "pass_on":
        data["team"] = team or None
    entry = CaseEntry(at, CaseVerb.JUDGED, by, data)
    return _judged(case, outcome, note, entry, by, lead, at)


def _judged(
    case: Case, outcome: CallOutcome, note: str, entry: CaseEntry, by: Person, lead: Person | None, at: datetime
) -> CaseDecision:
    changed = replace(case, outcome=outcome.key, outcome_note=note, state=CaseState.OPEN, waiting_since=None)
    match outcome.then:
        case "pass_on":
            return finish(changed, entry, at=at, by=by, state=CaseState.DONE)
        case "ask_team":
            asked = told(changed, replace(entry, data=entry.data | {"asks": True}))
            return replace(asked, effects=(*asked.effects, NoteCall(case.id, entry)))
        case "lead" if lead is not None:
            changed = replace(changed, owner=lead, owned_at=at)
            entry = replace(entry, data=entry.data | {"to": lead.name})
            return told(changed, entry, mentions=[lead], also=[NoteCall(case.id, entry)])
        case "ask_user":
            changed = replace(changed, state=CaseState.ASKED, waiting_since=at)
    if not by.same(case.owner):
        changed = replace(changed, owner=by, owned_at=at)
    also: list[Effect] = [NoteCall(case.id, entry)]
    if outcome.then == "incident":
        also.append(DeclareFromCall(case.id, by))
    return told(changed, entry, also=also)


def replied(case: Case, by: Person, *, at: datetime) -> CaseOutcome:
    """Say that the user was answered at the service desk: now it is theirs to say whether that was it (W91)."""
    if refusal := over(case):
        return refusal
    owner = case.owner or by
    changed = replace(case, state=CaseState.ASKED, waiting_since=at, owner=owner, owned_at=case.owned_at or at)
    return told(changed, CaseEntry(at, CaseVerb.REPLIED, by), quiet=True)


def note(case: Case, text: str, by: Person, *, at: datetime) -> CaseOutcome:
    """Write something down: as a private note at the service desk, and on the timeline."""
    if not text.strip():
        return Refusal("A note needs a text.", fields=("text",))
    entry = CaseEntry(at, CaseVerb.NOTED, by, {"text": text.strip()})
    decision = told(case, entry, quiet=True, also=[NoteCall(case.id, entry)])
    return replace(decision, notice="Noted, for the service desk, too, where Wilson may write there.")


def end(case: Case, key: str, text: str, by: Person, process: CallProcess, *, at: datetime) -> CaseOutcome:
    """Close a call. Nobody needs to permit it: a user can reopen it easily (W96-W100)."""
    if refusal := over(case):
        return refusal
    ending = process.ending(key)
    if ending is None:
        known = ", ".join(each.key for each in process.endings)
        return Refusal(f"Why may it be closed? One of {known}.", fields=("ending",))
    owned = case if case.owner is not None else replace(case, owner=by, owned_at=at)
    text = text.strip()[:300]
    reason = f"{ending.name}: {text}" if text else ending.name
    entry = CaseEntry(at, CaseVerb.ENDED, by, {"reason": reason})
    return finish(owned, entry, at=at, by=by, state=CaseState.DONE, reason=reason)


def went_on(case: Case, by: Person, *, at: datetime, number: int, incident: bool) -> CaseOutcome:
    """End a call that goes on as an incident, or as a standard procedure (W94, W95).

    Args:
        number: Of what it became; 0 where that is not known any more.
    """
    if refusal := over(case):
        return refusal
    entry = CaseEntry(at, CaseVerb.WENT_ON, by, {"number": number or None, "incident": incident})
    changed = replace(case, incident=number if incident and number else case.incident)
    if not by.same(changed.owner):
        changed = replace(changed, owner=by, owned_at=at)
    return finish(changed, entry, at=at, by=by, state=CaseState.DONE)


def withheld(case: Case, at: datetime) -> CaseDecision:
    """Take a call's text out of public places, since the incident that it became is a matter of security."""
    call = replace(case.call, subject="", requester="", requester_mail="") if case.call else None
    title = title_of(call) if call else f"Number {case.id}"
    changed = replace(case, title=title, call=call, outcome_note="", reason="")
    return CaseDecision(changed, (CaseEntry(at, CaseVerb.WITHHELD),), (RefreshCase(case.id),))


def as_incident(case: Case, note: str) -> tuple[str, str]:
    """Return the title and the description of the incident that a call reports (W14, W95)."""
    call = case.call
    assert call is not None
    who = call.requester or call.requester_mail
    parts = [f"Support call {call.key}{f' of {who}' if who else ''}: {case.title}", call.url, note]
    return case.title, "\n\n".join(part for part in parts if part)
