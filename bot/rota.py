"""Who is on call, with the changes that the team made by command."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from models import directory
from models.codec import swap_from_text, swap_to_text
from models.domain.people import Person
from models.domain.rota import Swap, swapped
from models.ports import Finding, RotaSource

_FACT = "swap:"


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
        """See ``models.ports.RotaSource``."""
        day = at.astimezone(self._zone).date()
        changes = [each for each in await swaps() if each.holds(day)]
        return swapped(await self._source.on_call(at), day, changes)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        return await self._source.check()


async def days(rota: RotaSource, first: date, count: int, zone: tzinfo) -> list[tuple[date, tuple[Person, ...]]]:
    """Return who is on call at noon of each day.

    Raises:
        PortError: The rota can't be read.
    """
    found = []
    for number in range(count):
        day = first + timedelta(days=number)
        noon = datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)
        found.append((day, tuple(await rota.on_call(noon))))
    return found


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
