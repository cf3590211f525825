"""Putting an incident off until a named time, and what it waits for (L30, U22): nobody is reminded of it before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.incident_parts import Parked
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.timeline import Entry, Verb

LONGEST = timedelta(days=60)


def park(
    incident: Incident, until: datetime | None, reason: str, by: Person, process: Process, *, at: datetime
) -> Outcome:
    """Put an incident off; whoever owns it is reminded at that time.

    Args:
        until: By the team's clocks; ``None`` where what was said is no time.
        reason: What it waits for, or what must hold for it to go on.
    """
    if refusal := refused(incident, "park"):
        return refusal
    if incident.owner is None:
        return Refusal("Somebody must own it before it can be put off: claim it first.")
    level = process.urgency(incident.urgency)
    if level is not None and level.then == "decide":
        return Refusal(f"It is {level.name}, which can't be put off.")
    if until is None:
        return Refusal("Say until when: tomorrow, monday 10:00, 2026-12-01, or 3 hours.", fields=("when",))
    if not at < until <= at + LONGEST:
        return Refusal("That time is over, or more than sixty days ahead.", fields=("when",))
    said = reason.strip()[:600]
    if not said:
        return Refusal("Say what it waits for.", fields=("reason",))
    entry = Entry(at, Verb.PARKED, by, {"until": f"{until:%a} {until.day} {until:%b %Y, %H:%M}", "reason": said})
    return told(replace(incident, parked=Parked(until, said, by, at)), (entry,))


def unpark(incident: Incident, by: Person, *, at: datetime) -> Outcome:
    """Go on with an incident that was put off."""
    if incident.parked is None:
        return Decision(incident, notice="It is not put off.")
    if refusal := refused(incident, "unpark"):
        return refusal
    return told(replace(incident, parked=None), (Entry(at, Verb.UNPARKED, by),))


def put_off(incident: Incident, process: Process, now: datetime) -> bool:
    """Tell whether nobody is to be reminded of it yet. What has become urgent since can't wait."""
    if incident.parked is None or now >= incident.parked.until:
        return False
    level = process.urgency(incident.urgency)
    return level is None or level.then != "decide"
