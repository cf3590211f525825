"""When a team is reminded of what nobody holds, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from models.domain.people import Person, find_person
from models.domain.process_reader import Reader


class Lack(StrEnum):
    """What an incident lacks."""

    JUDGEMENT = "unjudged"
    OWNER = "unowned"
    DECISION = "undecided"
    ASSESSMENT = "unassessed"
    ROLE = "unfilled"
    NEWS = "silent"
    PUT_OFF = "parked"


@dataclass(frozen=True, slots=True)
class Reminders:
    """When the team is reminded.

    Attributes:
        after: How long after the lack began, by what is lacking. The first reminder is for whoever is on call, the
            second for the team, the third and any further ones for the team lead.
        lead: The team lead: an object id, a login or a name; empty where nobody is named.
        severities: The source's severities that count as urgent while no person has assessed it.
        digest_above: So many that fall due at once are told one by one; more of them in one message.
    """

    after: tuple[tuple[Lack, tuple[timedelta, ...]], ...] = ()
    lead: str = ""
    severities: tuple[str, ...] = ("critical",)
    digest_above: int = 3

    def times(self, lack: Lack) -> tuple[timedelta, ...]:
        """Return when it is reminded of."""
        if lack is Lack.PUT_OFF:
            return (timedelta(),)
        return next((times for each, times in self.after if each is lack), ())

    def lead_of(self, team: Sequence[Person]) -> Person | None:
        """Return the team lead as the team knows them."""
        return find_person(self.lead, team)


def whom(number: int, on_call: Sequence[Person], team: Sequence[Person], lead: Person | None) -> tuple[Person, ...]:
    """Return whom a reminder is for: first whoever is on call, then the team, then its lead.

    Args:
        number: How many reminders of the same there were before.
        lead: The team lead; without one further reminders go to whoever is on call again.
    """
    if number == 1:
        return tuple(team)
    return (lead,) if number > 1 and lead is not None else tuple(on_call)


def read_reminders(reader: Reader) -> Reminders:
    """Read ``[reminders]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    after = [(lack, reader.minutes(f"{lack.value}_after_minutes")) for lack in Lack if lack is not Lack.PUT_OFF]
    severities = Reminders().severities
    if reader.has("urgent_severities"):  # an empty list is said, too: then no source's word is urgent
        severities = tuple(each.lower() for each in reader.texts("urgent_severities"))
    made = Reminders(
        tuple(after),
        reader.text("lead", ""),
        severities,
        reader.number("digest_above", 100, 3),
    )
    reader.done()
    return made
