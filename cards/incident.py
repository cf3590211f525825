"""The card of an incident: what it is, how bad, who has it, what to press."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cards import buttons
from cards.actions import encode
from cards.blocks import (
    Element,
    action_set,
    adaptive_card,
    clean,
    container,
    escape,
    execute,
    fit,
    gap,
    host_of,
    mention,
    mention_entity,
    plain,
    rich_text,
    row,
    safe_url,
    text_block,
    text_run,
    unfolding,
    when,
)
from cards.known_issue import known_issue_lines
from cards.outside import outside_rows
from cards.private import privacy_rows
from cards.services import service_rows
from cards.words import affected, headline, next_step, numbered, recurring, source_name, times, urgency_name
from models.domain.incident_parts import MergeRequest, Noise
from models.domain.incidents import Incident, State
from models.domain.parking import put_off
from models.domain.people import Person
from models.domain.recent_changes import RecentChanges
from models.domain.recognising import quiet_until
from models.domain.staffing import holder
from models.domain.views import IncidentView

_ON_CALL, _REPOSITORIES = 4, 6
_MERGES = {"opened": "open", "locked": "being merged", "merged": "merged", "closed": "closed"}
_LONG_URL = 300
"""Longer addresses are left out where there are many; the issue has them all."""


@dataclass(frozen=True, slots=True)
class _Room:
    """How many of each a card shows; it says how many there are besides."""

    links: int
    changes: int
    follow_ups: int
    details: bool = True
    origin: bool = True
    recent: int = 5


_ROOMS = (
    _Room(5, 3, 5),
    _Room(2, 1, 1, recent=2),
    _Room(1, 1, 1, details=False, recent=1),
    _Room(1, 1, 1, False, False, recent=0),
)
"""The usual, and what is left when every text is at its longest: then also without what explains the rest,
and at last without what was reported, which the issue has."""


def incident_card(view: IncidentView, *, now: datetime) -> Element:
    """Return the card of an incident as ``view.viewer`` should see it; without a viewer, as everyone does.

    Args:
        view: What is shown.
        now: When that was so; the card says it, since a card can stay unrefreshed for long.
    """
    card: Element = {}
    for room in _ROOMS:
        card = _card(view, now, room)
        if fit(card):
            break
    return card


def _card(view: IncidentView, now: datetime, room: _Room) -> Element:
    calls = _calls(view)
    body = [
        container(_head(view, calls, now), style=_colour(view), bleed=True),
        *_warnings(view),
        *_facts(view, room),
        *(known_issue_lines(view.incident, view.process) if room.details else ()),
        *_changes(view, room),
        *_outcome(view, room),
        *_foot(view, room, now),
    ]
    return adaptive_card(
        body,
        buttons.actions(view),
        speak=_speak(view),
        refresh=buttons.refresh(view),
        entities=[mention_entity(person) for person in calls],
    )


def _colour(view: IncidentView) -> str:
    incident = view.incident
    if incident.state is State.RESOLVED:
        return "good"
    if incident.state.finished:
        return "emphasis"
    level = view.process.urgency(incident.urgency)
    if incident.alerting or (level is not None and level.then == "decide") or incident.not_safe:
        return "attention"
    if incident.alerting is False and not incident.flapping:
        return "good"
    return "warning"


def _calls(view: IncidentView) -> tuple[Person, ...]:
    """Return whom the card calls by a mention: those on call, while nobody has it."""
    if view.incident.state.finished or view.incident.owner is not None:
        return ()
    return tuple(person for person in view.on_call if person.teams_id)[:_ON_CALL]


def _head(view: IncidentView, calls: Sequence[Person], now: datetime) -> list[Element]:
    incident = view.incident
    parts = [
        text_block(headline(incident), weight="Bolder", size="Small"),
        rich_text(text_run(incident.title or "Untitled", 200, size="Large", weight="Bolder"), spacing="Small"),
    ]
    if view.notice:
        parts.append(text_block(escape(view.notice, 300), spacing="Small", weight="Bolder", color="Accent"))
    if who := _who(view, calls, now):
        parts.append(text_block(who, spacing="Small"))
    if parked := _parked(view, now):
        parts.append(parked)
    if (until := quiet_until(incident, view.process, view.zone)) and incident.alerting is not False and until > now:
        line = f"Known: it usually clears by itself. Nobody is reminded of it before {when(until, near=now)}."
        parts.append(text_block(line, spacing="Small", weight="Bolder"))
    elif step := next_step(incident, view.process):
        parts.append(text_block(escape(step), spacing="Small", weight="Bolder"))
    return parts


def _parked(view: IncidentView, now: datetime) -> Element | None:
    held = view.incident.parked
    if held is None or not put_off(view.incident, view.process, now):
        return None
    runs = gap(f"Put off until {when(held.until, near=now)} by "), text_run(held.by.name, 60)
    return rich_text(*runs, gap(": "), text_run(held.reason, 200), spacing="Small")


def _who(view: IncidentView, calls: Sequence[Person], now: datetime) -> str:
    incident = view.incident
    if incident.merged_into is not None:
        return f"It is a part of incident **#{incident.merged_into}** now."
    if incident.state is State.DISMISSED:
        return f"Not an incident: {escape(incident.dismiss_reason or 'no reason given', 240)}"
    if incident.owner is not None:
        since = f" since {when(incident.owned_at, near=now)}" if incident.owned_at else ""
        return f"{escape(view.process.roles.owner, 40)}: **{escape(incident.owner.name, 80)}**{since}"
    if incident.state.finished:
        return ""
    if not view.on_call:
        return "**Nobody has it yet.**"
    called = {person.teams_id for person in calls}
    names = [
        mention(person) if person.teams_id in called else escape(person.name, 80)
        for person in view.on_call[:_ON_CALL]
    ]
    return f"**Nobody has it yet.** On call, to see that it is handled: {', '.join(names)}"


def _warnings(view: IncidentView) -> Iterable[Element]:
    incident = view.incident
    if incident.noise is not None and not incident.noise.answered and incident.state is State.DISMISSED:
        yield container(_noise(incident, incident.noise), style="warning")
    if incident.not_safe and not incident.state.finished:
        names = ", ".join(clean(name, 100) for name in incident.not_safe[:_REPOSITORIES])
        line = f"Do not push to {names}: the trunk is not safe to deploy again."
        yield container([rich_text(text_run(line, 400, weight="Bolder"))], style="attention")
    if incident.state.finished:
        return
    if incident.unreadable:
        yield rich_text(
            gap("Wilson could not read all of this mail: "), text_run(incident.unreadable, 200, color="Attention")
        )


def _noise(incident: Incident, noise: Noise) -> list[Element]:
    said = f"This alert was no incident {times(noise.dismissed)}, and was reported {times(noise.reports)}"
    if len(noise.resources) > 1:
        said += f" on {len(noise.resources)} resources"
    which = f" ({numbered(noise.incidents)})" if noise.incidents else ""
    return [
        text_block(f"{said} since {when(noise.since)}{which}. Should the alerting be improved?", weight="Bolder"),
        action_set(
            [
                execute("Raise an issue to improve it", encode("improve", incident=incident.id), style="positive"),
                execute("Considered: leave it", encode("improve", incident=incident.id, keep=True)),
            ]
        ),
    ]


def _facts(view: IncidentView, room: _Room) -> Iterable[Element]:
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
        names = ", ".join(escape(person.name, 80) for person in view.on_call[:_ON_CALL])
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


def _urgency(view: IncidentView, name: str, room: _Room) -> Iterable[Element]:
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


def _recent(recent: RecentChanges, room: _Room) -> Iterable[Element]:
    yield text_block(f"Merged or deployed in the {recent.told} before it began:", subtle=True)
    shown = recent.kept[: room.recent]
    for each in shown:
        url = safe_url(each.url) if len(each.url) <= _LONG_URL else None
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


def _links(incident: Incident, room: _Room) -> list[Element]:
    links: list[tuple[str, str]] = []
    if (url := safe_url(incident.issue_url)) and not incident.issue_gone:
        links.append((f"Issue {incident.issue_key}".strip(), url))
    if url := safe_url(incident.log_url):
        links.append(("Log page", url))
    if url := safe_url(incident.source_url):
        links.append((f"{source_name(incident.source)} ({host_of(url)})", url))
    shown_below = {each.url for each in incident.merge_requests if not each.hidden}
    for each in incident.links:
        if (url := safe_url(each.url)) and len(url) <= _LONG_URL and each.url not in shown_below:
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


def _changes(view: IncidentView, room: _Room) -> Iterable[Element]:
    waiting = [] if view.incident.state.finished else list(view.incident.unconfirmed)
    for change in waiting[: room.changes]:
        parts = [
            rich_text(
                text_run(f"Change by hand {change.id} waits for a second developer", 100, weight="Bolder"),
            ),
            rich_text(text_run(f"{change.by.name}: {change.what}", 240), spacing="Small"),
            rich_text(text_run(f"Not by merge request because {change.why}", 160, subtle=True), spacing="Small"),
        ]
        if button := buttons.confirm(change, view):
            parts.append(action_set([button]))
        yield container(parts, style="warning", spacing="Medium")
    if len(waiting) > room.changes:
        yield text_block(f"{len(waiting) - room.changes} more changes by hand wait for confirmation.", subtle=True)


def _outcome(view: IncidentView, room: _Room) -> Iterable[Element]:
    incident, process = view.incident, view.process
    if made := incident.resolution:
        cause = made.cause or ("the limit of understanding is reached" if made.limit_reached else "not named")
        yield row("Cause", rich_text(text_run(cause, 300)), spacing="Medium")
        if made.repositories:
            names = ", ".join(made.repositories[:_REPOSITORIES])
            yield row("Rolled back", rich_text(text_run(f"{names}; safe to deploy again", 300)))
        past = [gap(), text_run(f"without {made.past}: {made.past_reason}", 300)] if made.past else []
        yield row("Resolved by", rich_text(text_run(made.by.name, 80), *past))
        if made.none_reason and not incident.follow_ups:
            yield row("Follow-up", rich_text(text_run(f"None needed: {made.none_reason}", 240)))
    for number, each in enumerate(incident.follow_ups[: room.follow_ups]):
        kind = process.follow_up(each.kind)
        title = f"{each.title} ({each.key})" if each.key else each.title
        url = safe_url(each.url) if len(each.url) <= _LONG_URL else None
        runs = [text_run(title, 140, color="Accent" if url else "", url=url)]
        called = kind.name if kind else each.kind
        if not each.title.startswith(called):
            runs = [text_run(f"{called}:", 40, subtle=True), gap(), *runs]
        yield row("Follow-up" if number == 0 else " ", rich_text(*runs))
    if len(incident.follow_ups) > room.follow_ups:
        yield row(" ", text_block(f"and {len(incident.follow_ups) - room.follow_ups} more", subtle=True))


def _foot(view: IncidentView, room: _Room, now: datetime) -> Iterable[Element]:
    hint = "" if view.incident.state.finished or not view.process.channel_hint else view.process.channel_hint
    as_of = f"As of {when(now)}."
    text = f"{as_of} {escape(hint, 200)}".strip()
    yield text_block(text, size="Small", subtle=True, spacing="Medium", separator=True)
    if room.details and view.incident.why and not view.incident.state.finished:
        yield from unfolding("Why do I see this?", rich_text(text_run(view.incident.why, 500, subtle=True)), "why")


def _speak(view: IncidentView) -> str:
    incident = view.incident
    owner = plain(incident.owner.name, 80) + " owns it." if incident.owner else "Nobody owns it."
    return f"{headline(incident)}: {plain(incident.title, 120)}. {owner}"
