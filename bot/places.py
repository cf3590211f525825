"""Where something was said or pressed, and what is shown for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

ELSEWHERE = "I answer in the team that I work for, and to its members."
STRANGE = "This card is not one that I know. Use the newest one, or a command in its thread."


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said or pressed, from the verified activity.

    Attributes:
        activity_id: Names this delivery; a second one of the same activity has the same.
        message_id: The message whose button was pressed (``replyToId``); empty for what was typed.
        channel_id: The channel alone, without the thread.
        content: What was typed or pressed.
        team_id: The team that the channel belongs to; empty where it is none.
    """

    activity_id: str
    conversation_id: str
    message_id: str
    channel_id: str
    service_url: str
    tenant_id: str
    content: object = None
    team_id: str = ""

    @property
    def once(self) -> str:
        """What makes a second delivery of this activity change nothing: its id, and what it says."""
        if not self.activity_id:
            return ""
        said = hashlib.sha256(repr(self.content).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return f"activity:{said}:{self.activity_id}:{self.conversation_id}"[:190]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the person who pressed sees: a card in place of the old one, or one sentence."""

    card: dict[str, Any] | None = None
    text: str = ""


def form_keys(place: Place, form: str) -> list[str]:
    """Return what makes a second delivery of a filled-in form change nothing."""
    return [key for key in (place.once, f"form:{form}" if form else "") if key]
