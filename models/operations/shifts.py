"""Shifts: begun once, taken over once, and what there is to hand over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from pydantic import TypeAdapter

from models import cases, directory, mails, store
from models.domain.effects import PostShift, RefreshShift
from models.domain.incidents import State
from models.domain.mail import Outcome
from models.domain.people import Person
from models.domain.process import Process
from models.domain.shifts import Shift, ShiftView, parted, timers
from models.reporting import report

_SHIFT, _TAKEN, _LAST = "shift:", "shift-taken:", "shift-last"
_NOISE_DAYS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Taken:
    by: Person
    at: datetime


_SHIFTS, _TAKINGS = TypeAdapter(Shift), TypeAdapter(_Taken)


def number_of(at: datetime) -> int:
    """Return the number of a hand-over that begins then: minutes since 1970."""
    return int(at.timestamp() // 60)


async def begin(out: Sequence[Person], into: Sequence[Person], at: datetime, *, once: str) -> bool:
    """Have a hand-over posted.

    Args:
        once: What makes two of the same one.

    Returns:
        Whether it is the first one of that name.
    """
    shift = Shift(number_of(at), at, tuple(out), tuple(into))
    await directory.first_fact(f"{_SHIFT}{shift.number}", _SHIFTS.dump_json(shift).decode())
    return await store.leave([PostShift(shift.number)], once=[once])


async def shift(number: int) -> Shift | None:
    """Return a hand-over; ``None`` where there is none of that number."""
    held = await directory.fact(f"{_SHIFT}{number}")
    if held is None:
        return None
    taken = await directory.fact(f"{_TAKEN}{number}")
    found = _SHIFTS.validate_json(held)
    if taken is None:
        return found
    who = _TAKINGS.validate_json(taken)
    return replace(found, taken_by=who.by, taken_at=who.at)


async def newest() -> Shift | None:
    """Return the newest hand-over; ``None`` where there was none."""
    numbers = [int(key.removeprefix(_SHIFT)) for key in await directory.facts(_SHIFT)]
    return await shift(max(numbers)) if numbers else None


async def since(at: datetime) -> list[int]:
    """Return the numbers of the hand-overs that began at a moment or later, the oldest first."""
    numbers = (int(key.removeprefix(_SHIFT)) for key in await directory.facts(_SHIFT))
    return sorted(number for number in numbers if number >= number_of(at))


async def take(number: int, by: Person, at: datetime) -> Shift | None:
    """Record that somebody took over; whoever was first stays it."""
    await directory.first_fact(f"{_TAKEN}{number}", _TAKINGS.dump_json(_Taken(by, at)).decode())
    await store.leave([RefreshShift(number)])
    return await shift(number)


async def last_on_call() -> str | None:
    """Return who was on call when that was remembered last; ``None`` for never."""
    return await directory.fact(_LAST)


async def remember_on_call(who: str) -> None:
    """Remember who is on call."""
    await directory.remember_fact(_LAST, who)


async def view(held: Shift, process: Process, zone: tzinfo, now: datetime) -> ShiftView:
    """Gather what there is to hand over."""
    incidents = await store.incidents_in((State.CANDIDATE, State.OPEN))
    running = await cases.unfinished()
    here, parked = parted(incidents, process, now)
    today = now.astimezone(zone).date()
    week = await report(today - _NOISE_DAYS, today + timedelta(days=1), process, zone, now)
    day_before = store.to_ms(now - timedelta(days=1))
    return ShiftView(
        held,
        here,
        parked,
        tuple(running),
        timers(running, process.procedures, now),
        tuple(each for each in week.repeats if each.flapping or each.reports > 2 or each.dismissed),
        await mails.undecided(),
        (await mails.outcomes_between(day_before, store.to_ms(now))).get(Outcome.SUPPORT_CALL, 0),
        process,
        zone,
    )
