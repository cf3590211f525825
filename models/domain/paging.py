"""Paging somebody through an outside system about what is urgent and nobody owns (U6).

The pager is told what it does not know yet, from the incident as it stands at that moment: so a claim between
decision and delivery means that nobody is paged, and whatever is told twice says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from models.domain.decisions import Decision, told
from models.domain.incident_effects import TellPager
from models.domain.incident_parts import Paged, Reminded
from models.domain.incidents import Incident, State
from models.domain.parking import put_off
from models.domain.process import Process
from models.domain.reminders import is_urgent, next_number
from models.domain.timeline import Entry, Verb


class Word(StrEnum):
    """What a pager is told of an incident."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class Hold(StrEnum):
    """Whether somebody has an incident in hand."""

    FREE = "free"
    OWNED = "owned"
    OVER = "over"


def hold_of(incident: Incident) -> Hold:
    """Tell whether an incident needs somebody, has somebody, or is over."""
    if incident.state not in (State.CANDIDATE, State.OPEN):
        return Hold.OVER
    return Hold.FREE if incident.owner is None else Hold.OWNED


def concerns_pager(before: Incident, after: Incident) -> bool:
    """Tell whether a change of an incident that was paged is one of which the pager must hear."""
    return after.paged is not None and hold_of(before) is not hold_of(after)


def calls_for_page(incident: Incident, process: Process, now: datetime) -> bool:
    """Tell whether it is urgent, nobody owns it, and the process has somebody paged of that."""
    if not process.paging.after or hold_of(incident) is not Hold.FREE or put_off(incident, process, now):
        return False
    level = process.urgency(incident.urgency)
    urgent = is_urgent(incident, process.reminders, level.then if level else "")
    return urgent or incident.urgency in process.paging.urgencies


def free_since(incident: Incident, timeline: Sequence[Entry] = ()) -> datetime:
    """Return since when it has been what it is: raised, assessed, given up by its owner or reopened last."""
    made = incident.assessment
    known = [incident.raised_at or incident.created_at, (made.at if made else None) or incident.created_at]
    return max(*known, *(each.at for each in timeline if _frees(each)))


def _frees(entry: Entry) -> bool:
    if entry.verb is Verb.HEARD:
        what, to = entry.data.get("what"), entry.data.get("to")
        return what == "reopened" or (what == "assigned" and not to)
    return entry.verb is Verb.REOPENED


def may_be_due(incident: Incident, process: Process, now: datetime) -> bool:
    """Tell whether it is worth it to read the timeline: not for each of a storm's incidents in each minute."""
    if not calls_for_page(incident, process, now):
        return False
    held, times = incident.paged, process.paging.after
    if held is None:
        return now - free_since(incident) >= times[0]
    return held.asked < len(times) or not (held.waits or held.told == Word.TRIGGER)


def page(incident: Incident, timeline: Sequence[Entry], process: Process, now: datetime) -> Decision | None:
    """Decide that somebody is paged: once for each time of the process; ``None`` where that is not due."""
    since, held = free_since(incident, timeline), incident.paged
    if not calls_for_page(incident, process, now) or (held is not None and held.told == Word.ACKNOWLEDGE):
        return None  # of one that somebody had, the pager hears first that they have it no more
    if held is None or (held.told != Word.TRIGGER and not held.waits and held.since != since):
        held = Paged(since)
    before = Reminded("", held.since, held.asked, held.at)
    if next_number(held.since, process.paging.after, before, process.hours, UTC, True, now) is None:
        return None
    changed = replace(incident, paged=replace(held, asked=held.asked + 1, at=now))
    return Decision(changed, (), (TellPager(incident.id),))


def to_tell(incident: Incident, process: Process, now: datetime, *, tried: bool) -> Word | None:
    """Return what the pager must be told; ``None`` for nothing.

    Args:
        tried: Whether a page may have left already of which nothing is written down.
    """
    paged = incident.paged
    if paged is None:
        return None
    rings = paged.told == Word.TRIGGER or (paged.waits and tried)
    match hold_of(incident):
        case Hold.FREE if paged.told == Word.ACKNOWLEDGE:
            return Word.RESOLVE  # what is acknowledged would not page anybody when it is triggered again
        case Hold.FREE:
            return Word.TRIGGER if paged.waits and calls_for_page(incident, process, now) else None
        case Hold.OWNED:
            return Word.ACKNOWLEDGE if rings else None
        case Hold.OVER:
            return Word.RESOLVE if rings or paged.told == Word.ACKNOWLEDGE else None


def heard(incident: Incident, word: Word | None, asked: int, through: str, *, at: datetime) -> Decision:
    """Write down what the pager was told; with ``None`` that what waited to be sent is not needed any more.

    Args:
        asked: How many pages had been decided when it was told.
        through: What the pager is called.
    """
    paged = incident.paged
    if paged is None:
        return Decision(incident)
    changed = replace(incident, paged=replace(paged, sent=asked, told=word or paged.told))
    if word is not Word.TRIGGER:
        return Decision(changed)
    minutes = int(((paged.at or at) - paged.since).total_seconds() // 60)
    return told(changed, (Entry(at, Verb.PAGED, None, {"through": through, "minutes": minutes}),))
