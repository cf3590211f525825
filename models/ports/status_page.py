"""The page that tells users how a service stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.ports.checks import Checkable


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """What users are told, as a person confirmed it.

    Attributes:
        number: Which of its incident's updates it is, from 0.
        stage: ``investigating``, ``identified``, ``monitoring`` or ``resolved``.
    """

    number: int
    headline: str
    text: str
    stage: str
    at: datetime


class StatusPage(Checkable, Protocol):
    """Tells users how a service stands. Errors as in ``models.ports.errors``."""

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        ...

    async def create(self, marker: str, update: PageUpdate) -> str:
        """Begin an entry and return its id. Not safe to repeat: after ``Ambiguous`` ask ``find`` first.

        Args:
            marker: Our unique text by which the entry is found again.
        """
        ...

    async def find(self, marker: str) -> str | None:
        """Return the entry that carries ``marker``; ``None`` for none, or where nothing can be looked up."""
        ...

    async def add(self, entry: str, update: PageUpdate) -> None:
        """Add an update to an entry unless it is there already. Safe to repeat."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
