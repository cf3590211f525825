"""The parts that one action makes: the log page, and the report of how each part went (T6-T10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bot import issue_text
from bot.outbox import NotYet
from bot.posting import Poster
from bot.surroundings import Surroundings
from cards.firing import log_page, parts_card, parts_line
from cards.words import public_title
from models import directory, queue, store
from models.directory import INCIDENT
from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.firing import CHANNEL, ISSUE, PAGE, Held, page_refused, page_written, parts
from models.domain.incident_effects import ReportParts, WriteLogPage
from models.domain.incidents import Incident
from models.domain.privacy import IN_PRIVATE
from models.operations.incidents import load
from models.ports.errors import Permanent
from models.ports.messenger import Message
from models.ports.tracker import IssueTracker, Page
from models.queue import Item
from models.store import from_ms

PATIENCE = timedelta(minutes=2)
"""For how long the report waits for a part that has neither arrived nor failed yet."""
LOOK_SECONDS = 0.5


class FiringDeliveries:
    """Delivers them. Of a private incident nothing is written where everybody reads, and its page is emptied."""

    def __init__(self, poster: Poster, tracker: IssueTracker, around: Surroundings) -> None:
        self._poster = poster
        self._tracker = tracker
        self._around = around

    async def deliver(self, effect: WriteLogPage | ReportParts, item: Item) -> Sequence[Effect]:
        """Carry one out."""
        incident = await load(effect.incident_id)
        if isinstance(effect, WriteLogPage):
            if incident.log_key or not incident.private:
                await self._write(incident)
        elif not incident.private:
            await self._report(incident, item)
        return ()

    async def _write(self, incident: Incident) -> None:
        """Write the page where its marker is, or else make it: looked for first, whoever tried before."""
        marker = issue_text.marker("log", f"{await directory.instance()}.{incident.id}")
        title = issue_text.title(f"Log of incident {incident.id}: {public_title(incident)}")
        body = IN_PRIVATE
        if not incident.private:
            timeline = await store.timeline(incident.id)
            body = log_page(incident, timeline, self._around.process, issue_text.plain)
        page = Page(title, body, marker)
        at = datetime.now(UTC)
        try:
            found = await self._tracker.find_page(marker)
            if found is None:
                found = await self._tracker.create_page(page)
            else:
                await self._tracker.write_page(found.key, page)
        except Permanent as error:
            why = str(error)
            await _record(incident.id, lambda now: page_refused(now, why))
            return
        ref = found
        await _record(incident.id, lambda now: page_written(now, ref.key, ref.url, at=at))

    async def _report(self, incident: Incident, item: Item) -> None:
        held: dict[str, Held] = {}
        for each in await queue.held_of(incident.id, (CHANNEL, ISSUE, PAGE)):
            held.setdefault(each.kind, Held(each.error, each.state == "parked"))
        made, cards = parts(incident, held), await directory.cards_of(INCIDENT, incident.id)
        waiting = not cards or any(part.state == "begun" for part in made)
        if waiting and datetime.now(UTC) - from_ms(item.created_ms) < PATIENCE:
            raise NotYet("the parts of which it tells are under way", LOOK_SECONDS)
        if cards:
            message = Message(card=parts_card(incident, made), summary=parts_line(made)[:200])
            await self._poster.reply(cards[0].thread, message)


async def _record(incident_id: int, decide: Callable[[Incident], Decision]) -> None:
    while True:
        incident = await load(incident_id)
        decision = decide(incident)
        if decision == Decision(incident):
            return
        try:
            await store.commit([(incident, decision)])
        except store.Conflict:
            continue
        return
