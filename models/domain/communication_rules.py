"""Whom a team tells of its incidents, how often, and which third parties it asks, as data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from models.domain.process_reader import Reader, all_known

CHANNEL_NAME = "inc-{id}-{date}"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A third party.

    Attributes:
        how: How a ticket is raised there.
        escalation: What to do where it does not move.
        chase_after: After how long without news of a ticket its owner is reminded; ``None`` for as with others.
    """

    name: str
    how: str
    escalation: str = ""
    url: str = ""
    chase_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Communication:
    """Whom the team tells.

    Attributes:
        major_incident_option: The decision that hands the incident to the Major Incident Process.
        major_incident_contact, major_incident_url: Where that begins.
        channel: The id of a channel whose readers get each confirmed update; empty for none.
        update_after: How often stakeholders are to be told, by the urgency's key.
        chase_after: After how long without news of a third party's ticket the owner is reminded; ``None`` for
            never.
    """

    major_incident_option: str = "major_incident"
    major_incident_contact: str = ""
    major_incident_url: str = ""
    channel: str = ""
    update_after: tuple[tuple[str, timedelta], ...] = ()
    chase_after: timedelta | None = None

    def rhythm(self, urgency: str | None) -> timedelta | None:
        """Return how often stakeholders are told about an incident of that urgency; ``None`` for not by rhythm."""
        return next((every for key, every in self.update_after if key == urgency), None)


def read_communication(reader: Reader, urgencies: Collection[str]) -> Communication:
    """Read ``[communication]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    every = []
    for key, value in reader.typed("update_minutes", dict, "minutes by urgency", {}).items():
        if key not in urgencies and urgencies:
            reader.wrong(f"update_minutes holds {key!r}; it needs some of {', '.join(urgencies)}")
        elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_080:
            reader.wrong(f"update_minutes.{key} holds {value!r}; it needs minutes from 1")
        else:
            every.append((key, timedelta(minutes=value)))
    made = Communication(
        reader.text("major_incident_option", "major_incident"),
        reader.text("major_incident_contact", ""),
        _address(reader, "major_incident_url"),
        reader.text("channel", ""),
        tuple(every),
        _hours(reader, "chase_vendors_after_hours"),
    )
    if made.channel and not made.channel.startswith("19:"):
        reader.wrong(f"channel holds {made.channel!r}; it needs a channel's id (19:…@thread.tacv2)")
    reader.done()
    return made


def read_channel(reader: Reader, urgencies: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Read ``[channel]``: what an incident's own channel is called, and for which urgencies one is offered.

    Raises:
        ProcessError: The name has no place for what tells it from others, or an urgency is not known.
    """
    name = reader.text("name", CHANNEL_NAME)
    if "{id}" not in name and "{date}" not in name:
        reader.wrong(f"name holds {name!r}; it needs {{id}} or {{date}} in it")
    offered = reader.texts("for")
    for key in offered:
        if key not in urgencies and all_known(list(urgencies)):
            reader.wrong(f"for holds {key!r}; it needs some of {', '.join(urgencies)}")
    reader.done()
    return name, offered


def read_vendors(readers: Sequence[Reader]) -> tuple[Vendor, ...]:
    """Read ``[[vendors]]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    made = []
    for reader in readers:
        vendor = Vendor(
            reader.text("name"),
            reader.text("how"),
            reader.text("escalation", ""),
            _address(reader, "url"),
            _hours(reader, "chase_after_hours"),
        )
        reader.done()
        made.append(vendor)
    return tuple(made)


def _hours(reader: Reader, key: str) -> timedelta | None:
    return timedelta(hours=reader.number(key, 1000)) if reader.has(key) else None


def _address(reader: Reader, key: str) -> str:
    value = reader.text(key, "")
    if value and not value.startswith("https://"):
        reader.wrong(f"{key} holds {value!r}; it needs an address that starts with https://")
    return value
