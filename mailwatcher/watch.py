"""The watcher's loop: fetch, read, record, and only then file away."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from models.domain.alerts import MailKind, Reading
from models.ports.errors import PortError
from models.ports.mailbox import Mailbox, MailFolder, StoredMail

log = logging.getLogger(__name__)

BATCH = 100
LONGEST_DELAY = 300.0
FILED_AT_ONCE = 4

T = TypeVar("T")
Read = Callable[[Sequence[bytes]], Awaitable[list[Reading]]]
Record = Callable[[Sequence[tuple[Reading, datetime]]], Awaitable[None]]


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield ``items`` in parts of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


def folder_of(reading: Reading) -> MailFolder:
    """Return where a mail is filed once it is recorded."""
    if reading.kind is MailKind.UNREADABLE:
        return MailFolder.UNREADABLE
    if reading.kind is MailKind.UNRECOGNISED:
        return MailFolder.UNRECOGNISED
    return MailFolder.PROCESSED


class Watcher:
    """Reads one mailbox.

    Args:
        mailbox: Where mail arrives.
        read: Says what each mail is; never raises for what a mail holds.
        record: Commits what was read. When it returns, the mails may be filed away.
        polled: Called after each look into the mailbox, with why it failed; empty where it did not.
        emptied: Called once all that the mailbox held at the last look is recorded.
        poll_seconds: How long to wait when there is nothing.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        read: Read,
        record: Record,
        polled: Callable[[str], Awaitable[None]],
        emptied: Callable[[], Awaitable[None]],
        poll_seconds: float,
    ) -> None:
        self._mailbox = mailbox
        self._read = read
        self._record = record
        self._polled = polled
        self._emptied = emptied
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Watch until cancelled. A batch that was begun may be read again after a restart: it is recorded once."""
        failures = 0
        while True:
            asked = 0.0
            try:
                found = await self.once()
                failures = 0
            except PortError as error:
                failures += 1
                log.warning("the mailbox is away: %s", error)
                found, asked = 0, getattr(error, "retry_after", None) or 0.0
                await self._say_why(str(error))
            except Exception:
                failures += 1
                log.exception("recording mail failed; it stays in the inbox")
                found = 0
            if failures:
                await asyncio.sleep(max(asked, self._pause(failures)))
            elif not found:
                await self._mailbox.wait(self._poll_seconds)

    def _pause(self, failures: int) -> float:
        delay = min(LONGEST_DELAY, self._poll_seconds * 2 ** min(failures, 10))
        return float(delay * random.uniform(0.5, 1))  # noqa: S311 -- jitter, not a secret

    async def _say_why(self, why: str) -> None:
        try:
            await self._polled(why)
        except Exception:
            log.exception("the database is away, too")

    async def once(self) -> int:
        """Take one batch from fetch to filing. Returns how many mails it held."""
        mails = await self._mailbox.fetch(BATCH)
        await self._polled("")
        if not mails:
            await self._emptied()
            return 0
        readings = await self._read([mail.raw for mail in mails])
        recorded = await self._recorded(list(zip(mails, readings, strict=True)))
        if len(mails) < BATCH:
            await self._emptied()
        for several in batched(recorded, FILED_AT_ONCE):
            await asyncio.gather(*(self._file(mail, reading) for mail, reading in several))
        return len(mails)

    async def _file(self, mail: StoredMail, reading: Reading) -> None:
        log.info("mail %s is %s: %s", reading.message_id, reading.kind.value, reading.reason)
        await self._mailbox.file_away(mail.ref, folder_of(reading))

    async def _recorded(self, pairs: list[tuple[StoredMail, Reading]]) -> list[tuple[StoredMail, Reading]]:
        """Record a batch; where that fails, mail by mail, so that one can't hold up the others."""
        try:
            await self._record([(reading, mail.received_at) for mail, reading in pairs])
        except Exception:
            if len(pairs) == 1:
                raise
            log.exception("a batch of %d mails was refused; recording them one by one", len(pairs))
        else:
            return pairs
        done: list[tuple[StoredMail, Reading]] = []
        errors: list[Exception] = []
        for mail, reading in pairs:
            try:
                await self._record([(reading, mail.received_at)])
            except Exception as error:
                errors.append(error)
            else:
                done.append((mail, reading))
        if errors and not done:
            raise errors[0]
        for each in errors:
            log.error("a mail could not be recorded and stays in the inbox", exc_info=each)
        return done
