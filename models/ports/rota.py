"""Who is on call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from models.domain.people import Person
from models.ports.checks import Checkable


class RotaSource(Checkable, Protocol):
    """Knows who watches when."""

    async def on_call(self, at: datetime) -> Sequence[Person]:
        """Return who is on call at that instant; empty where nobody is."""
        ...
