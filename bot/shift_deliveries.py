"""Posts and renews the card of a shift's hand-over, and asks owners at the end of their day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.posting import Poster
from bot.surroundings import Surroundings
from cards.shift import days_end_card, shift_card
from models import directory
from models.directory import INCIDENT, PRIVATE, SHIFT
from models.domain.effects import AskAtDaysEnd, Effect, PostShift, RefreshShift
from models.domain.incidents import State
from models.domain.parking import put_off
from models.operations import shifts
from models.operations.incidents import load
from models.ports.messenger import Message
from models.queue import Item


class ShiftDeliveries:
    """Delivers what concerns shifts, as it is when it is delivered."""

    def __init__(self, poster: Poster, around: Surroundings) -> None:
        self._poster = poster
        self._around = around

    async def deliver(self, effect: PostShift | RefreshShift | AskAtDaysEnd, item: Item) -> Sequence[Effect]:
        """Carry one out."""
        if isinstance(effect, AskAtDaysEnd):
            await self._ask(effect.incident_id)
            return ()
        held, now = await shifts.shift(effect.shift), datetime.now(UTC)
        if held is None:
            return ()
        view = await shifts.view(held, self._around.process, self._around.zone, now)
        message = Message(card=shift_card(view, now=now), summary="Shift hand-over")
        cards = await directory.cards_of(SHIFT, held.number)
        if isinstance(effect, RefreshShift):
            for card in cards:
                await self._poster.update(card, message)
        elif not cards:
            if item.attempts > 1:
                await directory.maybe_twin(f"shift:{held.number}")
            await self._poster.post(await self._poster.devs(), SHIFT, held.number, message)
        return ()

    async def _ask(self, incident_id: int) -> None:
        incident, now = await load(incident_id), datetime.now(UTC)
        cards = await directory.cards_of(PRIVATE if incident.private else INCIDENT, incident_id)
        open_still = incident.state is State.OPEN and not put_off(incident, self._around.process, now)
        if incident.owner is None or not cards or not open_still:
            return
        card = days_end_card(incident, incident.owner, self._around.on_call)
        await self._poster.reply(cards[0].thread, Message(card=card, summary="The working day ends"))
