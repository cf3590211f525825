"""What alerts do to incidents: make a candidate, join it, recover it. And declaring one by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from models.domain.alerts import Alert, MailKind, is_flapping
from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import Announce, PostCard, RaiseIssue, RefreshCard
from models.domain.incidents import Incident, State
from models.domain.judging import Answers, Judged, Judging
from models.domain.people import Person
from models.domain.process import Process
from models.domain.timeline import Entry, Verb

KEPT_TIMES = 50
"""How many firing and recovery times an incident keeps, for telling whether it flaps."""

LONGEST_UNTOLD = timedelta(days=2)
"""How long ago an alert may have begun when it is first heard of."""


def candidate(
    alert: Alert, *, at: datetime, why: str = "", unreadable: str = "", previous_id: int | None = None
) -> Decision:
    """Make a new candidate incident of an alert. The store gives it its number."""
    incident = Incident(
        id=0,
        version=1,
        state=State.CANDIDATE,
        title=alert.title,
        source=alert.source,
        created_at=at,
        fingerprint=alert.fingerprint,
        severity=alert.severity,
        project=alert.project,
        resource=alert.resource,
        condition=alert.condition,
        summary=alert.summary,
        source_url=alert.incident_url,
        source_id=alert.incident_id,
        links=alert.links,
        alerting=alert.kind is MailKind.FIRING,
        count=1,
        first_seen=at,
        last_seen=at,
        fired=(at,),
        unreadable=unreadable,
        why=why,
        previous_id=previous_id,
        started_at=_began(alert, at),
    )
    entry = Entry(at, Verb.REPORTED, None, {"source": alert.source, "summary": alert.summary})
    return Decision(incident, (entry,), (PostCard(0),))


def _began(alert: Alert, at: datetime) -> datetime | None:
    """Return when the source says that it began; a moment to come, or long ago, is not believed."""
    told = alert.started_at
    if told is None or told.tzinfo is None or not at - LONGEST_UNTOLD <= told <= at:
        return None
    return told


def absorb(incident: Incident, alert: Alert, process: Process, *, at: datetime) -> Decision:
    """Join an alert to the unfinished incident of its fingerprint.

    A repeat counts. A recovery is marked and never resolves the incident. A firing after a recovery is told in
    the thread, unless the alert flaps: then that is told once, and the card carries it.
    """
    if alert.kind is MailKind.RECOVERED:
        return Decision(incident) if _late(incident, alert) else _recovered(incident, alert, process, at)
    fired = (*incident.fired, at)[-KEPT_TIMES:]
    flapping = _flaps(incident, fired, incident.recovered, process, at)
    again = incident.alerting is False
    changed = replace(
        incident, alerting=True, count=incident.count + 1, last_seen=at, fired=fired, flapping=flapping
    )
    if alert.fingerprint == incident.fingerprint:  # and not that of a part that was merged into it
        changed = replace(
            changed,
            severity=alert.severity or incident.severity,
            condition=alert.condition or incident.condition,
            summary=alert.summary or incident.summary,
            source_url=alert.incident_url or incident.source_url,
            source_id=alert.incident_id or incident.source_id,
        )
    effects: list[Effect] = [RefreshCard(incident.id)]
    if flapping and not incident.flapping:
        entry = Entry(at, Verb.FLAPPING, None, {"count": changed.count, "cycles": process.flapping_cycles})
    elif again:
        entry = Entry(at, Verb.FIRED_AGAIN, None, {"count": changed.count})
    else:
        entry = Entry(at, Verb.REPEATED, None, {"count": changed.count})
    if entry.verb is Verb.FLAPPING or (entry.verb is Verb.FIRED_AGAIN and not flapping):
        effects.append(Announce(incident.id, entry))
    return Decision(changed, (entry,), tuple(effects))


def _flaps(
    incident: Incident, fired: tuple[datetime, ...], recovered: tuple[datetime, ...], process: Process, at: datetime
) -> bool:
    """Tell whether it flaps; once it does, it does until no cycle at all is left in the window."""
    cycles = 1 if incident.flapping else process.flapping_cycles
    return is_flapping(fired, recovered, now=at, cycles=cycles, window=process.flapping_window)


def _late(incident: Incident, alert: Alert) -> bool:
    """Tell whether a recovery is of an older event than the newest firing: an earlier pipeline that was re-run."""
    if alert.fingerprint != incident.fingerprint:
        return False
    mine, newest = alert.incident_id or "", incident.source_id or ""
    return mine.isascii() and newest.isascii() and mine.isdigit() and newest.isdigit() and int(mine) < int(newest)


def _recovered(incident: Incident, alert: Alert, process: Process, at: datetime) -> Decision:
    recovered = (*incident.recovered, at)[-KEPT_TIMES:]
    flapping = _flaps(incident, incident.fired, recovered, process, at)
    changed = replace(incident, alerting=False, last_seen=at, recovered=recovered, flapping=flapping)
    entry = Entry(at, Verb.RECOVERED, None, {"summary": alert.summary})
    effects: list[Effect] = [RefreshCard(incident.id)]
    if incident.alerting is not False and not flapping:
        effects.append(Announce(incident.id, entry))
    return Decision(changed, (entry,), tuple(effects))


def declare(
    title: str,
    description: str,
    by: Person,
    judging: Judging | None = None,
    answers: Answers | None = None,
    service: str = "",
    *,
    at: datetime,
) -> Decision:
    """Make an incident that no mail announced (W12). It is open from the start.

    Args:
        judging: The tests that decide whether it is an incident, where there are any.
        answers: How they were answered.
        service: Which service is impacted (P11); empty where that was not said.
    """
    judged, tests = None, judging.in_words(answers or {}) if judging else ""
    if judging and tests:
        judged = Judged(judging.answered(answers or {}), by, at, judging.verdict(answers or {}) is False)
    incident = Incident(
        id=0,
        version=1,
        state=State.OPEN,
        title=title,
        source="person",
        created_at=at,
        summary=description or None,
        first_seen=at,
        last_seen=at,
        declared_by=by,
        raised_at=at,
        judged=judged,
        service=service,
    )
    about: dict[str, str | int | bool | None] = {"summary": description or None}
    if judged:
        about |= {"tests": tests, "against": judged.against}
    entry = Entry(at, Verb.DECLARED, by, about)
    return Decision(incident, (entry,), (PostCard(0), RaiseIssue(0)))
