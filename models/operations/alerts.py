"""Recording mail: what the watcher does with what it read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models import mails
from models.domain import intake
from models.domain.alerts import Alert, Authenticated, MailKind, Reading
from models.domain.incidents import Decision, Incident
from models.domain.process import Process
from models.domain.timeline import Entry, Verb
from models.store import Conflict

TRIES = 5


async def record_mails(batch: Sequence[tuple[Reading, datetime]], process: Process) -> None:
    """Record mails once each, with what they mean for incidents. After this a mail may be filed away.

    Args:
        batch: What was read from each mail, oldest first, and when its mailbox received it.
        process: The team's process, for telling what flaps.

    Raises:
        Conflict: Another replica was quicker each time; nothing was written.
    """
    readings = [(_with_alert(reading), received_at) for reading, received_at in batch]
    for attempt in range(TRIES):
        try:
            await mails.record_mails(readings, _decider(process), shown)
        except Conflict:
            if attempt == TRIES - 1:
                raise
        else:
            return


def shown(reading: Reading) -> bool:
    """Tell whether people are shown a mail that is no alert, as a quiet card."""
    if reading.kind in (MailKind.UNRECOGNISED, MailKind.ACCESS_REQUEST):
        return True
    if reading.kind is MailKind.UNREADABLE:
        return reading.alert is None
    return reading.kind is MailKind.IGNORED and reading.authenticated is Authenticated.FAIL


def _with_alert(reading: Reading) -> Reading:
    """Give a garbled mail of a known source an alert, so that people get a candidate that says so."""
    if reading.kind is not MailKind.UNREADABLE or reading.source is None or reading.alert is not None:
        return reading
    subject = reading.subject or "(no subject)"
    key = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    fingerprint = f"unreadable|{reading.source}|{key}"
    return replace(reading, alert=Alert(reading.source, MailKind.FIRING, subject[:200], fingerprint))


def _decider(process: Process) -> mails.Decide:
    def decide(
        incident: Incident | None, alert: Alert, reading: Reading, previous: int | None, recovered_before: bool
    ) -> Decision:
        now = datetime.now(UTC)
        if incident is not None:
            return intake.absorb(incident, alert, process, at=now)
        decision = intake.candidate(
            alert,
            at=now,
            unverified=reading.authenticated is Authenticated.FAIL,
            unreadable=reading.reason if reading.kind is MailKind.UNREADABLE else "",
            previous_id=previous,
        )
        if not recovered_before:
            return decision
        gone = replace(decision.incident, alerting=False, recovered=(now,))
        entry = Entry(now, Verb.RECOVERED, None, {"summary": "the recovery arrived before the alert"})
        return replace(decision, incident=gone, entries=(*decision.entries, entry))

    return decide
