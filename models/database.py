"""Opening and upgrading the database, SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tortoise import Tortoise, connections
from tortoise.exceptions import DBConnectionError, OperationalError
from tortoise.migrations.api import migrate, plan

APP = "models"
SQLITE = "sqlite://"
LOG_BYTES = 8 * 1024 * 1024


class DatabaseError(Exception):
    """The database can't be used as it is. The text says what to do."""


def tortoise_config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration for a database url.

    SQLite is opened with ``synchronous=FULL``: a mail is filed away once its commit returned, so the commit must
    be on the disk by then. Its log of commits keeps the length that it grows to between two checkpoints (4 MB):
    where it is cut off and grows again, each commit has the file system take room for it, too.
    """
    if url.startswith(SQLITE):
        separator = "&" if "?" in url else "?"
        url = f"{url}{separator}synchronous=FULL&busy_timeout=10000&journal_size_limit={LOG_BYTES}"
    return {
        "connections": {"default": url},
        "apps": {
            APP: {
                "models": ["models.tables"],
                "default_connection": "default",
                "migrations": "models.migrations",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def upgrade(url: str) -> None:
    """Bring the database to this version's tables. Safe to repeat, and to be killed in.

    Tortoise commits on SQLite after each table, so there the upgrade is made on a copy that takes the place of the
    original when it is whole. On PostgreSQL it is one transaction.

    Raises:
        DatabaseError: It can't be reached or written.
    """
    try:
        if not url.startswith(SQLITE):
            await _migrate(url)
            return
        file = sqlite_file(url)
        made = await asyncio.to_thread(_has_content, file)
        if made and not await pending(url):
            return
        copy = file.with_name(f"{file.name}.upgrading")
        await asyncio.to_thread(_copy, file if made else None, copy)
        await _migrate(f"{SQLITE}{copy}")
        await asyncio.to_thread(copy.replace, file)
    except (DBConnectionError, OperationalError, sqlite3.Error, OSError) as error:
        raise DatabaseError(f"database.url ({_without_password(url)}): {error}") from error


async def _migrate(url: str) -> None:
    try:
        await migrate(config=tortoise_config(url))
    finally:
        await connections.close_all()


def sqlite_file(url: str) -> Path:
    """Return the file of a SQLite url."""
    return Path(url.removeprefix(SQLITE).split("?")[0])


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _copy(file: Path | None, copy: Path) -> None:
    """Copy a database as one file, without what an upgrade that was killed left behind."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    for left in copy.parent.glob(f"{copy.name}*"):
        left.unlink()
    if file is not None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))


async def pending(url: str) -> Sequence[str]:
    """Return the names of the migrations that have not been applied yet."""
    try:
        with redirect_stdout(StringIO()):  # Tortoise prints the plan, too
            lines = await plan(config=tortoise_config(url))
        return [line.removeprefix("+ ") for line in lines if line.startswith("+ ")]
    finally:
        await connections.close_all()


async def connect(url: str) -> None:
    """Connect this process to the database.

    Raises:
        DatabaseError: It can't be reached.
    """
    await Tortoise.init(config=tortoise_config(url), _enable_global_fallback=True)
    try:
        await connections.get("default").execute_query("SELECT 1")
    except (DBConnectionError, OperationalError, OSError) as error:
        await Tortoise.close_connections()
        raise DatabaseError(f"database.url ({_without_password(url)}): {error}") from error


async def disconnect() -> None:
    """Close this process's connections."""
    await Tortoise.close_connections()


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":…@") if parts.password else url
