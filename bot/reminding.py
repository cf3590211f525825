"""Looks once a minute for incidents that nobody judges, owns, decides about or keeps up to date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.clock import look_now_and_then
from bot.surroundings import Surroundings
from cards.blocks import mention
from cards.lists import reminder_digest
from models import store
from models.domain.effects import Tell
from models.domain.incidents import Incident, State
from models.domain.parking import put_off
from models.domain.recognising import needs_nobody
from models.domain.reminder_rules import Lack
from models.domain.reminders import Due, called, due, is_urgent, lack_of, remind
from models.domain.staffing import vacant

TRIES = 5
MOST = 500
"""How many are reminded of in one transaction; the others are a minute later."""


class Reminding:
    """Reminds, each thing once, also where several replicas look.

    Args:
        around: Process, team and who is on call.
        timezone: Whose working hours.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, around: Surroundings, timezone: ZoneInfo, wake: Callable[[], None]) -> None:
        self._around = around
        self._timezone = timezone
        self._wake = wake

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await look_now_and_then(self.look, "what nobody holds")

    async def look(self, now: datetime) -> None:
        """Write down what is due and tell of it, in one transaction: all of it, or nothing and then again."""
        for _ in range(TRIES):
            found = await self._found(now)
            if not found:
                return
            try:
                await self._tell(found, now)
            except store.Conflict:
                continue
            self._wake()
            return

    async def _found(self, now: datetime) -> list[Due]:
        found: list[Due] = []
        async for incident in store.every_incident_in((State.CANDIDATE, State.OPEN)):
            if (each := await self._due(incident, now)) is not None:
                found.append(each)
            if len(found) == MOST:
                break
        return found

    async def _due(self, incident: Incident, now: datetime) -> Due | None:
        process = self._around.process
        if needs_nobody(incident, process, self._timezone, now) or put_off(incident, process, now):
            return None
        rules, level = process.reminders, process.urgency(incident.urgency)
        word = None
        if rules.times(Lack.NEWS) and incident.owner is not None and incident.state is State.OPEN:
            word = await self._last_word(incident)
        unassessed = bool(rules.times(Lack.ASSESSMENT)) and incident.urgency is None
        lacks_role = bool(rules.times(Lack.ROLE) and vacant(incident, process))
        lack = lack_of(incident, incident.must_decide(process), word, vacant=lacks_role, unassessed=unassessed)
        urgent = is_urgent(incident, rules, level.then if level else "")
        return due(incident, lack, rules, process.hours, self._timezone, urgent, now)

    @staticmethod
    async def _last_word(incident: Incident) -> datetime:
        said = [entry.at for entry in await store.timeline(incident.id) if entry.moves]
        waited = [incident.parked.until] if incident.parked is not None else []
        return max([*said, *waited, incident.owned_at or incident.created_at])

    async def _tell(self, found: list[Due], now: datetime) -> None:
        rules, around = self._around.process.reminders, self._around
        alone = len(found) <= rules.digest_above
        decided = [remind(each, rules, around.on_call, around.team, now, alone=alone) for each in found]
        if not alone:
            # The digest goes with the first incident's decision, so that it is written in the same transaction.
            people = called(found, rules, around.on_call, around.team)
            names = " ".join(mention(person) for person in people if person.teams_id)
            text = f"{reminder_digest([each.incident for each in found], around.process, now)}\n\n{names}".strip()
            decided[0] = replace(decided[0], effects=(*decided[0].effects, Tell(text, people)))
        await store.commit([(each.incident, decision) for each, decision in zip(found, decided, strict=True)])
