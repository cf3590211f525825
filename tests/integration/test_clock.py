"""What looks now and then outlives whatever fails meanwhile."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

import pytest

from bot.clock import look_now_and_then
from models.ports.errors import Temporary


async def test_it_goes_on_after_each_failure(caplog: pytest.LogCaptureFixture) -> None:
    looked: list[datetime] = []
    enough = asyncio.Event()

    async def look(now: datetime) -> None:
        looked.append(now)
        if len(looked) == 1:
            raise Temporary("the calendar is away")
        if len(looked) == 2:
            raise RuntimeError("a defect")
        enough.set()

    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(look_now_and_then(look, "the rota", seconds=0))
        async with asyncio.timeout(10):
            await enough.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert all(now.tzinfo is not None for now in looked)
    assert "the rota can't be looked at; trying again: the calendar is away" in caplog.text
    assert "looking at the rota failed" in caplog.text
