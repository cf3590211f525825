"""Standard support procedures: steps that people tick, some of which fall due later (W101-W117)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from models.domain.case_effects import LookUpCase, PostCase, RaiseCaseIssue, RefreshCase, SyncCaseIssue
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.cases import Call, Case, CaseDecision, CaseOutcome, CaseState, Tick, finish, over, told
from models.domain.decisions import Refusal
from models.domain.people import Person
from models.domain.procedures import Procedure, Step


def opened(
    procedure: Procedure,
    answers: Mapping[str, str],
    call: Call | None,
    by: Person,
    *,
    at: datetime,
    shares: Case | None = None,
) -> CaseOutcome:
    """Begin a procedure. Whoever does has it, and its issue is raised and assigned to them.

    Args:
        answers: What the form was told, by the field's key.
        call: The support call that it is about; ``None`` where the form names none that could be understood.
        shares: Another case whose issue serves this one, too.
    """
    given = {each.key: " ".join(answers.get(each.key, "").split()) for each in procedure.fields}
    lacks = [each for each in procedure.fields if each.required and not given[each.key]]
    wrong = [each for each in procedure.fields if each.kind == "call" and given[each.key] and call is None]
    wrong += [each for each in procedure.fields if each.choices and given[each.key] not in ("", *each.choices)]
    if lacks or wrong:
        said = [f"“{each.label}” is missing" for each in lacks] + [
            f"“{each.label}” holds {given[each.key][:60]!r}, which is "
            + (
                "no number or address of a support call"
                if each.kind == "call"
                else f"none of {', '.join(each.choices)}"
            )
            for each in wrong
        ]
        return Refusal("; ".join(said) + ".", fields=tuple(each.key for each in (*lacks, *wrong)))
    about = next((given[each.key] for each in procedure.fields if each.kind == "logins" and given[each.key]), "")
    case = Case(
        procedure.key,
        f"{procedure.name}: {about}"[:200] if about else procedure.name,
        at,
        opened_by=by,
        owner=by,
        owned_at=at,
        call=call,
        answers=tuple((key, value[:600]) for key, value in given.items() if value),
        shares=shares.id if shares else None,
    )
    entry = CaseEntry(at, CaseVerb.OPENED, by, {"how": "person"})
    effects = (PostCase(0), RaiseCaseIssue(0), SyncCaseIssue(0), LookUpCase(0))
    return CaseDecision(case, (entry,), effects)


def due_on(case: Case, step: Step, procedure: Procedure) -> datetime | None:
    """Return when a step is due; ``None`` where it has no day of its own, or its day is not known yet."""
    if not step.after:
        return None
    before = _before(step, procedure)
    tick = case.tick(before.key) if before else None
    start = tick.at if tick else (case.opened_at if before is None else None)
    return start + step.after if start else None


def _before(step: Step, procedure: Procedure) -> Step | None:
    place = procedure.steps.index(step)
    return procedure.steps[place - 1] if place else None


def tick(case: Case, key: str, note: str, by: Person, procedure: Procedure, *, at: datetime) -> CaseOutcome:
    """Record that a step is done. Once all are, the case has ended and its issue is closed."""
    if refusal := over(case):
        return refusal
    step = procedure.step(key)
    if step is None:
        known = ", ".join(each.key for each in procedure.steps if case.tick(each.key) is None)
        return Refusal(f"There is no step “{key[:40]}”. What is left: {known}.", fields=("step",))
    if case.tick(key) is not None:
        return CaseDecision(case, notice="It is ticked already.")
    changed = replace(case, ticks=(*case.ticks, Tick(key, by, at, note.strip()[:300])))
    entry = CaseEntry(at, CaseVerb.TICKED, by, {"step": step.text, "note": note.strip()[:300] or None})
    left = [each for each in procedure.steps if changed.tick(each.key) is None]
    if not left:
        ended = CaseEntry(at, CaseVerb.FINISHED, by)
        return finish(changed, entry, ended, at=at, by=by, state=CaseState.DONE)
    return told(changed, entry)


def looked_up(case: Case, call: Call, at: datetime) -> CaseDecision:
    """Take over what the service desk and the directory say."""
    if case.call == call:
        return CaseDecision(case)
    return CaseDecision(replace(case, call=call), (CaseEntry(at, CaseVerb.LOOKED_UP),), (RefreshCase(case.id),))
