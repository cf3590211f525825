"""How it went in a period: what came, how fast it was taken and resolved, and what is worth fixing (W75, U26).

What *came* in the period is counted by source, urgency and state. What was *done* in it is measured, however early
the incident came, so that each act is in one of several reports that follow each other. What was *not over* at its
end is named.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.domain.incidents import State
from models.domain.report_lines import Line

SELF_TEST = "selftest"
PRIVATE = "private"
"""What source and urgency of an incident of security are called in a report, which is public."""
UNCLAIMED_AFTER = timedelta(minutes=30)
"""What nobody took within so long counts as unclaimed out of hours, where it came then."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations: how many, the median, the 90th percentile by nearest rank, the longest."""

    count: int = 0
    median: timedelta = timedelta()
    ninetieth: timedelta = timedelta()
    longest: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Repeat:
    """One source of noise: a rule that alerted more than once in the period, on whatever resources.

    Attributes:
        title: Of the newest incident of it.
        incident_id: That incident.
        reports: How often it was mailed as firing in the period.
        incidents: How many candidates it made.
        dismissed: How many of them were no incidents.
        flapping: Whether it went on and off.
        numbers: Of all its incidents, the oldest first.
        resources: What it spoke of, in the order in which it came.
    """

    title: str
    incident_id: int
    reports: int
    incidents: int
    dismissed: int
    flapping: bool
    numbers: tuple[int, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What ``report`` tells. ``end`` is the first moment that is not counted any more.

    Attributes:
        lines: What came in the period, was open in it, or was resolved in it.
        by_source, by_urgency, by_state: Of what came in the period, as it is now.
        to_claim, to_judge, to_assess, to_resolve: Of what was done in the period.
        live: How long incidents were raised and not over, within the period.
        unowned: How long nobody owned what was not over, within the period.
        open_at_end: Numbers of what was not over at the end of the period, or now where that is earlier.
        unclaimed: Numbers of what came out of hours and was nobody's for too long.
        follow_ups: Of all ``lines``.
        top_share: How many per cent of the reports came from the two noisiest alerts.
        until: ``end``, or now where the period is not over.
    """

    begin: datetime
    end: datetime
    until: datetime
    lines: tuple[Line, ...]
    by_source: tuple[tuple[str, int], ...]
    by_urgency: tuple[tuple[str, int], ...]
    by_state: tuple[tuple[str, int], ...]
    to_claim: Spread
    to_judge: Spread
    to_assess: Spread
    to_resolve: Spread
    live: timedelta
    unowned: timedelta
    open_at_end: tuple[int, ...]
    repeats: tuple[Repeat, ...]
    unclaimed: tuple[int, ...]
    follow_ups: int
    top_share: int

    @property
    def count(self) -> int:
        """How many incidents and candidates came in the period."""
        return sum(self.came(each) for each in self.lines)

    @property
    def earlier(self) -> int:
        """How many incidents of it came before the period."""
        return len(self.lines) - self.count

    @property
    def open_from_before(self) -> tuple[int, ...]:
        """Which of those that were not over at the end came before the period."""
        before = {each.incident.id for each in self.lines if not self.came(each)}
        return tuple(each for each in self.open_at_end if each in before)

    @property
    def follow_ups_open(self) -> int:
        """How many follow-ups are known to be open."""
        return sum(each.closed is False for line in self.lines for each in line.incident.follow_ups)

    @property
    def follow_ups_unknown(self) -> int:
        """Of how many follow-ups nobody knows how they stand."""
        return sum(each.closed is None for line in self.lines for each in line.incident.follow_ups)

    @property
    def unclaimed_out_of_hours(self) -> int:
        """How many came out of hours and were nobody's for too long."""
        return len(self.unclaimed)

    def came(self, line: Line) -> bool:
        """Tell whether an incident came in the period."""
        return line.incident.created_at >= self.begin


def spread(durations: Iterable[timedelta]) -> Spread:
    """Return how durations are spread; nothing but zeros where there are none."""
    found = sorted(durations)
    if not found:
        return Spread()
    return Spread(len(found), _median(found), _percentile(found, 90), found[-1])


def _median(ordered: Sequence[timedelta]) -> timedelta:
    """Return the middle one; between two of them, halfway."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """Return the smallest value that at least so many per cent are no larger than."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def report_of(lines: Iterable[Line], begin: datetime, end: datetime, *, now: datetime) -> Report:
    """Put a report together. Self-tests and parts of other incidents are left out.

    Args:
        lines: Of all incidents that may concern the period; those that do not are left out.
        now: Until when what is not resolved yet has been live.
    """
    until = min(end, now)
    kept = tuple(
        sorted(
            (each for each in lines if _concerns(each, begin, end)),
            key=lambda each: (each.incident.created_at, each.incident.id),
        )
    )
    came = [each for each in kept if each.incident.created_at >= begin]
    repeats = _repeats(kept, begin, end)
    reports = sum(_weight(each, begin, end) for each in kept)
    top = sum(each.reports for each in repeats[:2])
    resolved = [(each, each.resolved_by(end)) for each in kept]
    return Report(
        begin,
        end,
        until,
        kept,
        _counted(PRIVATE if each.incident.private else each.incident.source for each in came),
        _counted(PRIVATE if each.incident.private else each.incident.urgency or "" for each in came),
        _counted(each.incident.state.value for each in came),
        _done(((each.claimed_at, each.to_claim) for each in kept), begin, end),
        _done(((each.judged_at, each.to_judge) for each in kept), begin, end),
        _done(((each.assessed_at, each.to_assess) for each in kept), begin, end),
        _done(((at, at - each.incident.created_at if at else None) for each, at in resolved), begin, end),
        sum((each.live(begin, until) for each in kept), timedelta()),
        sum((each.nobodys(begin, until) for each in kept), timedelta()),
        tuple(each.incident.id for each in kept if each.open_at(end)),
        repeats,
        tuple(each.incident.id for each in came if _unclaimed(each, now)),
        sum(len(each.incident.follow_ups) for each in kept),
        round(100 * top / reports) if reports and repeats else 0,
    )


def _concerns(line: Line, begin: datetime, end: datetime) -> bool:
    """Tell whether an incident came in the period, was open in it, or ended in it."""
    incident = line.incident
    if incident.source == SELF_TEST or incident.merged_into is not None or incident.created_at >= end:
        return False
    ended = any(begin <= each.begin < end for each in line.over)
    return incident.created_at >= begin or ended or line.open_at(end)


def _done(acts: Iterable[tuple[datetime | None, timedelta | None]], begin: datetime, end: datetime) -> Spread:
    """Return how long what was done in the period had taken."""
    return spread(took for at, took in acts if at is not None and took is not None and begin <= at < end)


def _unclaimed(line: Line, now: datetime) -> bool:
    """Tell whether an incident came out of hours, and neither was taken nor over for too long."""
    if not line.out_of_hours or line.incident.state is State.DISMISSED:
        return False
    over = line.over[0].begin if line.over else now
    return min(line.claimed_at or now, over) - line.incident.created_at > UNCLAIMED_AFTER


def _weight(line: Line, begin: datetime, end: datetime) -> int:
    reports = line.reports(begin, end)
    return max(reports, 1) if line.incident.created_at >= begin else reports


def _counted(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(values).items(), key=lambda each: (-each[1], each[0])))


def _repeats(lines: Sequence[Line], begin: datetime, end: datetime) -> tuple[Repeat, ...]:
    """Return what alerted more than once. Incidents of security are no part of it: it would tell what they are."""
    loud = [
        each
        for each in lines
        if each.incident.fingerprint and not each.incident.private and each.reports(begin, end) > 0
    ]
    found = [_repeat(some, begin, end) for some in _by_rule(loud)]
    worth = [each for each in found if each.reports > 1 or each.incidents > 1 or each.flapping]
    return tuple(sorted(worth, key=lambda each: (-each.reports, each.incident_id)))


def _by_rule(lines: Sequence[Line]) -> list[list[Line]]:
    """Put together what comes of one rule, or has one fingerprint (a title may change with what is in a group)."""
    of_key: dict[str, list[Line]] = {}
    for each in lines:
        keys = (each.incident.policy, each.incident.fingerprint)
        groups = [of_key[key] for key in keys if key in of_key]
        group = groups[0] if groups else []
        if len(groups) == 2 and groups[1] is not group:
            group.extend(groups[1])
            of_key.update({key: group for key, held in of_key.items() if held is groups[1]})
        group.append(each)
        of_key.update(dict.fromkeys(keys, group))
    return list({id(group): group for group in of_key.values()}.values())


def _repeat(lines: Sequence[Line], begin: datetime, end: datetime) -> Repeat:
    some = sorted((each.incident for each in lines), key=lambda each: (each.created_at, each.id))
    newest = some[-1]
    return Repeat(
        newest.title,
        newest.id,
        sum(each.reports(begin, end) for each in lines),
        len(some),
        sum(each.state is State.DISMISSED for each in some),
        any(_flapped(each, begin, end) for each in lines),
        tuple(each.id for each in some),
        tuple(dict.fromkeys(each.resource for each in some if each.resource)),
    )


def _flapped(line: Line, begin: datetime, end: datetime) -> bool:
    told = any(begin <= at < end for at in line.flapped)
    return told or (line.incident.flapping and line.incident.created_at >= begin)
