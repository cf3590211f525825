"""Posting to the team's channels, within the limits of Teams."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bot.outbox import NotYet
from bot.pacing import Pacer
from models import directory
from models.directory import Card
from models.ports.messenger import ChannelAddress, Message, Messenger, ThreadAddress

WAIT_FOR_TEAM = 5.0


@dataclass(frozen=True, slots=True)
class Channels:
    """The configured channels: each a name or an id."""

    devs: str
    gateway: str
    private: str = ""


class Poster:
    """Posts, answers and updates messages.

    Args:
        messenger: Posts to Teams.
        channels: Where to.
        pacer: Says how soon the limits allow the next message.
    """

    def __init__(self, messenger: Messenger, channels: Channels, pacer: Pacer) -> None:
        self.messenger = messenger
        self.channels = channels
        self._pacer = pacer

    async def devs(self) -> ChannelAddress:
        """Return the developers' channel. Raises ``NotYet`` where there is none yet."""
        return await self._channel_address("devs_channel", self.channels.devs)

    async def gateway(self) -> ChannelAddress:
        """Return the channel of the API gateway. Raises ``NotYet`` where there is none yet."""
        return await self._channel_address("gateway_channel", self.channels.gateway)

    async def private(self) -> ChannelAddress | None:
        """Return the channel for incidents of security; ``None`` where there is none."""
        for installation in await directory.installations():
            if installation.private_channel is not None:
                return installation.address(installation.private_channel)
        return None

    async def _channel_address(self, which: str, wanted: str) -> ChannelAddress:
        installations = await directory.installations()
        for installation in installations:
            channel: str | None = getattr(installation, which)
            if channel is not None:
                return installation.address(channel)
        if installations:
            raise NotYet(
                f"no channel {wanted!r} in any team that the bot is in: see wilson doctor", WAIT_FOR_TEAM * 6
            )
        raise NotYet("the bot is not installed in a team yet", WAIT_FOR_TEAM)

    async def post(self, channel: ChannelAddress, kind: str, subject: int, message: Message) -> None:
        """Start a thread, and remember what it shows."""
        await self.paced(channel.channel_id)
        thread = await self.messenger.post(channel, message)
        await directory.remember_card(kind, subject, thread)

    async def reply(self, thread: ThreadAddress, message: Message) -> None:
        """Answer in a thread."""
        await self.paced(thread.conversation_id)
        await self.messenger.reply(thread, message)

    async def update(self, card: Card, message: Message) -> None:
        """Replace a posted message."""
        await self.paced(card.thread.conversation_id)
        await self.messenger.update(card.thread, message)

    async def paced(self, conversation: str) -> None:
        """Raise ``NotYet`` where the limits of Teams say to wait."""
        wait = self._pacer.take(conversation)
        if wait > 0:
            raise NotYet("the limits of Teams", wait)

    async def thread_url(self, kind: str, subject: int) -> str:
        """Return where people see the thread of something; empty where it is not posted."""
        cards = await directory.cards_of(kind, subject)
        if not cards:
            return ""
        thread = cards[0].thread
        channel, _, root = thread.conversation_id.partition(";messageid=")
        return (
            f"https://teams.microsoft.com/l/message/{quote(channel, safe='')}/{quote(root, safe='')}"
            if root
            else ""
        )
