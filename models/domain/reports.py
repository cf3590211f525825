"""How it went in a period: what came, how fast it was taken and resolved, and what is worth fixing (W75, U26)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from models.domain.incidents import Incident, State
from models.domain.timeline import Entry, Verb
from models.domain.working_hours import WorkingHours

SELF_TEST = "selftest"
_TAKEN = frozenset({Verb.CLAIMED, Verb.ASSIGNED})
UNCLAIMED_AFTER = timedelta(minutes=30)
"""What nobody took within so long counts as unclaimed out of hours, where it came then."""


@dataclass(frozen=True, slots=True)
class Line:
    """One incident of a report, with the moments that count; ``None`` for what did not happen.

    Attributes:
        out_of_hours: Whether it was reported outside working hours.
    """

    incident: Incident
    claimed_at: datetime | None
    assessed_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    out_of_hours: bool

    @property
    def to_claim(self) -> timedelta | None:
        """How long nobody owned it."""
        return self.claimed_at - self.incident.created_at if self.claimed_at else None

    @property
    def to_resolve(self) -> timedelta | None:
        """How long it was live."""
        return self.resolved_at - self.incident.created_at if self.resolved_at else None


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations: how many, the median, the 90th percentile, the longest. Percentiles by nearest rank."""

    count: int = 0
    median: timedelta = timedelta()
    ninetieth: timedelta = timedelta()
    longest: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Repeat:
    """One alert that came more than once in the period.

    Attributes:
        title: Of the newest incident of it; empty where that is handled in private.
        incident_id: That incident.
        reports: How often it was mailed as firing.
        incidents: How many candidates it made.
        dismissed: How many of them were no incidents.
        flapping: Whether it went on and off.
    """

    title: str
    incident_id: int
    reports: int
    incidents: int
    dismissed: int
    flapping: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What ``report`` tells. ``end`` is the first moment that is not counted any more."""

    begin: datetime
    end: datetime
    lines: tuple[Line, ...]
    by_source: tuple[tuple[str, int], ...]
    by_urgency: tuple[tuple[str, int], ...]
    by_state: tuple[tuple[str, int], ...]
    to_claim: Spread
    to_resolve: Spread
    live: timedelta
    repeats: tuple[Repeat, ...]
    unclaimed_out_of_hours: int
    follow_ups: int
    top_share: int

    @property
    def count(self) -> int:
        """How many incidents and candidates there were."""
        return len(self.lines)


def line_of(incident: Incident, timeline: Sequence[Entry], hours: WorkingHours, zone: tzinfo) -> Line:
    """Find the moments that count in an incident's timeline. Reopening takes back that it was resolved."""
    claimed = assessed = resolved = closed = None
    for entry in timeline:
        what = entry.data.get("what") if entry.verb is Verb.HEARD else None
        if entry.verb in _TAKEN or (what == "assigned" and entry.data.get("to")):
            claimed = claimed or entry.at
        elif entry.verb is Verb.ASSESSED:
            assessed = assessed or entry.at
        elif entry.verb is Verb.RESOLVED or what == "review":
            resolved = entry.at
        elif entry.verb is Verb.CLOSED or what == "closed":
            closed = entry.at
            resolved = resolved or entry.at
        elif entry.verb is Verb.REOPENED or what == "reopened":
            resolved = closed = None
    return Line(incident, claimed, assessed, resolved, closed, not hours.contains(incident.created_at, zone))


def spread(durations: Iterable[timedelta]) -> Spread:
    """Return how durations are spread; nothing but zeros where there are none."""
    found = sorted(durations)
    if not found:
        return Spread()
    return Spread(len(found), _percentile(found, 50), _percentile(found, 90), found[-1])


def _percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """Return the smallest value that at least so many per cent are no larger than."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def report_of(lines: Iterable[Line], begin: datetime, end: datetime, *, now: datetime) -> Report:
    """Put a report together. Self-tests and parts of other incidents are left out.

    Args:
        lines: Of the incidents that were reported in the period.
        now: Until when what is not resolved yet has been live.
    """
    kept = tuple(
        sorted(
            (each for each in lines if each.incident.source != SELF_TEST and each.incident.merged_into is None),
            key=lambda each: (each.incident.created_at, each.incident.id),
        )
    )
    incidents = [each.incident for each in kept]
    repeats = _repeats(incidents)
    reports = sum(max(each.count, 1) for each in incidents)
    top = sum(each.reports for each in repeats[:2])
    live = [
        (each.resolved_at or now) - each.incident.raised_at
        for each in kept
        if each.incident.raised_at is not None and each.incident.state is not State.DISMISSED
    ]
    unclaimed = [
        each
        for each in kept
        if each.out_of_hours
        and each.incident.state is not State.DISMISSED
        and (each.claimed_at or now) - each.incident.created_at > UNCLAIMED_AFTER
    ]
    return Report(
        begin,
        end,
        kept,
        _counted(each.source for each in incidents),
        _counted(each.urgency or "" for each in incidents),
        _counted(each.state.value for each in incidents),
        spread(each.to_claim for each in kept if each.to_claim is not None),
        spread(each.to_resolve for each in kept if each.to_resolve is not None),
        sum((each for each in live if each > timedelta()), timedelta()),
        repeats,
        len(unclaimed),
        sum(len(each.follow_ups) for each in incidents),
        round(100 * top / reports) if reports and repeats else 0,
    )


def _counted(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(values).items(), key=lambda each: (-each[1], each[0])))


def _repeats(incidents: Sequence[Incident]) -> tuple[Repeat, ...]:
    by_alert: dict[str, list[Incident]] = {}
    for each in incidents:
        if each.fingerprint:
            by_alert.setdefault(each.fingerprint, []).append(each)
    found = [
        Repeat(
            "" if some[-1].private else some[-1].title,
            some[-1].id,
            sum(each.count for each in some),
            len(some),
            sum(each.state is State.DISMISSED for each in some),
            any(each.flapping for each in some),
        )
        for some in by_alert.values()
    ]
    worth = [each for each in found if each.reports > 1 or each.incidents > 1 or each.flapping]
    return tuple(sorted(worth, key=lambda each: (-each.reports, each.incident_id)))
