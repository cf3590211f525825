"""Reminding of cases: requests that nobody decides about, and support steps whose day has come (W101-W130)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from models.domain import support
from models.domain.case_effects import RefreshCase, TellCase
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.cases import Case, CaseDecision, CaseState
from models.domain.effects import Effect
from models.domain.incident_parts import Reminded
from models.domain.people import Person, each_once
from models.domain.procedures import Procedures
from models.domain.reminder_rules import Reminders, whom
from models.domain.reminders import next_number
from models.domain.working_hours import WorkingHours

UNDECIDED, REFERRED, STEP = "undecided", "referred", "step:"
UNTAKEN, SILENT = "untaken", "silent"
SILENT_TIMES = (timedelta(), timedelta(days=7))
"""When whoever has a call is reminded that its user has been silent for long enough, and again."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a case waits for.

    Attributes:
        what: ``undecided``, ``referred``, ``untaken``, ``silent``, or ``step:`` and the key of a step that is due.
        text: What is to be done about a step; empty for a decision.
        since: When that began.
    """

    what: str
    text: str
    since: datetime


@dataclass(frozen=True, slots=True)
class CaseDue:
    """One reminder whose time has come. ``number`` is how many there were before."""

    case: Case
    lacking: Lacking
    number: int


def lacks(case: Case, procedures: Procedures, now: datetime) -> tuple[Lacking, ...]:
    """Say what a case waits for at a moment."""
    if case.state.finished:
        return ()
    if case.is_access:
        kinds = {CaseState.OPEN: UNDECIDED, CaseState.REFERRED: REFERRED}
        kind = kinds.get(case.state)
        return (Lacking(kind, "", case.waiting_since or case.opened_at),) if kind else ()
    if case.is_call:
        return _call_lacks(case, procedures, now)
    procedure = procedures.of(case.procedure)
    found = []
    for step in procedure.steps if procedure else ():
        day = None if case.tick(step.key) or procedure is None else support.due_on(case, step, procedure)
        if day is not None and day <= now:
            since = max(day, case.waiting_since) if case.waiting_since else day
            found.append(Lacking(f"{STEP}{step.key}", step.text, since))
    return tuple(found)


def _call_lacks(case: Case, procedures: Procedures, now: datetime) -> tuple[Lacking, ...]:
    """Say what a support call waits for: somebody to take it (W89), or its user, too long (W98)."""
    since, silence = case.waiting_since or case.opened_at, procedures.calls.silence
    if case.owner is None:
        return (Lacking(UNTAKEN, "", since),)
    if case.state is CaseState.ASKED and since + silence <= now:
        text = f"close it, or write again: the user has not replied for {silence.days} days"
        return (Lacking(SILENT, text, since + silence),)
    return ()


def due(
    case: Case, procedures: Procedures, hours: WorkingHours, zone: tzinfo, now: datetime
) -> tuple[CaseDue, ...]:
    """Return the reminders of a case whose time has come: each once, inside working hours unless it is urgent."""
    procedure = procedures.of(case.procedure)
    times = procedures.access.remind_after if case.is_access else procedure.remind_after if procedure else ()
    times = procedures.calls.remind_after if case.is_call else times
    urgent = procedure is not None and procedure.urgent
    found = []
    for each in lacks(case, procedures, now):
        held = next((one for one in case.reminders if (one.of, one.since) == (each.what, each.since)), None)
        after = SILENT_TIMES if each.what == SILENT else times
        number = next_number(each.since, after, held, hours, zone, urgent, now)
        if number is not None:
            found.append(CaseDue(case, each, number))
    return tuple(found)


def called(
    found: Sequence[CaseDue],
    procedures: Procedures,
    rules: Reminders,
    on_call: Sequence[Person],
    team: Sequence[Person],
) -> tuple[Person, ...]:
    """Return whom a message about these mentions: who is on call and whoever has it, the team, the team lead.

    What was referred to the team lead is theirs from the beginning (W124). Of the team only those are called who
    may do it.
    """
    people: list[Person] = []
    for each in found:
        case, access = each.case, procedures.access
        lead = (access.lead_of(team) if case.is_access else None) or rules.lead_of(team)
        may = [one for one in team if access.may_decide(one, team)] if case.is_access else team
        if each.lacking.what == REFERRED and lead is not None:
            people.append(lead)
            continue
        if each.number == 0 and case.owner is not None:
            people.append(case.owner)
        people += whom(each.number, on_call, may, lead)
    return each_once(people)


def remind(found: Sequence[CaseDue], mentions: Sequence[Sequence[Person]], now: datetime) -> CaseDecision:
    """Write down the reminders of one case, and tell its thread of them.

    Args:
        found: All of the same case, one at least.
        mentions: Whom the thread is told to, for each; empty where a digest tells of them.
    """
    case = found[0].case
    kept = {each.of: each for each in case.reminders}
    entries = []
    for each in found:
        lacking = each.lacking
        kept[lacking.what] = Reminded(lacking.what, lacking.since, each.number + 1, now)
        told_since = lacking.since if lacking.text else case.opened_at
        hours = int((now - told_since).total_seconds() // 3600)
        verb = CaseVerb.DUE if lacking.text else CaseVerb.REMINDED
        entries.append(CaseEntry(now, verb, None, {"what": lacking.what, "step": lacking.text, "hours": hours}))
    effects: list[Effect] = [
        TellCase(case.id, entry, tuple(people)) for entry, people in zip(entries, mentions, strict=False)
    ]
    if effects:
        effects.append(RefreshCase(case.id))
    return CaseDecision(replace(case, reminders=tuple(kept.values())), tuple(entries), tuple(effects))


def holds(case: Case, reminder: CaseEntry, procedures: Procedures) -> bool:
    """Tell whether what an entry reminds of still waits, where it is told later than it was decided."""
    what = reminder.data.get("what")
    return any(each.what == what for each in lacks(case, procedures, reminder.at))
