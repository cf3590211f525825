"""Incidents: load, compare-and-set, record. With ``mails``, ``queue`` and ``directory`` all that touches rows."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models.codec import (
    entry_from_text,
    entry_to_text,
    incident_from_text,
    incident_to_text,
)
from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import IncidentEffect, TellPager
from models.domain.incidents import Incident, State
from models.domain.paging import concerns_pager
from models.domain.privacy import same_alert
from models.domain.recurrence import LOOKED_BACK
from models.domain.timeline import Entry
from models.queue import enqueue, priority_of
from models.sql import Database, Row, marks, reading, writing

PAGE = 500
"""How many incidents are read at once where all are gone through."""


class Conflict(Exception):
    """Somebody else changed the incident in between: load and decide again."""


class DoneAlready(Exception):
    """The same activity or form had its effect before."""


class FingerprintTaken(Exception):
    """Another unfinished incident holds the alert already.

    Args:
        incident_id: Which.
    """

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"incident {incident_id} holds this alert already")
        self.incident_id = incident_id


def to_ms(at: datetime) -> int:
    """Return a time as the rows hold it."""
    return int(at.timestamp() * 1000)


def from_ms(value: int) -> datetime:
    """Return a row's time, aware, UTC."""
    return datetime.fromtimestamp(value / 1000, UTC)


def now_ms() -> int:
    """Return the present time as the rows hold it."""
    return time.time_ns() // 1_000_000


def fingerprint_of(text: str) -> str:
    """Return the key under which rows hold a fingerprint; empty for an incident without alerts."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else ""


def incident_of(row: Row) -> Incident:
    """Return the incident of a row with id, version and body."""
    incident = incident_from_text(row["body"])
    if (incident.id, incident.version) == (row["id"], row["version"]):
        return incident
    return replace(incident, id=row["id"], version=row["version"])


async def incident(incident_id: int) -> Incident | None:
    """Return an incident, or ``None`` where there is none of that number."""
    rows = await reading().rows("SELECT id, version, body FROM incidents WHERE id = ?", incident_id)
    return incident_of(rows[0]) if rows else None


async def open_incident(fingerprint: str) -> int | None:
    """Return the unfinished incident of an alert, or ``None``."""
    key = fingerprint_of(fingerprint)
    rows = await reading().rows("SELECT incident_id FROM open_fingerprints WHERE fingerprint = ?", key)
    return rows[0]["incident_id"] if rows else None


async def incidents_in(states: Iterable[State], limit: int = 200) -> list[Incident]:
    """Return the incidents in these states, newest first."""
    names = [state.value for state in states]
    statement = (
        f"SELECT id, version, body FROM incidents WHERE state IN ({marks(len(names))}) ORDER BY id DESC LIMIT ?"
    )
    return [incident_of(row) for row in await reading().rows(statement, *names, limit)]


async def every_incident_in(states: Iterable[State]) -> AsyncIterator[Incident]:
    """Go through all incidents in these states, oldest first, some hundreds at a time: a storm leaves thousands."""
    names, last = [state.value for state in states], 0
    which = f"state IN ({marks(len(names))}) AND id > ?"
    statement = f"SELECT id, version, body FROM incidents WHERE {which} ORDER BY id LIMIT ?"
    while rows := await reading().rows(statement, *names, last, PAGE):
        for row in rows:
            yield incident_of(row)
        last = rows[-1]["id"]


async def incidents_of_issues(keys: Sequence[str]) -> list[int]:
    """Return the incidents whose issues have these keys."""
    found: list[int] = []
    for start in range(0, len(keys), 200):
        some = keys[start : start + 200]
        statement = f"SELECT id FROM incidents WHERE issue_key IN ({marks(len(some))})"
        found += [row["id"] for row in await reading().rows(statement, *some)]
    return found


async def incidents_of_digest(digest_id: int) -> list[Incident]:
    """Return the incidents that a digest card shows."""
    statement = "SELECT id, version, body FROM incidents WHERE digest_id = ? ORDER BY id"
    return [incident_of(row) for row in await reading().rows(statement, digest_id)]


async def dismissed_before(incident: Incident) -> list[Incident]:
    """Return the earlier incidents of the same rule that were no incidents, the oldest first.

    Those of security are no part of what a public one tells.
    """
    if not incident.fingerprint:
        return []
    rows = await reading().rows(
        "SELECT id, version, body FROM incidents WHERE (fingerprint = ? OR policy = ?) AND state = ? AND id < ?"
        " ORDER BY id",
        fingerprint_of(incident.fingerprint),
        fingerprint_of(incident.policy),
        State.DISMISSED.value,
        incident.id,
    )
    found = [each for each in map(incident_of, rows) if each.merged_into is None]
    return found if incident.private else [each for each in found if not each.private]


async def same_rule_before(incident: Incident, limit: int = 300) -> list[Incident]:
    """Return the incidents of the same rule in the weeks before, the newest first.

    Those of security are no part of what a public one tells.
    """
    rows = await reading().rows(
        "SELECT id, version, body FROM incidents WHERE policy = ? AND id < ? AND updated_ms >= ?"
        " ORDER BY id DESC LIMIT ?",
        fingerprint_of(incident.policy),
        incident.id,
        to_ms(incident.created_at - LOOKED_BACK),
        limit,
    )
    found = [incident_of(row) for row in rows]
    return found if incident.private else [each for each in found if not each.private]


async def timeline(incident_id: int) -> list[Entry]:
    """Return an incident's timeline, oldest first."""
    rows = await reading().rows("SELECT entry FROM timeline WHERE incident_id = ? ORDER BY id", incident_id)
    return [entry_from_text(row["entry"]) for row in rows]


async def commit(changes: Sequence[tuple[Incident, Decision]], *, once: Sequence[str] = ()) -> list[Incident]:
    """Carry out decisions in one transaction.

    1. Each incident is written where its version is still the one that was decided on. 2. ``once`` keys are
    taken. 3. Timeline and outbox follow.

    Args:
        changes: The incident as loaded, and what was decided. Unchanged incidents are only checked.
        once: Keys of what must have its effect once only.

    Returns:
        The incidents as stored.

    Raises:
        Conflict: A version was not the present one; nothing was written.
        DoneAlready: A key was taken before; nothing was written.
        FingerprintTaken: A reopened incident's alert belongs to another one by now; nothing was written.
    """
    at = now_ms()
    stored: list[Incident] = []
    async with writing() as db:
        for before, decision in changes:
            stored.append(await write_incident(db, before, decision.incident, at))
        await take(db, once, at)
        for (_, decision), after in zip(changes, stored, strict=True):
            await record_decisions(db, [(after.id, decision)], at)
    return stored


async def create(decision: Decision, *, once: Sequence[str] = ()) -> Incident:
    """Store a new incident that holds no alert.

    Raises:
        DoneAlready: A key was taken before; nothing was written.
    """
    at = now_ms()
    async with writing() as db:
        await take(db, once, at)
        (incident_id,) = await insert_incidents(db, [decision.incident], at)
        await record_decisions(db, [(incident_id, decision)], at)
    return replace(decision.incident, id=incident_id)


async def write_incident(db: Database, before: Incident, after: Incident, at: int) -> Incident:
    after = replace(after, id=before.id, version=before.version + 1)
    count = await db.run(
        "UPDATE incidents SET version = ?, state = ?, digest_id = ?, issue_key = ?, updated_ms = ?, body = ?"
        " WHERE id = ? AND version = ?",
        after.version,
        after.state.value,
        after.digest_id,
        after.issue_key[:40] or None,
        at,
        incident_to_text(after),
        before.id,
        before.version,
    )
    if not count:
        raise Conflict
    if after.merged_into is not None and before.merged_into is None:
        statement = "UPDATE open_fingerprints SET incident_id = ? WHERE incident_id = ?"
        await db.run(statement, after.merged_into, after.id)
    elif after.state.finished and not before.state.finished:
        await db.run("DELETE FROM open_fingerprints WHERE incident_id = ?", after.id)
    elif before.state.finished and not after.state.finished and after.fingerprint:
        await _hold(db, fingerprint_of(after.fingerprint), after.id)
    if concerns_pager(before, after):
        await enqueue(db, [TellPager(after.id)], at)
    if after.private and (not before.private or after.state is not before.state):
        await _know_private(db, after)
    return after


def private_keys(texts: Sequence[str]) -> list[str]:
    """Return the facts that tell that alerts are matters of security, by what ``privacy.same_alert`` returned."""
    return [f"private:{fingerprint_of(text)[:50]}" for text in texts]


async def _know_private(db: Database, incident: Incident) -> None:
    """Keep which alerts are matters of security, those of parts too; one that was no incident is none any more."""
    about = (incident.source, incident.project, incident.title, incident.resource)
    keys = private_keys(same_alert(incident.fingerprint, *about))
    if keys and incident.state is State.DISMISSED and incident.merged_into is None:
        await db.run(f"DELETE FROM facts WHERE key IN ({marks(len(keys))})", *keys)
    else:
        tail = "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        await db.insert("facts", ("key", "value"), [(key, str(incident.id)) for key in keys], tail=tail)


async def _hold(db: Database, key: str, incident_id: int) -> None:
    held = await db.insert(
        "open_fingerprints",
        ("fingerprint", "incident_id"),
        [(key, incident_id)],
        tail="ON CONFLICT DO NOTHING RETURNING fingerprint",
    )
    if not held:
        other = await db.rows("SELECT incident_id FROM open_fingerprints WHERE fingerprint = ?", key)
        raise FingerprintTaken(other[0]["incident_id"] if other else 0)


async def take(db: Database, once: Sequence[str], at: int) -> None:
    keys = [key[:200] for key in once if key]
    if not keys:
        return
    tail = "ON CONFLICT DO NOTHING RETURNING key"
    if len(await db.insert("seen", ("key", "at_ms"), [(key, at) for key in keys], tail=tail)) < len(keys):
        raise DoneAlready


async def insert_incidents(db: Database, incidents: Sequence[Incident], at: int) -> list[int]:
    """Insert new incidents and return their numbers, in their order."""
    uids = [uuid.uuid4().hex for _ in incidents]
    rows = [
        (
            uid,
            each.version,
            each.state.value,
            fingerprint_of(each.fingerprint),
            fingerprint_of(each.policy),
            at,
            incident_to_text(each),
        )
        for uid, each in zip(uids, incidents, strict=True)
    ]
    columns = ("uid", "version", "state", "fingerprint", "policy", "updated_ms", "body")
    ids = {row["uid"]: row["id"] for row in await db.insert("incidents", columns, rows, tail="RETURNING id, uid")}
    return [ids[uid] for uid in uids]


async def record_decisions(db: Database, decisions: Sequence[tuple[int, Decision]], at: int) -> None:
    """Write what decisions add to timeline and outbox, inside the caller's transaction."""
    lines = [(i, to_ms(entry.at), entry_to_text(entry)) for i, decision in decisions for entry in decision.entries]
    await db.insert("timeline", ("incident_id", "at_ms", "entry"), lines)
    by_priority: dict[int, list[Effect]] = {}
    for incident_id, decision in decisions:
        effects = by_priority.setdefault(priority_of(decision.incident.severity), [])
        effects.extend(_of(effect, incident_id) for effect in decision.effects)
    for priority, effects in by_priority.items():
        await enqueue(db, effects, at, priority=priority)


def _of(effect: Effect, incident_id: int) -> Effect:
    """Give an effect of a new incident the number that the database gave it."""
    if isinstance(effect, IncidentEffect) and not effect.incident_id:
        return replace(effect, incident_id=incident_id)
    return effect


async def leave(effects: Sequence[Effect], *, once: Sequence[str] = ()) -> bool:
    """Put effects that concern no incident into the outbox. ``False`` if a key was taken before."""
    at = now_ms()
    try:
        async with writing() as db:
            await take(db, once, at)
            await enqueue(db, effects, at)
    except DoneAlready:
        return False
    return True


async def forget_seen(before_ms: int) -> int:
    """Forget once-only keys older than that. Returns how many."""
    return await reading().run("DELETE FROM seen WHERE at_ms < ?", before_ms)
