"""Cards whose post was not confirmed may stand in the channel twice; the first click makes the second one known."""

from __future__ import annotations

from bot.places import STRANGE, Place
from cards.payload import BadAction
from models import directory
from models.ports.messenger import ThreadAddress


async def subject_of(place: Place, kind: str, hint: int | None) -> int:
    """Return what the clicked card is about. What its data claims is believed only where a twin was noted.

    Args:
        kind: What kind of card it must be; a twin's note is ``<kind>:<subject>``.
        hint: What the card claims to be about.

    Raises:
        BadAction: The card is not one of ours, or of another kind.
    """
    card = await directory.card_of_activity(place.message_id, place.conversation_id)
    if card is not None and card.kind == kind:
        return card.subject
    if card is not None or hint is None or not await directory.take_twin(f"{kind}:{hint}"):
        raise BadAction(STRANGE)
    thread = ThreadAddress(place.service_url, place.tenant_id, place.conversation_id, place.message_id)
    await directory.remember_card(kind, hint, thread)
    return hint
