"""Mails: record each once, and what it means for incidents, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models.codec import (
    person_from_text,
    person_to_text,
    reading_from_text,
    reading_to_text,
)
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.effects import Effect, PostMail
from models.domain.incidents import Decision, Incident
from models.domain.people import Person
from models.queue import enqueue
from models.sql import Database, Row, marks, reading, writing
from models.store import (
    Conflict,
    fingerprint_of,
    from_ms,
    incident_of,
    insert_incidents,
    now_ms,
    record_decisions,
    to_ms,
    write_incident,
)

CONCERNS_INCIDENTS = frozenset({MailKind.FIRING, MailKind.RECOVERED, MailKind.UNREADABLE})


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A recorded mail."""

    id: int
    received_at: datetime
    reading: Reading
    incident_id: int | None
    set_aside_by: Person | None


def identity_of(mail: Reading) -> str:
    """Return what makes a second delivery the same mail: its Message-ID and what it says.

    The raw bytes would not do: each delivery adds headers of its own.
    """
    says = (mail.alert.fingerprint, mail.alert.title, mail.alert.incident_id) if mail.alert else (mail.subject,)
    text = "\0".join(str(part) for part in (mail.message_id, mail.kind.value, mail.source, *says))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


Decide = Callable[[Incident | None, Alert, Reading, int | None, bool], Decision]
"""(open incident, alert, its mail, the finished incident before, recovered before it fired) -> decision."""


async def record_mails(
    mails: Sequence[tuple[Reading, datetime]], decide: Decide, shown: Callable[[Reading], bool]
) -> list[int | None]:
    """Record mails, and what they mean for incidents, in one transaction.

    1. All are inserted on their identity; those that are there already end here. 2. The unfinished incidents of
    their fingerprints are read. 3. Each alert, in order, joins its incident or makes one; all is written at
    the end, existing incidents by compare-and-set.

    Args:
        mails: What was read from each, and when its mailbox received it.
        decide: What an alert makes of its incident.
        shown: Whether a mail that is no alert is shown to people.

    Returns:
        The incident of each mail; ``None`` where it has none.

    Raises:
        Conflict: Another replica was quicker with an incident; nothing was written.
    """
    at = now_ms()
    async with writing() as db:
        ids = await _insert_mails(db, mails)
        new = [mail for mail, _ in mails if identity_of(mail) in ids]
        unique = list({identity_of(mail): mail for mail in new}.values())
        alerts = [mail for mail in unique if mail.alert and mail.kind in CONCERNS_INCIDENTS]
        batch = await _Batch.load(db, alerts)
        for mail in alerts:
            if mail.alert and await _first_time(db, mail.alert, at):
                batch.absorb(mail, decide)
        of_fingerprint = await batch.write(db, at)
        joined = [
            (of_fingerprint[key], ids[identity_of(mail)])
            for mail in alerts
            if mail.alert and (key := fingerprint_of(mail.alert.fingerprint)) in of_fingerprint
        ]
        await db.many("UPDATE mails SET incident_id = ? WHERE id = ?", joined)
        await enqueue(db, [PostMail(ids[identity_of(mail)]) for mail in unique if shown(mail)], at)
    found = {mail_id: incident_id for incident_id, mail_id in joined}
    return [found.get(ids.get(identity_of(mail), 0)) for mail, _ in mails]


async def _insert_mails(db: Database, mails: Sequence[tuple[Reading, datetime]]) -> dict[str, int]:
    columns = ("identity", "message_id", "received_ms", "kind", "fingerprint", "ended_ms", "reading")
    rows = {
        identity_of(mail): (
            identity_of(mail),
            mail.message_id,
            to_ms(received_at),
            mail.kind.value,
            fingerprint_of(mail.alert.fingerprint) if mail.alert else None,
            to_ms(mail.alert.ended_at) if mail.alert and mail.alert.ended_at else None,
            reading_to_text(mail),
        )
        for mail, received_at in mails
    }
    tail = "ON CONFLICT DO NOTHING RETURNING id, identity"
    return {row["identity"]: row["id"] for row in await db.insert("mails", columns, list(rows.values()), tail=tail)}


async def _first_time(db: Database, alert: Alert, at: int) -> bool:
    """Tell whether this event of the source is new: it may arrive by two routes, each with its own Message-ID."""
    if not alert.event_key:
        return True
    key = f"event:{fingerprint_of(alert.event_key)}"
    return bool(await db.insert("seen", ("key", "at_ms"), [(key, at)], tail="ON CONFLICT DO NOTHING RETURNING key"))


class _Batch:
    """The incidents that a batch of mails concerns, changed in memory and written once."""

    def __init__(
        self,
        incidents: dict[str, Incident],
        previous: dict[str, int],
        recovered: dict[str, int],
    ) -> None:
        self._before = dict(incidents)
        self._now = incidents
        self._previous = previous
        self._recovered = recovered
        self._decisions: dict[str, list[Decision]] = {}

    @classmethod
    async def load(cls, db: Database, mails: Sequence[Reading]) -> _Batch:
        keys = list({fingerprint_of(mail.alert.fingerprint) for mail in mails if mail.alert})
        if not keys:
            return cls({}, {}, {})
        rows = await db.rows(
            "SELECT f.fingerprint AS key, i.id, i.version, i.body FROM open_fingerprints f"
            f" JOIN incidents i ON i.id = f.incident_id WHERE f.fingerprint IN ({marks(len(keys))})",
            *keys,
        )
        incidents = {row["key"]: incident_of(row) for row in rows}
        fresh = [key for key in keys if key not in incidents]
        if not fresh:
            return cls(incidents, {}, {})
        previous = await db.rows(
            f"SELECT fingerprint AS key, MAX(id) AS id FROM incidents WHERE fingerprint IN ({marks(len(fresh))})"
            " GROUP BY fingerprint",
            *fresh,
        )
        recovered = await db.rows(
            "SELECT fingerprint AS key, MAX(ended_ms) AS ended FROM mails WHERE kind = 'recovered'"
            f" AND incident_id IS NULL AND fingerprint IN ({marks(len(fresh))}) GROUP BY fingerprint",
            *fresh,
        )
        return cls(
            incidents,
            {row["key"]: row["id"] for row in previous},
            {row["key"]: row["ended"] for row in recovered if row["ended"]},
        )

    def absorb(self, mail: Reading, decide: Decide) -> None:
        if mail.alert is None:
            return
        key = fingerprint_of(mail.alert.fingerprint)
        before = self._now.get(key)
        if before is None and mail.kind is MailKind.RECOVERED:
            return
        ended, began = self._recovered.get(key), mail.alert.started_at
        gone = ended is not None and began is not None and ended >= to_ms(began)
        decision = decide(before, mail.alert, mail, self._previous.get(key), gone)
        self._now[key] = decision.incident
        self._decisions.setdefault(key, []).append(decision)

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


_MAIL = "SELECT id, received_ms, reading, incident_id, set_aside_by FROM mails"


def _mail(row: Row) -> MailRecord:
    aside = person_from_text(row["set_aside_by"]) if row["set_aside_by"] else None
    return MailRecord(
        row["id"], from_ms(row["received_ms"]), reading_from_text(row["reading"]), row["incident_id"], aside
    )


async def mail(mail_id: int) -> MailRecord | None:
    """Return a recorded mail."""
    rows = await reading().rows(f"{_MAIL} WHERE id = ?", mail_id)
    return _mail(rows[0]) if rows else None


async def set_mail_aside(mail_id: int, by: Person, effects: Sequence[Effect]) -> bool:
    """Record that somebody said that a mail is not ours. ``False`` if it was decided before."""
    async with writing() as db:
        count = await db.run(
            "UPDATE mails SET set_aside_by = ? WHERE id = ? AND set_aside_by IS NULL AND incident_id IS NULL",
            person_to_text(by),
            mail_id,
        )
        if count:
            await enqueue(db, effects, now_ms())
    return bool(count)


async def adopt_mail(mail_id: int, decision: Decision, effects: Sequence[Effect]) -> Incident | None:
    """Make a candidate of a mail that was no alert. ``None`` if it was decided before."""
    at = now_ms()
    async with writing() as db:
        count = await db.run(
            "UPDATE mails SET incident_id = 0 WHERE id = ? AND incident_id IS NULL AND set_aside_by IS NULL",
            mail_id,
        )
        if not count:
            return None
        (incident_id,) = await insert_incidents(db, [decision.incident], at)
        await db.run("UPDATE mails SET incident_id = ? WHERE id = ?", incident_id, mail_id)
        await record_decisions(db, [(incident_id, decision)], at)
        await enqueue(db, effects, at)
    return replace(decision.incident, id=incident_id)
