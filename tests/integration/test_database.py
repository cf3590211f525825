"""How the database is opened."""

from __future__ import annotations

from pathlib import Path

from models import database
from models.sql import reading


async def test_sqlite_has_each_commit_on_the_disk_and_keeps_its_log(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/wilson.db"
    await database.upgrade(url)
    await database.connect(url)
    try:
        assert (await reading().rows("PRAGMA synchronous"))[0]["synchronous"] == 2, "FULL"
        log = tmp_path / "wilson.db-wal"
        for number in range(20):
            rows = [(f"{number}-{each}", "x" * 4000) for each in range(60)]
            await reading().many("INSERT INTO facts (key, value) VALUES (?, ?)", rows)
        grown = log.stat().st_size
        await reading().rows("PRAGMA wal_checkpoint(RESTART)")
        await reading().many("INSERT INTO facts (key, value) VALUES (?, ?)", [("last", "x")])
        assert grown > 4_000_000
        assert log.stat().st_size == grown
    finally:
        await database.disconnect()
