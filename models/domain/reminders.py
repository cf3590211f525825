"""Reminding of what nobody holds: of whom, when, and once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from models.domain.effects import Announce, Effect, RefreshCard
from models.domain.incidents import Decision, Incident, Reminded, State
from models.domain.people import Person
from models.domain.reminder_rules import Lack, Reminders
from models.domain.timeline import Entry, Verb
from models.domain.working_hours import WorkingHours


@dataclass(frozen=True, slots=True)
class Due:
    """One reminder whose time has come.

    Attributes:
        since: When the lack began.
        number: How many there were before.
    """

    incident: Incident
    lack: Lack
    since: datetime
    number: int


def lack_of(
    incident: Incident,
    must_decide: bool,
    last_word: datetime | None,
    *,
    vacant: bool = False,
    unassessed: bool = False,
) -> tuple[Lack, datetime] | None:
    """Say what an incident lacks, and since when; ``None`` where it lacks nothing.

    Args:
        must_decide: Whether it waits for the team's decision.
        unassessed: Whether nobody has said how urgent it is, and the process reminds of that (W32).
        vacant: Whether a required role is held by nobody.
        last_word: When a person last did something about it; ``None`` where that was not looked up.
    """
    if incident.state is State.CANDIDATE:
        return Lack.JUDGEMENT, incident.created_at
    if incident.state is not State.OPEN:
        return None
    if must_decide and incident.assessment is not None:
        return Lack.DECISION, incident.assessment.at or incident.raised_at or incident.created_at
    if incident.owner is None:
        return Lack.OWNER, incident.raised_at or incident.created_at
    if unassessed:
        return Lack.ASSESSMENT, incident.owned_at or incident.raised_at or incident.created_at
    if vacant:
        return Lack.ROLE, incident.owned_at or incident.raised_at or incident.created_at
    return (Lack.NEWS, last_word) if last_word is not None else None


def due(
    incident: Incident,
    lack: tuple[Lack, datetime] | None,
    reminders: Reminders,
    hours: WorkingHours,
    zone: tzinfo,
    urgent: bool,
    now: datetime,
) -> Due | None:
    """Say whether a reminder is due: each once, inside working hours unless it is urgent.

    Args:
        urgent: Whether a person assessed it so, or, before that, its source did.
    """
    if lack is None:
        return None
    kind, since = lack
    held = incident.reminded
    number = held.count if held is not None and (held.of, held.since) == (kind.value, since) else 0
    times = reminders.times(kind)
    if number >= len(times) or now - since < times[number]:
        return None
    if not urgent and not hours.contains(now, zone):
        return None
    while number + 1 < len(times) and now - since >= times[number + 1]:
        number += 1  # what was missed while nobody worked is not made up for one by one
    return Due(incident, kind, since, number)


def is_urgent(incident: Incident, reminders: Reminders, then: str) -> bool:
    """Tell whether it can't wait for working hours.

    Args:
        then: What its urgency demands; empty where nobody assessed it.
    """
    if then:
        return then == "decide"
    return bool(incident.alerting) and (incident.severity or "").lower() in reminders.severities


def remind(
    each: Due,
    reminders: Reminders,
    on_call: Sequence[Person],
    team: Sequence[Person],
    now: datetime,
    *,
    alone: bool,
) -> Decision:
    """Write a reminder down, and tell the thread of it.

    Args:
        alone: Whether the thread is told; otherwise a digest tells of it.
    """
    incident = each.incident
    minutes = int((now - each.since).total_seconds() // 60)
    entry = Entry(now, Verb.REMINDED, None, {"what": each.lack.value, "minutes": minutes})
    changed = replace(incident, reminded=Reminded(each.lack.value, each.since, each.number + 1))
    effects: tuple[Effect, ...] = ()
    if alone:
        lead = reminders.lead_of(team)
        whom = {0: tuple(on_call), 1: ()}.get(each.number, (lead,) if lead else tuple(on_call))
        effects = (Announce(incident.id, entry, whom, whole_team=each.number == 1), RefreshCard(incident.id))
    return Decision(changed, (entry,), effects)
