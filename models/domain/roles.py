"""The roles of an incident, as data: who leads, who keeps the log, who speaks to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.domain.people import Person, find_person
from models.domain.process_reader import Reader, all_known, each_its_own


@dataclass(frozen=True, slots=True)
class Role:
    """One role.

    Attributes:
        about: What whoever holds it does, in one sentence.
        owner: Whether it is the incident's owner who holds it: the lead, the commander.
        required: Whether the process asks for it until somebody holds it.
        apart_from: Keys of roles that the same person should not hold, too.
        declarer: Whether it is held by whoever declares an incident, raises one, or makes one of a mail (U18).
        informed: Who is told as soon as an incident is raised: an object id, a login or a name; empty for nobody.
    """

    key: str
    name: str
    about: str = ""
    owner: bool = False
    required: bool = False
    apart_from: tuple[str, ...] = ()
    informed: str = ""
    declarer: bool = False


@dataclass(frozen=True, slots=True)
class Roles:
    """The process's roles.

    Attributes:
        resolver: The key of the role whose holder declares an incident resolved; empty for anybody.
    """

    all: tuple[Role, ...] = ()
    resolver: str = ""

    def of(self, key: str) -> Role | None:
        """Return the role of that key or name, or ``None``."""
        wanted = key.casefold().replace("_", " ")
        return next(
            (each for each in self.all if wanted in (each.key.replace("_", " "), each.name.casefold())), None
        )

    @property
    def owner(self) -> str:
        """What the process calls the owner."""
        return next((each.name for each in self.all if each.owner), "Owner")

    @property
    def declarer(self) -> Role | None:
        """The role of whoever declares an incident; ``None`` where the process names none."""
        return next((each for each in self.all if each.declarer), None)

    @property
    def others(self) -> tuple[Role, ...]:
        """The roles besides the owner's."""
        return tuple(each for each in self.all if not each.owner)

    def informed(self, team: Sequence[Person]) -> tuple[tuple[Role, Person], ...]:
        """Return who is told that an incident was raised, as the team knows them."""
        found = ((each, find_person(each.informed, team)) for each in self.all if each.informed)
        return tuple((role, person) for role, person in found if person is not None)


def read_roles(top: Reader) -> Roles:
    """Read ``[[roles]]`` and ``resolved_by``.

    Args:
        top: The whole file.

    Raises:
        ProcessError: An entry does not fit.
    """
    readers, resolver = top.optional_tables("roles"), top.text("resolved_by", "")
    found = tuple(_role(each) for each in readers)
    keys = [each.key for each in found]
    if sum(each.owner for each in found) > 1:
        top.wrong("[[roles]] has more than one with owner = true; one person owns an incident")
    if sum(each.declarer for each in found) > 1:
        top.wrong("[[roles]] has more than one with declarer = true; whoever declares an incident gets one role")
    each_its_own(readers, keys)
    for reader, each in zip(readers, found, strict=True):
        for other in each.apart_from:
            if other not in keys and all_known(keys):
                reader.wrong(f"apart_from holds {other!r}; it needs some of {sorted(keys)}")
    if resolver and resolver not in keys and all_known(keys):
        top.wrong(f"resolved_by holds {resolver!r}; it needs one of {sorted(keys)}")
    return Roles(found, resolver)


def _role(reader: Reader) -> Role:
    role = Role(
        reader.key(),
        reader.text("name"),
        reader.text("about", ""),
        reader.flag("owner", False),
        reader.flag("required", False),
        reader.texts("apart_from"),
        reader.text("informed", ""),
        reader.flag("declarer", False),
    )
    if role.owner and role.declarer:
        reader.wrong("declarer goes with another role than the owner's: an incident is owned by claiming it")
    if "informed" in reader.values and not role.informed.strip():
        reader.warn(
            f"informed is empty: nobody is told when an incident is raised; it needs the object id, login or name"
            f" of whoever is {role.name}"
        )
    reader.done()
    return role
