"""Cases: load, open once, compare-and-set, record."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import replace

from tortoise.exceptions import IntegrityError

from models.codec import case_entry_from_text, case_entry_to_text, case_from_text, case_to_text
from models.domain.case_effects import CaseEffect
from models.domain.case_timeline import CaseEntry
from models.domain.cases import Case, CaseDecision, CaseState
from models.domain.effects import Effect
from models.queue import enqueue
from models.sql import Database, Row, marks, reading, writing
from models.store import Conflict, now_ms, take, to_ms


class KeyTaken(Exception):
    """Another undecided case holds the same request.

    Args:
        case_id: Which.
    """

    def __init__(self, case_id: int) -> None:
        super().__init__(f"case {case_id} is the same request")
        self.case_id = case_id


def _key(case: Case) -> str | None:
    return hashlib.sha256(case.key.encode("utf-8", "surrogatepass")).hexdigest() if case.key else None


def _case(row: Row) -> Case:
    return replace(case_from_text(row["body"]), id=row["id"], version=row["version"])


async def case(case_id: int) -> Case | None:
    """Return a case, or ``None`` where there is none of that number."""
    rows = await reading().rows("SELECT id, version, body FROM cases WHERE id = ?", case_id)
    return _case(rows[0]) if rows else None


async def unfinished(limit: int = 500) -> list[Case]:
    """Return the cases that are not over, oldest first."""
    names = [state.value for state in CaseState if not state.finished]
    statement = f"SELECT id, version, body FROM cases WHERE state IN ({marks(len(names))}) ORDER BY id LIMIT ?"
    return [_case(row) for row in await reading().rows(statement, *names, limit)]


async def ended_since(since_ms: int, limit: int = 1000) -> list[Case]:
    """Return the cases that ended since then, oldest first."""
    names = [state.value for state in (CaseState.DONE, CaseState.DECLINED)]
    statement = (
        f"SELECT id, version, body FROM cases WHERE state IN ({marks(len(names))}) AND updated_ms >= ?"
        " ORDER BY id LIMIT ?"
    )
    return [_case(row) for row in await reading().rows(statement, *names, since_ms, limit)]


async def of_issue(issue_key: str) -> list[Case]:
    """Return the cases that share an issue."""
    rows = await reading().rows("SELECT id, version, body FROM cases WHERE issue_key = ? ORDER BY id", issue_key)
    return [_case(row) for row in rows]


async def timeline(case_id: int) -> list[CaseEntry]:
    """Return a case's timeline, oldest first."""
    rows = await reading().rows("SELECT entry FROM case_timeline WHERE case_id = ? ORDER BY id", case_id)
    return [case_entry_from_text(row["entry"]) for row in rows]


async def create(decision: CaseDecision, *, once: Sequence[str] = ()) -> Case:
    """Store a new case.

    Raises:
        KeyTaken: An undecided case is the same request; nothing was written.
        DoneAlready: A key was taken before; nothing was written.
    """
    at, held = now_ms(), decision.case
    columns = ("uid", "version", "procedure", "state", "open_key", "updated_ms", "body")
    row = (uuid.uuid4().hex, 1, held.procedure, held.state.value, _key(held), at, case_to_text(held))
    async with writing() as db:
        made = await db.insert("cases", columns, [row], tail="ON CONFLICT DO NOTHING RETURNING id")
        if made:
            await take(db, once, at)
            await _record(db, made[0]["id"], decision, at)
    if not made:
        raise KeyTaken(await _holder(held))
    return replace(held, id=made[0]["id"], version=1)


async def _holder(held: Case) -> int:
    rows = await reading().rows("SELECT id FROM cases WHERE open_key = ?", _key(held))
    if not rows:
        raise Conflict
    return int(rows[0]["id"])


async def commit(before: Case, decision: CaseDecision, *, once: Sequence[str] = ()) -> Case:
    """Carry out a decision in one transaction, where the case is still as it was loaded.

    Raises:
        Conflict: It was not; nothing was written.
        KeyTaken: Another undecided case is the same request by now; nothing was written.
        DoneAlready: A key was taken before; nothing was written.
    """
    at = now_ms()
    try:
        async with writing() as db:
            after = await _write(db, before, decision, at)
            await take(db, once, at)
            await _record(db, before.id, decision, at)
    except IntegrityError:
        raise KeyTaken(await _holder(decision.case)) from None
    return after


async def commit_all(changes: Sequence[tuple[Case, CaseDecision]]) -> None:
    """Carry out decisions that change no case's request, all of them in one transaction.

    Raises:
        Conflict: A case was not as it was loaded any more; nothing was written.
    """
    at = now_ms()
    async with writing() as db:
        for before, decision in changes:
            await _write(db, before, decision, at)
            await _record(db, before.id, decision, at)


async def _write(db: Database, before: Case, decision: CaseDecision, at: int) -> Case:
    after = replace(decision.case, version=before.version + 1)
    statement = (
        "UPDATE cases SET version = ?, state = ?, open_key = ?, issue_key = ?, updated_ms = ?, body = ?"
        " WHERE id = ? AND version = ?"
    )
    values = (after.version, after.state.value, _key(after), after.issue_key or None, at, case_to_text(after))
    if not await db.run(statement, *values, before.id, before.version):
        raise Conflict
    return after


async def _record(db: Database, case_id: int, decision: CaseDecision, at: int) -> None:
    lines = [(case_id, to_ms(entry.at), case_entry_to_text(entry)) for entry in decision.entries]
    await db.insert("case_timeline", ("case_id", "at_ms", "entry"), lines)
    await enqueue(db, [_of(effect, case_id) for effect in decision.effects], at)


def _of(effect: Effect, case_id: int) -> Effect:
    """Give an effect of a new case the number that the database gave it."""
    if isinstance(effect, CaseEffect) and not effect.case_id:
        return replace(effect, case_id=case_id)
    return effect
