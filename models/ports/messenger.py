"""Teams: messages in channels and threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models.domain.people import Person
from models.ports.checks import Checkable


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """A channel that the bot may post into, as remembered from the installation."""

    service_url: str
    tenant_id: str
    team_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class ThreadAddress:
    """One posted message and the thread under it.

    Attributes:
        conversation_id: ``19:…@thread.tacv2;messageid=<root>``.
        activity_id: The message itself, for updates.
    """

    service_url: str
    tenant_id: str
    conversation_id: str
    activity_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: a text, a card, or both.

    Attributes:
        text: Markdown of ours, foreign text in it already escaped. ``<at>Name</at>`` marks a mention.
        card: An Adaptive Card as JSON, or ``None``.
        summary: One plain line for notifications.
        mentions: The people whose ``<at>`` stands in the text.
    """

    text: str = ""
    card: dict[str, Any] | None = None
    summary: str = ""
    mentions: tuple[Person, ...] = ()


class Messenger(Checkable, Protocol):
    """Posts to Teams, or to the console where there is no Teams.

    All methods raise ``Temporary`` (429 and what was surely not accepted), ``Permanent`` (400, 403, 404, 413)
    or ``Ambiguous`` (5xx, 412, time-out, reset connection).
    """

    async def post(self, channel: ChannelAddress, message: Message) -> ThreadAddress:
        """Start a new thread in a channel."""
        ...

    async def reply(self, thread: ThreadAddress, message: Message) -> str:
        """Answer in the thread. Returns the new activity's id."""
        ...

    async def update(self, thread: ThreadAddress, message: Message) -> None:
        """Replace the root message. Safe to repeat."""
        ...

    async def channels(self, service_url: str, team_id: str) -> Sequence[tuple[str, str]]:
        """Return a team's channels: id and name. The first channel's name is "General"."""
        ...

    async def members(self, service_url: str, team_id: str) -> Sequence[Person]:
        """Return a team's members."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
