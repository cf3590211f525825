"""Asks for updates for stakeholders, and reminds of third parties' tickets, in the process's rhythm: once each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from bot.clock import look_now_and_then
from bot.surroundings import Surroundings
from models import store
from models.domain.communication import ask, chase
from models.domain.decisions import Decision
from models.domain.incidents import Incident, State


class StatusUpdates:
    """Looks for incidents whose stakeholders are due to be told, or about whose tickets nothing is heard.

    Args:
        around: Process, team and who is on call.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, around: Surroundings, wake: Callable[[], None]) -> None:
        self._around = around
        self._wake = wake

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await look_now_and_then(self.look, "updates that are due")

    async def look(self, now: datetime) -> None:
        """Ask for what is due. A replica that was quicker has asked already; a changed incident waits a minute."""
        async for incident in store.every_incident_in((State.OPEN, State.RESOLVED)):
            await self._commit(incident, ask(incident, self._around.process, self._around.zone, now))
        async for incident in store.every_incident_in((State.OPEN,)):
            if incident.vendors:
                around, said = self._around, await store.timeline(incident.id)
                decision = chase(incident, around.process, around.on_call, said, around.zone, now)
                await self._commit(incident, decision)

    async def _commit(self, incident: Incident, decision: Decision | None) -> None:
        if decision is None:
            return
        with contextlib.suppress(store.Conflict):
            await store.commit([(incident, decision)])
            self._wake()
