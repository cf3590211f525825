"""Waiting for mail at Exchange: what it announces, and what is done where it announces nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from mailwatcher.mailboxes.exchange import mailbox
from models.ports.errors import Temporary
from tests.support.exchange import Exchange
from tests.support.exchange_box import Boxes, age, boxes, server, until

__all__ = ["boxes", "server"]


async def test_new_mail_ends_the_waiting(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    assert await box.fetch(10) == []
    waiting = asyncio.create_task(box.wait(30))
    await until(lambda: server.streams)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    server.deliver(b"one", age(1))
    async with asyncio.timeout(5):
        await waiting
    assert [mail.raw for mail in await box.fetch(10)] == [b"one"]
    begun = time.monotonic()
    await box.close()
    assert time.monotonic() - begun < 2
    await until(lambda: not server.streams and not server.subscriptions)


async def test_waiting_ends_in_time_and_can_be_cancelled(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    await box.fetch(10)
    begun = time.monotonic()
    await box.wait(0.3)
    assert 0.2 < time.monotonic() - begun < 2
    waiting = asyncio.create_task(box.wait(30))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_waiting_before_the_first_look_only_waits(server: Exchange, boxes: Boxes) -> None:
    await boxes().wait(0.01)
    assert server.requests == []


@pytest.mark.parametrize("gone", [False, True])
async def test_where_nothing_is_announced_mail_is_looked_for(server: Exchange, boxes: Boxes, gone: bool) -> None:
    server.streaming = False
    box = boxes()
    await box.fetch(10)
    if gone:
        server.stop()
    await box.wait(0.3)
    await box.wait(0.1)
    if gone:
        server.start()
    assert len(server.asked("Subscribe")) == (0 if gone else 1)
    server.deliver(b"one", age(1))
    assert len(await box.fetch(10)) == 1


async def test_a_stream_that_breaks_is_taken_up_again(
    server: Exchange, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "STREAM_PAUSE_SECONDS", 0)
    box = boxes()
    await box.fetch(10)
    await box.wait(0.1)
    await until(lambda: server.streams)
    server.stop()
    await until(lambda: not server.streams)
    await box.wait(0.1)
    server.start()
    deadline = time.monotonic() + 10
    while not server.streams and time.monotonic() < deadline:
        await box.wait(0.1)
    waiting = asyncio.create_task(box.wait(30))
    server.deliver(b"one", age(1))
    async with asyncio.timeout(5):
        await waiting


async def test_reading_goes_on_beside_an_open_stream(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    await box.fetch(10)
    await box.wait(0.05)
    await until(lambda: server.streams)
    server.fault("ErrorServerBusy", 10)
    with pytest.raises(Temporary):
        await box.fetch(10)
    async with asyncio.timeout(5):
        assert await box.fetch(10) == []
