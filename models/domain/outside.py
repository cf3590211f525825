"""What was said to, and asked of, people outside of the team because of an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.domain.people import Person


@dataclass(frozen=True, slots=True)
class VendorCall:
    """A third party's support ticket (P47).

    Attributes:
        name: The third party.
        ref: Their number of it.
        url: Its page; empty where there is none.
    """

    name: str
    ref: str
    url: str
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What stakeholders were told, as a person confirmed it.

    Attributes:
        headline: One line, for a status page.
        stage: ``investigating``, ``identified``, ``monitoring`` or ``resolved``.
    """

    headline: str
    text: str
    stage: str
    by: Person
    at: datetime


STAGES = ("investigating", "identified", "monitoring", "resolved")
