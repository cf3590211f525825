"""Recording mails: each once, and what it means for incidents, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from models.codec import reading_to_text
from models.domain import privacy
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.case_effects import HearAnswer, OpenCase
from models.domain.decisions import Decision
from models.domain.effects import Effect, PostMail
from models.domain.incidents import Incident
from models.domain.mail import Outcome, SortedMail
from models.domain.people import Person
from models.mails import UNDECIDED, MailRecord
from models.queue import enqueue
from models.sql import Database, marks, writing
from models.store import (
    Conflict,
    fingerprint_of,
    incident_of,
    insert_incidents,
    now_ms,
    private_keys,
    record_decisions,
    to_ms,
    write_incident,
)

EXPECTED = "expected-mail:"
"""How the facts begin that say when an expected mail was received last, in milliseconds."""
ANSWER = "requester"
"""The source of answers to letters, which belong to a case."""


def identity_of(mail: Reading) -> str:
    """Return what makes a second delivery the same mail: its Message-ID and what it says.

    The raw bytes would not do: each delivery adds headers of its own.
    """
    says = (mail.alert.fingerprint, mail.alert.title, mail.alert.incident_id) if mail.alert else (mail.subject,)
    text = "\0".join(str(part) for part in (mail.message_id, mail.kind.value, mail.source, *says))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


Decide = Callable[[Incident | None, Alert, Reading, int | None, bool], Decision]
"""(open incident, alert, its mail, the finished incident before, recovered before it fired) -> decision."""


async def record_mails(batch: Sequence[SortedMail], decide: Decide) -> None:
    """Record mails, and what they mean for incidents, in one transaction.

    1. All are inserted on their identity; those that are there already end here. 2. The unfinished incidents of
    their fingerprints are read. 3. Each alert, in order, joins its incident or makes one; all is written at
    the end, existing incidents by compare-and-set.

    Args:
        batch: The mails, oldest first.
        decide: What an alert makes of its incident.

    Raises:
        Conflict: Another replica was quicker with an incident; nothing was written.
    """
    at = now_ms()
    async with writing() as db:
        ids = await _insert_mails(db, batch, at)
        new = list({key: each for each in batch if (key := identity_of(each.reading)) in ids}.values())
        alerts = [each for each in new if each.concerns_incidents]
        absorbed = await _Batch.load(db, [each.reading for each in alerts])
        ended: list[tuple[SortedMail, Outcome, str]] = []
        for each in alerts:
            ended.append((each, *await _absorb(db, absorbed, each, decide, at)))
        of_fingerprint = await absorbed.write(db, at)
        rows = [
            (_incident_of(each.reading, of_fingerprint), outcome.value, why, ids[identity_of(each.reading)])
            for each, outcome, why in ended
        ]
        await db.many("UPDATE mails SET incident_id = ?, outcome = ?, why = ? WHERE id = ?", rows)
        await _remember_expected(db, new)
        follows = [
            effect
            for each in new
            if (effect := _effect(each, ids[identity_of(each.reading)])) and not await _waits_already(db, each, ids)
        ]
        await enqueue(db, follows, at)


async def _remember_expected(db: Database, new: Sequence[SortedMail]) -> None:
    """Remember when the newest mail of each kind that is expected was received."""
    received: dict[str, int] = {}
    for mail in new:
        for key in mail.expected:
            received[key] = max(received.get(key, 0), to_ms(mail.received_at))
    await db.many(
        "INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        " WHERE CAST(excluded.value AS BIGINT) > CAST(facts.value AS BIGINT)",
        [(f"{EXPECTED}{key}", str(at)) for key, at in sorted(received.items())],
    )


async def _absorb(db: Database, batch: _Batch, mail: SortedMail, decide: Decide, at: int) -> tuple[Outcome, str]:
    """Let one alert join its incident or make one; say what the mail ended as."""
    alert = mail.reading.alert
    if alert is None:
        return mail.outcome, mail.why
    if not await _first_time(db, alert, at):
        return Outcome.JOINED, "the same event was mailed before, by another route"
    joined = batch.absorb(mail.reading, decide)
    return (Outcome.JOINED if joined and mail.outcome is Outcome.CANDIDATE else mail.outcome), mail.why


def _effect(mail: SortedMail, mail_id: int) -> Effect | None:
    """Return what a mail leads to that makes no incident by itself."""
    alert = mail.reading.alert
    if mail.outcome is Outcome.ACCESS_REQUEST:
        return OpenCase(mail_id)
    if mail.outcome is Outcome.INFORMATION and alert is not None and isinstance(alert.details.get("case"), int):
        return HearAnswer(int(str(alert.details["case"])), mail_id) if alert.source == ANSWER else None
    return PostMail(mail_id) if mail.shown else None


def _incident_of(mail: Reading, of_fingerprint: dict[str, int]) -> int | None:
    return of_fingerprint.get(fingerprint_of(mail.alert.fingerprint)) if mail.alert else None


async def _waits_already(db: Database, mail: SortedMail, ids: dict[str, int]) -> bool:
    """Tell whether an unverified alert is shown already and waits for a person: repeats of it only count."""
    alert = mail.reading.alert
    if mail.outcome is not Outcome.UNVERIFIED or alert is None:
        return False
    rows = await db.rows(
        "SELECT MIN(id) AS id FROM mails WHERE fingerprint = ? AND outcome = ? AND incident_id IS NULL"
        " AND set_aside_by IS NULL",
        fingerprint_of(alert.fingerprint),
        Outcome.UNVERIFIED.value,
    )
    return bool(rows and rows[0]["id"] != ids[identity_of(mail.reading)])


async def _insert_mails(db: Database, batch: Sequence[SortedMail], at: int) -> dict[str, int]:
    columns = (
        "identity", "message_id", "received_ms", "kind", "fingerprint", "ended_ms", "reading", "outcome", "why",
        "recorded_ms",
    )  # fmt: skip
    rows = {
        identity_of(mail): (
            identity_of(mail),
            mail.message_id,
            to_ms(each.received_at),
            mail.kind.value,
            fingerprint_of(mail.alert.fingerprint) if mail.alert else None,
            to_ms(mail.alert.ended_at) if mail.alert and mail.alert.ended_at else None,
            reading_to_text(mail),
            each.outcome.value,
            each.why,
            at,
        )
        for each in batch
        for mail in (each.reading,)
    }
    tail = "ON CONFLICT DO NOTHING RETURNING id, identity"
    return {row["identity"]: row["id"] for row in await db.insert("mails", columns, list(rows.values()), tail=tail)}


async def _first_time(db: Database, alert: Alert, at: int) -> bool:
    """Tell whether this event of the source is new: it may arrive by two routes, each with its own Message-ID."""
    if not alert.event_key:
        return True
    key = f"event:{fingerprint_of(alert.event_key)}"
    return bool(await db.insert("seen", ("key", "at_ms"), [(key, at)], tail="ON CONFLICT DO NOTHING RETURNING key"))


async def _private_before(db: Database, alerts: Sequence[Alert], fresh: Sequence[str]) -> dict[str, Incident]:
    """Return, by the fingerprints' keys, the incidents of security that these alerts had before."""
    wanted = [
        (fact, fingerprint_of(each.fingerprint))
        for each in alerts
        if fingerprint_of(each.fingerprint) in fresh
        for fact in private_keys(
            privacy.same_alert(each.fingerprint, each.source, each.project, each.title, each.resource)
        )
    ]
    facts = await db.rows(
        f"SELECT key, value FROM facts WHERE key IN ({marks(len(wanted))})", *(fact for fact, _ in wanted)
    )
    number = {row["key"]: int(row["value"]) for row in facts}
    if not number:
        return {}
    rows = await db.rows(
        f"SELECT id, version, body FROM incidents WHERE id IN ({marks(len(number))})", *number.values()
    )
    found = {row["id"]: incident_of(row) for row in rows}
    return {key: found[number[fact]] for fact, key in wanted if number.get(fact) in found}


async def adopt_mail(record: MailRecord, by: Person, decide: Decide, effects: Sequence[Effect]) -> int | None:
    """Make a candidate of a mail that a person takes for an alert, or let it join the incident of its fingerprint.

    Args:
        record: A mail whose reading holds the alert.
        decide: What the alert makes of its incident.
        effects: What follows besides.

    Returns:
        The incident; ``None`` if somebody decided about the mail before.

    Raises:
        Conflict: Another replica was quicker with the incident; nothing was written.
    """
    at = now_ms()
    async with writing() as db:
        if not await db.run(f"UPDATE mails SET incident_id = 0 {UNDECIDED}", record.id):
            return None
        batch = await _Batch.load(db, [record.reading])
        joined = batch.absorb(record.reading, decide)
        incident_id = _incident_of(record.reading, await batch.write(db, at))
        await db.run(
            "UPDATE mails SET incident_id = ?, outcome = ?, why = ? WHERE id = ?",
            incident_id,
            (Outcome.JOINED if joined else Outcome.CANDIDATE).value,
            f"{by.name} said that it is one",
            record.id,
        )
        await enqueue(db, effects, at)
    return incident_id


class _Batch:
    """The incidents that a batch of mails concerns, changed in memory and written once."""

    def __init__(
        self,
        incidents: dict[str, Incident],
        previous: dict[str, int],
        recovered: dict[str, int],
        private: dict[str, Incident],
    ) -> None:
        self._before = dict(incidents)
        self._now = incidents
        self._previous = previous
        self._recovered = recovered
        self._private = private
        self._decisions: dict[str, list[Decision]] = {}

    @classmethod
    async def load(cls, db: Database, mails: Sequence[Reading]) -> _Batch:
        keys = list({fingerprint_of(mail.alert.fingerprint) for mail in mails if mail.alert})
        if not keys:
            return cls({}, {}, {}, {})
        rows = await db.rows(
            "SELECT f.fingerprint AS key, i.id, i.version, i.body FROM open_fingerprints f"
            f" JOIN incidents i ON i.id = f.incident_id WHERE f.fingerprint IN ({marks(len(keys))})",
            *keys,
        )
        incidents = {row["key"]: incident_of(row) for row in rows}
        fresh = [key for key in keys if key not in incidents]
        if not fresh:
            return cls(incidents, {}, {}, {})
        previous = await db.rows(
            f"SELECT fingerprint AS key, MAX(id) AS id FROM incidents WHERE fingerprint IN ({marks(len(fresh))})"
            " GROUP BY fingerprint",
            *fresh,
        )
        recovered = await db.rows(
            "SELECT fingerprint AS key,"
            " MAX(CASE WHEN kind = 'recovered' AND incident_id IS NULL THEN ended_ms END) AS ended"
            f" FROM mails WHERE fingerprint IN ({marks(len(fresh))}) GROUP BY fingerprint",
            *fresh,
        )
        return cls(
            incidents,
            {row["key"]: row["id"] for row in previous},
            {row["key"]: row["ended"] for row in recovered if row["ended"]},
            await _private_before(db, [mail.alert for mail in mails if mail.alert], fresh),
        )

    def absorb(self, mail: Reading, decide: Decide) -> bool:
        """Decide what an alert does. Returns whether there was an incident for it to join."""
        if mail.alert is None:
            return False
        key = fingerprint_of(mail.alert.fingerprint)
        before = self._now.get(key)
        if before is None and mail.alert.kind is MailKind.RECOVERED:
            return False
        ended, began = self._recovered.get(key), mail.alert.started_at
        gone = ended is not None and began is not None and ended >= to_ms(began)
        decision = decide(before, mail.alert, mail, self._previous.get(key), gone)
        if before is None and key in self._private:
            decision = privacy.again(decision, self._private[key], at=decision.incident.created_at)
        self._now[key] = decision.incident
        self._decisions.setdefault(key, []).append(decision)
        return before is not None

    async def write(self, db: Database, at: int) -> dict[str, int]:
        """Write what changed. Returns the incident of each fingerprint of the batch."""
        new = [key for key in self._decisions if key not in self._before]
        ids = (
            dict(zip(new, await insert_incidents(db, [self._now[key] for key in new], at), strict=True))
            if new
            else {}
        )
        held = await db.insert(
            "open_fingerprints",
            ("fingerprint", "incident_id"),
            list(ids.items()),
            tail="ON CONFLICT DO NOTHING RETURNING fingerprint",
        )
        if len(held) < len(new):
            raise Conflict
        for key, before in self._before.items():
            if key in self._decisions:
                await write_incident(db, before, self._now[key], at)
        everywhere = {key: each.id for key, each in self._now.items() if each.id} | ids
        decided = [(everywhere[key], each) for key, all_of_it in self._decisions.items() for each in all_of_it]
        await record_decisions(db, decided, at)
        return everywhere
