"""Who did something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_MENTIONS = 30
"""How many people one message mentions at most."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone of the team, as the verified token of an activity named them.

    Attributes:
        id: Their object id in the directory (``aadObjectId``), what authorisation and equality go by; empty
            for somebody who was mentioned before Wilson knew them.
        name: For people to read.
        teams_id: Their id in the channel (``29:…``), needed to mention them and to refresh their card.
        username: Their login at the issue tracker; empty where it is not known.
    """

    id: str
    name: str
    teams_id: str = ""
    username: str = ""

    def same(self, other: Person | None) -> bool:
        """Tell whether both are one person, whatever they are called at the moment."""
        if other is None:
            return False
        if self.id and other.id:
            return self.id.lower() == other.id.lower()
        return bool(self.teams_id) and self.teams_id == other.teams_id


def find_person(wanted: str, team: Sequence[Person]) -> Person | None:
    """Return whoever of the team is meant by an object id, a login or a name; ``None`` for nobody."""
    name = wanted.strip().casefold()
    for each in team:
        if name and name in (each.id.casefold(), each.username.casefold(), each.name.casefold()):
            return each
    return None


def each_once(people: Iterable[Person]) -> tuple[Person, ...]:
    """Return people without doubles, in their order, at most as many as one message may mention."""
    kept: list[Person] = []
    for each in people:
        if not any(each is other or each.same(other) for other in kept):
            kept.append(each)
    return tuple(kept[:MOST_MENTIONS])
