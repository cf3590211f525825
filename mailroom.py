"""Puts the mail wing together: which mailbox, from when on it is read, the watcher, and the self-test.

With ``fittings`` and the command line, the only place that knows mailboxes.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from mailwatcher.mailboxes.folder import FolderMailbox
from mailwatcher.mailboxes.graph import GraphMailbox
from mailwatcher.mailboxes.imap import ImapMailbox
from mailwatcher.parsers.configured import ConfiguredSource
from mailwatcher.reader import MailReader
from mailwatcher.watch import Watcher
from models import directory, store
from models.domain.alerts import Reading
from models.domain.mail import Trust
from models.domain.process import Process
from models.operations.alerts import record_mails
from models.ports.errors import Permanent
from models.ports.mailbox import Bookmark, Mailbox
from models.settings import Mailbox as MailboxSettings
from models.settings import Settings, SettingsError

_SINCE = "mailbox_since_ms"


class FactBookmark:
    """Keeps how far a mailbox was read in the database."""

    def __init__(self, mailbox: MailboxSettings) -> None:
        name = "|".join(
            (mailbox.kind, mailbox.address, mailbox.server, mailbox.ews_url, mailbox.base_url, mailbox.inbox)
        )
        self._key = f"bookmark:{hashlib.sha256(name.encode()).hexdigest()[:32]}"

    async def load(self) -> str:
        """See ``models.ports.mailbox.Bookmark``."""
        return await directory.fact(self._key) or ""

    async def save(self, text: str) -> None:
        """See ``models.ports.mailbox.Bookmark``."""
        await directory.remember_fact(self._key, text)


class NoBookmark:
    """Forgets: for looking at a mailbox without reading it."""

    async def load(self) -> str:
        """See ``models.ports.mailbox.Bookmark``."""
        return ""

    async def save(self, text: str) -> None:
        """See ``models.ports.mailbox.Bookmark``."""


def reader_of(settings: Settings) -> MailReader:
    """Return what reads mails, in a child process of its own."""
    sources = [
        ConfiguredSource(
            each.name,
            each.firing,
            sender=each.sender,
            subject=each.subject,
            headers=each.headers,
            recovered=each.recovered,
            ignored=each.ignored,
            fields={name: pattern for name, pattern in each.fields.model_dump().items() if pattern},
            fingerprint=each.fingerprint,
        )
        for each in settings.source
    ]
    return MailReader(settings.mailbox.trusted_authserv_id, sources=sources)


def trust_of(settings: Settings) -> Trust:
    """Return whose mail is believed."""
    domains = tuple(each.lower() for each in settings.mailbox.trusted_domains)
    return Trust(settings.mailbox.require_authenticated, domains)


def mailbox_of(settings: Settings, bookmark: Bookmark, since: datetime | None) -> Mailbox:
    """Return the mailbox of the settings.

    Args:
        bookmark: Where it keeps how far it has read.
        since: Mail received before is left alone; ``None`` reads all.

    Raises:
        SettingsError: A setting is missing.
    """
    mailbox = settings.mailbox
    if mailbox.kind == "folder":
        names = (mailbox.inbox, mailbox.processed, mailbox.unrecognised, mailbox.unreadable)
        return FolderMailbox(mailbox.path, *names, since=since)
    if not mailbox.address:
        raise SettingsError(f"mailbox.address is missing; {mailbox.kind!r} needs the mailbox's address")
    if mailbox.kind == "graph":
        _check_registration(mailbox)
        return GraphMailbox(mailbox, bookmark, since)
    if mailbox.kind == "exchange":
        if mailbox.auth == "oauth":
            _check_registration(mailbox)
        else:
            _check_password(mailbox)
        # slow to import: for those who use it
        exchange = importlib.import_module("mailwatcher.mailboxes.exchange.mailbox")
        made: Mailbox = exchange.ExchangeMailbox(mailbox, bookmark, since)
        return made
    if mailbox.kind == "imap":
        return ImapMailbox(mailbox, bookmark, since)
    raise SettingsError(f"mailbox.kind holds {mailbox.kind!r}; it needs folder, graph, exchange or imap")


class Sender:
    """Sends mails in the mailbox's name; the mailbox is opened with the first one.

    Args:
        settings: Those of the mailbox; what is wrong in them is said when a mail is to be sent.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mailbox: Mailbox | None = None

    async def send(self, raw: bytes) -> None:
        """See ``models.ports.mailbox.Mailbox.send``."""
        if self._mailbox is None:
            try:
                self._mailbox = mailbox_of(self._settings, NoBookmark(), None)
            except SettingsError as error:
                raise Permanent(str(error)) from None
        await self._mailbox.send(raw)

    async def close(self) -> None:
        """Let go of connections."""
        if self._mailbox is not None:
            await self._mailbox.close()


def _check_password(mailbox: MailboxSettings) -> None:
    if not mailbox.password.get_secret_value():
        raise SettingsError(f"mailbox.password is missing; mailbox.auth = {mailbox.auth!r} needs it")


def _check_registration(mailbox: MailboxSettings) -> None:
    if mailbox.managed_identity:
        return
    for name in ("tenant_id", "client_id"):
        if not getattr(mailbox, name):
            raise SettingsError(f"mailbox.{name} is missing; {mailbox.kind!r} needs the application's registration")
    if not (mailbox.client_secret.get_secret_value() or mailbox.certificate):
        raise SettingsError(
            f"mailbox.client_secret is missing; {mailbox.kind!r} needs it, mailbox.certificate or managed_identity"
        )


async def since_of(settings: Settings) -> datetime | None:
    """Return from when on mail is read; ``None`` for all.

    "Now" is the time of the first start ever, whatever kind of mailbox it was: a change of kind skips nothing.

    Raises:
        SettingsError: ``mailbox.since`` is none of what it may be.
    """
    held = settings.mailbox.since or ("all" if settings.mailbox.kind == "folder" else "now")
    if held == "all":
        return None
    if held == "now":
        return store.from_ms(int(await directory.first_fact(_SINCE, str(store.now_ms()))))
    try:
        at = datetime.fromisoformat(held)
    except ValueError:
        raise SettingsError(
            f"mailbox.since holds {held!r}; it needs now, all, or a time as 2026-11-20T09:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def watcher_of(settings: Settings, process: Process, mailbox: Mailbox, stack: AsyncExitStack) -> Watcher:
    """Return the watcher of a mailbox; both are closed with the stack."""
    stack.push_async_callback(mailbox.close)
    reader = reader_of(settings)
    stack.push_async_callback(reader.close)

    async def record(batch: Sequence[tuple[Reading, datetime]]) -> None:
        await record_mails(batch, process, trust_of(settings))

    async def polled(failure: str) -> None:
        await directory.remember_fact("mailbox_error", failure[:500])
        if not failure:
            await directory.remember_fact("mailbox_polled_ms", str(store.now_ms()))

    async def emptied() -> None:
        await directory.remember_fact("mailbox_emptied_ms", await directory.fact("mailbox_polled_ms") or "0")

    return Watcher(mailbox, reader.read, record, polled, emptied, settings.mailbox.poll_seconds)
