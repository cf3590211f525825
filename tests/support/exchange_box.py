"""A mailbox of Exchange at the stand-in, as its tests open it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailwatcher.mailboxes.exchange.mailbox import ExchangeMailbox
from models.settings import Mailbox
from tests.support.exchange import ADDRESS, Exchange
from tests.support.exchange_http import PASSWORD, USERNAME

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MAIL = b"From: a@example.com\r\nSubject: \xc3\xa4 \xff\x00\r\n\r\nbare\nline & <tags>\r\n.\r\n"


class Bookmarks:
    def __init__(self, text: str = "") -> None:
        self.text = text
        self.saves = 0

    async def load(self) -> str:
        return self.text

    async def save(self, text: str) -> None:
        self.text = text
        self.saves += 1


@pytest.fixture
def server() -> Iterator[Exchange]:
    exchange = Exchange().start()
    yield exchange
    exchange.stop()
    assert exchange.violations == [], "\n".join(exchange.violations)


Boxes = Callable[..., ExchangeMailbox]


@pytest.fixture
async def boxes(server: Exchange) -> AsyncIterator[Boxes]:
    made: list[ExchangeMailbox] = []

    def make(bookmark: Bookmarks | None = None, since: datetime | None = None, **more: Any) -> ExchangeMailbox:
        made.append(ExchangeMailbox(settings(server, **more), bookmark or Bookmarks(), since))
        return made[-1]

    yield make
    for box in made:
        await box.close()


def settings(exchange: Exchange, **more: Any) -> Mailbox:
    given: dict[str, Any] = {
        "kind": "exchange",
        "address": ADDRESS,
        "ews_url": exchange.ews_url,
        "auth": "password",
        "username": USERNAME,
        "password": PASSWORD,
    }
    return Mailbox.model_validate(given | more)


def age(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


async def until(met: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
