"""The service desk, whose support calls cases come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.ports.checks import Checkable


@dataclass(frozen=True, slots=True)
class SupportCall:
    """A support call at the service desk.

    Attributes:
        key: Its number.
        closed: Whether the desk counts it as closed.
        opened_at: When it came in, in UTC; ``None`` where the desk does not say.
        agent: Who in the desk has it, by name; empty for nobody.
    """

    key: str
    url: str
    subject: str
    requester: str = ""
    requester_mail: str = ""
    closed: bool = False
    opened_at: datetime | None = None
    agent: str = ""


class ServiceDesk(Checkable, Protocol):
    """Knows support calls. Errors as in ``models.ports.errors``."""

    @property
    def configured(self) -> bool:
        """Whether there is one; without one ``call`` and ``note`` raise ``Permanent``."""
        ...

    @property
    def has_queue(self) -> bool:
        """Whether a team's queue is configured."""
        ...

    def key_of(self, text: str) -> str:
        """Return the number of the call that a number or an address of the desk names; empty where none."""
        ...

    def url_of(self, key: str) -> str:
        """Return where people see a call; empty where that is not known."""
        ...

    async def call(self, key: str) -> SupportCall | None:
        """Return a call; ``None`` where there is none."""
        ...

    async def queue(self) -> Sequence[SupportCall]:
        """Return the team's open calls, oldest first (W4, W78); none where no queue is configured.

        That a call is not among them is no proof that it was closed: while one of many pages is read, others
        change. ``call`` tells.
        """
        ...

    async def note(self, key: str, text: str, marker: str) -> None:
        """Add a note that the requester does not see, unless one with ``marker`` is there already.

        Args:
            text: Plain text. Foreign text in it is escaped by the adapter.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
