"""What a pressed button of a shift's hand-over leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.places import STRANGE, Place, Shown
from bot.surroundings import Surroundings
from cards.payload import BadAction
from cards.shift import shift_card
from cards.shift_actions import ShiftButton
from models import directory
from models.directory import SHIFT
from models.domain.people import Person
from models.operations import shifts
from models.ports import ThreadAddress


class ShiftClicks:
    """Answers *Taken over*, which is good once."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def press(self, button: ShiftButton, by: Person, place: Place) -> Shown:
        """Answer a button.

        Raises:
            BadAction: The card is not one of ours.
        """
        now = datetime.now(UTC)
        number = await self._shift(place, button.hint)
        held = await shifts.take(number, by, now) if button.take else await shifts.shift(number)
        if held is None:
            raise BadAction(STRANGE)
        notice = ""
        if button.take and not by.same(held.taken_by):
            notice = "Somebody else has taken over already."
        view = await shifts.view(held, self._around.process, self._around.zone, now)
        return Shown(shift_card(replace(view, notice=notice), now=now))

    async def _shift(self, place: Place, hint: int | None) -> int:
        """Return the hand-over that the clicked message shows; see ``Clicks._incident`` for twins."""
        card = await directory.card_of_activity(place.message_id, place.conversation_id)
        if card is not None and card.kind == SHIFT:
            return card.subject
        if card is not None or hint is None or not await directory.take_twin(f"shift:{hint}"):
            raise BadAction(STRANGE)
        thread = ThreadAddress(place.service_url, place.tenant_id, place.conversation_id, place.message_id)
        await directory.remember_card(SHIFT, hint, thread)
        return hint
