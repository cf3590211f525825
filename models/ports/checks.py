"""What ``wilson doctor`` asks of every port: to look at itself, and say what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``wilson doctor``.

    Attributes:
        subject: What was checked, for example ``mailbox``.
        ok: Whether it is as it should be; ``None`` where it could not be told, or may be meant so.
        text: What was found.
        advice: What to do about it; empty where ``ok``.
    """

    subject: str
    ok: bool | None
    text: str
    advice: str = ""


class Checkable(Protocol):
    """Whatever ``wilson doctor`` can ask about itself."""

    async def check(self) -> Sequence[Finding]:
        """Look for real whether this is usable, without changing anything. Never raises ``PortError``."""
        ...
