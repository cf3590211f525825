"""One incident in a report: its moments, and from when to when it was over or nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from models.domain.incidents import Incident, State
from models.domain.timeline import Entry, Verb
from models.domain.working_hours import WorkingHours

_TAKEN = frozenset({Verb.CLAIMED, Verb.ASSIGNED, Verb.HANDED_OVER})
_JUDGED = frozenset({Verb.RAISED, Verb.MADE_PRIVATE, Verb.DISMISSED, Verb.MERGED}) | _TAKEN
_FIRED = frozenset({Verb.REPORTED, Verb.REPEATED, Verb.FIRED_AGAIN, Verb.FLAPPING})


class Span(NamedTuple):
    """From a moment up to another; without end while it lasts."""

    begin: datetime
    end: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        """Tell whether it lasted just before that moment."""
        return self.begin < moment and (self.end is None or self.end >= moment)


@dataclass(frozen=True, slots=True)
class Line:
    """One incident of a report, with the moments that count; ``None`` for what did not happen, or was taken back.

    Attributes:
        judged_at: When somebody first said that it is one, or that it is none.
        out_of_hours: Whether it was reported outside working hours.
        resolutions: When it was resolved (or closed), each time until it was reopened.
        dismissals: When it was no incident, each time until it was reopened.
        unowned: When nobody owned it, whether it was over or not.
        fired: When it was mailed as firing.
        flapped: When it was told that it flaps.
    """

    incident: Incident
    claimed_at: datetime | None
    judged_at: datetime | None
    assessed_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    out_of_hours: bool
    resolutions: tuple[Span, ...] = ()
    dismissals: tuple[Span, ...] = ()
    unowned: tuple[Span, ...] = ()
    fired: tuple[datetime, ...] = ()
    flapped: tuple[datetime, ...] = ()

    @property
    def to_claim(self) -> timedelta | None:
        """How long it took until somebody owned it."""
        return self._since_reported(self.claimed_at)

    @property
    def to_judge(self) -> timedelta | None:
        """How long it was a candidate; ``None`` for what a person declared."""
        return None if self.incident.declared_by else self._since_reported(self.judged_at)

    @property
    def to_assess(self) -> timedelta | None:
        """How long nobody had said how urgent it is."""
        return self._since_reported(self.assessed_at)

    @property
    def to_resolve(self) -> timedelta | None:
        """How long it took until it was over, what it was reopened for included."""
        return self._since_reported(self.resolved_at)

    def _since_reported(self, moment: datetime | None) -> timedelta | None:
        return moment - self.incident.created_at if moment else None

    @property
    def over(self) -> tuple[Span, ...]:
        """When it was resolved or no incident, in order."""
        return tuple(sorted((*self.resolutions, *self.dismissals), key=lambda each: each.begin))

    def open_at(self, moment: datetime) -> bool:
        """Tell whether it was there and not over just before a moment."""
        return self.incident.created_at < moment and not any(each.covers(moment) for each in self.over)

    def resolved_by(self, moment: datetime) -> datetime | None:
        """Return when it was resolved, as that stood just before a moment; ``None`` where it was not then."""
        return next((each.begin for each in self.resolutions if each.covers(moment)), None)

    def live(self, begin: datetime, end: datetime) -> timedelta:
        """Return for how long between two moments it was raised and not over; nothing where it was no incident."""
        if self.incident.raised_at is None or self.incident.state is State.DISMISSED:
            return timedelta()
        return _without(Span(self.incident.raised_at), self.over, begin, end)

    def nobodys(self, begin: datetime, end: datetime) -> timedelta:
        """Return for how long between two moments it was not over and nobody owned it, judged or not."""
        if self.incident.state is State.DISMISSED:
            return timedelta()
        return sum((_without(each, self.over, begin, end) for each in self.unowned), timedelta())

    def reports(self, begin: datetime, end: datetime) -> int:
        """Return how often it was mailed as firing between two moments, parts that were merged into it included."""
        if self.incident.created_at >= begin:
            return self.incident.count - sum(each >= end for each in self.fired)
        return sum(begin <= each < end for each in self.fired)


def _without(span: Span, over: Iterable[Span], begin: datetime, end: datetime) -> timedelta:
    """Return how much of a span lies between two moments and in none of the spans ``over``."""
    took = _common(span, begin, end)
    for each in over:
        until = end if each.end is None else min(each.end, end)
        took -= _common(span, max(each.begin, begin), until)
    return took


def _common(span: Span, begin: datetime, end: datetime) -> timedelta:
    until = end if span.end is None else min(span.end, end)
    return max(until - max(span.begin, begin), timedelta())


def line_of(incident: Incident, timeline: Sequence[Entry], hours: WorkingHours, zone: tzinfo) -> Line:
    """Find the moments that count in an incident's timeline. Reopening takes back that it was resolved."""
    claimed = judged = assessed = closed = None
    resolutions = _Spans()
    dismissals = _Spans()
    unowned = _Spans(incident.created_at)
    fired: list[datetime] = []
    flapped: list[datetime] = []
    for entry in timeline:
        at, verb = entry.at, entry.verb
        what = entry.data.get("what") if verb is Verb.HEARD else None
        taken = verb in _TAKEN or (what == "assigned" and bool(entry.data.get("to")))
        if verb in _JUDGED or taken:
            judged = judged or at
        if verb in _FIRED:
            fired.append(at)
        if verb is Verb.FLAPPING:
            flapped.append(at)
        if taken:
            claimed = claimed or at
            unowned.end(at)
        elif what == "assigned":
            unowned.begin(at)
        elif verb is Verb.ASSESSED:
            assessed = assessed or at
        elif verb in (Verb.DISMISSED, Verb.MERGED):
            dismissals.begin(at)
        elif verb is Verb.RESOLVED or what == "review":
            resolutions.begin(at)
        elif verb is Verb.CLOSED or what == "closed":
            closed = at
            if not dismissals.lasting:
                resolutions.begin(at)
        elif verb is Verb.REOPENED or what == "reopened":
            closed = None
            resolutions.end(at)
            dismissals.end(at)
    if incident.state.finished and not (resolutions.lasting or dismissals.lasting):
        dismissals.begin(incident.created_at)  # nobody wrote down when: it is never measured
    return Line(
        incident,
        claimed,
        judged,
        assessed,
        resolutions.lasting,
        closed,
        not hours.contains(incident.created_at, zone),
        resolutions.all,
        dismissals.all,
        unowned.all,
        tuple(fired),
        tuple(flapped),
    )


class _Spans:
    """Spans as they are found. A further beginning while one lasts changes nothing, nor does an end of none."""

    def __init__(self, begin: datetime | None = None) -> None:
        self._done: list[Span] = []
        self.lasting = begin

    def begin(self, at: datetime) -> None:
        self.lasting = self.lasting or at

    def end(self, at: datetime) -> None:
        if self.lasting is not None:
            self._done.append(Span(self.lasting, at))
            self.lasting = None

    @property
    def all(self) -> tuple[Span, ...]:
        return (*self._done, *([Span(self.lasting)] if self.lasting is not None else []))
