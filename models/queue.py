"""The outbox: what must leave the system, in order within a stream, side by side between streams."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from models.codec import EFFECT_KINDS, effect_from_text, effect_to_text
from models.domain.effects import Effect
from models.domain.incident_effects import PostCard
from models.routes import route_of
from models.sql import Database, Row, marks, reading, writing

COLUMNS = (
    "uid",
    "target",
    "stream",
    "kind",
    "subject",
    "payload",
    "blocking",
    "priority",
    "coalesce",
    "state",
    "attempts",
    "due_ms",
    "created_ms",
    "error",
)
_SEVERE = {"critical": 0, "error": 1, "high": 1, "warning": 2}


@dataclass(frozen=True, slots=True)
class Item:
    """One outbox item.

    Attributes:
        uid: Its own name, also the marker of what it creates at the other side.
        lease: The token that a holder must show to settle it.
        error: How the attempt before ended; empty where there was none, or where it was cut off.
        attempted_ms: When it was first attempted, whoever sent it again since; ``None`` before.
    """

    id: int
    uid: str
    target: str
    stream: str
    kind: str
    subject: int
    effect: Effect
    state: str
    attempts: int
    due_ms: int
    created_ms: int
    attempted_ms: int | None
    lease: str
    error: str


def priority_of(severity: str | None) -> int:
    """Return the priority of a new card: 0 is the most severe, 5 the usual."""
    return _SEVERE.get((severity or "").lower(), 5)


async def enqueue(db: Database, effects: Iterable[Effect], now_ms: int, *, priority: int = 5) -> None:
    """Put effects into the outbox, inside the caller's transaction, in their order."""
    rows = [_row(effect, now_ms, priority) for effect in effects]
    await db.insert("outbox", COLUMNS, rows, tail="ON CONFLICT DO NOTHING")


def _row(effect: Effect, now_ms: int, priority: int) -> tuple[object, ...]:
    target, stream, subject, blocking, coalesce = route_of(effect)
    kind, payload = effect_to_text(effect)
    uid = uuid.uuid4().hex
    return (
        uid,
        target,
        stream or f"teams:{uid}",
        kind,
        subject,
        payload,
        blocking,
        priority if isinstance(effect, PostCard) else 5,
        coalesce,
        "waiting",
        0,
        now_ms,
        now_ms,
        "",
    )


# A stream's head is its oldest item that is neither settled nor parked without blocking.
# What a newer version wrote waits for a replica of that version, and so does what is behind it in its stream.
_KNOWN = ", ".join(f"'{kind}'" for kind in EFFECT_KINDS)
_READY = f"""
SELECT * FROM outbox AS o
WHERE o.kind IN ({_KNOWN}) AND o.due_ms <= ?
  AND (o.state = 'waiting' OR (o.state = 'leased' AND o.lease_until_ms < ?))
  AND NOT EXISTS (
    SELECT 1 FROM outbox AS e WHERE e.stream = o.stream AND e.id < o.id
      AND (e.state <> 'parked' OR e.blocking))
ORDER BY o.priority, o.id LIMIT ?
"""


async def lease(now_ms: int, *, lease_ms: int, limit: int, busy: Sequence[str] = ()) -> list[Item]:
    """Take up to ``limit`` items that are due: the heads of their streams, the most severe first.

    1. Read the heads. 2. Take each by ``UPDATE … WHERE`` it is still as it was read; somebody who got there first
    leaves 0 rows. An expired lease counts as none.

    Args:
        now_ms: The present time.
        lease_ms: For how long nobody else may take them.
        limit: How many.
        busy: Targets that are not asked for.
    """
    taken: list[Item] = []
    for row in await reading().rows(_READY, now_ms, now_ms, limit * 2):
        if len(taken) == limit:
            break
        if row["target"] in busy:
            continue
        token = uuid.uuid4().hex
        count = await reading().run(
            "UPDATE outbox SET state = 'leased', lease = ?, lease_until_ms = ?, attempts = attempts + 1,"
            " coalesce = NULL, error = '',"
            " attempted_ms = CASE WHEN attempted_ms IS NULL THEN ? ELSE attempted_ms END"
            " WHERE id = ? AND attempts = ? AND state = ?",
            token,
            now_ms + lease_ms,
            now_ms,
            row["id"],
            row["attempts"],
            row["state"],
        )
        if count:
            taken.append(replace(_item(row), lease=token, attempts=row["attempts"] + 1))
    return taken


async def settle(item: Item, effects: Sequence[Effect] = (), now_ms: int = 0) -> bool:
    """Remove a delivered item, and put what follows from it into the outbox. ``False`` if the lease was lost."""
    async with writing() as db:
        count = await db.run("DELETE FROM outbox WHERE id = ? AND lease = ?", item.id, item.lease)
        if count:
            await enqueue(db, effects, now_ms)
    return bool(count)


async def put_back(item: Item, error: str, due_ms: int, *, attempts: int | None = None) -> None:
    """Let an item wait until ``due_ms``. ``attempts`` sets their number back where trying did not count."""
    await reading().run(
        "UPDATE outbox SET state = 'waiting', lease = NULL, lease_until_ms = NULL, error = ?, due_ms = ?,"
        " attempts = ? WHERE id = ? AND lease = ?",
        error[:500],
        due_ms,
        item.attempts if attempts is None else attempts,
        item.id,
        item.lease,
    )


async def park(item: Item, error: str) -> None:
    """Set an item aside until a person sends it again or drops it."""
    await reading().run(
        "UPDATE outbox SET state = 'parked', lease = NULL, lease_until_ms = NULL, error = ?"
        " WHERE id = ? AND lease = ?",
        error[:500],
        item.id,
        item.lease,
    )


async def release(items: Sequence[Item]) -> None:
    """Give items back that were taken and not begun, as a stopping process does."""
    for item in items:
        await put_back(item, item.error, item.due_ms, attempts=item.attempts - 1)


async def hasten(kinds: Sequence[str], now_ms: int) -> None:
    """Let what waits be tried at once, because what it waited for is there."""
    if not kinds:
        return
    statement = (
        f"UPDATE outbox SET due_ms = ? WHERE state = 'waiting' AND due_ms > ? AND kind IN ({marks(len(kinds))})"
    )
    await reading().run(statement, now_ms, now_ms, *kinds)


async def release_all() -> None:
    """Give back every lease: for a process that alone uses its database, and starts after one that was killed."""
    await reading().run("UPDATE outbox SET lease_until_ms = 0 WHERE state = 'leased'")


async def waiting(limit: int = 1000) -> list[Item]:
    """Return what is in the outbox, oldest first."""
    statement = f"SELECT * FROM outbox WHERE kind IN ({_KNOWN}) ORDER BY id LIMIT ?"
    return [_item(row) for row in await reading().rows(statement, limit)]


async def held_of(subject: int, kinds: Sequence[str]) -> list[Item]:
    """Return what waits or is parked of these kinds for a subject, oldest first."""
    statement = f"SELECT * FROM outbox WHERE subject = ? AND kind IN ({marks(len(kinds))}) ORDER BY id"
    return [_item(row) for row in await reading().rows(statement, subject, *kinds)]


async def retry(ids: Sequence[int], now_ms: int) -> int:
    """Send parked items again; without ids all of them. Returns how many."""
    where = f" AND id IN ({marks(len(ids))})" if ids else ""
    statement = f"UPDATE outbox SET state = 'waiting', attempts = 0, due_ms = ? WHERE state = 'parked'{where}"
    return await reading().run(statement, now_ms, *ids)


async def drop(ids: Sequence[int]) -> int:
    """Delete items that are waiting or parked. Returns how many."""
    statement = f"DELETE FROM outbox WHERE state <> 'leased' AND id IN ({marks(len(ids))})"
    return await reading().run(statement, *ids) if ids else 0


async def new_cards() -> list[Item]:
    """Return the cards of new candidates that wait for their first attempt, the most severe first."""
    rows = await reading().rows(
        "SELECT * FROM outbox WHERE kind = 'PostCard' AND state = 'waiting' AND attempts = 0 ORDER BY priority, id"
    )
    return [_item(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the outbox is. ``oldest_ms`` is when its oldest due item was created; ``None`` for none."""

    waiting: int
    parked: int
    oldest_ms: int | None


async def depth(now_ms: int) -> Depth:
    """Count the outbox, for readiness and metrics."""
    row = (
        await reading().rows(
            "SELECT SUM(CASE WHEN state = 'parked' THEN 0 ELSE 1 END) AS waiting,"
            " SUM(CASE WHEN state = 'parked' THEN 1 ELSE 0 END) AS parked,"
            " MIN(CASE WHEN state <> 'parked' AND due_ms <= ? THEN created_ms END) AS oldest FROM outbox",
            now_ms,
        )
    )[0]
    return Depth(row["waiting"] or 0, row["parked"] or 0, row["oldest"])


def _item(row: Row) -> Item:
    return Item(
        id=row["id"],
        uid=row["uid"],
        target=row["target"],
        stream=row["stream"],
        kind=row["kind"],
        subject=row["subject"],
        effect=effect_from_text(row["kind"], row["payload"]),
        state=row["state"],
        attempts=row["attempts"],
        due_ms=row["due_ms"],
        created_ms=row["created_ms"],
        attempted_ms=row["attempted_ms"],
        lease=row["lease"] or "",
        error=row["error"],
    )
