"""What a pressed button of a shift's hand-over leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.places import STRANGE, Place, Shown
from bot.surroundings import Surroundings
from bot.twins import subject_of
from cards.payload import BadAction
from cards.shift import shift_card
from cards.shift_actions import ShiftButton
from models.directory import SHIFT
from models.domain.people import Person
from models.operations import shifts


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
        number = await subject_of(place, SHIFT, button.hint)
        held = await shifts.take(number, by, now) if button.take else await shifts.shift(number)
        if held is None:
            raise BadAction(STRANGE)
        notice = ""
        if button.take and not by.same(held.taken_by):
            notice = "Somebody else has taken over already."
        view = await shifts.view(held, self._around.process, self._around.zone, now)
        return Shown(shift_card(replace(view, notice=notice), now=now))
