"""Digests: candidates that came faster than cards can be posted share one card."""

from __future__ import annotations

from dataclasses import replace

from models import store
from models.domain.effects import PostDigest
from models.domain.incidents import Incident
from models.queue import Item, enqueue
from models.sql import Database, marks, writing
from models.store import Conflict, now_ms

OPEN_FOR_MS = 10 * 60_000
"""For how long further candidates join the newest digest instead of opening one."""


async def fold(items: list[Item]) -> int | None:
    """Put the candidates of waiting card posts into a digest, and take their posts out of the outbox.

    Returns:
        The digest; ``None`` where another process was quicker with all of them.
    """
    at = now_ms()
    async with writing() as db:
        kept = await db.rows(
            f"DELETE FROM outbox WHERE state = 'waiting' AND attempts = 0 AND id IN ({marks(len(items))})"
            " RETURNING subject",
            *(item.id for item in items),
        )
        if not kept:
            return None
        newest = await db.rows(
            "SELECT id FROM digests WHERE created_ms > ? ORDER BY id DESC LIMIT 1", at - OPEN_FOR_MS
        )
        if not newest:
            newest = await db.insert("digests", ("created_ms",), [(at,)], tail="RETURNING id")
        digest_id: int = newest[0]["id"]
        for row in kept:
            await _join(db, row["subject"], digest_id, at)
        await enqueue(db, [PostDigest(digest_id)], at)
    return digest_id


async def _join(db: Database, incident_id: int, digest_id: int, at: int) -> None:
    while True:
        rows = await db.rows("SELECT id, version, body FROM incidents WHERE id = ?", incident_id)
        if not rows:
            return
        before: Incident = store.incident_of(rows[0])
        try:
            await store.write_incident(db, before, replace(before, digest_id=digest_id), at)
        except Conflict:
            continue
        return
