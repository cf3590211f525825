"""The mailboxes, held to what every mailbox must do."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from mailwatcher.mailboxes.exchange.mailbox import ExchangeMailbox
from mailwatcher.mailboxes.folder import FolderMailbox
from mailwatcher.mailboxes.graph import GraphMailbox
from models.ports.mailbox import Mailbox, MailFolder
from models.settings import Mailbox as MailboxSettings
from tests.contract.mailbox_contract import Box, MailboxContract
from tests.support.dovecot import Account, Dovecot
from tests.support.exchange import ADDRESS, Exchange
from tests.support.exchange_http import PASSWORD, USERNAME
from tests.support.graph import Graph


class DirectoryBox(Box):
    exact = True

    def __init__(self, path: Path, inbox: Path) -> None:
        self._path = path
        self._inbox = inbox
        self._numbers = itertools.count()
        self.mailbox = self.open()

    def open(self, since: datetime | None = None) -> Mailbox:
        return FolderMailbox(self._path, "inbox", "processed", "unrecognised", "unreadable", since=since)

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


class Memory:
    """A bookmark of one mailbox."""

    def __init__(self) -> None:
        self.text = ""

    async def load(self) -> str:
        return self.text

    async def save(self, text: str) -> None:
        self.text = text


class GraphBox(Box):
    exact = True

    def __init__(self, server: Graph) -> None:
        self._server = server
        self.mailbox = self.open()

    def open(self, since: datetime | None = None) -> Mailbox:
        settings = MailboxSettings(
            kind="graph",
            address=self._server.address,
            base_url=self._server.url,
            login_url=self._server.url,
            tenant_id="t",
            client_id="c",
            client_secret=SecretStr("s3cret"),
        )
        return GraphMailbox(settings, Memory(), since)

    async def deliver(self, raw: bytes, received_at: datetime | None = None) -> None:
        self._server.deliver(raw, received_at)

    async def held(self, folder: MailFolder | None) -> list[bytes]:
        return self._server.names(folder.value if folder else "inbox")


class ExchangeBox(Box):
    exact = True

    def __init__(self, server: Exchange) -> None:
        self._server = server
        self.mailbox = self.open()

    def open(self, since: datetime | None = None) -> Mailbox:
        settings = MailboxSettings(
            kind="exchange",
            address=ADDRESS,
            ews_url=self._server.ews_url,
            auth="password",
            username=USERNAME,
            password=SecretStr(PASSWORD),
        )
        return ExchangeMailbox(settings, Memory(), since)

    async def deliver(self, raw: bytes, received_at: datetime | None = None) -> None:
        await asyncio.to_thread(self._server.deliver, raw, received_at)

    async def held(self, folder: MailFolder | None) -> list[bytes]:
        return await asyncio.to_thread(self._server.names, folder.value if folder else "inbox")


class TestGraph(MailboxContract):
    @pytest.fixture
    async def box(self) -> AsyncIterator[Box]:  # type: ignore[override]
        async with Graph() as server:
            server.page = 50
            box = GraphBox(server)
            yield box
            await box.close()


class TestExchange(MailboxContract):
    @pytest.fixture
    async def box(self) -> AsyncIterator[Box]:  # type: ignore[override]
        server = Exchange().start()
        box = ExchangeBox(server)
        yield box
        await box.close()
        server.stop()
        assert server.violations == [], "\n".join(server.violations)


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
