"""The recorded mails: what is asked of them, and what people decide about one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.codec import person_from_text, person_to_text, reading_from_text
from models.domain import privacy
from models.domain.alerts import Reading
from models.domain.effects import Effect
from models.domain.mail import Outcome
from models.domain.people import Person
from models.queue import enqueue
from models.sql import Row, marks, reading, writing
from models.store import fingerprint_of, from_ms, incident_of, now_ms, private_keys


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A recorded mail.

    Attributes:
        why: What the rules or people added to the reading's own reason.
        recorded_at: When Wilson recorded it.
    """

    id: int
    received_at: datetime
    reading: Reading
    incident_id: int | None
    set_aside_by: Person | None
    outcome: Outcome
    why: str
    recorded_at: datetime


UNDECIDED = "WHERE id = ? AND incident_id IS NULL AND set_aside_by IS NULL"
"""Which mail nobody has decided about, by its number."""
_MAIL = "SELECT id, received_ms, reading, incident_id, set_aside_by, outcome, why, recorded_ms FROM mails"


def _mail(row: Row) -> MailRecord:
    return MailRecord(
        row["id"],
        from_ms(row["received_ms"]),
        reading_from_text(row["reading"]),
        row["incident_id"],
        person_from_text(row["set_aside_by"]) if row["set_aside_by"] else None,
        Outcome(row["outcome"]),
        row["why"],
        from_ms(row["recorded_ms"]),
    )


async def mail(mail_id: int) -> MailRecord | None:
    """Return a recorded mail."""
    rows = await reading().rows(f"{_MAIL} WHERE id = ?", mail_id)
    return _mail(rows[0]) if rows else None


async def mails_of(message_id: str) -> list[MailRecord]:
    """Return the mails of a Message-ID: more than one where senders used it twice for different things."""
    rows = await reading().rows(f"{_MAIL} WHERE message_id = ? ORDER BY id", message_id)
    return [_mail(row) for row in rows]


async def mail_of_fingerprint(fingerprint: str) -> MailRecord | None:
    """Return the newest mail of an alert."""
    rows = await reading().rows(
        f"{_MAIL} WHERE fingerprint = ? ORDER BY id DESC LIMIT 1", fingerprint_of(fingerprint)
    )
    return _mail(rows[0]) if rows else None


async def mails_between(since_ms: int, until_ms: int, outcome: Outcome, limit: int) -> list[MailRecord]:
    """Return mails of one outcome that were recorded within a time, oldest first."""
    return [
        _mail(row)
        for row in await reading().rows(
            f"{_MAIL} WHERE recorded_ms >= ? AND recorded_ms < ? AND outcome = ? ORDER BY id LIMIT ?",
            since_ms,
            until_ms,
            outcome.value,
            limit,
        )
    ]


async def outcomes_between(since_ms: int, until_ms: int) -> dict[Outcome, int]:
    """Return how many of the mails that were recorded within a time ended as what."""
    rows = await reading().rows(
        "SELECT outcome, COUNT(*) AS n FROM mails WHERE recorded_ms >= ? AND recorded_ms < ? GROUP BY outcome",
        since_ms,
        until_ms,
    )
    return {Outcome(row["outcome"]): row["n"] for row in rows}


async def shown_of(incidents: Sequence[int]) -> list[int]:
    """Return the mails that became one of some incidents and have a card of their own."""
    rows = await reading().rows(
        "SELECT DISTINCT m.id FROM mails m JOIN cards c ON c.kind = 'mail' AND c.subject = m.id"
        f" WHERE m.incident_id IN ({marks(len(incidents))}) ORDER BY m.id",
        *incidents,
    )
    return [row["id"] for row in rows]


async def is_private(record: MailRecord) -> bool:
    """Tell whether a mail is about a matter of security: its incident is one, or its alert was one before."""
    if record.incident_id:
        rows = await reading().rows("SELECT id, version, body FROM incidents WHERE id = ?", record.incident_id)
        return bool(rows) and incident_of(rows[0]).private
    alert = record.reading.alert
    if alert is None:
        return False
    keys = private_keys(
        privacy.same_alert(alert.fingerprint, alert.source, alert.project, alert.title, alert.resource)
    )
    return bool(keys) and bool(
        await reading().rows(f"SELECT key FROM facts WHERE key IN ({marks(len(keys))}) LIMIT 1", *keys)
    )


async def undecided() -> int:
    """Return how many mails wait for somebody to say what they are."""
    rows = await reading().rows(
        "SELECT COUNT(*) AS n FROM mails WHERE outcome IN (?, ?) AND incident_id IS NULL AND set_aside_by IS NULL",
        Outcome.UNRECOGNISED.value,
        Outcome.UNVERIFIED.value,
    )
    return int(rows[0]["n"])


async def newest_mail_ms() -> int | None:
    """Return when the newest mail was recorded; ``None`` where there is none."""
    rows = await reading().rows("SELECT MAX(recorded_ms) AS newest FROM mails")
    return rows[0]["newest"] or None


async def set_mail_aside(mail_id: int, by: Person, effects: Sequence[Effect]) -> bool:
    """Record that somebody said that a mail is not ours. ``False`` if it was decided before."""
    async with writing() as db:
        count = await db.run(
            f"UPDATE mails SET set_aside_by = ?, outcome = ?, why = ? {UNDECIDED}",
            person_to_text(by),
            Outcome.NOT_OURS.value,
            f"{by.name} said that it is not ours",
            mail_id,
        )
        if count:
            await enqueue(db, effects, now_ms())
    return bool(count)


async def accept_request(mail_id: int, by: Person, effects: Sequence[Effect]) -> bool:
    """Record that a doubted request for access is genuine. ``False`` if it was decided before."""
    async with writing() as db:
        count = await db.run(
            f"UPDATE mails SET outcome = ?, why = ? {UNDECIDED} AND outcome = ?",
            Outcome.ACCESS_REQUEST.value,
            f"{by.name} said that it is genuine",
            mail_id,
            Outcome.UNVERIFIED.value,
        )
        if count:
            await enqueue(db, effects, now_ms())
    return bool(count)
