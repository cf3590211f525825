"""Has somebody paged about what is urgent and nobody owns, and tells the pager when it is in hand or over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.clock import look_now_and_then
from bot.posting import Poster
from bot.surroundings import Surroundings
from cards.blocks import clean, safe_url
from cards.words import public_title, source_name
from models import directory, store
from models.directory import INCIDENT
from models.domain.effects import Effect
from models.domain.incidents import Incident, State
from models.domain.paging import Word, heard, may_be_due, page, to_tell
from models.operations.incidents import load
from models.ports.pager import Pager, PageText
from models.queue import Item

_SEVERITIES = {"error": "error", "high": "error", "warning": "warning", "medium": "warning"}
"""The pager's words for those of sources; whatever else counts as urgent is critical."""


class Paging:
    """Looks once a minute, and decides who is to be paged: once each time, also where several replicas look.

    Args:
        around: The process.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, around: Surroundings, wake: Callable[[], None]) -> None:
        self._around = around
        self._wake = wake

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        await look_now_and_then(self.look, "what is to be paged")

    async def look(self, now: datetime) -> None:
        """Decide about what is due. A replica that was quicker has; a changed incident waits a minute."""
        process = self._around.process
        async for incident in store.every_incident_in((State.CANDIDATE, State.OPEN)):
            if not may_be_due(incident, process, now):
                continue
            decision = page(incident, await store.timeline(incident.id), process, now)
            if decision is not None:
                with contextlib.suppress(store.Conflict):
                    await store.commit([(incident, decision)])
                    self._wake()


class PagerDeliveries:
    """Tells the pager what it does not know yet."""

    def __init__(self, poster: Poster, around: Surroundings, pager: Pager) -> None:
        self._poster = poster
        self._around = around
        self._pager = pager

    async def deliver(self, incident_id: int, item: Item) -> Sequence[Effect]:
        """Decide again by how the incident stands now, tell the pager, and write it down."""
        incident = await load(incident_id)
        if not self._pager.name or incident.paged is None:
            return ()
        now, asked = datetime.now(UTC), incident.paged.asked
        word = to_tell(incident, self._around.process, now, tried=item.attempted_ms is not None)
        if word is None and not incident.paged.waits:
            return ()
        key = f"wilson-{await directory.instance()}-{incident.id}"
        match word:
            case Word.TRIGGER:
                await self._pager.trigger(await self._text(incident, key))
            case Word.ACKNOWLEDGE:
                await self._pager.acknowledge(key)
            case Word.RESOLVE:
                await self._pager.resolve(key)
        while True:
            try:
                await store.commit([(incident, heard(incident, word, asked, self._pager.name, at=now))])
            except store.Conflict:
                incident = await load(incident_id)
                continue
            return ()

    async def _text(self, incident: Incident, key: str) -> PageText:
        """Return what the page says; of an incident of security its number and state alone."""
        state = incident.state.value
        summary = clean(f"Nobody owns {state} incident {incident.id}: {public_title(incident)}", 1024)
        if incident.private:
            details = (("incident", str(incident.id)), ("state", state))
            return PageText(key, summary, "wilson", "critical", incident.created_at, details)
        severity = (incident.severity or "").lower()
        known = {
            "incident": str(incident.id),
            "state": state,
            "urgency": incident.urgency,
            "severity": incident.severity,
            "reported by": source_name(incident.source),
            "project": incident.project,
            "resource": incident.resource,
            "condition": incident.condition,
            "summary": incident.summary,
        }
        thread = await self._poster.thread_url(INCIDENT, incident.id)
        places = ((thread, "Teams thread"), (incident.issue_url, "Issue"), (incident.source_url, "Source"))
        return PageText(
            key,
            summary,
            clean(incident.resource or incident.project or incident.service or incident.source, 255),
            "critical" if incident.urgency else _SEVERITIES.get(severity, "critical"),
            incident.first_seen or incident.created_at,
            tuple((name, clean(value, 600)) for name, value in known.items() if value),
            tuple((url, text) for given, text in places if (url := safe_url(given))),
        )
