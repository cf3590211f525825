"""The domain's dataclasses as JSON text, for the bodies of rows."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from models.domain import effects
from models.domain.alerts import Reading
from models.domain.case_timeline import CaseEntry
from models.domain.cases import Case
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.rota import Swap
from models.domain.timeline import Entry

_INCIDENT = TypeAdapter(Incident)
_ENTRY = TypeAdapter(Entry)
_CASE = TypeAdapter(Case)
_CASE_ENTRY = TypeAdapter(CaseEntry)
_READING = TypeAdapter(Reading)
_PERSON = TypeAdapter(Person)
_SWAP = TypeAdapter(Swap)
_EFFECTS: dict[str, tuple[type, TypeAdapter[Any]]] = {
    kind.__name__: (kind, TypeAdapter(kind)) for kind in effects.Effect.__args__
}


EFFECT_KINDS = tuple(sorted(_EFFECTS))
"""The kinds of effects that this version knows."""


def incident_to_text(incident: Incident) -> str:
    """Return the body of an incident's row."""
    return _INCIDENT.dump_json(incident).decode()


def incident_from_text(text: str) -> Incident:
    """Return the incident of a row's body."""
    return _INCIDENT.validate_json(text)


def entry_to_text(entry: Entry) -> str:
    """Return a timeline row's entry."""
    return _ENTRY.dump_json(entry).decode()


def entry_from_text(text: str) -> Entry:
    """Return the entry of a timeline row."""
    return _ENTRY.validate_json(text)


def case_to_text(case: Case) -> str:
    """Return the body of a case's row."""
    return _CASE.dump_json(case).decode()


def case_from_text(text: str) -> Case:
    """Return the case of a row's body."""
    return _CASE.validate_json(text)


def case_entry_to_text(entry: CaseEntry) -> str:
    """Return a case's timeline row's entry."""
    return _CASE_ENTRY.dump_json(entry).decode()


def case_entry_from_text(text: str) -> CaseEntry:
    """Return the entry of a case's timeline row."""
    return _CASE_ENTRY.validate_json(text)


def reading_to_text(reading: Reading) -> str:
    """Return what was read from a mail, for its row."""
    return _READING.dump_json(reading).decode()


def reading_from_text(text: str) -> Reading:
    """Return what was read from the mail of a row."""
    return _READING.validate_json(text)


def person_to_text(person: Person) -> str:
    """Return a person as JSON."""
    return _PERSON.dump_json(person).decode()


def person_from_text(text: str) -> Person:
    """Return the person of a JSON text."""
    return _PERSON.validate_json(text)


def swap_to_text(swap: Swap) -> str:
    """Return a change of the rota as JSON."""
    return _SWAP.dump_json(swap).decode()


def swap_from_text(text: str) -> Swap:
    """Return the change of the rota of a JSON text."""
    return _SWAP.validate_json(text)


def effect_to_text(effect: effects.Effect) -> tuple[str, str]:
    """Return an effect's kind and payload for the outbox."""
    kind = type(effect).__name__
    return kind, _EFFECTS[kind][1].dump_json(effect).decode()


def effect_from_text(kind: str, payload: str) -> effects.Effect:
    """Return the effect of an outbox row."""
    effect: effects.Effect = _EFFECTS[kind][1].validate_json(payload)
    return effect
