"""What a pressed button of the incident review's card leads to."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from bot.places import STRANGE, Place, Shown, form_keys
from bot.surroundings import Surroundings
from bot.twins import subject_of
from cards.payload import BadAction, decode_values
from cards.review import discussed_card, follow_up_card, review_card
from cards.review_actions import Discuss, DoInReview, ReviewButton, ShowReview
from models import store
from models.directory import REVIEW
from models.domain.decisions import Refusal
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.requests import AddFollowUp
from models.domain.views import ReviewView
from models.operations import incidents, reviews


class ReviewClicks:
    """Answers buttons, each from one transaction and without the network."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def press(self, button: ReviewButton, data: object, by: Person, place: Place) -> Shown:
        """Answer a button.

        Raises:
            BadAction: The card is not one of ours, or its list has no such incident.
        """
        review = await subject_of(place, REVIEW, button.hint)
        match button:
            case ShowReview():
                return await self._list(review)
            case Discuss(number, follow_up):
                incident = await self._incident(review, number)
                return await self._item(review, incident, follow_up=follow_up)
            case DoInReview():
                return await self._act(review, button, data, by, place)

    async def _incident(self, review: int, number: int) -> Incident:
        """Return an incident of the list. One of security is gone through in its own place."""
        if number not in await reviews.listed(review):
            raise BadAction(STRANGE)
        incident = await incidents.load(number)
        if incident.private:
            raise BadAction("This incident is handled in private: close it in its own place.")
        return incident

    async def _act(self, review: int, button: DoInReview, data: object, by: Person, place: Place) -> Shown:
        incident = await self._incident(review, button.incident)
        once = form_keys(place, button.once)
        done = await incidents.act(incident, button.request, by, self._around.process, once=once)
        if done.incident.private:
            return await self._list(review)
        if done.refusal is not None:
            return await self._item(
                review,
                done.incident,
                follow_up=isinstance(button.request, AddFollowUp),
                values=decode_values(data),
                refusal=done.refusal,
            )
        if button.stays:
            return await self._item(review, done.incident, notice=done.notice or "It is written down.")
        return await self._list(review, done.notice)

    async def _view(self, review: int, notice: str = "") -> ReviewView:
        found = await reviews.incidents_of(review)
        apart = await reviews.difference(review)
        around = self._around
        return ReviewView(
            review, found, around.process, around.zone, notice, strays=apart.strays, unlabelled=apart.unlabelled
        )

    async def _list(self, review: int, notice: str = "") -> Shown:
        return Shown(review_card(await self._view(review, notice), now=datetime.now(UTC)))

    async def _item(
        self,
        review: int,
        incident: Incident,
        *,
        follow_up: bool = False,
        notice: str = "",
        values: dict[str, str] | None = None,
        refusal: Refusal | None = None,
    ) -> Shown:
        view, once = await self._view(review, notice), secrets.token_hex(8)
        if follow_up:
            return Shown(follow_up_card(view, incident, once=once, values=values, refusal=refusal))
        timeline = await store.timeline(incident.id)
        now = datetime.now(UTC)
        return Shown(discussed_card(view, incident, timeline, once=once, now=now, values=values, refusal=refusal))
