"""What was said to, and asked of, people outside of the team because of an incident."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.domain.people import Person
from models.domain.timeline import Entry


@dataclass(frozen=True, slots=True)
class VendorCall:
    """A third party's support ticket (P47).

    Attributes:
        name: The third party.
        ref: Their number of it.
        url: Its page; empty where there is none.
        news_at: When somebody last said that they asked again; ``None`` for never.
        closed_at: When somebody said that it is closed; ``None`` while it is not.
        chased_at: When its silence was last reminded of; ``None`` for never.
    """

    name: str
    ref: str
    url: str
    by: Person
    at: datetime
    news_at: datetime | None = None
    closed_at: datetime | None = None
    chased_at: datetime | None = None

    def is_it(self, name: str, ref: str) -> bool:
        """Tell whether it is that ticket of that third party, however it is written."""
        return (self.name.casefold(), self.ref.casefold()) == (name.casefold(), ref.casefold())

    def news(self, timeline: Sequence[Entry]) -> datetime:
        """Return when somebody last said something about it: any note of a person that names its number does."""
        named = re.compile(rf"(?<!\w){re.escape(self.ref)}(?!\w)", re.IGNORECASE)
        said = [
            entry.at
            for entry in timeline
            if entry.actor is not None and named.search(str(entry.data.get("text") or ""))
        ]
        return max([self.at, *filter(None, (self.news_at,)), *said])


VENDOR = "vendor"
"""What a reminder of a third party's ticket is about."""


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
