"""How the database is made and opened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tortoise import Tortoise

from models import database
from models.sql import reading


async def indexed() -> set[tuple[str, ...]]:
    """Return what has an index: table and columns."""
    if reading().postgres:
        rows = await reading().rows("SELECT indexdef AS made FROM pg_indexes WHERE schemaname = 'public'")
        shape = re.compile(r" ON public\.(\w+) USING \w+ \((.+)\)")
    else:
        rows = await reading().rows(
            "SELECT sql AS made FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        )
        shape = re.compile(r" ON \"(\w+)\" \((.+)\)")
    found = [shape.search(row["made"]) for row in rows]
    return {(each[1], *re.findall(r"\w+", each[2])) for each in found if each}


@pytest.mark.usefixtures("connected")
async def test_every_index_that_the_tables_name_is_there() -> None:
    wanted = set[tuple[str, ...]]()
    for model in Tortoise.apps["models"].values():
        meta = model._meta
        columns = {
            name for name, field in meta.fields_map.items() if field.index and not field.pk and not field.unique
        }
        wanted |= {(meta.db_table, column) for column in columns}
        wanted |= {(meta.db_table, *index.fields) for index in meta.indexes}
    assert len(wanted) > 10
    assert wanted - await indexed() == set()


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
