"""What goes to people outside of the team: the draft for a person to confirm, and what was confirmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.posting import Poster
from bot.surroundings import Surroundings
from cards.actions import Form
from cards.forms import form_card
from cards.outside import channel_offer, update_text
from models import directory, store
from models.directory import INCIDENT
from models.domain.communication import channel_made, channel_name, shown
from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import AskUpdate, OfferChannel, OpenChannel, PostUpdate, ShowOnPage
from models.domain.incidents import Incident, State
from models.operations.incidents import load
from models.ports.channels import ChannelMaker
from models.ports.errors import Permanent
from models.ports.messenger import Message
from models.ports.status_page import PageUpdate, StatusPage
from models.queue import Item


class OutsideDeliveries:
    """Delivers updates for stakeholders. Nothing of a private incident leaves here, whatever was asked before."""

    def __init__(self, poster: Poster, around: Surroundings, page: StatusPage, channels: ChannelMaker) -> None:
        self._poster = poster
        self._page = page
        self._channels = channels
        self._around = around

    async def deliver(
        self, effect: AskUpdate | PostUpdate | ShowOnPage | OpenChannel | OfferChannel, item: Item
    ) -> Sequence[Effect]:
        """Carry one out."""
        if not (await load(effect.incident_id)).private:
            if isinstance(effect, AskUpdate):
                await self._ask(effect.incident_id, item)
            elif isinstance(effect, PostUpdate):
                await self._post(effect)
            elif isinstance(effect, OfferChannel):
                await self._offer(effect.incident_id)
            elif isinstance(effect, OpenChannel):
                await self._open(effect.incident_id)
            elif self._page.configured:
                await self._show(effect, item)
        return ()

    async def _ask(self, incident_id: int, item: Item) -> None:
        incident, cards = await load(incident_id), await directory.cards_of(INCIDENT, incident_id)
        if not cards or incident.state not in (State.OPEN, State.RESOLVED):
            return
        card = form_card(self._around.view(incident), Form.UPDATE, once=item.uid[:16], now=datetime.now(UTC))
        text = "Stakeholders are due to be told how it stands. Correct the draft, and confirm it."
        await self._poster.reply(cards[0].thread, Message(text=text, card=card))

    async def _offer(self, incident_id: int) -> None:
        incident, cards = await load(incident_id), await directory.cards_of(INCIDENT, incident_id)
        if not cards or incident.channel_name or incident.state is not State.OPEN:
            return
        card = channel_offer(
            incident, self._around.process, channel_name(incident, self._around.process.channel_name)
        )
        await self._poster.reply(cards[0].thread, Message(card=card, summary="A channel of its own?"))

    async def _post(self, effect: PostUpdate) -> None:
        incident, channel = await load(effect.incident_id), self._around.process.communication.channel
        installations = await directory.installations()
        if not channel or effect.number >= len(incident.updates) or not installations:
            return
        await self._poster.paced(channel)
        text = update_text(incident.id, incident.updates[effect.number])
        await self._poster.messenger.post(installations[0].address(channel), Message(text=text))

    async def _show(self, effect: ShowOnPage, item: Item) -> None:
        incident, number = await load(effect.incident_id), effect.number
        if number < incident.page_shown or number >= len(incident.updates):
            return
        made = incident.updates[number]
        update = PageUpdate(number, made.headline, made.text, made.stage, made.at)
        entry = incident.page_entry
        if entry:
            await self._page.add(entry, update)
        else:
            marker = f"{await directory.instance()}.{incident.id}.{number}"
            found = await self._page.find(marker) if item.attempted_ms is not None else None
            entry = found or await self._page.create(marker, update)
        await self._record(incident.id, lambda now: shown(now, entry, number))

    async def _open(self, incident_id: int) -> None:
        incident = await load(incident_id)
        if incident.channel_name or incident.state is not State.OPEN:
            return
        name, url, failed = channel_name(incident, self._around.process.channel_name), "", ""
        marker = f"wilson:{await directory.instance()}.{incident.id}"
        try:
            name, url = await self._channels.make(name, f"Incident {incident.id}", marker)
        except Permanent as error:
            failed = str(error)
        at = datetime.now(UTC)
        await self._record(incident.id, lambda now: channel_made(now, name, url, at=at, failed=failed))

    @staticmethod
    async def _record(incident_id: int, decide: Callable[[Incident], Decision]) -> None:
        while True:
            incident = await load(incident_id)
            try:
                await store.commit([(incident, decide(incident))])
            except store.Conflict:
                continue
            return
