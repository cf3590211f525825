"""Support calls as they come, and what they become."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from models import cases as rows
from models import directory
from models.domain import calls
from models.domain.case_requests import CallWentOn, Setting
from models.domain.cases import Call, Case
from models.domain.decisions import Refusal
from models.domain.people import Person
from models.domain.process import Process
from models.operations import cases, incidents


async def open_call(call: Call, by: Person | None, *, once: Sequence[str] = ()) -> tuple[Case, bool]:
    """Make a case of a support call, or return the one that is not over.

    Args:
        by: Who told of it; ``None`` for the queue, whose calls are made a case of once.

    Returns:
        The case, and whether it was made just now.
    """
    try:
        case = await rows.create(calls.opened(call, by, datetime.now(UTC)), once=once)
    except rows.KeyTaken as taken:
        return await cases.load(taken.case_id), False
    await directory.remember_fact(known_as(call.key), str(case.id))
    return case, True


def known_as(key: str) -> str:
    """Return the name of the fact that there was a case of a call."""
    return f"call:{key}"


async def take_from_queue(found: Sequence[Call]) -> list[Case]:
    """Make a case of each call of the team's queue that never was one. Any number of replicas may."""
    known = await directory.facts("call:")
    made = []
    for call in found:
        if known_as(call.key) not in known:
            case, new = await open_call(call, None)
            made += [case] if new else []
    return made


async def declare(case: Case, by: Person, process: Process, setting: Setting, *, once: str) -> None:
    """Begin the incident process for what a call reports; the call ends, and points there.

    Args:
        once: Names the attempt, so that a repeated one declares nothing anew.
    """
    title, description = calls.as_incident(case, case.outcome_note)
    done = await incidents.declare_incident(title, description, by, process, anyway=True, once=[once])
    number = 0 if isinstance(done, Refusal) else done.incident.id
    if number:
        await directory.remember_fact(directory.call_of(number), str(case.id))
    await cases.act(case, CallWentOn(number, incident=True), by, setting)
