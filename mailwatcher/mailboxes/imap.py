"""A mailbox at an IMAP server.

The inbox itself says what is left to be read, so that nothing need be remembered between starts. A mail is taken
out of it by moving alone; no mail is ever deleted that was not copied first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import DELETED
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from mailwatcher.mailboxes.imap_session import ImapSession
from mailwatcher.mailboxes.login import PASSING, Login, code_of, words_of
from mailwatcher.mailboxes.smtp import Smtp
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError
from models.ports.mailbox import Bookmark, MailFolder, StoredMail
from models.settings import Mailbox, SettingsError

log = logging.getLogger(__name__)

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of a mail that are read."""
CHUNK_BYTES = 8 * 1024 * 1024
"""Bytes of mail that one request asks for, where the mails are small."""
BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of mail from which on ``fetch`` asks for no more."""
CHUNK_MAILS = 50
CHUNK_DATES = 500
READ_SECONDS = 60.0
IDLE_READ_SECONDS = 10.0
IDLE_AGAIN_SECONDS = 25 * 60.0
"""Servers may hang up on whoever idles for 30 minutes."""
SLICE_SECONDS = 1.0
"""How long a thread outlives a wait that was cancelled."""
EARLY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Listed:
    received_at: datetime
    uid: int
    size: int


class ImapMailbox:
    """Reads mails from an IMAP server, and sends by SMTP.

    Args:
        settings: Server, account and folders.
        bookmark: Not needed: what was read is no longer in the inbox.
        since: Mails that the server received before are not read; ``None`` for all.

    Raises:
        SettingsError: A setting is missing or wrong.
    """

    def __init__(self, settings: Mailbox, bookmark: Bookmark, since: datetime | None) -> None:
        self._inbox = settings.inbox
        self._names = {
            MailFolder.PROCESSED: settings.processed,
            MailFolder.UNRECOGNISED: settings.unrecognised,
            MailFolder.UNREADABLE: settings.unreadable,
        }
        for folder, name in self._names.items():
            if not name or name.lower() == self._inbox.lower():
                raise SettingsError(f"mailbox.{folder} held {name!r}; it needs another folder than mailbox.inbox")
        self._settings = settings
        self._since = since.astimezone(UTC).replace(microsecond=0) if since else None
        self._login = Login(settings)
        self._session = ImapSession(settings, self._login, READ_SECONDS)
        self._bell = _Bell(settings, self._login)
        self._smtp = Smtp(settings, self._login) if settings.smtp_server else None
        self._known: dict[int, _Listed] = {}
        self._known_validity = 0
        self._made: set[str] = set()
        self._complained: set[int] = set()

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """See ``models.ports.mailbox.Mailbox``."""
        return await asyncio.to_thread(self._fetch, limit)

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.to_thread(self._file_away, ref, folder)

    async def wait(self, seconds: float) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                try:
                    while not await asyncio.to_thread(self._bell.listen):
                        pass
                except PortError as error:
                    log.debug("no news of mail, only looks: %s", error)
                    await asyncio.sleep(seconds)

    async def send(self, raw: bytes) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        if self._smtp is None:
            raise Permanent("mailbox.smtp_server is missing; it needs the server that sends this account's mail")
        await asyncio.to_thread(self._smtp.send, raw)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.gather(asyncio.to_thread(self._session.close), asyncio.to_thread(self._bell.close))

    # -- reading --

    def _fetch(self, limit: int) -> list[StoredMail]:
        with self._session.client() as client:
            told = self._session.select(client, self._inbox)
            validity = self._session.validity
            self._bell.seen(client.has_capability("IDLE"), validity, told.get(b"UIDNEXT"))
            left = deque(self._listed(client))
            mails: list[StoredMail] = []
            held = 0
            while left and len(mails) < limit and held < BATCH_BYTES:
                chunk = list(_chunk(left, limit - len(mails)))
                bodies = self._bodies(client, [each.uid for each in chunk])
                for each in chunk:
                    raw = bodies.get(each.uid)
                    if raw is not None:
                        mails.append(StoredMail(f"{validity}:{each.uid}", raw, each.received_at))
                        held += len(raw)
            return mails

    def _listed(self, client: Any) -> list[_Listed]:
        """Return what there is to read, oldest first; asks only for what it was not told before."""
        if self._known_validity != self._session.validity:
            self._known, self._complained = {}, set()
            self._known_validity = self._session.validity or 0
        criteria: list[Any] = ["UNDELETED"]
        if self._since:
            criteria += ["SINCE", (self._since - timedelta(days=1)).date()]  # the date in the server's time zone
        found = [int(uid) for uid in client.search(criteria)]
        self._known = {uid: self._known[uid] for uid in found if uid in self._known}
        self._complained.intersection_update(found)
        fresh = [uid for uid in found if uid not in self._known]
        for start in range(0, len(fresh), CHUNK_DATES):
            asked = fresh[start : start + CHUNK_DATES]
            for uid, row in client.fetch(asked, [b"INTERNALDATE", b"RFC822.SIZE"]).items():
                received, size = row.get(b"INTERNALDATE"), row.get(b"RFC822.SIZE")
                if isinstance(received, datetime) and isinstance(size, int):
                    self._known[uid] = _Listed(received.astimezone(UTC), uid, size)
        listed = [each for each in self._known.values() if not self._since or each.received_at >= self._since]
        return sorted(listed, key=lambda each: (each.received_at, each.uid))

    def _bodies(self, client: Any, uids: list[int]) -> dict[int, bytes]:
        """Return what is still there of some mails; one that the server can't give does not hold up the others."""
        try:
            rows = client.fetch(uids, [f"BODY.PEEK[]<0.{SIZE_LIMIT}>".encode()])
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            if len(uids) > 1:
                return {uid: raw for each in uids for uid, raw in self._bodies(client, [each]).items()}
            if code_of(error) not in PASSING and not self._complained.issuperset(uids):
                log.error("mail %d can't be read, and is left where it is: %s", uids[0], words_of(error))
                self._complained.update(uids)
            return {}
        found = {uid: row.get(b"BODY[]<0>", row.get(b"BODY[]")) for uid, row in rows.items()}
        return {uid: raw[:SIZE_LIMIT] for uid, raw in found.items() if isinstance(raw, bytes)}

    # -- filing --

    def _file_away(self, ref: str, folder: MailFolder) -> None:
        validity, _, number = ref.partition(":")
        if not (number.isdecimal() and number.isascii() and int(number)):
            return
        uid = int(number)
        with self._session.client() as client:
            if self._session.validity is None:
                self._session.select(client, self._inbox)
            if validity != str(self._session.validity):
                log.warning("the inbox was numbered afresh; mail %s stays, and is read again", ref)
                return
            target = self._target(client, folder)
            try:
                _move(client, uid, target)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                if not client.search(["UID", str(uid)]):
                    return
                if code_of(error) in PASSING:
                    raise
                if client.folder_exists(target):
                    text = f"{self._session.name} can't move a mail to {target!r}: {words_of(error)}"
                    raise Permanent(f"{text}; see mailbox.{folder}") from None
                self._made.discard(target)  # somebody took the folder away
                _move(client, uid, self._target(client, folder))

    def _target(self, client: Any, folder: MailFolder) -> str:
        """Return the folder's whole name; the folder is there then."""
        name = self._session.place(self._names[folder])
        if name in self._made:
            return name
        if not client.folder_exists(name):
            try:
                client.create_folder(name)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                if not client.folder_exists(name):  # another watcher may have made it meanwhile
                    text = f"{self._session.name} can't make the folder {name!r}: {words_of(error)}"
                    raise Permanent(f"{text}; see mailbox.{folder}") from None
            with contextlib.suppress(IMAPClientError):
                client.subscribe_folder(name)
        self._made.add(name)
        return name

    # -- the doctor --

    def _check(self) -> list[Finding]:
        session = ImapSession(self._settings, self._login, READ_SECONDS)
        try:
            with session.client() as client:
                return self._findings(session, client)
        except PortError as error:
            return [Finding("mailbox", False, str(error), "See mailbox.server, username and inbox.")]
        finally:
            session.close()

    def _findings(self, session: ImapSession, client: Any) -> list[Finding]:
        count = session.select(client, self._inbox, readonly=True).get(b"EXISTS", 0)
        news = "tells of new mail (IDLE)" if client.has_capability("IDLE") else "is asked for new mail (no IDLE)"
        if client.has_capability("MOVE"):
            moves = "moves mails (MOVE)"
        elif client.has_capability("UIDPLUS"):
            moves = "moves mails by a copy (no MOVE)"
        else:
            moves = "keeps what was filed in the inbox, marked as deleted (neither MOVE nor UIDPLUS)"
        mails = "1 mail" if count == 1 else f"{count} mails"
        text = f"{session.name} lets {self._login.username} in; {session.place(self._inbox)} holds {mails}"
        places = [session.place(name) for name in self._names.values()]
        there = [place for place in places if client.folder_exists(place)]
        missing = [place for place in places if place not in there]
        told = [f"{', '.join(there)} there"] if there else []
        told += [f"{', '.join(missing)} will be made"] if missing else []
        return [
            Finding("mailbox", True, f"{text}; the server {news} and {moves}"),
            Finding("mailbox", True, f"folders: {'; '.join(told)}"),
        ]


class _Bell:
    """Rings when mail arrives: a second connection that idles, so that the first is free for reading."""

    def __init__(self, settings: Mailbox, login: Login) -> None:
        self._inbox = settings.inbox
        self._session = ImapSession(settings, login, IDLE_READ_SECONDS)
        self._rung = threading.Event()
        self._idling: Any = None
        self._began = 0.0
        self._has_idle = True
        self._next: tuple[int | None, int] | None = None

    def seen(self, has_idle: bool, validity: int | None, uid_next: int | None) -> None:
        """Take note of how far the inbox was read."""
        self._has_idle = has_idle
        self._next = (validity, uid_next) if uid_next is not None else None

    def listen(self) -> bool:
        """Tell whether new mail may be there, after a moment. Blocks.

        Raises:
            Temporary, Permanent: There is no telling.
        """
        if not self._rung.is_set():
            if not self._has_idle:
                raise Permanent("the server has no IDLE")
            with self._session.client(SLICE_SECONDS) as client:
                try:
                    self._listen(client)
                except BaseException:
                    self._session.abandon()
                    raise
        if self._rung.is_set():
            self._rung.clear()
            return True
        return False

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close(goodbye=False)

    def _listen(self, client: Any) -> None:
        if client is not self._idling:
            self._begin(client)
            if self._rung.is_set():
                return
        began = time.monotonic()
        answers = client.idle_check(SLICE_SECONDS)
        self._hear(answers)
        hung_up = not answers and time.monotonic() - began < SLICE_SECONDS - EARLY_SECONDS
        if hung_up or time.monotonic() - self._began > IDLE_AGAIN_SECONDS:
            _, answers = client.idle_done()
            self._hear(answers)
            self._idle(client)

    def _begin(self, client: Any) -> None:
        if not client.has_capability("IDLE"):
            self._has_idle = False
            raise Permanent("the server has no IDLE")
        told = self._session.select(client, self._inbox, readonly=True)
        self._idle(client)
        self._idling = client
        if self._next not in (None, (self._session.validity, told.get(b"UIDNEXT"))):
            self._rung.set()  # something arrived between the last look and now

    def _idle(self, client: Any) -> None:
        client.idle()
        self._began = time.monotonic()

    def _hear(self, answers: Sequence[tuple[Any, ...]]) -> None:
        for answer in answers:
            if answer[0] == b"BYE":
                raise IMAPClientAbortError("the server said goodbye")
            if len(answer) > 1 and (answer[1] == b"EXISTS" or (answer[1] == b"RECENT" and answer[0])):
                self._rung.set()


def _chunk(left: deque[_Listed], most: int) -> Iterator[_Listed]:
    """Take some mails off the front, at least one."""
    size = 0
    for count in range(min(most, CHUNK_MAILS)):
        if not left or (count and size + min(left[0].size, SIZE_LIMIT) > CHUNK_BYTES):
            return
        size += min(left[0].size, SIZE_LIMIT)
        yield left.popleft()


def _move(client: Any, uid: int, target: str) -> None:
    """Move one mail. Without MOVE expunge that mail alone, or leave it marked: others may have marked theirs."""
    if client.has_capability("MOVE"):
        client.move([uid], target)
        return
    client.copy([uid], target)
    client.add_flags([uid], [DELETED], silent=True)
    if client.has_capability("UIDPLUS"):
        client.uid_expunge([uid])
