"""What an incident looks like in the issue tracker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.issue_text import blocks, fence, link, marker, note_text, plain, title
from cards.timeline import sentence
from cards.words import affected, recurring
from models.domain.incident_parts import FollowUp
from models.domain.incidents import Incident, State
from models.domain.process import Process
from models.domain.recent_changes import RecentChanges
from models.domain.services import services_of
from models.domain.timeline import Entry, Verb
from models.ports.tracker import IssueChange, IssueKind, Iteration, NewIssue

_NUMBERS, _RESOURCES = 20, 10
TAKEN_OFF = "workflow::"
"""Labels of this scope exclude each other; trackers without scoped labels are told which to take off."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns the incident, as the tracker knows them.

    Attributes:
        username: ``None`` where nobody owns it, or where their user is not known.
        hint: What to do so that it is known; empty where it is.
    """

    username: str | None = None
    hint: str = ""


def incident_issue(
    incident: Incident,
    process: Process,
    template: str,
    timeline: Sequence[Entry],
    thread_url: str,
    instance: str,
    owner: Account,
) -> NewIssue:
    """Return the incident's issue as it is raised.

    Args:
        template: The tracker's template to start from.
        timeline: What happened before it was raised; what comes later follows as comments.
        thread_url: Where the team talks about it; empty where that is not known.
        instance: This installation's own name, for the marker.
    """
    level = process.urgency(incident.urgency)
    return NewIssue(
        kind=IssueKind.INCIDENT,
        title=issue_title(incident.title, process),
        body=_body(incident, process, timeline, thread_url, owner),
        marker=incident_marker(incident.id, instance),
        template=template or None,
        labels=process.incident_labels,
        assignee=owner.username,
        iteration=Iteration.CURRENT,
        severity=level.severity if level else None,
        confidential=incident.private,
    )


def issue_title(name: str, process: Process) -> str:
    """Return the title of an incident's issue: with the process's prefix, once (U12)."""
    prefix, name = process.title_prefix, " ".join(name.split())
    if not prefix or name.casefold().startswith(prefix.casefold()):
        return title(name)
    return title(f"{prefix} {name}")


def unmapped(incident: Incident, owner: Account) -> str:
    """Return who owns the incident where the tracker can't say it, and how it could; else nothing."""
    if incident.owner is None or not owner.hint:
        return ""
    name = plain(incident.owner.name)
    return f"{name}'s account here is not known to Wilson, so nobody is assigned: {plain(owner.hint)}"


def incident_marker(incident_id: int, instance: str) -> str:
    """Return the hidden text by which the incident's issue is found again."""
    return marker("incident", f"{instance}.{incident_id}")


def _body(incident: Incident, process: Process, timeline: Sequence[Entry], thread_url: str, owner: Account) -> str:
    facts = [
        ("Source", plain(incident.source)),
        ("Service", ", ".join(plain(each.service.name) for each in services_of(incident, process.services))),
        ("Project", plain(incident.project or "")),
        ("Resource", plain(incident.resource or "")),
        ("Condition", plain(incident.condition or "")),
        ("Severity as the source says", plain(incident.severity or "")),
        ("First seen", _when(incident.first_seen)),
        ("Last seen", _when(incident.last_seen)),
        ("Reported", f"{incident.count} times" if incident.count > 1 else ""),
        ("Affected", plain(affected(incident, 30))),
        ("Pattern", plain(recurring(incident.recurrence)) if incident.recurrence else ""),
        ("Declared by", plain(incident.declared_by.name) if incident.declared_by else ""),
        ("Owner", unmapped(incident, owner)),
        ("Source's page", link("open", incident.source_url) if incident.source_url else ""),
        ("Teams thread", link("open", thread_url) if thread_url else ""),
    ]
    told = "\n".join(f"- **{name}:** {value}" for name, value in facts if value)
    links = "\n".join(f"- {link(each.label, each.url)}" for each in incident.links)
    before = [entry for entry in timeline if incident.raised_at is None or entry.at < incident.raised_at]
    recent = incident.recent
    if recent is not None and incident.raised_at is not None and recent.seen_at > incident.raised_at:
        recent = None  # it follows as a comment
    noted = [
        entry
        for entry in before
        if entry.verb is Verb.NOTED or (entry.verb is Verb.ME_TOO and entry.data.get("where"))
    ]
    notes = "\n\n".join(comment_body(entry) for entry in noted)
    return blocks(
        "## What is known",
        told,
        f"### What the source said\n\n{fence(incident.summary)}" if incident.summary else "",
        f"### Links\n\n{links}" if links else "",
        _recent(recent) if recent is not None and recent.kept else "",
        f"### Noted before it was raised\n\n{notes}" if notes else "",
    )


def _is_note(entry: Entry) -> bool:
    return entry.verb is Verb.NOTED or (entry.verb is Verb.ME_TOO and bool(entry.data.get("where")))


def _recent(recent: RecentChanges) -> str:
    """Return what was changed before it, by name alone: a link would tell each merge request of the incident."""
    lines = [f"- {plain(each.line)}" for each in recent.kept]
    if recent.more:
        lines.append(f"- and {recent.more} more")
    return f"### Merged or deployed in the {recent.told} before it began\n\n" + "\n".join(lines)


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


EVENTS = frozenset(
    {
        Verb.RAISED, Verb.CLAIMED, Verb.ASSIGNED, Verb.HANDED_OVER, Verb.ASSESSED, Verb.DECIDED, Verb.REOPENED,
        Verb.RECOVERED, Verb.FIRED_AGAIN,
    }
)  # fmt: skip
"""What goes into the tracker's own timeline where it has one; findings and all else are comments."""


def event_text(entry: Entry) -> str:
    """Return one timeline entry as a line of the tracker's own timeline."""
    return plain(sentence(entry, plain=True))


def comment_body(entry: Entry) -> str:
    """Return one timeline entry as a comment."""
    who = plain(entry.actor.name) if entry.actor else "Wilson"
    if entry.verb is Verb.NOTED:
        kind = str(entry.data.get("kind") or "note").capitalize()
        return blocks(f"**{plain(kind)}** – {who}, {_when(entry.at)}", note_text(str(entry.data.get("text") or "")))
    return blocks(f"{plain(sentence(entry, plain=True))}", f"*{who}, {_when(entry.at)}*")


def issue_change(incident: Incident, process: Process, owner: Account) -> IssueChange:
    """Return what the issue should say now: labels, assignee, iteration, severity (W26, W29, W53, W54)."""
    level = process.urgency(incident.urgency)
    over = incident.state in (State.RESOLVED, State.DISMISSED, State.CLOSED)
    add, remove = _labels(incident, process, over=over)
    return IssueChange(
        title=issue_title(incident.title, process),
        add_labels=add,
        remove_labels=tuple(label for label in dict.fromkeys(remove) if label not in add),
        assignee=owner.username or ("" if incident.owner is None else None),
        iteration=Iteration.NONE if over else Iteration.CURRENT,
        severity=incident.tracker_severity or (level.severity if level else None),
        closed={State.CLOSED: True, State.OPEN: False}.get(incident.state),
        confidential=True if incident.private else None,
    )


def _labels(incident: Incident, process: Process, *, over: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what its issue is labelled with, and what is taken off it."""
    if incident.state is State.CLOSED and process.closed_labels:
        return process.closed_labels, (*process.incident_labels, *process.review_labels)
    if not over:
        return process.incident_labels, (*process.awaits_review, *process.closed_labels)
    scoped = (label for label in process.incident_labels if label.startswith(TAKEN_OFF))
    return process.review_labels, (*scoped, *process.closed_labels)


def follow_up_issue(incident: Incident, follow_up: FollowUp, process: Process, instance: str) -> NewIssue:
    """Return the issue of a follow-up: labelled, tagged for refinement, in no iteration (W57-W60)."""
    kind = process.follow_up(follow_up.kind)
    cause = incident.resolution.cause if incident.resolution else ""
    body = blocks(
        f"Raised because of the incident {link(incident.title, incident.issue_url)}."
        if incident.issue_url.startswith("https://")
        else f"Raised because of incident {incident.issue_key or incident.id}: {plain(incident.title)}.",
        f"Why: {plain(kind.question)}." if kind else "",
        f"Cause as far as it is known:\n\n{fence(cause)}" if cause else "",
        _noise(incident) if follow_up.kind == "alerting" else "",
    )
    return NewIssue(
        kind=IssueKind.ISSUE,
        title=title(follow_up.title),
        body=body,
        marker=follow_up_marker(incident.id, follow_up.id, instance),
        labels=(*process.follow_up_labels, *(kind.labels if kind else ())),
        confidential=incident.private,
    )


def _noise(incident: Incident) -> str:
    noise = incident.noise
    if noise is None:
        return ""
    policy = f" The alert: {link('open', incident.source_url)}." if incident.source_url else ""
    which = f" Incidents {', '.join(map(str, noise.incidents[-_NUMBERS:]))}." if noise.incidents else ""
    several = noise.resources[:_RESOURCES] if len(noise.resources) > 1 else ()
    where = f" It spoke of {len(noise.resources)} resources: {plain(', '.join(several))}." if several else ""
    return (
        f"It was dismissed as no incident {noise.dismissed} times, and reported {noise.reports} times,"
        f" since {_when(noise.since)}.{which}{where}{policy}"
    )


def follow_up_marker(incident_id: int, follow_up: str, instance: str) -> str:
    """Return the hidden text by which a follow-up's issue is found again."""
    return marker("follow-up", f"{instance}.{incident_id}.{follow_up}")
