"""Reminding of what nobody holds: of whom, when, and once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import Announce, RefreshCard
from models.domain.incident_parts import Reminded
from models.domain.incidents import Incident, State
from models.domain.outside import VENDOR
from models.domain.people import Person, each_once
from models.domain.process import Process
from models.domain.reminder_rules import Lack, Reminders, whom
from models.domain.staffing import vacant
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
        return Lack.JUDGEMENT, _since(incident, incident.created_at)
    if incident.state is not State.OPEN:
        return None
    if incident.parked is not None and not incident.parked.told:
        return Lack.PUT_OFF, incident.parked.until
    if must_decide and incident.assessment is not None:
        return Lack.DECISION, _since(incident, incident.assessment.at or incident.raised_at)
    if incident.owner is None:
        return Lack.OWNER, _since(incident, incident.raised_at)
    if unassessed:
        return Lack.ASSESSMENT, _since(incident, incident.owned_at or incident.raised_at)
    if vacant:
        return Lack.ROLE, _since(incident, incident.owned_at or incident.raised_at)
    return (Lack.NEWS, last_word) if last_word is not None else None


def _since(incident: Incident, begun: datetime | None) -> datetime:
    """Return when a lack began: not before it was taken up again, or given up by its owner, last."""
    begun = begun or incident.created_at
    return max(begun, incident.anew_at) if incident.anew_at is not None else begun


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
    known = (incident.reminded, *incident.reminded_before)
    held = next((each for each in known if each is not None and (each.of, each.since) == (kind.value, since)), None)
    number = next_number(since, reminders.times(kind), held, hours, zone, urgent, now)
    return None if number is None else Due(incident, kind, since, number)


def next_number(
    since: datetime,
    times: Sequence[timedelta],
    held: Reminded | None,
    hours: WorkingHours,
    zone: tzinfo,
    urgent: bool,
    now: datetime,
) -> int | None:
    """Return which reminder is due, counted from 0; ``None`` where none is.

    What waited for working hours, or for a process that stood still, comes in its order and at its distance:
    whoever is on call is never passed over, and nobody gets three at once on a Monday morning.

    Args:
        since: When what is lacking began to.
        times: How long after that each is due.
        held: What was reminded of the same already; ``None`` for nothing.
    """
    number = held.count if held is not None else 0
    if number >= len(times) or now - since < times[number]:
        return None
    if held is not None and number and held.at is not None and now - held.at < times[number] - times[number - 1]:
        return None
    return number if urgent or hours.contains(now, zone) else None


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
    if each.lack is Lack.PUT_OFF and incident.parked is not None:
        entry.data["reason"] = incident.parked.reason
    new, last = Reminded(each.lack.value, each.since, each.number + 1, now), incident.reminded
    # One of each kind: a lack that another hid for a while is not reminded of from the beginning.
    before = [one for one in (*incident.reminded_before, last) if one is not None and one.of != new.of]
    before = [one for one in before if last is None or one is last or one.of != last.of]
    changed = replace(incident, reminded=new, reminded_before=tuple(before))
    if each.lack is Lack.PUT_OFF and changed.parked is not None:
        changed = replace(changed, parked=replace(changed.parked, told=True))
    effects: tuple[Effect, ...] = ()
    if alone:
        whole_team = each.number == 1
        people = () if whole_team else called([each], reminders, on_call, team)
        effects = (Announce(incident.id, entry, people, whole_team=whole_team), RefreshCard(incident.id))
    return Decision(changed, (entry,), effects)


def called(
    found: Sequence[Due], reminders: Reminders, on_call: Sequence[Person], team: Sequence[Person]
) -> tuple[Person, ...]:
    """Return whom one message about all of these mentions."""
    lead = reminders.lead_of(team)
    return each_once(
        person
        for each in found
        for person in (
            (each.incident.owner,)
            if each.lack is Lack.PUT_OFF and each.incident.owner is not None
            else whom(each.number, on_call, team, lead)
        )
    )


def holds(incident: Incident, reminder: Entry, process: Process, timeline: Sequence[Entry]) -> bool:
    """Tell whether what an entry reminds of is still lacking, where it is told later than it was decided.

    Args:
        timeline: The incident's.
    """
    lack = reminder.data.get("what")
    if lack == Lack.JUDGEMENT:
        return incident.state is State.CANDIDATE
    if incident.state is not State.OPEN:
        return False
    if lack == VENDOR:
        name, ref = str(reminder.data.get("name")), str(reminder.data.get("ref"))
        calls = [each for each in incident.vendors if each.is_it(name, ref) and each.closed_at is None]
        return any(each.news(timeline) <= reminder.at for each in calls)
    match lack:
        case Lack.PUT_OFF:
            return incident.parked is not None and incident.parked.told
        case Lack.OWNER:
            return incident.owner is None
        case Lack.DECISION:
            return incident.must_decide(process)
        case Lack.ASSESSMENT:
            return incident.urgency is None
        case Lack.ROLE:
            return bool(vacant(incident, process))
        case _:
            return not any(each.moves and each.at > reminder.at for each in timeline)
