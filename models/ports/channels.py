"""Making channels in the team."""

from __future__ import annotations

from typing import Protocol

from models.ports.checks import Checkable


class ChannelMaker(Checkable, Protocol):
    """Makes channels in the team. Errors as in ``models.ports.errors``."""

    async def make(self, name: str, description: str, marker: str) -> tuple[str, str]:
        """Make a channel and return its name and address, unless a description holds ``marker``: then that one's.

        Raises:
            Ambiguous: The answer was lost; asking again looks first.
            Permanent: It is not permitted; the text says what is needed.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
