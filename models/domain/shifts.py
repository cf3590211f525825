"""A shift's hand-over: who passes what on to whom, and what there is to know (U18-U25, W7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from models.domain import support
from models.domain.cases import Case
from models.domain.incidents import Incident
from models.domain.ordering import by_need
from models.domain.parking import put_off
from models.domain.people import Person
from models.domain.procedures import Procedures
from models.domain.process import Process
from models.domain.reports import Repeat

AHEAD = timedelta(days=3)
"""How far ahead a hand-over looks for what falls due."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One hand-over.

    Attributes:
        out, into: Who was on call, and who is from now on.
        taken_by: Who said that they took over; ``None`` until somebody did.
    """

    number: int
    at: datetime
    out: tuple[Person, ...]
    into: tuple[Person, ...]
    taken_by: Person | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that falls due. ``what`` is foreign text."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShiftView:
    """What the card of a hand-over shows.

    Attributes:
        incidents: What is not over, the most urgent first; without what is put off.
        parked: What is put off.
        timers: What falls due soon, the earliest first.
        noise: Alerts that came again and again in the last week, the noisiest first.
        mails: How many mails wait for somebody to say what they are.
        calls: How many mails about support calls came since the hand-over before, or in the last day.
    """

    shift: Shift
    incidents: tuple[Incident, ...]
    parked: tuple[Incident, ...]
    cases: tuple[Case, ...]
    timers: tuple[Timer, ...]
    noise: tuple[Repeat, ...]
    mails: int
    calls: int
    process: Process
    zone: tzinfo = UTC
    notice: str = ""


def parted(
    incidents: Sequence[Incident], process: Process, now: datetime
) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """Return what is to be looked after now, and what is put off."""
    ordered = by_need(incidents, process)
    parked = tuple(each for each in ordered if put_off(each, process, now))
    return tuple(each for each in ordered if each not in parked), parked


def timers(cases: Sequence[Case], procedures: Procedures, now: datetime) -> tuple[Timer, ...]:
    """Return the steps of support procedures that are due or fall due soon."""
    found = []
    for case in cases:
        procedure = None if case.is_access else procedures.of(case.procedure)
        for step in procedure.steps if procedure else ():
            day = None if case.tick(step.key) or procedure is None else support.due_on(case, step, procedure)
            if day is not None and day <= now + AHEAD:
                found.append(Timer(f"{case.title}: {step.text}", day))
    return tuple(sorted(found, key=lambda each: each.at))
