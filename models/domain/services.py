"""The team's services: what runs where, who knows it, and where to look (T18, P11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.domain.incidents import Incident
from models.domain.matching import match, values_of
from models.domain.service_rules import Service


@dataclass(frozen=True, slots=True)
class Affected:
    """A service that an incident concerns; ``chosen`` where a person said so."""

    service: Service
    chosen: bool = False


def services_of(incident: Incident, services: Sequence[Service]) -> tuple[Affected, ...]:
    """Return which services an incident concerns: the one that was chosen, then those whose patterns match."""
    chosen = find_service(incident.service, services) if incident.service else None
    values = values_of(incident)
    matching = (each for each in services if each.patterns and each is not chosen and match(each.patterns, values))
    return (*((Affected(chosen, True),) if chosen else ()), *(Affected(each) for each in matching))


def find_service(name: str, services: Sequence[Service]) -> Service | None:
    """Return the service of that name, whatever its case; or the only one whose name begins or goes on with it."""
    said = " ".join(name.split()).casefold()
    exact = [each for each in services if each.name.casefold() == said]
    near = exact or [each for each in services if said and f" {said}" in f" {each.name.casefold()}"]
    return near[0] if len(near) == 1 else None
