"""Where alert mail arrives, and how far it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from models.ports.checks import Checkable


class MailFolder(StrEnum):
    """Where a mail is filed once what it said is committed."""

    PROCESSED = "processed"
    UNRECOGNISED = "unrecognised"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail as the mailbox holds it.

    Attributes:
        ref: The store's own name for it; only good for ``file_away`` of the same mailbox.
        raw: The whole mail as bytes.
        received_at: When the store received it, aware.
    """

    ref: str
    raw: bytes
    received_at: datetime


class Mailbox(Checkable, Protocol):
    """A place where alert mail arrives."""

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """Return up to ``limit`` mails of the inbox, oldest first. They stay there until filed away.

        Raises:
            Temporary: The mailbox is away.
            Permanent: It is configured wrongly.
        """
        ...

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """Move one mail out of the inbox. A mail that is no longer there is not an error.

        Raises:
            Temporary: The mailbox is away; the mail stays, and is found recorded when it is read again.
            Permanent: The mail can't be filed there.
        """
        ...

    async def wait(self, seconds: float) -> None:
        """Return as soon as new mail may be there, at the latest after ``seconds``. Raises no ``PortError``."""
        ...

    async def send(self, raw: bytes) -> None:
        """Send a mail in the mailbox's name to the addresses in its ``To``, ``Cc`` and ``Bcc``.

        Raises:
            Temporary, Permanent, Ambiguous: As for everything that leaves; not safe to repeat.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Bookmark(Protocol):
    """Where a mailbox keeps how far it has read, so that a restart goes on from there."""

    async def load(self) -> str:
        """Return what was saved last; empty where nothing was."""
        ...

    async def save(self, text: str) -> None:
        """Keep ``text`` in place of what was saved before."""
        ...
