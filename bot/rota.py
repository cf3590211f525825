"""Who is on call, with the changes that the team made by command."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from models import directory
from models.codec import swap_from_text, swap_to_text
from models.domain.people import Person
from models.domain.rota import Swap, swapped
from models.domain.working_hours import WorkingHours
from models.ports.checks import Finding
from models.ports.errors import PortError
from models.ports.rota import RotaSource

DAYS_AHEAD = 14
"""For how long ``wilson doctor`` looks for gaps."""
_FACT = "swap:"
_HOURS = (*range(12, 24), *range(11, -1, -1))
"""In which order a day's hours are looked at: whose shift begins on it comes before whose ends on it."""


class ChangedRota:
    """A rota and what was changed of it. The changes are rows, so that every replica knows them.

    Args:
        source: The rota as its source keeps it.
        zone: By whose clocks its days go.
    """

    def __init__(self, source: RotaSource, zone: tzinfo) -> None:
        self._source = source
        self._zone = zone

    async def on_call(self, at: datetime) -> Sequence[Person]:
        """See ``models.ports.rota.RotaSource``."""
        day = at.astimezone(self._zone).date()
        changes = [each for each in await swaps() if each.holds(day)]
        return swapped(await self._source.on_call(at), day, changes)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return await self._source.check()


async def days(rota: RotaSource, first: date, count: int, zone: tzinfo) -> list[tuple[date, tuple[Person, ...]]]:
    """Return who is on call at noon of each day; where nobody is, at the next full hour, or the one before, that
    somebody is: shifts may be of the night alone.

    Raises:
        PortError: The rota can't be read.
    """
    found = []
    for number in range(count):
        day = first + timedelta(days=number)
        people: Sequence[Person] = ()
        for hour in _HOURS:
            people = await rota.on_call(datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC))
            if people:
                break
        found.append((day, tuple(people)))
    return found


async def coverage(
    source: RotaSource, now: datetime, zone: tzinfo, hours: WorkingHours, changes: Sequence[Swap]
) -> list[Finding]:
    """Return what ``wilson doctor`` says of the days to come.

    Args:
        source: The rota as its source keeps it.
        now: From which day on, aware.
        zone: By whose clocks its days go.
        hours: Which days need somebody.
        changes: What was changed by command, in the order in which it was.
    """
    try:
        planned = await days(source, now.astimezone(zone).date(), DAYS_AHEAD, zone)
    except PortError as error:
        return [Finding("rota days", False, str(error), "See [rota].")]
    gaps, used = [], [False] * len(changes)
    for day, people in planned:
        for number, change in enumerate(changes):
            changed = swapped(people, day, [change])
            used[number] |= changed != people
            people = changed
        if not people:
            gaps.append(day)
    made = sum(used)
    told = f", with {made} change{'' if made == 1 else 's'} made by command" if made else ""
    text = f"somebody is on call on each of the next {DAYS_AHEAD} days{told}"
    if gaps:
        text = f"nobody is on call on {', '.join(f'{day:%a} {day}' for day in gaps)}{told}"
    if not any(hours.works_on(day) for day in gaps):
        findings = [Finding("rota days", True, f"{text} (no working days)" if gaps else text)]
    else:
        findings = [Finding("rota days", False, text, "Add shifts there, or say `oncall cover` in the channel.")]
    last = planned[-1][0]
    for change, good in zip(changes, used, strict=True):
        if not good and change.out is not None and planned[0][0] <= change.first and change.last <= last:
            text = f"{change.into.name} stands in for {change.out.name} on {change.first}, who is not on call then"
            advice = f"Say `oncall undo {change.first}` in the channel, or correct the rota."
            findings.append(Finding("rota changes", False, text, advice))
    return findings


async def swaps() -> list[Swap]:
    """Return the changes that were made, in the order in which they were."""
    held = [swap_from_text(text) for text in (await directory.facts(_FACT)).values()]
    return sorted(held, key=lambda swap: swap.at)


async def remember_swap(swap: Swap, once: str) -> None:
    """Make a change. A second delivery of the same message makes none, whichever replica gets it."""
    await directory.first_fact(f"{_FACT}{uuid.uuid5(uuid.NAMESPACE_OID, once).hex}", swap_to_text(swap))


async def undo_swaps(day: date) -> list[Swap]:
    """Take the changes back that are about a day. Returns them."""
    gone = []
    for key, text in (await directory.facts(_FACT)).items():
        swap = swap_from_text(text)
        if swap.holds(day):
            await directory.forget_fact(key)
            gone.append(swap)
    return gone
