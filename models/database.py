"""Opening and upgrading the database, SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tortoise import Tortoise, connections
from tortoise.exceptions import DBConnectionError, OperationalError
from tortoise.migrations.api import migrate, plan

APP = "models"


class DatabaseError(Exception):
    """The database can't be used as it is. The text says what to do."""


def tortoise_config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration for a database url.

    SQLite is opened with ``synchronous=FULL``: a mail is filed away once its commit returned, so the commit must
    be on the disk by then.
    """
    if url.startswith("sqlite://"):
        separator = "&" if "?" in url else "?"
        url = f"{url}{separator}synchronous=FULL&busy_timeout=10000"
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
    """Bring the database to this version's tables. Safe to repeat.

    Raises:
        DatabaseError: It can't be reached or written.
    """
    if url.startswith("sqlite://"):
        path = Path(url.removeprefix("sqlite://").split("?")[0])
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    try:
        await migrate(config=tortoise_config(url))
    except (DBConnectionError, OperationalError, OSError) as error:
        raise DatabaseError(f"database.url ({_without_password(url)}): {error}") from error
    finally:
        await connections.close_all()


async def pending(url: str) -> Sequence[str]:
    """Return the names of the migrations that have not been applied yet."""
    try:
        steps = await plan(config=tortoise_config(url))
        return [str(step) for step in steps]
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
