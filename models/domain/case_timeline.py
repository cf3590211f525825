"""What happened to a case, as stored. How it reads is up to whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.domain.people import Person


class CaseVerb(StrEnum):
    """What happened to a case."""

    OPENED = "opened"
    REPEATED = "repeated"
    LOOKED_UP = "looked_up"
    TAKEN = "taken"
    TICKED = "ticked"
    UNTICKED = "unticked"
    NOTED = "noted"
    APPROVED = "approved"
    SECONDED = "seconded"
    CARRIED_OUT = "carried_out"
    FAILED = "failed"
    ASKED = "asked"
    MAILED = "mailed"
    NOT_MAILED = "not_mailed"
    ANSWERED = "answered"
    REFERRED = "referred"
    DECLINED = "declined"
    REOPENED = "reopened"
    DUE = "due"
    REMINDED = "reminded"
    FINISHED = "finished"
    FOLDED = "folded"
    JUDGED = "judged"
    REPLIED = "replied"
    ENDED = "ended"
    WENT_ON = "went_on"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """One line of a case's timeline.

    Attributes:
        at: When Wilson recorded it, aware, UTC.
        actor: Who did it; ``None`` where a system or Wilson did.
        data: What the sentence needs besides. Foreign text.
    """

    at: datetime
    verb: CaseVerb
    actor: Person | None = None
    data: dict[str, str | int | bool | None] = field(default_factory=dict)
