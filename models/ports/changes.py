"""Whatever knows what was merged and deployed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from models.domain.recent_changes import RecentChange
from models.ports.checks import Checkable


class ChangeSource(Checkable, Protocol):
    """Knows what came into use when."""

    @property
    def configured(self) -> bool:
        """Whether there is anywhere to look."""
        ...

    async def between(self, since: datetime, until: datetime) -> Sequence[RecentChange]:
        """Return what was merged, or finished being deployed, within a time. Both moments are aware.

        A project that is not shown to us is left out, and said in the log once.

        Raises:
            Temporary: A project could not be asked just now.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
