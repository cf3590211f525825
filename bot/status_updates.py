"""Asks for updates for stakeholders in the process's rhythm: a draft in the thread, once a period."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.clock import look_now_and_then
from bot.surroundings import Surroundings
from models import store
from models.domain.communication import ask
from models.domain.incidents import State


class StatusUpdates:
    """Looks for incidents whose stakeholders are due to be told.

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
        for incident in await store.incidents_in((State.OPEN, State.RESOLVED), 500):
            decision = ask(incident, self._around.process, now)
            if decision is None:
                continue
            try:
                await store.commit([(incident, decision)])
            except store.Conflict:
                continue
            self._wake()
