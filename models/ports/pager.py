"""What pages somebody where nobody owns what is urgent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.ports.checks import Checkable


@dataclass(frozen=True, slots=True)
class PageText:
    """What somebody is paged about. Texts are foreign, and without formatting.

    Attributes:
        key: Our own name for it, the same whenever it is told of the same incident.
        summary: One line, at most 1024 characters.
        source: What is affected.
        severity: ``critical``, ``error``, ``warning`` or ``info``.
        at: When it began, aware.
        details: What is known besides, by name.
        links: Addresses and what they are called.
    """

    key: str
    summary: str
    source: str
    severity: str
    at: datetime
    details: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


class Pager(Checkable, Protocol):
    """Pages somebody. What it is told under the same key it may be told again."""

    @property
    def name(self) -> str:
        """What it is called, for people; empty where there is none."""
        ...

    async def trigger(self, page: PageText) -> None:
        """Page somebody, unless that is under way."""
        ...

    async def acknowledge(self, key: str) -> None:
        """Say that somebody is at it. Nothing happens where nobody was paged."""
        ...

    async def resolve(self, key: str) -> None:
        """Say that it is over. Nothing happens where nobody was paged."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
