"""A mailbox of Exchange, read through Exchange Web Services.

exchangelib signs in, wraps requests, agrees on a version, and tells errors; what is asked for stands in ``calls``,
and is read as it came. New mail is found by a synchronisation, whose state says how far the inbox was seen. The
state is kept only once every mail that it covers is filed away: a crash in between shows them again, and the record
knows them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from exchangelib import errors as ews
from exchangelib.properties import ItemId
from exchangelib.util import TNS

from mailwatcher.mailboxes.exchange.calls import (
    BROKEN,
    MIME,
    RECEIVED,
    SIZE,
    CreateItem,
    GetItem,
    MoveItem,
    SyncFolderItems,
    answered,
    mime_of,
)
from mailwatcher.mailboxes.exchange.folders import Folders
from mailwatcher.mailboxes.exchange.listener import Listener
from mailwatcher.mailboxes.exchange.refusals import refusal, said
from mailwatcher.mailboxes.exchange.server import Server
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError
from models.ports.mailbox import Bookmark, MailFolder, StoredMail
from models.settings import Mailbox

log = logging.getLogger(__name__)

ONLINE_ENDS = "EWS in Exchange Online is off by default since 2026-10-01 and ends on 2027-04-01"
ONLINE_ADVICE = 'Set mailbox.kind = "graph" instead.'

PAGE = 512
"""Changes in one answer; Exchange gives no more."""
BATCH = 20
BATCH_SIZE = 8 * 1024 * 1024
"""Mails in one answer, and their bytes; a larger mail comes alone."""
STREAM_PAUSE_SECONDS = 60.0
"""A streaming connection that failed is tried again after so long; until then mail is found by looking."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A mail that was seen and is not filed away."""

    received_at: datetime
    size: int


class ExchangeMailbox:
    """Reads one mailbox.

    Requests go one after the other, each in a thread; new mail is announced on a connection of its own where that
    works.

    Args:
        settings: ``address``, where the server is, how to sign in, ``inbox`` and the other folders. The inbox may
            be a path such as ``Inbox/Alerts``. The others are its siblings.
        bookmark: Keeps the state of the synchronisation.
        since: Mail received before is left alone; ``None`` reads all.
    """

    def __init__(self, settings: Mailbox, bookmark: Bookmark, since: datetime | None) -> None:
        self._settings = settings
        self._bookmark = bookmark
        self._since = since
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._account: Any = None
        self._folders = Folders(settings)
        self._saved: str | None = None
        self._state = ""
        self._waiting: dict[str, _Waiting] = {}
        self._news = asyncio.Event()
        self._listener: Listener | None = None
        self._listen_again = 0.0

    # -- the port -----------------------------------------------------------------------------------------

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """See ``models.ports.mailbox.Mailbox``."""
        if self._saved is None:
            self._saved = self._state = await self._bookmark.load()
        self._news.clear()
        mails = await asyncio.to_thread(self._ask, lambda account: self._fetch(account, limit))
        await self._keep()
        return mails

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.to_thread(self._ask, lambda account: self._file_away(account, ref, folder))
        await self._keep()

    async def wait(self, seconds: float) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        self._listen(asyncio.get_running_loop())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def send(self, raw: bytes) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.to_thread(self._ask, lambda account: _send(account, raw), sending=True)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        address = self._settings.address
        try:
            findings = [await asyncio.to_thread(self._ask, self._folders.finding)]
        except Permanent as error:
            advice = "Correct the setting that is named, or give the account its rights; see docs."
            findings = [Finding("mailbox", False, f"{address} can't be read: {error}", advice)]
        except PortError as error:
            advice = "Look whether the server can be reached from here, and try again."
            findings = [Finding("mailbox", False, f"{address} can't be read: {error}", advice)]
        if self._server is not None and self._server.online:
            findings.append(Finding("mailbox", False, ONLINE_ENDS, ONLINE_ADVICE))
        return findings

    async def close(self) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.to_thread(self._close)

    async def _keep(self) -> None:
        state = self._state  # first: a look that goes on in a thread notes what waits before the state
        if not self._waiting and state != self._saved:
            await self._bookmark.save(state)
            self._saved = state

    # -- mail, in a thread --------------------------------------------------------------------------------

    def _fetch(self, account: Any, limit: int) -> list[StoredMail]:
        self._synchronise(account)
        oldest = sorted(self._waiting.items(), key=lambda item: item[1].received_at)[:limit]
        mails: list[StoredMail] = []
        failed: list[Exception] = []
        for batch in _batches(oldest):
            try:
                for ref, answer in self._read(account, [ref for ref, _ in batch]):
                    if isinstance(answer, Exception):
                        failed.append(answer)
                    else:
                        mails.append(StoredMail(ref, answer, self._waiting[ref].received_at))
            except Exception as error:
                failed.append(error)
                break
        if failed and not mails:
            raise failed[0]
        for each in failed:
            log.warning("mail can't be read, and is asked for again at the next look: %s", type(each).__name__)
        return mails

    def _read(self, account: Any, refs: list[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """Yield mails as bytes. One that is gone is passed over."""
        items = [ItemId(id=ref) for ref in refs]
        answers = GetItem(account=account).call(items=items, additional_fields=[MIME], shape="IdOnly")
        for ref, answer in zip(refs, answers, strict=False):
            if isinstance(answer, ews.ErrorItemNotFound):
                self._waiting.pop(ref, None)
            elif isinstance(answer, BROKEN):
                log.error("Exchange can't give a mail as MIME: %s", said(answer))
                yield ref, b""
            else:
                yield ref, answer if isinstance(answer, Exception) else mime_of(answer)

    def _synchronise(self, account: Any) -> None:
        """Ask what came into the inbox and went out of it, to the end."""
        inbox = self._folders.inbox(account)
        while True:
            service = SyncFolderItems(account=account)
            before = self._state
            try:
                changes = list(
                    service.call(
                        folder=inbox,
                        shape="IdOnly",
                        additional_fields=[RECEIVED, SIZE],
                        sync_state=before or None,
                        ignore=None,
                        max_changes_returned=PAGE,
                        sync_scope=None,
                    )
                )
            except ews.ErrorInvalidSyncStateData:
                if not before:
                    raise
                log.warning("the state of the synchronisation is refused: the inbox is looked through anew")
                self._waiting.clear()
                self._state = ""
                continue
            for change in changes:
                self._note(change)
            last = service.includes_last_item_in_range is not False
            if changes or not before or not last:  # a new state that covers nothing new need not be kept
                self._state = service.sync_state or before
            if last or self._state == before:
                return

    def _note(self, change: Any) -> None:
        if change.tag == f"{{{TNS}}}Delete":
            self._waiting.pop(change.find(f"{{{TNS}}}ItemId").get("Id"), None)
        elif change.tag == f"{{{TNS}}}Create":
            item = change[0]
            received_at = _time(item.findtext(f"{{{TNS}}}DateTimeReceived")) or datetime.now(UTC)
            size = int(item.findtext(f"{{{TNS}}}Size") or 0)
            # Exchange tells whole seconds
            if self._since is None or received_at >= self._since.replace(microsecond=0):
                self._waiting[item.find(f"{{{TNS}}}ItemId").get("Id")] = _Waiting(received_at, size)

    def _file_away(self, account: Any, ref: str, folder: MailFolder) -> None:
        try:
            self._move(account, ref, folder)
        except (ews.ErrorFolderNotFound, ews.ErrorToFolderNotFound):
            self._folders.forget_targets()
            self._move(account, ref, folder)
        self._waiting.pop(ref, None)

    def _move(self, account: Any, ref: str, folder: MailFolder) -> None:
        target = self._folders.target(account, folder)
        with suppress(ews.ErrorItemNotFound):
            answered(MoveItem(account=account).call(items=[ItemId(id=ref)], to_folder=target))

    # -- the connection -----------------------------------------------------------------------------------

    def _ask(self, work: Callable[[Any], T], *, sending: bool = False) -> T:
        """Do something with the account, once more with a new token where the first was refused."""
        renewed = False
        with self._lock:
            while True:
                try:
                    return work(self._signed_in())
                except Exception as error:
                    refused = isinstance(error, ews.UnauthorizedError) and not renewed
                    if refused and self._server is not None and self._server.forget():
                        renewed = True
                        continue
                    raise refusal(error, self._settings, sending=sending) from None

    def _signed_in(self) -> Any:
        if self._server is None:
            self._server = Server(self._settings)
            if self._server.online:
                log.warning("%s. %s", ONLINE_ENDS, ONLINE_ADVICE)
        if self._account is None:
            self._account = self._server.account()
        self._server.sign_in()
        return self._account

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that somebody listens for new mail, where the inbox is known and it did not just fail."""
        server, inbox = self._server, self._folders.found_inbox
        listening = self._listener is not None and self._listener.alive
        if listening or server is None or inbox is None or time.monotonic() < self._listen_again:
            return

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._news.set)

        self._listen_again = time.monotonic() + STREAM_PAUSE_SECONDS
        self._listener = Listener(server, inbox, tell)
        self._listener.start()

    def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()
        account, self._account = self._account, None
        if account is not None:
            account.protocol.close()


def _send(account: Any, raw: bytes) -> None:
    answered(CreateItem(account=account).send(raw))


def _batches(mails: Sequence[tuple[str, _Waiting]]) -> Iterator[list[tuple[str, _Waiting]]]:
    batch: list[tuple[str, _Waiting]] = []
    size = 0
    for ref, seen in mails:
        if batch and (len(batch) == BATCH or size + seen.size > BATCH_SIZE):
            yield batch
            batch, size = [], 0
        batch.append((ref, seen))
        size += seen.size
    if batch:
        yield batch


def _time(value: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if value else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
