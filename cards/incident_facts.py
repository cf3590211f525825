"""The rows of an incident's card that say what is known: how urgent, from where, when, what changed, who helps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cards.blocks import (
    Element,
    clean,
    container,
    escape,
    gap,
    host_of,
    rich_text,
    row,
    safe_url,
    text_block,
    text_run,
    when,
)
from cards.outside import outside_rows
from cards.private import privacy_rows
from cards.services import service_rows
from cards.words import affected, recurring, source_name, times, urgency_name
from models.domain.incident_parts import MergeRequest
from models.domain.incidents import Incident, State
from models.domain.recent_changes import RecentChanges
from models.domain.staffing import holder
from models.domain.views import IncidentView

LONG_URL = 300
"""Longer addresses are left out where there are many; the issue has them all."""
ON_CALL = 4
"""How many of those on call are named."""
_MERGES = {"opened": "open", "locked": "being merged", "merged": "merged", "closed": "closed"}


@dataclass(frozen=True, slots=True)
class Room:
    """How many of each a card shows; it says how many there are besides."""

    links: int
    changes: int
    follow_ups: int
    details: bool = True
    origin: bool = True
    recent: int = 5


def facts(view: IncidentView, room: Room) -> Iterable[Element]:
    """Yield the rows that say what is known of an incident, as many as there is room for."""
    incident, process = view.incident, view.process
    yield from privacy_rows(incident, process.security, brief=not room.origin)
    yield from outside_rows(incident, 3 if room.details else int(room.origin))
    if room.origin:
        yield from service_rows(incident, process, brief=not room.details)
    if name := urgency_name(incident, process):
        yield row("Urgency", rich_text(*_urgency(view, name, room)), spacing="Medium")
    if incident.tracker_severity:
        yield row("Severity", rich_text(text_run(f"{incident.tracker_severity}, as set in the tracker", 80)))
    if incident.escalation is not None:
        made = incident.escalation
        option = process.decision(made.option)
        said = f" with {made.present}, recorded by {made.by.name}"
        yield row(
            "Decision",
            rich_text(
                text_run(option.name if option else made.option, 80, weight="Bolder"), gap(), text_run(said, 300)
            ),
        )
    if incident.declared_by is not None:
        yield row("Declared by", rich_text(text_run(incident.declared_by.name, 80)))
    else:
        yield row("Source", rich_text(*_source(incident)))
    report = "About" if incident.declared_by is not None else "Report"
    for label, value, limit in (
        (report, incident.summary, 300),
        ("Condition", incident.condition, 240),
        ("Resource", incident.resource, 160),
        ("Project", incident.project, 100),
    ):
        if value and room.origin:
            yield row(label, rich_text(text_run(value, limit)))
    if incident.first_seen is not None:
        yield row("Seen", text_block(_seen(incident)))
    if said := affected(incident):
        yield row("Affected", rich_text(text_run(said, 300)))
    if incident.recurrence is not None and room.origin:
        yield row("Pattern", text_block(recurring(incident.recurrence)))
    if incident.recent is not None and incident.recent.kept and room.recent and not incident.state.finished:
        yield row("Changes", container(list(_recent(incident.recent, room))))
    if incident.merge_requests:
        yield row("Merges", container([_merge_request(each) for each in incident.merge_requests[-room.links :]]))
    if links := _links(incident, room):
        yield row("Links", rich_text(*links))
    if room.details and (incident.roles or incident.supporters or (incident.raised and view.process.roles.others)):
        yield from _staff(view)
    if view.on_call and incident.owner is not None and not incident.state.finished:
        names = ", ".join(escape(person.name, 80) for person in view.on_call[:ON_CALL])
        yield row("On call", text_block(f"{names} (sees that it is handled)"))
    if incident.previous_id is not None:
        yield row("Before", text_block(f"Same alert as incident #{incident.previous_id}, which is finished."))


def _staff(view: IncidentView) -> Iterable[Element]:
    incident = view.incident
    parts = []
    for role in view.process.roles.others:
        person = holder(incident, role)
        if person is not None:
            parts.append(f"{clean(role.name, 40)}: {clean(person.name, 60)}")
        elif role.required and not incident.state.finished:
            parts.append(f"{clean(role.name, 40)}: nobody yet")
    if parts:
        yield row("Roles", rich_text(text_run("; ".join(parts), 300)))
    if incident.supporters:
        names = ", ".join(clean(person.name, 60) for person in incident.supporters[:6])
        more = len(incident.supporters) - 6
        yield row("Helping", rich_text(text_run(f"{names} and {more} more" if more > 0 else names, 300)))


def _urgency(view: IncidentView, name: str, room: Room) -> Iterable[Element]:
    level = view.process.urgency(view.incident.urgency)
    urgent = level is not None and level.then == "decide"
    yield text_run(name, 80, weight="Bolder", color="Attention" if urgent else "")
    if made := view.incident.assessment:
        yield gap()
        if made.reason:
            computed = view.process.urgency(made.computed)
            other = computed is not None and computed is not level and bool(made.answers)
            instead = f"; the answers made it “{computed.name}”" if computed and other else ""
            yield text_run(f"because {made.reason}", 200)
            yield text_run(instead, 100, subtle=True) if instead else gap("")
        else:
            yield text_run(f"because {made.because}", 200)
    if room.details and level is not None and view.incident.state is State.OPEN:
        yield gap(". ")
        yield text_run(level.meaning, 160, subtle=True)


def _source(incident: Incident) -> Iterable[Element]:
    yield text_run(source_name(incident.source), 60)
    if incident.severity:
        yield gap(", severity ", subtle=True)
        yield text_run(incident.severity, 40, weight="Bolder")


def _seen(incident: Incident) -> str:
    if incident.first_seen is None:
        return ""
    seen = when(incident.first_seen)
    if incident.last_seen is not None and incident.last_seen != incident.first_seen:
        seen = f"{seen} – {when(incident.last_seen, near=incident.first_seen)}"
    if incident.count > 1:
        seen = f"{seen}, **{times(incident.count)}**"
    if incident.flapping:
        seen = f"{seen}, going on and off"
    elif incident.alerting is False:
        seen = f"{seen}, then it recovered"
    return seen


def _recent(recent: RecentChanges, room: Room) -> Iterable[Element]:
    yield text_block(f"Merged or deployed in the {recent.told} before it began:", subtle=True)
    shown = recent.kept[: room.recent]
    for each in shown:
        url = safe_url(each.url) if len(each.url) <= LONG_URL else None
        yield rich_text(
            text_run(each.name, 100, color="Accent" if url else "", url=url),
            gap(),
            text_run(each.title, 120),
            gap(", ", subtle=True),
            text_run(each.done, 200, subtle=True),
            gap(f", {when(each.at, near=recent.seen_at)}", subtle=True),
            spacing="None",
        )
    if (more := recent.count - len(shown)) > 0:
        yield text_block(f"and {more} more", subtle=True, spacing="None")


def _merge_request(request: MergeRequest) -> Element:
    state = "not shown to Wilson" if request.hidden else _MERGES.get(request.state, "unknown")
    if request.is_open and request.approved:
        state = "approved"
    if request.is_open and request.draft:
        state = f"draft, {state}"
    runs = [text_run(request.name, 100, color="Accent", url=safe_url(request.url)), gap(f" – {state}")]
    if request.title:
        runs += [gap(": ", subtle=True), text_run(request.title, 120, subtle=True)]
    return rich_text(*runs, spacing="None")


def _links(incident: Incident, room: Room) -> list[Element]:
    links: list[tuple[str, str]] = []
    if (url := safe_url(incident.issue_url)) and not incident.issue_gone:
        links.append((f"Issue {incident.issue_key}".strip(), url))
    if url := safe_url(incident.log_url):
        links.append(("Log page", url))
    if url := safe_url(incident.source_url):
        links.append((f"{source_name(incident.source)} ({host_of(url)})", url))
    shown_below = {each.url for each in incident.merge_requests if not each.hidden}
    for each in incident.links:
        if (url := safe_url(each.url)) and len(url) <= LONG_URL and each.url not in shown_below:
            label = host_of(url) if each.label == each.url else f"{each.label[:60]} ({host_of(url)})"
            links.append((label, url))
    runs: list[Element] = []
    if incident.issue_gone:
        runs.append(text_run(f"issue {incident.issue_key} is gone: {incident.issue_gone}", 160, color="Attention"))
    elif incident.issue_key and not safe_url(incident.issue_url):
        runs.append(text_run(f"Issue {incident.issue_key}", 80))
    elif incident.raised and not incident.issue_key:
        runs.append(text_run("the issue is being raised", 80, subtle=True))
    for label, url in links[: room.links]:
        runs += [gap(" · ", subtle=True)] if runs else []
        runs.append(text_run(label, 120, color="Accent", url=url))
    if len(links) > room.links:
        runs.append(gap(f" and {len(links) - room.links} more in the issue", subtle=True))
    return runs
