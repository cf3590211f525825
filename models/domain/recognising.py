"""Which of the team's known issues an incident is, and whether it may be left alone for a while (T32-T37)."""

from __future__ import annotations

from datetime import datetime, tzinfo

from models.domain.incidents import Incident, State
from models.domain.known_issues import KnownIssue
from models.domain.matching import values_of
from models.domain.process import Process


def known_issue_of(incident: Incident, process: Process) -> KnownIssue | None:
    """Return the first known issue that the incident is one of, or ``None``."""
    values = values_of(incident)
    return next((each for each in process.known_issues if each.matches(values)), None)


def quiet_until(incident: Incident, process: Process, zone: tzinfo) -> datetime | None:
    """Return when a candidate that usually clears by itself is overdue; ``None`` where it is not left alone.

    What counts as urgent, and what could not be read, is never left alone, whatever the table says.

    Args:
        zone: By whose clocks the known issue's hours go.
    """
    known = known_issue_of(incident, process)
    if known is None or known.clears_within is None or incident.state is not State.CANDIDATE:
        return None
    if incident.unreadable or (incident.severity or "").lower() in process.reminders.severities:
        return None
    begun = incident.first_seen or incident.created_at
    if incident.count >= known.repeats or (known.hours is not None and not known.hours.contains(begun, zone)):
        return None
    return begun + known.clears_within


def needs_nobody(incident: Incident, process: Process, zone: tzinfo, now: datetime) -> bool:
    """Tell whether nobody need be reminded of a candidate: it is not overdue yet, or it cleared in time."""
    until = quiet_until(incident, process, zone)
    if until is None:
        return False
    if incident.alerting is False and incident.recovered:
        return incident.recovered[-1] <= until
    return now < until
