"""A mailbox at the IMAP server of the tests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from mailwatcher.mailboxes.imap import ImapMailbox
from models.ports.mailbox import MailFolder
from tests.support.dovecot import Account

PROCESSED = MailFolder.PROCESSED


def mail(name: str) -> bytes:
    return f"Subject: {name}\r\n\r\nText of {name}.\r\n".encode()


@asynccontextmanager
async def opened(account: Account, since: datetime | None = None, **changed: Any) -> AsyncIterator[ImapMailbox]:
    box = account.mailbox(since, **changed)
    try:
        yield box
    finally:
        await box.close()


async def took(awaitable: Awaitable[object]) -> float:
    began = time.monotonic()
    await awaitable
    return time.monotonic() - began
