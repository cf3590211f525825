"""What people do to an incident's issue in the tracker, and what becomes of the incident.

The rule where both sides change at once: people's newest act wins. An act in the tracker counts unless the incident
was changed in the same respect later; what the incident says is then written to the issue by the outbox, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import Announce, RefreshCard, SyncIssue
from models.domain.incident_parts import IssueSeen
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.timeline import Entry, Verb


@dataclass(frozen=True, slots=True)
class IssueAct:
    """Something that somebody else than Wilson did to the issue.

    Attributes:
        what: ``closed``, ``reopened``, ``labelled``, ``assigned``, ``severity``, ``commented`` or ``moved``.
        by: Their name, for people.
        id: The tracker's number of a comment; empty for the others.
    """

    what: str
    by: str
    at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class IssueNews:
    """How the issue stands, and who did what to it lately.

    Attributes:
        seen: How it stands; ``None`` where it was deleted, or is not shown to us any more.
        acts: By others, oldest first.
        moved_to: Where it went, for people; empty where it is still there.
    """

    seen: IssueSeen | None
    acts: tuple[IssueAct, ...] = ()
    moved_to: str = ""


def hear(
    incident: Incident,
    news: IssueNews,
    ours: IssueSeen,
    person_of: Callable[[str], Person],
    review_labels: Sequence[str],
    *,
    at: datetime,
) -> Decision:
    """Say what becomes of an incident whose issue was read.

    Args:
        ours: What the issue would say if it said what the incident says.
        person_of: Who a user of the tracker is.
        review_labels: Labels that say that the incident awaits its review, and that none has that is open.
    """
    if news.seen is None or news.moved_to:
        return Decision(incident) if incident.issue_gone else _gone(incident, news, at)
    before = incident.heard
    back = [_entry(at, "back", "")] if incident.issue_gone else []
    heard = replace(incident, heard=news.seen, issue_gone="")
    if before is not None:
        heard, entries = _told(heard, before, news, ours, person_of, review_labels, at)
        back += entries
    if not back:
        return Decision(heard)
    effects: list[Effect] = [Announce(incident.id, entry) for entry in back]
    if incident.issue_gone:
        effects.append(SyncIssue(incident.id))
    return Decision(heard, tuple(back), (*effects, RefreshCard(incident.id)))


def _gone(incident: Incident, news: IssueNews, at: datetime) -> Decision:
    by = next((act.by for act in reversed(news.acts) if act.what == "moved"), "")
    where = f"moved to {news.moved_to}" if news.moved_to else "deleted, or hidden from Wilson"
    entry = _entry(at, "gone", by, where=where)
    return Decision(
        replace(incident, issue_gone=where), (entry,), (Announce(incident.id, entry), RefreshCard(incident.id))
    )


def _told(
    incident: Incident,
    before: IssueSeen,
    news: IssueNews,
    ours: IssueSeen,
    person_of: Callable[[str], Person],
    review_labels: Sequence[str],
    at: datetime,
) -> tuple[Incident, list[Entry]]:
    seen = news.seen
    assert seen is not None
    entries: list[Entry] = []
    incident, said = _state(incident, before, seen, news, review_labels, at)
    entries += said
    if seen.assignee not in (before.assignee, ours.assignee):
        act = _last(news, "assigned")
        if act is None and not seen.assignee:
            pass  # nobody took it off: the tracker did not assign whom it was told to
        elif act is None or incident.owned_at is None or act.at >= incident.owned_at:
            owner = person_of(seen.assignee) if seen.assignee else None
            anew = incident.anew_at if owner else at
            incident = replace(incident, owner=owner, owned_at=at if owner else None, anew_at=anew)
            entries.append(_entry(at, "assigned", act.by if act else "", to=owner.name if owner else None))
    if seen.severity not in (before.severity, ours.severity):
        act = _last(news, "severity")
        incident = replace(incident, tracker_severity=seen.severity)
        entries.append(_entry(at, "severity", act.by if act else "", severity=seen.severity or "unknown"))
    comments = [act for act in news.acts if act.what == "commented" and _newer(act.id, before.last_comment)]
    if comments:
        names = ", ".join(dict.fromkeys(act.by for act in comments))
        entries.append(_entry(at, "commented", names, count=len(comments)))
    return incident, entries


def _state(
    incident: Incident,
    before: IssueSeen,
    seen: IssueSeen,
    news: IssueNews,
    review_labels: Sequence[str],
    at: datetime,
) -> tuple[Incident, list[Entry]]:
    """Follow what was closed, reopened, or set to await the review."""
    review = set(review_labels)
    was, now = bool(review & set(before.labels)), bool(review & set(seen.labels))
    state = incident.state
    if seen.closed and not before.closed and state is not State.CLOSED:
        act = _last(news, "closed")
        return replace(incident, state=State.CLOSED), [_entry(at, "closed", act.by if act else "")]
    if before.closed and not seen.closed and state.finished:
        act = _last(news, "reopened")
        return _open(incident, at), [_entry(at, "reopened", act.by if act else "")]
    act = _last(news, "labelled")
    late = act is not None and incident.resolution is not None and act.at < incident.resolution.at
    if now and not was and state is State.OPEN:
        return replace(incident, state=State.RESOLVED), [_entry(at, "review", act.by if act else "")]
    if was and not now and state is State.RESOLVED and not seen.closed and not late:
        return _open(incident, at), [_entry(at, "reopened", act.by if act else "")]
    return incident, []


def _open(incident: Incident, at: datetime) -> Incident:
    return replace(incident, state=State.OPEN, resolution=None, dismiss_reason="", anew_at=at)


def _last(news: IssueNews, what: str) -> IssueAct | None:
    return next((act for act in reversed(news.acts) if act.what == what), None)


def _newer(comment: str, than: str) -> bool:
    if comment.isdigit() and (than.isdigit() or not than):
        return int(comment) > int(than or 0)
    return comment > than


def _entry(at: datetime, what: str, by: str, **data: str | int | None) -> Entry:
    return Entry(at, Verb.HEARD, Person("", by) if by else None, {"what": what, **data})
