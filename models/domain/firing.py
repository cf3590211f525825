"""One action for what a live defect needs at once: channel, issue and log page, each by itself (T6-T10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.effects import Effect
from models.domain.incident_effects import OpenChannel, ReportParts, WriteLogPage
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.timeline import Entry, Verb

ISSUE, PAGE, CHANNEL = "RaiseIssue", "WriteLogPage", "OpenChannel"
"""What the parts wait for, by the kinds of their effects."""


def fire(incident: Incident, by: Person, *, at: datetime) -> Outcome:
    """Raise it, make it a channel and a log page, and tell the whole team, in one action (T10).

    Asked again, it tries what failed, and leaves what is there; what is still under way is not begun twice.
    """
    if incident.private:
        return Refusal("It is handled in private: a channel and a log page would be public to the team.")
    if refusal := refused(incident, "fire"):
        return refusal
    again = incident.fired_at is not None
    wanted: list[Effect] = []
    if not incident.channel_name and (incident.channel_failed or not again):
        wanted.append(OpenChannel(incident.id))
    if not incident.log_key and (incident.log_failed or not again):
        wanted.append(WriteLogPage(incident.id))
    report = ReportParts(incident.id)
    if again:
        changed = replace(incident, channel_failed="", log_failed="")
        notice = "What failed is tried again; the report follows in the thread."
        return Decision(changed, (), (*wanted, report), notice)
    raises = not incident.raised
    changed = replace(incident, fired_at=at, channel_failed="", log_failed="")
    if raises:
        changed = replace(changed, state=State.OPEN, raised_at=at)
    decision = told(changed, (Entry(at, Verb.FIRE, by),), whole_team=True, raises=raises)
    notice = "Channel, issue and log page are being made; the report follows in the thread."
    return replace(decision, effects=(*decision.effects, *wanted, report), notice=notice)


def page_written(incident: Incident, key: str, url: str, *, at: datetime) -> Decision:
    """Record the log page; told the first time."""
    if incident.log_key == key:
        return Decision(incident)
    changed = replace(incident, log_key=key, log_url=url, log_failed="")
    return told(changed, (Entry(at, Verb.LOG_PAGE, None, {"url": url, "label": "Log page"}),))


def page_refused(incident: Incident, why: str) -> Decision:
    """Record why there is no log page; the report tells it."""
    return Decision(replace(incident, log_failed=why[:300]))


@dataclass(frozen=True, slots=True)
class Held:
    """How what a part waits for stands in the outbox.

    Attributes:
        error: How its last attempt ended; empty before.
        parked: Whether it waits for a person.
    """

    error: str
    parked: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts, and how it stands.

    Attributes:
        text: Its name, or why it is not there.
        url: Where it is; empty where that is not known.
    """

    name: str
    state: Literal["made", "failed", "trying", "begun"]
    text: str = ""
    url: str = ""


def parts(incident: Incident, held: Mapping[str, Held]) -> tuple[Part, ...]:
    """Return how channel, issue and log page stand.

    Args:
        held: What still waits in the outbox, by the kind of its effect.
    """
    now, channel = incident, incident.channel_name
    return (
        _part("Channel", held.get(CHANNEL), channel, channel, now.channel_url, now.channel_failed),
        _part("Issue", held.get(ISSUE), now.issue_key, now.issue_key, now.issue_url, ""),
        _part("Log page", held.get(PAGE), now.log_key, "", now.log_url, now.log_failed),
    )


def _part(name: str, waits: Held | None, made: str, text: str, url: str, failed: str) -> Part:
    if made:
        return Part(name, "made", text, url)
    if failed or (waits is not None and waits.parked):
        return Part(name, "failed", failed or (waits.error if waits else ""))
    if waits is not None and not waits.error:
        return Part(name, "begun")
    return Part(name, "trying", waits.error if waits else "it is not under way; see wilson outbox")
