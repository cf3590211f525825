"""What may be done to an incident, and what comes of it.

An act takes an incident and returns what it becomes (``Decision``) or why not (``Refusal``): ``intake`` holds
what alerts do, ``ownership``, ``handling`` and ``finishing`` what people do. Nothing there knows a database, a
channel or a tracker. ``MAY`` is the table of transitions; the acts add what the table can't say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.domain.effects import Effect
from models.domain.incident_effects import (
    Announce,
    MailSecurity,
    NoteIssue,
    RaiseIssue,
    RefreshCard,
    SyncIssue,
    WriteLogPage,
)
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.timeline import Entry


@dataclass(frozen=True, slots=True)
class Decision:
    """What an incident becomes, what is written down, and what must leave the system.

    Attributes:
        incident: The incident after it; equal to the one before where nothing changes.
        notice: One sentence for the person who acted; empty where the card says enough.
    """

    incident: Incident
    entries: tuple[Entry, ...] = ()
    effects: tuple[Effect, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing changed.

    Attributes:
        text: For the person who acted; plain text.
        ask: Which question must be answered first (``take_over``); empty where asking again won't help.
        fields: The answers that are missing or wrong, by the form's field names.
    """

    text: str
    ask: str = ""
    fields: tuple[str, ...] = ()


Outcome = Decision | Refusal


MAY: Mapping[str, frozenset[State]] = {
    "raise": frozenset({State.CANDIDATE}),
    "dismiss": frozenset({State.CANDIDATE, State.OPEN}),
    "claim": frozenset({State.CANDIDATE, State.OPEN}),
    "assign": frozenset({State.CANDIDATE, State.OPEN}),
    "hand_over": frozenset({State.OPEN}),
    "role": frozenset({State.OPEN}),
    "join": frozenset({State.CANDIDATE, State.OPEN}),
    "assess": frozenset({State.OPEN}),
    "decide": frozenset({State.OPEN}),
    "park": frozenset({State.OPEN}),
    "unpark": frozenset({State.OPEN}),
    "note": frozenset({State.CANDIDATE, State.OPEN, State.RESOLVED}),
    "link": frozenset({State.CANDIDATE, State.OPEN, State.RESOLVED}),
    "me_too": frozenset({State.CANDIDATE, State.OPEN}),
    "change": frozenset({State.OPEN}),
    "confirm_change": frozenset({State.OPEN}),
    "resolve": frozenset({State.OPEN}),
    "follow_up": frozenset({State.OPEN, State.RESOLVED}),
    "lesson": frozenset({State.OPEN, State.RESOLVED}),
    "post_mortem": frozenset({State.RESOLVED, State.CLOSED}),
    "improve": frozenset({State.DISMISSED}),
    "close": frozenset({State.RESOLVED}),
    "keep": frozenset({State.RESOLVED}),
    "reopen": frozenset({State.RESOLVED, State.DISMISSED, State.CLOSED}),
    "merge": frozenset({State.CANDIDATE, State.OPEN}),
    "vendor": frozenset({State.OPEN, State.RESOLVED}),
    "update": frozenset({State.OPEN, State.RESOLVED}),
    "channel": frozenset({State.OPEN}),
    "fire": frozenset({State.CANDIDATE, State.OPEN}),
    "security": frozenset({State.CANDIDATE, State.OPEN, State.RESOLVED, State.CLOSED}),
}


_WHY_NOT: Mapping[State, str] = {
    State.CANDIDATE: "It is a candidate that nobody has judged yet: raise or claim it first.",
    State.OPEN: "It is open already.",
    State.RESOLVED: "It is resolved. Reopen it first if it is not over.",
    State.CLOSED: "It was closed at the review. Reopen it first if it is not over.",
    State.DISMISSED: "It was dismissed. Reopen it first if it was an incident after all.",
}


def refused(incident: Incident, verb: str) -> Refusal | None:
    """Return why ``verb`` can't be done in the incident's state, or ``None`` where it can."""
    if incident.state in MAY[verb]:
        return None
    if incident.merged_into is not None:
        return Refusal(f"It is a part of incident {incident.merged_into} now: go on there.")
    return Refusal(_WHY_NOT[incident.state])


def told(
    changed: Incident,
    entries: tuple[Entry, ...],
    *,
    mentions: tuple[Person, ...] = (),
    whole_team: bool = False,
    raises: bool = False,
    sync: bool = False,
) -> Decision:
    """Put together what every act of a person leads to: the issue, the thread, the card.

    Args:
        changed: The incident after the act.
        entries: What happened, for the timeline, the issue and the thread.
        mentions: Who is mentioned in the thread.
        whole_team: Whether everyone is.
        raises: Whether the act is what raises the incident in the tracker.
        sync: Whether something changed that the issue shows besides its comments.
    """
    effects: list[Effect] = []
    if raises:
        effects.append(RaiseIssue(changed.id))
        if changed.private:
            effects.append(MailSecurity(changed.id))
    if changed.raised:
        effects.extend(NoteIssue(changed.id, entry) for entry in entries)
        if sync:
            effects.append(SyncIssue(changed.id))
    if entries and changed.log_key:
        effects.append(WriteLogPage(changed.id))
    effects.extend(Announce(changed.id, entry, mentions, whole_team) for entry in entries)
    effects.append(RefreshCard(changed.id))
    return Decision(changed, entries, tuple(effects))
