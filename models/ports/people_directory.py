"""The directory of the people of the whole organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.ports.checks import Checkable


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody as the organisation's directory knows them.

    Attributes:
        id: Their object id.
        groups: Names of the groups they are in, of those that were asked for.
    """

    id: str
    name: str
    mail: str = ""
    title: str = ""
    department: str = ""
    groups: tuple[str, ...] = ()


class PeopleDirectory(Checkable, Protocol):
    """Knows people of the whole organisation. Errors as in ``models.ports.errors``."""

    @property
    def configured(self) -> bool:
        """Whether there is one; without one ``find`` raises ``Permanent``."""
        ...

    async def find(self, who: str, groups: Sequence[str]) -> Member | None:
        """Return somebody by their e-mail address or user principal name.

        Args:
            groups: Names or ids of the groups of which membership, also through other groups, is wanted.

        Returns:
            ``None`` where nobody is called so.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
