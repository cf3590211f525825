"""Keeping incidents up to date about the merge requests that people linked to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot import issue_text
from models import store
from models.domain.incident_effects import ReadMergeRequest
from models.domain.incidents import Incident
from models.domain.merge_requests import hear_merge_request
from models.operations.incidents import load
from models.ports.tracker import IssueTracker


def to_read(incident: Incident, tracker: IssueTracker) -> list[ReadMergeRequest]:
    """Return the linked merge requests that nobody has looked at yet."""
    known = {each.url for each in incident.merge_requests}
    return [
        ReadMergeRequest(incident.id, each.url)
        for each in incident.links
        if each.url not in known and tracker.merge_request_of(each.url) is not None
    ]


def to_read_again(incidents: Sequence[Incident]) -> list[ReadMergeRequest]:
    """Return the merge requests that may have changed: those that are neither merged nor closed."""
    return [
        ReadMergeRequest(incident.id, each.url)
        for incident in incidents
        for each in incident.merge_requests
        if each.is_open or each.hidden
    ]


async def read(tracker: IssueTracker, incident_id: int, url: str) -> None:
    """Relate a merge request to the incident's issue, and take over how it stands.

    The reference in the comment makes the tracker show each at the other.
    """
    incident = await load(incident_id)
    name = tracker.merge_request_of(url)
    if name is None:
        return
    told = await tracker.merge_request(url)
    first = not any(each.url == url for each in incident.merge_requests)
    if first and incident.issue_key and not incident.issue_gone:
        mark = issue_text.marker("merge", f"{incident.id}.{name.replace('/', '.').replace('!', '.')}")
        await tracker.comment(incident.issue_key, f"Merge request {name} belongs to this incident.", mark)
    while True:
        seen, by = told if told is not None else (None, "")
        decision = hear_merge_request(incident, url, name, seen, by, at=datetime.now(UTC))
        if decision.incident == incident:
            return
        try:
            await store.commit([(incident, decision)])
        except store.Conflict:
            incident = await load(incident_id)
            continue
        return
