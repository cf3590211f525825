"""Which changes may have to do with an incident: those of the time before it began (T20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import NoteIssue, RefreshCard
from models.domain.incidents import Incident
from models.domain.recent_changes import ChangeRules, RecentChange, RecentChanges
from models.domain.timeline import Entry, Verb

MOST_KEPT = 10
MOST_TOLD = 5


def window(incident: Incident, rules: ChangeRules) -> tuple[datetime, datetime]:
    """Return from when until when changes count: up to the moment at which the incident began."""
    began = incident.started_at or incident.first_seen or incident.created_at
    return began - rules.before, began


def awaits_hints(incident: Incident, rules: ChangeRules) -> bool:
    """Tell whether changes are still to be looked for: once an incident, and not after its end."""
    return bool(rules.projects) and incident.recent is None and not incident.state.finished


def take_hints(incident: Incident, found: Sequence[RecentChange], rules: ChangeRules, *, at: datetime) -> Decision:
    """Take over what was found. The card shows it; the issue is told where it is raised already.

    Args:
        incident: One that ``awaits_hints``.
        found: In any order, also of other times.
        rules: How long before it they may be.
        at: When they were looked for.
    """
    since, until = window(incident, rules)
    wanted = {each for each in found if since <= each.at <= until}
    newest = sorted(wanted, key=lambda each: (each.at, each.name), reverse=True)
    recent = RecentChanges(
        tuple(newest[:MOST_KEPT]), max(len(newest) - MOST_KEPT, 0), minutes=rules.minutes, seen_at=at
    )
    changed = replace(incident, recent=recent)
    if not newest:
        return Decision(changed)
    lines = "; ".join(each.line for each in newest[:MOST_TOLD])
    data: dict[str, str | int | bool | None] = {
        "count": len(newest),
        "more": max(len(newest) - MOST_TOLD, 0),
        "minutes": rules.minutes,
        "text": lines,
    }
    entry = Entry(at, Verb.CHANGED_BEFORE, None, data)
    effects: list[Effect] = [RefreshCard(incident.id)]
    if incident.raised and not incident.issue_gone:
        effects.append(NoteIssue(incident.id, entry))
    return Decision(changed, (entry,), tuple(effects))
