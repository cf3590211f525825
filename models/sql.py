"""Statements that both databases understand, on Tortoise's connections.

The hot paths (a mail, a click) write whole batches in few statements; the ORM's row objects cost more than the
database does there. Statements are written with ``?``, and PostgreSQL is given ``$1 …``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from tortoise import connections
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.transactions import in_transaction

Row = dict[str, Any]


@lru_cache(maxsize=512)
def _numbered(statement: str) -> str:
    number = 0

    def next_number(_: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return f"${number}"

    return re.sub(r"\?", next_number, statement)


class Database:
    """One connection, or one transaction on it."""

    def __init__(self, client: BaseDBAsyncClient) -> None:
        self._client = client
        self._postgres = client.capabilities.dialect == "postgres"

    @property
    def postgres(self) -> bool:
        """Whether this is PostgreSQL; SQLite otherwise."""
        return self._postgres

    def _text(self, statement: str) -> str:
        return _numbered(statement) if self._postgres else statement

    async def rows(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a statement that returns rows (``SELECT``, or anything with ``RETURNING``)."""
        return await self._client.execute_query_dict(self._text(statement), list(values))

    async def run(self, statement: str, *values: Any) -> int:
        """Run an ``UPDATE`` or ``DELETE`` and return how many rows it concerned."""
        count, _ = await self._client.execute_query(self._text(statement), list(values))
        return count

    async def many(self, statement: str, values: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        if values:
            await self._client.execute_many(self._text(statement), [list(row) for row in values])

    async def insert(
        self, table: str, columns: Sequence[str], values: Sequence[Sequence[Any]], *, tail: str = ""
    ) -> Sequence[Row]:
        """Insert rows in one statement.

        Args:
            tail: ``ON CONFLICT …`` and ``RETURNING …``.

        Returns:
            What ``RETURNING`` names; only the rows that were inserted.
        """
        if not values:
            return []
        one = f"({', '.join('?' * len(columns))})"
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(values))} {tail}"  # noqa: S608 -- names are ours, values are bound
        return await self.rows(statement, *(value for row in values for value in row))


def marks(count: int) -> str:
    """Return ``?, ?, …`` for an ``IN``."""
    return ", ".join("?" * count)


def reading() -> Database:
    """Return the connection, for statements outside a transaction."""
    return Database(connections.get("default"))


@asynccontextmanager
async def writing() -> AsyncIterator[Database]:
    """Open a transaction. Its first statement must write.

    A transaction on SQLite that reads first and then writes fails with "database is locked" when another process
    wrote in between; one that writes first waits.
    """
    async with in_transaction("default") as client:
        yield Database(client)
