"""The card of an incident: what it is, how bad, who has it, what to press."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from cards.incident_facts import LONG_URL, ON_CALL, Room, facts
from cards.known_issue import known_issue_lines
from cards.words import headline, next_step, numbered, times
from models.domain.incident_parts import Noise
from models.domain.incidents import Incident, State
from models.domain.parking import put_off
from models.domain.people import Person
from models.domain.recognising import quiet_until
from models.domain.views import IncidentView

_REPOSITORIES = 6
_ROOMS = (
    Room(5, 3, 5),
    Room(2, 1, 1, recent=2),
    Room(1, 1, 1, details=False, recent=1),
    Room(1, 1, 1, False, False, recent=0),
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


def _card(view: IncidentView, now: datetime, room: Room) -> Element:
    calls = _calls(view)
    body = [
        container(_head(view, calls, now), style=_colour(view), bleed=True),
        *_warnings(view),
        *facts(view, room),
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
    return tuple(person for person in view.on_call if person.teams_id)[:ON_CALL]


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
        for person in view.on_call[:ON_CALL]
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


def _changes(view: IncidentView, room: Room) -> Iterable[Element]:
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


def _outcome(view: IncidentView, room: Room) -> Iterable[Element]:
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
        url = safe_url(each.url) if len(each.url) <= LONG_URL else None
        runs = [text_run(title, 140, color="Accent" if url else "", url=url)]
        called = kind.name if kind else each.kind
        if not each.title.startswith(called):
            runs = [text_run(f"{called}:", 40, subtle=True), gap(), *runs]
        yield row("Follow-up" if number == 0 else " ", rich_text(*runs))
    if len(incident.follow_ups) > room.follow_ups:
        yield row(" ", text_block(f"and {len(incident.follow_ups) - room.follow_ups} more", subtle=True))


def _foot(view: IncidentView, room: Room, now: datetime) -> Iterable[Element]:
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
