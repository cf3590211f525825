"""Recording mail: what the watcher does with what it read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models import recording
from models.domain import intake
from models.domain.alerts import Alert, Authenticated, MailKind, Reading
from models.domain.decisions import Decision
from models.domain.incidents import Incident
from models.domain.mail import Trust, sort_mail
from models.domain.process import Process
from models.domain.timeline import Entry, Verb
from models.store import Conflict

TRIES = 5
NO_DEMANDS = Trust()


async def record_mails(
    batch: Sequence[tuple[Reading, datetime]], process: Process, trust: Trust = NO_DEMANDS
) -> None:
    """Record mails once each, with what they mean for incidents. After this a mail may be filed away.

    Args:
        batch: What was read from each mail, oldest first, and when its mailbox received it.
        process: The team's process, for its rules about mail and for telling what flaps.
        trust: Whose mail is believed.

    Raises:
        Conflict: Another replica was quicker each time; nothing was written.
    """
    sorted_mails = [
        sort_mail(_with_alert(reading), received_at, process.mail, trust) for reading, received_at in batch
    ]
    for attempt in range(TRIES):
        try:
            await recording.record_mails(sorted_mails, decider(process))
        except Conflict:
            if attempt == TRIES - 1:
                raise
        else:
            return


def _with_alert(reading: Reading) -> Reading:
    """Give a garbled mail of a known source an alert, so that people get a candidate that says so."""
    if reading.kind is not MailKind.UNREADABLE or reading.source is None or reading.alert is not None:
        return reading
    subject = reading.subject or "(no subject)"
    key = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    fingerprint = f"unreadable|{reading.source}|{key}"
    return replace(reading, alert=Alert(reading.source, MailKind.FIRING, subject[:200], fingerprint))


def decider(process: Process) -> recording.Decide:
    """Return what tells what an alert makes of its incident, by the team's process."""

    def decide(
        incident: Incident | None, alert: Alert, reading: Reading, previous: int | None, recovered_before: bool
    ) -> Decision:
        now = datetime.now(UTC)
        if incident is not None:
            return intake.absorb(incident, alert, process, at=now)
        decision = intake.candidate(
            alert,
            at=now,
            why=why(reading),
            unreadable=reading.reason if reading.kind is MailKind.UNREADABLE else "",
            previous_id=previous,
        )
        if not recovered_before:
            return decision
        gone = replace(decision.incident, alerting=False, recovered=(now,))
        entry = Entry(now, Verb.RECOVERED, None, {"summary": "the recovery arrived before the alert"})
        return replace(decision, incident=gone, entries=(*decision.entries, entry))

    return decide


def why(reading: Reading) -> str:
    """Say on a card why it is there: what was read, from whom, and whether our mail server confirmed the sender."""
    confirmed = {
        Authenticated.PASS: "confirmed by our mail server",
        Authenticated.FAIL: "not confirmed by our mail server",
        Authenticated.NONE: "which our mail server said nothing about",
    }[reading.authenticated]
    sender = f"From {reading.sender or 'nobody'}, {confirmed}"
    return f"{reading.reason}. {sender}. Message-ID {reading.message_id}"[:600]
