"""Which message shows what."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tortoise import connections

from models import database, directory, store
from models.directory import CASE, INCIDENT, PRIVATE
from models.domain.decisions import Decision
from models.domain.incidents import Incident, State
from models.ports.messenger import ThreadAddress
from models.sql import reading

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


async def incident() -> int:
    return (await store.create(Decision(Incident(0, 1, State.OPEN, "CPU", "gcp", NOW)))).id


async def posted(kind: str, subject: int, message: str, thread: str) -> None:
    address = ThreadAddress("https://smba.example/", "tenant", f"19:c;messageid={thread}", message)
    await directory.remember_card(kind, subject, address)


async def shown(message: str, thread: str) -> tuple[int, bool] | None:
    found = await directory.incident_shown(message, f"19:c;messageid={thread}")
    return (found[0].id, found[1]) if found else None


@pytest.mark.usefixtures("connected")
async def test_an_incident_is_found_by_its_message_or_its_thread() -> None:
    first, second = await incident(), await incident()
    await posted(INCIDENT, first, "1", "1")
    await posted(CASE, second, "2", "2")
    await posted(PRIVATE, second, "3", "3")
    await posted(CASE, first, "3", "3")
    assert await shown("1", "9") == (first, False)
    assert await shown("9", "1") == (first, False)
    assert await shown("2", "2") is None, "a case of the same number is no incident"
    assert await shown("3", "3") == (second, True)


@pytest.mark.usefixtures("connected")
async def test_of_two_cards_the_newer_one_counts() -> None:
    first, second = await incident(), await incident()
    await posted(INCIDENT, first, "1", "1")
    await posted(INCIDENT, second, "2", "1")
    assert await shown("1", "1") == (second, False)
    assert await shown("1", "9") == (first, False)


async def test_a_card_is_found_as_fast_among_many(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/wilson.db"
    await database.upgrade(url)
    await database.connect(url)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    async def steps_to_find() -> int:
        nonlocal steps
        steps = 0
        assert await shown("1", "1") == (number, False)
        return steps

    try:
        number = await incident()
        await posted(INCIDENT, number, "1", "1")
        await connections.get("default")._connection.set_progress_handler(step, 1)
        among_one = await steps_to_find()
        await reading().rows(
            "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
            " INSERT INTO cards (kind, subject, service_url, tenant_id, conversation_id, activity_id)"
            " SELECT 'incident', i, 's', 't', '19:c;messageid=' || i, i FROM n"
        )
        assert 0 < await steps_to_find() < 2 * among_one
    finally:
        await database.disconnect()
