"""Posts and renews the incident review's card."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.posting import Poster
from bot.reporting import MOST_FOLLOW_UPS
from bot.surroundings import Surroundings
from cards.review import review_card
from models import directory
from models.directory import REVIEW
from models.domain.effects import Effect, PostReview, RefreshReview
from models.domain.views import ReviewView
from models.operations import reviews
from models.ports.errors import Permanent, PortError
from models.ports.messenger import Message
from models.ports.tracker import IssueTracker
from models.queue import Item

log = logging.getLogger(__name__)


class ReviewDeliveries:
    """Delivers what concerns the review. The list is made when it is called up, and grows only then."""

    def __init__(self, poster: Poster, tracker: IssueTracker, around: Surroundings) -> None:
        self._poster = poster
        self._tracker = tracker
        self._around = around

    async def deliver(self, effect: PostReview | RefreshReview, item: Item) -> Sequence[Effect]:
        """Carry one out."""
        review = effect.review
        if isinstance(effect, RefreshReview):
            message = await self._message(review)
            for card in await directory.cards_of(REVIEW, review):
                await self._poster.update(card, message)
            return ()
        await reviews.call_up(review)
        await self._look_at_follow_ups(review)
        await self._compare(review)
        if item.attempts > 1:
            await directory.maybe_twin(f"review:{review}")
        await self._poster.post(await self._poster.devs(), REVIEW, review, await self._message(review))
        return ()

    async def _message(self, review: int) -> Message:
        incidents = await reviews.incidents_of(review)
        apart = await reviews.difference(review)
        view = ReviewView(
            review,
            incidents,
            self._around.process,
            self._around.zone,
            strays=apart.strays,
            unlabelled=apart.unlabelled,
        )
        return Message(card=review_card(view, now=datetime.now(UTC)), summary=self._around.process.review.title)

    async def _compare(self, review: int) -> None:
        """Look what the tracker itself says awaits the review (W71)."""
        try:
            found = await self._tracker.labelled(self._around.process.review_labels)
        except PortError as error:
            log.warning("what the tracker has labelled for the review can't be read: %s", error)
            return
        await reviews.compare(review, [(ref.key, title, ref.url) for ref, title in found])

    async def _look_at_follow_ups(self, review: int) -> None:
        """Ask the tracker how the newest follow-ups stand; where it is away, the card says what was known."""
        asked = [
            (incident.id, each)
            for incident in await reviews.incidents_of(review)
            for each in incident.follow_ups
            if each.key and not each.closed
        ]
        for incident_id, each in asked[-MOST_FOLLOW_UPS:]:
            try:
                issue = await self._tracker.get(each.key)
            except Permanent:
                continue  # it was deleted or moved
            except PortError as error:
                log.warning("how the follow-ups stand can't be read: %s", error)
                return
            await reviews.saw_follow_up(incident_id, each.id, issue.closed)
