"""Looks once a minute whether somebody else is on call, whether they took over, and whether the day ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import orjson

from bot.clock import look_now_and_then
from bot.surroundings import Surroundings
from cards.blocks import mention
from models import store
from models.domain.effects import AskAtDaysEnd, Tell
from models.domain.incidents import State
from models.domain.parking import put_off
from models.domain.people import Person
from models.operations import shifts
from models.ports.errors import PortError
from models.ports.rota import RotaSource

DAYS_END = timedelta(hours=2)
"""For how long after the end of a day its owners are asked, where the bot was away."""


class Shifts:
    """Tells each thing once, whichever replica looks first.

    Args:
        around: The team and its process.
        rota: Who is on call at a moment; ``None`` where there is no rota.
        timezone: Whose days and hours.
        wake: Called when something was put into the outbox.
    """

    def __init__(
        self, around: Surroundings, rota: RotaSource | None, timezone: ZoneInfo, wake: Callable[[], None]
    ) -> None:
        self._around = around
        self._rota = rota
        self._timezone = timezone
        self._wake = wake

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await look_now_and_then(self.look, "shifts")

    async def look(self, now: datetime) -> None:
        """Look once."""
        await self._days_end(now)
        if self._rota is not None and self._around.process.shifts.handed_over_at is not None:
            await self._change(now, self._rota, self._around.process.shifts.handed_over_at)
            await self._remind(now)

    async def _change(self, now: datetime, rota: RotaSource, begins: time) -> None:
        here = now.astimezone(self._timezone)
        if here.time() < begins:
            return
        try:
            into = [self._around.known(each) for each in await rota.on_call(now)]
        except PortError:
            return  # it is looked at again in a minute; ``doctor`` says what is wrong with the rota
        if not into:
            return
        held = await shifts.last_on_call()
        names, before = _names(into), orjson.loads(held) if held else None
        if before is not None and before["names"] == names:
            return
        if before is not None:
            out = [Person(**each) for each in before["people"]]
            if await shifts.begin(out, into, now, once=f"shift:{here.date()}:{','.join(names)}"[:190]):
                self._wake()
        people = [
            {"id": each.id, "name": each.name, "teams_id": each.teams_id, "username": each.username}
            for each in into
        ]
        await shifts.remember_on_call(orjson.dumps({"names": names, "people": people}).decode())

    async def _remind(self, now: datetime) -> None:
        held = await shifts.newest()
        rules, hours = self._around.process.shifts, self._around.process.hours
        if held is None or held.taken_by is not None or now < held.at + rules.reminded_after:
            return
        if now > held.at + timedelta(days=1) or not hours.contains(now, self._timezone):
            return
        people = tuple(each for each in held.into if each.teams_id)
        called = " ".join(mention(each) for each in people)
        text = f"{called} Nobody has said yet that they took over the shift: press *Taken over* on its card."
        if await store.leave([Tell(text.strip(), people)], once=[f"shift-reminder:{held.number}"]):
            self._wake()

    async def _days_end(self, now: datetime) -> None:
        ends, process = self._around.process.shifts.ends_at, self._around.process
        here = now.astimezone(self._timezone)
        if ends is None or not process.hours.works_on(here.date()):
            return
        end = datetime.combine(here.date(), ends, tzinfo=self._timezone)
        if not timedelta() <= now - end < DAYS_END:
            return
        for incident in await store.incidents_in((State.OPEN,)):
            owned = incident.owner is not None and (incident.owned_at is None or incident.owned_at <= end)
            if not owned or put_off(incident, process, now):
                continue
            once = f"days-end:{incident.id}:{here.date()}"
            if await store.leave([AskAtDaysEnd(incident.id)], once=[once]):
                self._wake()


def _names(people: Sequence[Person]) -> list[str]:
    return sorted((each.id or each.teams_id or each.name).casefold() for each in people)
