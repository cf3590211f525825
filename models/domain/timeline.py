"""Who did what when, as stored. How it reads is up to whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.domain.people import Person


class Verb(StrEnum):
    """What happened to an incident."""

    REPORTED = "reported"
    REPEATED = "repeated"
    RECOVERED = "recovered"
    FIRED_AGAIN = "fired_again"
    FLAPPING = "flapping"
    DECLARED = "declared"
    RAISED = "raised"
    CLAIMED = "claimed"
    ASSIGNED = "assigned"
    HANDED_OVER = "handed_over"
    ASSESSED = "assessed"
    DECIDED = "decided"
    NOTED = "noted"
    LINKED = "linked"
    CHANGE_PROPOSED = "change_proposed"
    CHANGE_CONFIRMED = "change_confirmed"
    NOT_SAFE = "not_safe"
    RESOLVED = "resolved"
    FOLLOW_UP = "follow_up"
    CLOSED = "closed"
    KEPT = "kept"
    PARKED = "parked"
    UNPARKED = "unparked"
    REOPENED = "reopened"
    DISMISSED = "dismissed"
    MERGED = "merged"
    ABSORBED = "absorbed"
    HEARD = "heard"
    MERGE_REQUEST = "merge_request"
    CHANGED_BEFORE = "changed_before"
    REMINDED = "reminded"
    LESSON = "lesson"
    ROLE_TAKEN = "role_taken"
    ROLE_LEFT = "role_left"
    JOINED = "joined"
    ME_TOO = "me_too"
    LEFT = "left"
    INFORMED = "informed"
    ALERTING_KEPT = "alerting_kept"
    POST_MORTEM = "post_mortem"
    VENDOR = "vendor"
    UPDATED = "updated"
    NO_UPDATES = "no_updates"
    CHANNEL = "channel"
    FIRE = "fire"
    LOG_PAGE = "log_page"
    MADE_PRIVATE = "made_private"
    SECURITY_TOLD = "security_told"
    SECURITY_MAILED = "security_mailed"
    PAGED = "paged"


class NoteKind(StrEnum):
    """What a note is about (W41, W42)."""

    OBSERVATION = "observation"
    ACTION = "action"
    REASONING = "reasoning"
    DECISION = "decision"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline.

    Attributes:
        at: When Wilson recorded it, aware, UTC. Order goes by this and never by a mail's ``Date:``.
        verb: What happened.
        actor: Who did it; ``None`` where a source or Wilson did.
        data: What the sentence needs besides, as texts and numbers. Foreign text.
    """

    at: datetime
    verb: Verb
    actor: Person | None = None
    data: dict[str, str | int | bool | None] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Whether a person did something about it, rather than said that it struck them, too."""
        return self.actor is not None and self.verb is not Verb.ME_TOO
