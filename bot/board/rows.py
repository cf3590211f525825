"""What the board's pages show, as plain texts: what is to be withheld is withheld here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from cards.blocks import clean, safe_url
from cards.case_lists import state_name
from cards.timeline import sentence
from cards.words import affected, ago, next_step, public_headline, public_title, source_name, times, urgency_name
from models.domain.cases import Case
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.timeline import Entry, Verb

_QUIET = frozenset({Verb.REPEATED, Verb.REMINDED})


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time for people and for machines."""

    text: str
    iso: str


@dataclass(frozen=True, slots=True)
class Row:
    """One incident in a table.

    Attributes:
        owner: Empty for nobody.
        age: How long ago it was reported, or resolved where it is.
        issue_url: Where its issue may be read; empty where it has none, or it is withheld.
    """

    number: int
    title: str
    state: str
    urgency: str
    owner: str
    age: str
    at: Moment
    issue_url: str
    follow_ups: str
    lessons: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One request or support procedure in a table."""

    number: int
    title: str
    state: str
    owner: str
    age: str


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a timeline."""

    at: Moment
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Page:
    """One incident, whole: what the board tells of it.

    Attributes:
        facts: Label and text.
        links: Label and address of what belongs to it.
        withheld: Whether it is handled in private, so that the rest is empty.
    """

    row: Row
    headline: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    timeline: tuple[Told, ...]
    next_step: str
    withheld: bool


def moment(at: datetime, zone: tzinfo) -> Moment:
    """Return a time by the team's clocks."""
    here = at.astimezone(zone)
    return Moment(f"{here.day} {here:%b %Y, %H:%M}", at.isoformat(timespec="seconds"))


def row_of(incident: Incident, process: Process, now: datetime, zone: tzinfo) -> Row:
    """Return an incident's row."""
    since = incident.resolution.at if incident.resolution else incident.created_at
    done = len(incident.follow_ups)
    return Row(
        incident.id,
        clean(public_title(incident), 160),
        public_headline(incident).partition(" · ")[2] or incident.state.value.capitalize(),
        "" if incident.private else clean(urgency_name(incident, process) or "", 60),
        clean(incident.owner.name, 80) if incident.owner else "",
        ago(since, now),
        moment(since, zone),
        "" if incident.private else safe_url(incident.issue_url) or "",
        f"{done} raised" if done and not incident.private else "none",
        0 if incident.private else len(incident.lessons),
    )


def case_row(case: Case, now: datetime) -> CaseRow:
    """Return the row of a request or a support procedure."""
    owner = clean(case.owner.name, 80) if case.owner else ""
    return CaseRow(case.id, clean(case.title, 160), state_name(case), owner, ago(case.opened_at, now))


def coverage(incidents: Sequence[Incident], cases: Sequence[Case], now: datetime) -> str:
    """Return in one sentence whether everything is in somebody's hands (W7)."""
    parts = []
    for what, some, since in (
        ("incident", incidents, [each.created_at for each in incidents if each.owner is None]),
        ("request", cases, [each.opened_at for each in cases if each.owner is None]),
    ):
        if not some:
            continue
        named = f"{len(some)} {what}{'s' if len(some) != 1 else ''}"
        lacking = f"{len(since)} without an owner, the oldest for {ago(min(since), now)}" if since else "all owned"
        parts.append(f"{named}: {lacking}")
    return "; ".join(parts) or "Nothing is open"


def page_of(incident: Incident, timeline: Sequence[Entry], process: Process, now: datetime, zone: tzinfo) -> Page:
    """Return what is told of one incident."""
    row = row_of(incident, process, now, zone)
    if incident.private:
        return Page(row, public_headline(incident), (("Owner", row.owner or "nobody"),), (), (), "", withheld=True)
    told = [entry for entry in timeline if entry.verb not in _QUIET]
    return Page(
        row,
        public_headline(incident),
        tuple(_facts(incident, row, process, zone)),
        tuple(_links(incident)),
        tuple(
            Told(
                moment(entry.at, zone),
                clean(entry.actor.name, 80) if entry.actor else "",
                clean(sentence(entry, plain=True), 700),
            )
            for entry in told
        ),
        next_step(incident, process),
        withheld=False,
    )


def _facts(incident: Incident, row: Row, process: Process, zone: tzinfo) -> Iterable[tuple[str, str]]:
    made = incident.assessment
    reason = (made.reason or made.because) if made else ""
    yield "Owner", row.owner or "nobody"
    yield "Urgency", " – ".join(part for part in (row.urgency, clean(reason, 300)) if part) or "not assessed"
    counted = f", {times(incident.count)}" if incident.count else ""
    yield "Source", source_name(incident.source) + counted
    if incident.summary:
        yield "Report", clean(incident.summary, 600)
    yield "Reported", moment(incident.created_at, zone).text
    for key, person in incident.roles:
        role = process.roles.of(key)
        yield clean(role.name if role else key, 60), clean(person.name, 80)
    if incident.supporters:
        yield "Supporting", _names(incident.supporters)
    if said := affected(incident):
        yield "Affected", said
    if incident.resolution:
        yield "Resolved", f"{moment(incident.resolution.at, zone).text} by {clean(incident.resolution.by.name, 80)}"
        cause = incident.resolution.cause
        yield "Cause", clean(cause, 600) if cause else "the limit of understanding is reached"
    for each in incident.lessons:
        yield "Lesson", clean(each.text, 400)


def _links(incident: Incident) -> Iterable[tuple[str, str]]:
    found = [(f"Issue {incident.issue_key}".strip(), incident.issue_url), ("The alert", incident.source_url)]
    found += [(each.label, each.url) for each in incident.links]
    found += [(f"Follow-up: {each.title}", each.url) for each in incident.follow_ups]
    found += [(f"{each.name} {each.title}".strip(), each.url) for each in incident.merge_requests]
    for label, url in found:
        if safe := safe_url(url):
            yield clean(label, 160), safe


def _names(people: Iterable[Person]) -> str:
    return ", ".join(clean(each.name, 80) for each in people)
