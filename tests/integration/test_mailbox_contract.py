"""The mailboxes, held to what every mailbox must do."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from mailwatcher.mailboxes.folder import FolderMailbox
from models.ports import Mailbox, MailFolder
from tests.contract.mailbox_contract import Box, MailboxContract
from tests.support.dovecot import Account, Dovecot


class DirectoryBox(Box):
    exact = True
    knows_since = False

    def __init__(self, path: Path, inbox: Path) -> None:
        self._path = path
        self._inbox = inbox
        self._numbers = itertools.count()
        self.mailbox = self.open()

    def open(self, since: datetime | None = None) -> Mailbox:
        assert since is None
        return FolderMailbox(self._path, "inbox", "processed", "unrecognised", "unreadable")

    async def deliver(self, raw: bytes, received_at: datetime | None = None) -> None:
        file = self._inbox / f"{next(self._numbers)}.eml"
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".tmp")
        unfinished.write_bytes(raw)
        if received_at:
            os.utime(unfinished, (received_at.timestamp(), received_at.timestamp()))
        unfinished.rename(file)

    async def held(self, folder: MailFolder | None) -> list[bytes]:
        place = self._inbox if folder is None else self._path / folder.value
        return [file.read_bytes() for file in sorted(place.rglob("*.eml"))]


class ImapBox(Box):
    def __init__(self, account: Account) -> None:
        self._account = account
        self.mailbox = self.open()

    def open(self, since: datetime | None = None) -> Mailbox:
        return self._account.mailbox(since)

    async def deliver(self, raw: bytes, received_at: datetime | None = None) -> None:
        await asyncio.to_thread(self._account.deliver, raw, received_at)

    async def held(self, folder: MailFolder | None) -> list[bytes]:
        return await asyncio.to_thread(self._account.held, folder.value if folder else "INBOX")


class TestDirectory(MailboxContract):
    @pytest.fixture
    async def box(self, tmp_path: Path) -> AsyncIterator[Box]:  # type: ignore[override]
        box = DirectoryBox(tmp_path, tmp_path / "inbox")
        yield box
        await box.close()


class TestMaildir(MailboxContract):
    @pytest.fixture
    async def box(self, tmp_path: Path) -> AsyncIterator[Box]:  # type: ignore[override]
        inbox = tmp_path / "inbox" / "new"
        inbox.mkdir(parents=True)
        box = DirectoryBox(tmp_path, inbox)
        yield box
        await box.close()


class TestImap(MailboxContract):
    @pytest.fixture
    async def box(self, imap_server: Dovecot) -> AsyncIterator[Box]:  # type: ignore[override]
        box = ImapBox(imap_server.account())
        yield box
        await box.close()


class TestImapWithoutMove(MailboxContract):
    @pytest.fixture
    async def box(self, poor_imap_server: Dovecot) -> AsyncIterator[Box]:  # type: ignore[override]
        box = ImapBox(poor_imap_server.account())
        yield box
        await box.close()
