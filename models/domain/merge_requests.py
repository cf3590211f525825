"""Merge requests that were linked to an incident: how they stand, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import Announce, RefreshCard
from models.domain.incident_parts import MergeRequest
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.timeline import Entry, Verb


def hear_merge_request(
    incident: Incident, url: str, name: str, seen: MergeRequest | None, by: str, *, at: datetime
) -> Decision:
    """Take over how a merge request stands; the thread is told once of each step.

    Args:
        url: As it was linked.
        name: ``group/project!12``.
        seen: How it stands; ``None`` where it is not shown to us.
        by: Who merged or approved it, so far as the tracker tells.
    """
    before = next((each for each in incident.merge_requests if each.url == url), None)
    now = seen or replace(before or MergeRequest(url, name), hidden=True)
    if now == before:
        return Decision(incident)
    others = tuple(each for each in incident.merge_requests if each.url != url)
    changed = replace(incident, merge_requests=(*others, now))
    what = _news(before, now)
    if not what:
        return Decision(changed, (), (RefreshCard(incident.id),))
    asker = next((each.label for each in incident.links if each.url == url and each.label != url), "")
    data: dict[str, str | int | bool | None] = {"what": what, "name": name, "title": now.title or asker, "url": url}
    entry = Entry(at, Verb.MERGE_REQUEST, Person("", by) if by and what in ("approved", "merged") else None, data)
    effects: tuple[Effect, ...] = (Announce(incident.id, entry), RefreshCard(incident.id))
    return Decision(changed, (entry,), effects)


def _news(before: MergeRequest | None, now: MergeRequest) -> str:
    """Say what is worth telling: ``review``, ``approved``, ``merged``, ``closed``, ``hidden``, or nothing."""
    if now.hidden:
        return "" if before is not None and before.hidden else "hidden"
    if before is None or before.hidden:
        return "review" if now.is_open and not now.approved else ""
    if now.state != before.state:
        if now.is_open:
            return "review"
        return "merged" if now.state == "merged" else "closed"
    return "approved" if now.approved and not before.approved else ""
