"""A mailbox of Exchange, read through Exchange Web Services.

exchangelib signs in, wraps requests, agrees on a version, and tells errors; what is asked for stands here, and is
read as it came. New mail is found by a synchronisation, whose state says how far the inbox was seen. The state is
kept only once every mail that it covers is filed away: a crash in between shows them again, and the record knows
them.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from exchangelib import errors as ews
from exchangelib.account import Account
from exchangelib.autodiscover import AutodiscoverCache, Autodiscovery, discovery
from exchangelib.configuration import Configuration
from exchangelib.credentials import Credentials
from exchangelib.ewsdatetime import UTC as EWS_UTC
from exchangelib.fields import FieldPath
from exchangelib.folders import Folder
from exchangelib.items import Message
from exchangelib.properties import DistinguishedFolderId, FolderId, ItemId
from exchangelib.properties import Mailbox as Owner
from exchangelib.protocol import CachingProtocol, FailFast, Protocol
from exchangelib.services import (
    CreateFolder,
    CreateItem,
    FindFolder,
    GetFolder,
    GetItem,
    GetStreamingEvents,
    MoveItem,
    SubscribeToStreaming,
    SyncFolderItems,
    Unsubscribe,
)
from exchangelib.services.common import EWSAccountService, folder_ids_element
from exchangelib.transport import BASIC, NOAUTH, NTLM
from exchangelib.util import TNS, DummyResponse, add_xml_child, create_element, is_xml
from exchangelib.version import EXCHANGE_2016, Version
from requests.auth import AuthBase
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from mailwatcher.mailboxes.addresses import is_loopback
from mailwatcher.mailboxes.tokens import Tokens
from models.ports import Ambiguous, Bookmark, Finding, MailFolder, Permanent, PortError, StoredMail, Temporary
from models.settings import Mailbox

log = logging.getLogger(__name__)
logging.getLogger("exchangelib").setLevel(logging.CRITICAL)  # it logs whole requests: mails, and who signs in

ONLINE = "https://outlook.office365.com/EWS/Exchange.asmx"
ONLINE_SCOPE = "https://outlook.office365.com/.default"
ONLINE_HOSTS = ("office365.com", "outlook.office.com")
ONLINE_ENDS = "EWS in Exchange Online is off by default since 2026-10-01 and ends on 2027-04-01"
ONLINE_ADVICE = 'Set mailbox.kind = "graph" instead.'

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of a mail that are kept."""
PAGE = 512
"""Changes in one answer; Exchange gives no more."""
BATCH = 20
BATCH_SIZE = 8 * 1024 * 1024
"""Mails in one answer, and their bytes; a larger mail comes alone."""
TIMEOUT_SECONDS = 30
"""How long an answer may be silent. A stop waits for it too."""
STREAM_MINUTES = 29
"""How long Exchange holds a streaming connection; 30 at most."""
STREAM_SILENCE_SECONDS = 150
"""A streaming connection that says nothing for so long is dead: Exchange gives a sign of life each 45 seconds."""
STREAM_PAUSE_SECONDS = 60.0
"""A streaming connection that failed is tried again after so long; until then mail is found by looking."""
LONGEST_WAIT = 3600.0

BROKEN = (
    ews.ErrorContentConversionFailed,
    ews.ErrorCorruptData,
    ews.ErrorItemCorrupt,
    ews.ErrorMessageSizeExceeded,
    ews.ErrorMimeContentConversionFailed,
    ews.ErrorMimeContentInvalid,
)
"""What Exchange says of a mail that it holds and can't give as MIME."""
PASSING = (
    ews.ErrorADUnavailable,
    ews.ErrorConnectionFailed,
    ews.ErrorExceededConnectionCount,
    ews.ErrorInternalServerTransientError,
    ews.ErrorMailboxMoveInProgress,
    ews.ErrorMailboxStoreUnavailable,
    ews.ErrorTooManyObjectsOpened,
)
"""What passes by itself, and was surely not done."""
UNDER = {
    "mailbox.access": (
        ews.ErrorAccessDenied,
        ews.ErrorImpersonateUserDenied,
        ews.ErrorImpersonationDenied,
        ews.ErrorImpersonationFailed,
    ),
    "mailbox.address": (
        ews.ErrorInvalidSmtpAddress,
        ews.ErrorMissingEmailAddress,
        ews.ErrorNonExistentMailbox,
        ews.ErrorNonPrimarySmtpAddress,
        ews.ErrorSendAsDenied,
    ),
    "mailbox.username": (ews.ErrorAccountDisabled, ews.ErrorPasswordChangeRequired, ews.ErrorPasswordExpired),
    "mailbox.inbox": (ews.ErrorFolderNotFound, ews.ErrorSyncFolderNotFound),
    "mailbox.server": (
        ews.ErrorIncorrectSchemaVersion,
        ews.ErrorInvalidRequest,
        ews.ErrorInvalidSchemaVersionForMailboxVersion,
        ews.ErrorInvalidServerVersion,
        ews.ErrorSchemaValidation,
    ),
}
"""Refusals that need a person, under the setting to look at."""

MIME = FieldPath(field=Message.get_field_by_fieldname("mime_content"))
RECEIVED = FieldPath(field=Message.get_field_by_fieldname("datetime_received"))
SIZE = FieldPath(field=Message.get_field_by_fieldname("size"))
NAME = FieldPath(field=Folder.get_field_by_fieldname("name"))
PARENT = FieldPath(field=Folder.get_field_by_fieldname("parent_folder_id"))
COUNT = FieldPath(field=Folder.get_field_by_fieldname("total_count"))

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
        self._names = {
            MailFolder.PROCESSED: settings.processed,
            MailFolder.UNRECOGNISED: settings.unrecognised,
            MailFolder.UNREADABLE: settings.unreadable,
        }
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._account: Any = None
        self._inbox: Any = None
        self._parent: Any = None
        self._targets: dict[str, Any] = {}
        self._saved: str | None = None
        self._state = ""
        self._waiting: dict[str, _Waiting] = {}
        self._news = asyncio.Event()
        self._listener: _Listener | None = None
        self._listen_again = 0.0

    # -- the port -----------------------------------------------------------------------------------------

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """See ``models.ports.Mailbox``."""
        if self._saved is None:
            self._saved = self._state = await self._bookmark.load()
        self._news.clear()
        mails = await asyncio.to_thread(self._ask, lambda account: self._fetch(account, limit))
        await self._keep()
        return mails

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """See ``models.ports.Mailbox``."""
        await asyncio.to_thread(self._ask, lambda account: self._file_away(account, ref, self._names[folder]))
        await self._keep()

    async def wait(self, seconds: float) -> None:
        """See ``models.ports.Mailbox``."""
        self._listen(asyncio.get_running_loop())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def send(self, raw: bytes) -> None:
        """See ``models.ports.Mailbox``."""
        await asyncio.to_thread(self._ask, lambda account: _send(account, raw), sending=True)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        address = self._settings.address
        try:
            findings = [await asyncio.to_thread(self._ask, self._finding)]
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
        """See ``models.ports.Mailbox``."""
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
        answers = _GetItem(account=account).call(items=items, additional_fields=[MIME], shape="IdOnly")
        for ref, answer in zip(refs, answers, strict=False):
            if isinstance(answer, ews.ErrorItemNotFound):
                self._waiting.pop(ref, None)
            elif isinstance(answer, BROKEN):
                log.error("Exchange can't give a mail as MIME: %s", _said(answer))
                yield ref, b""
            else:
                yield ref, answer if isinstance(answer, Exception) else _mime(answer)

    def _synchronise(self, account: Any) -> None:
        """Ask what came into the inbox and went out of it, to the end."""
        inbox = self._places(account)[0]
        while True:
            service = _SyncFolderItems(account=account)
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

    def _file_away(self, account: Any, ref: str, name: str) -> None:
        try:
            self._move(account, ref, name)
        except (ews.ErrorFolderNotFound, ews.ErrorToFolderNotFound):
            self._targets.clear()
            self._move(account, ref, name)
        self._waiting.pop(ref, None)

    def _move(self, account: Any, ref: str, name: str) -> None:
        target = self._target(account, name)
        with suppress(ews.ErrorItemNotFound):
            _all(_MoveItem(account=account).call(items=[ItemId(id=ref)], to_folder=target))

    # -- folders, in a thread -----------------------------------------------------------------------------

    def _places(self, account: Any) -> tuple[Any, Any]:
        """Return the inbox, and the folder that it is in."""
        if self._inbox is None:
            first, *rest = [part for part in self._settings.inbox.split("/") if part] or ["inbox"]
            if first.casefold() == "inbox":
                inbox, parent = _distinguished(account, "inbox")
            else:
                parent, _ = _distinguished(account, "msgfolderroot")
                inbox = self._below(account, parent, first)
            for part in rest:
                parent, inbox = inbox, self._below(account, inbox, part)
            self._inbox, self._parent = inbox, parent
        return self._inbox, self._parent

    def _below(self, account: Any, parent: Any, name: str) -> Any:
        found = _child(account, parent, name)
        if found is None:
            text = f"the mailbox {self._settings.address} has no folder {name!r}: see mailbox.inbox"
            raise Permanent(text)
        return found

    def _target(self, account: Any, name: str) -> Any:
        if name not in self._targets:
            parent = self._places(account)[1]
            found = _child(account, parent, name)
            if found is None:
                try:
                    found = _make_folder(account, parent, name)
                except ews.ErrorFolderExists:  # another replica was quicker
                    found = _child(account, parent, name)
                if found is None:
                    raise Temporary(f"the folder {name!r} is made and can't be found")
            self._targets[name] = found
        return self._targets[name]

    def _finding(self, account: Any) -> Finding:
        inbox, parent = self._places(account)
        asked = _GetFolder(account=account).call(folders=[inbox], additional_fields=[COUNT], shape="Default")
        folder = _all(asked)[0]
        title, number = folder.findtext(f"{{{TNS}}}DisplayName"), folder.findtext(f"{{{TNS}}}TotalCount")
        missing = [name for name in self._names.values() if _child(account, parent, name) is None]
        later = f"; {', '.join(missing)} will be made when first needed" if missing else ""
        return Finding("mailbox", True, f"{self._settings.address}: {number} mails in {title!r}{later}")

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
                    raise _refusal(error, self._settings, sending=sending) from None

    def _signed_in(self) -> Any:
        if self._server is None:
            self._server = _Server(self._settings)
            if self._server.online:
                log.warning("%s. %s", ONLINE_ENDS, ONLINE_ADVICE)
        if self._account is None:
            self._account = self._server.account()
        self._server.sign_in()
        return self._account

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that somebody listens for new mail, where the inbox is known and it did not just fail."""
        server, inbox = self._server, self._inbox
        listening = self._listener is not None and self._listener.alive
        if listening or server is None or inbox is None or time.monotonic() < self._listen_again:
            return

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._news.set)

        self._listen_again = time.monotonic() + STREAM_PAUSE_SECONDS
        self._listener = _Listener(server, inbox, tell)
        self._listener.start()

    def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()
        account, self._account = self._account, None
        if account is not None:
            account.protocol.close()


# -- the server -------------------------------------------------------------------------------------------


class _Bearer(AuthBase):
    """Shows the token that is good now."""

    def __init__(self) -> None:
        self.token = ""

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class _Refused(ews.EWSError):
    """An answer that is not Exchange's own.

    Args:
        status: The HTTP status.
        retry_after: Seconds that the other side asked to wait.
    """

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class _Policy(FailFast):
    """Waits for nothing, and tells each refusal by its status."""

    def raise_response_errors(self, response: Any) -> None:
        status = response.status_code
        if status == 401:
            raise ews.UnauthorizedError("HTTP 401")
        if status != 200 and not (status == 500 and is_xml(response.content)):
            raise _Refused(status, _seconds(response.headers.get("Retry-After")))


class _Uncached(CachingProtocol):
    """Lets each mailbox have connections of its own, which end with it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(self, *args, **kwargs)


class _Protocol(Protocol, metaclass=_Uncached):
    """One connection. With a bearer nothing is asked of the login server here, whose failure loses connections."""

    TIMEOUT = TIMEOUT_SECONDS
    USERAGENT = "Wilson"
    bearer: _Bearer | None = None

    def create_session(self) -> Any:
        if self.bearer is None:
            return super().create_session()
        session = self.raw_session(self.service_endpoint)
        session.auth = self.bearer
        session.session_id = id(session)
        session.usage_count = 0
        return session


class _NoCache(AutodiscoverCache):
    """Remembers nothing: exchangelib pickles into a file of /tmp, where anybody may put one before."""

    def clear(self) -> None:
        self._protocols.clear()

    def __contains__(self, key: object) -> bool:
        return False

    def __setitem__(self, key: object, protocol: Any) -> None:
        pass

    def __delitem__(self, key: object) -> None:
        pass


discovery.autodiscover_cache = _NoCache()


class _Server:
    """Where the mailbox is, and how to sign in there. Its methods block.

    Attributes:
        online: Whether it is Exchange Online.
    """

    def __init__(self, settings: Mailbox) -> None:
        if settings.address.count("@") != 1:
            raise Permanent(f"mailbox.address holds {settings.address!r}; it needs the mailbox's address")
        self._settings = settings
        self._address = settings.address
        self._credentials: Any = None
        self._tokens: Tokens | None = None
        if settings.auth != "oauth":
            username = settings.username or settings.address
            self._credentials = Credentials(username, settings.password.get_secret_value())
        self._url = self._find()
        host = urlsplit(self._url).hostname or ""
        self.online = any(host == each or host.endswith(f".{each}") for each in ONLINE_HOSTS)
        self._bearer = _Bearer()
        if settings.auth == "oauth":
            self._tokens = Tokens(settings, ONLINE_SCOPE if self.online else f"https://{host}/.default")

    def account(self) -> Any:
        """Return an account with a connection of its own."""
        auth_type = {"oauth": NOAUTH, "password": BASIC, "ntlm": NTLM}[self._settings.auth]
        config = Configuration(
            credentials=self._credentials,
            service_endpoint=self._url,
            auth_type=auth_type,
            version=Version(EXCHANGE_2016),  # where to begin; an older server says so, and is believed
            retry_policy=_Policy(),
            max_connections=1,
        )
        access = self._settings.access
        account = Account(self._address, access_type=access, config=config, locale="en", default_timezone=EWS_UTC)
        with suppress(KeyError):
            del Protocol[config]
        account.protocol = _Protocol(config=config)
        if self._tokens is not None:
            account.protocol.bearer = self._bearer
        return account

    def sign_in(self) -> None:
        """Have a token that is good for some minutes, where tokens are used."""
        if self._tokens is not None:
            self._bearer.token = self._tokens.token()

    def forget(self) -> bool:
        """Forget a token that was refused. Returns whether there was one."""
        if self._tokens is None:
            return False
        self._tokens.forget()
        return True

    def _find(self) -> str:
        settings = self._settings
        if settings.ews_url:
            parts = urlsplit(settings.ews_url)
            here = parts.scheme == "http" and is_loopback(parts.hostname or "")
            if not parts.hostname or not (parts.scheme == "https" or here):
                raise Permanent("mailbox.ews_url needs https:// and a host")
            return settings.ews_url
        if settings.server:
            return f"https://{settings.server}/EWS/Exchange.asmx"
        return ONLINE if settings.auth == "oauth" else self._discover()

    def _discover(self) -> str:
        try:
            found, protocol = Autodiscovery(email=self._address, credentials=self._credentials).discover()
        except ews.UnauthorizedError:
            raise
        except Exception as error:
            text = f"autodiscover finds no server for {self._address} ({type(error).__name__})"
            raise Temporary(f"{text}: try again, or set mailbox.server or mailbox.ews_url") from None
        with suppress(KeyError):
            del Protocol[protocol.config]
        protocol.close()
        self._address = found.autodiscover_smtp_address or self._address
        return str(protocol.service_endpoint)


class _Listener:
    """Holds a streaming subscription in a thread of its own until it fails or is stopped.

    Args:
        server: Where to subscribe.
        inbox: The folder to listen to.
        tell: Called in the thread for each mail.
    """

    def __init__(self, server: _Server, inbox: Any, tell: Callable[[], None]) -> None:
        self._server = server
        self._inbox = inbox
        self._tell = tell
        self._stopped = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="wilson-exchange", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it still listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin, without waiting for it."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection, which the thread reads from. It is left to itself if it does not notice."""
        self._stopped.set()
        deadline = time.monotonic() + 2
        while self.alive and time.monotonic() < deadline:
            with suppress(Exception):
                self._stream._streaming_response.raw.shutdown()
            self._thread.join(0.05)

    def _run(self) -> None:
        try:
            self._listen()
        except Exception as error:
            if not self._stopped.is_set():
                log.info("Exchange announces no new mail (%s): it is looked for", type(error).__name__)

    def _listen(self) -> None:
        self._server.sign_in()
        account = self._server.account()
        try:
            events = ("NewMailEvent", "CreatedEvent", "CopiedEvent")
            name = SubscribeToStreaming(account=account).get(folders=[self._inbox], event_types=events)
            try:
                while not self._stopped.is_set():
                    self._hold(account, name)
                    self._stopped.wait(1)
            finally:
                if self._stopped.is_set():
                    account.protocol.TIMEOUT = 1
                    list(Unsubscribe(account=account).call(subscription_id=name))
        finally:
            account.protocol.close()

    def _hold(self, account: Any, name: str) -> None:
        self._server.sign_in()
        self._stream = _GetStreamingEvents(account=account)
        events = self._stream.call(subscription_ids=[name], connection_timeout=STREAM_MINUTES)
        self._stream.timeout = STREAM_SILENCE_SECONDS
        for event in events:
            if isinstance(event, Exception):
                raise event
            self._tell()


# -- what is asked ----------------------------------------------------------------------------------------


class _Raw(EWSAccountService):
    """Gives the elements of an answer as they came: exchangelib has no class for some, and would raise."""

    def _elems_to_objs(self, elems: Any) -> Any:
        return elems

    @staticmethod
    def _get_exception(code: Any, text: Any, msg_xml: Any = None, rule_errors: Any = None) -> Any:
        error = EWSAccountService._get_exception(code, text or "", msg_xml, rule_errors)
        if isinstance(error, ews.ErrorServerBusy) and msg_xml is not None:
            error.back_off = _back_off(msg_xml)
        return error


class _Whole(_Raw):
    """Reads an answer at once, not byte by byte: a mail of some megabytes would take seconds."""

    @classmethod
    def _get_soap_parts(cls, response: Any) -> Any:
        return super()._get_soap_parts(DummyResponse(content=response.content))


class _GetItem(_Whole, GetItem):
    ERRORS_TO_CATCH_IN_RESPONSE = (*GetItem.ERRORS_TO_CATCH_IN_RESPONSE, *BROKEN, ews.ErrorInternalServerError)


class _SyncFolderItems(_Whole, SyncFolderItems):
    def _get_element_container(self, message: Any, name: Any = None) -> Any:
        if message.get("ResponseClass") != "Success":  # an error need not hold a state
            return EWSAccountService._get_element_container(self, message, name)
        return super()._get_element_container(message, name)


class _GetFolder(_Whole, GetFolder):
    pass


class _GetStreamingEvents(_Raw, GetStreamingEvents):
    pass


class _MoveItem(_Whole, MoveItem):
    pass


class _FindFolder(_Whole, FindFolder):
    def children(self, parent: Any) -> Iterable[Any]:
        """Yield the folders directly below one."""
        found: Iterable[Any] = self._paged_call(
            payload_func=self.get_payload,
            max_items=None,
            folders=[parent],
            additional_fields=[NAME],
            restriction=None,
            shape="IdOnly",
            depth="Shallow",
            page_size=self.page_size,
            offset=0,
        )
        return found


class _CreateFolder(_Whole, CreateFolder):
    def make(self, parent: Any, name: str) -> Iterable[Any]:
        """Make a folder for mail."""
        payload = create_element("m:CreateFolder")
        payload.append(folder_ids_element([parent], version=self.account.version, tag="m:ParentFolderId"))
        folder = create_element("t:Folder")
        add_xml_child(folder, "t:FolderClass", "IPF.Note")
        add_xml_child(folder, "t:DisplayName", name)
        folders = create_element("m:Folders")
        folders.append(folder)
        payload.append(folders)
        made: Iterable[Any] = self._get_elements(payload=payload)
        return made


class _CreateItem(_Whole, CreateItem):
    def send(self, raw: bytes) -> Iterable[Any]:
        """Send a mail, and keep a copy where the mailbox keeps what it sent."""
        payload = create_element("m:CreateItem", attrs={"MessageDisposition": "SendAndSaveCopy"})
        kept = [_known(self.account, "sentitems")]
        payload.append(folder_ids_element(kept, version=self.account.version, tag="m:SavedItemFolderId"))
        mail = create_element("t:Message")
        mime = create_element("t:MimeContent", attrs={"CharacterSet": "UTF-8"})
        mime.text = base64.b64encode(raw).decode("ascii")
        mail.append(mime)
        items = create_element("m:Items")
        items.append(mail)
        payload.append(items)
        sent: Iterable[Any] = self._get_elements(payload=payload)
        return sent


def _send(account: Any, raw: bytes) -> None:
    _all(_CreateItem(account=account).send(raw))


def _distinguished(account: Any, name: str) -> tuple[Any, Any]:
    """Return the id of a folder that each mailbox has, and of the one that it is in."""
    known = _known(account, name)
    found = _all(_GetFolder(account=account).call(folders=[known], additional_fields=[PARENT], shape="IdOnly"))[0]
    above = found.find(f"{{{TNS}}}ParentFolderId")
    return _id(found), FolderId(id=above.get("Id")) if above is not None else None


def _child(account: Any, parent: Any, name: str) -> Any:
    for folder in _all(_FindFolder(account=account).children(parent)):
        if (folder.findtext(f"{{{TNS}}}DisplayName") or "").casefold() == name.casefold():
            return _id(folder)
    return None


def _make_folder(account: Any, parent: Any, name: str) -> Any:
    return _id(_all(_CreateFolder(account=account).make(parent, name))[0])


def _known(account: Any, name: str) -> Any:
    return DistinguishedFolderId(id=name, mailbox=Owner(email_address=account.primary_smtp_address))


def _id(folder: Any) -> Any:
    return FolderId(id=folder.find(f"{{{TNS}}}FolderId").get("Id"))


def _all(elements: Iterable[Any]) -> list[Any]:
    """Return what was answered. Raises the first error in it."""
    found = list(elements)
    for each in found:
        if isinstance(each, Exception):
            raise each
    return found


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


def _mime(item: Any) -> bytes:
    text: str = item.findtext(f"{{{TNS}}}MimeContent") or ""
    needed = (SIZE_LIMIT + 2) // 3 * 4
    if len(text) > needed:
        text = re.sub(r"\s+", "", text)[:needed]
    return base64.b64decode(text)[:SIZE_LIMIT]


def _time(value: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if value else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


# -- refusals ---------------------------------------------------------------------------------------------


def _refusal(error: Exception, settings: Mailbox, *, sending: bool) -> PortError:
    """Say what an error means; only a mail that is being sent can be in doubt."""
    if isinstance(error, PortError):
        return error
    if isinstance(error, ews.UnauthorizedError):
        return _not_signed_in(settings)
    if isinstance(error, _Refused):
        return _by_status(error, sending=sending)
    if isinstance(error, ews.ErrorServerBusy):
        return Temporary("Exchange asks to wait", _capped(error.back_off))
    for setting, kinds in UNDER.items():
        if isinstance(error, kinds):
            return Permanent(f"Exchange refuses: {_said(error)}: check {setting}")
    if isinstance(error, PASSING):
        return Temporary(f"Exchange is not ready: {_said(error)}")
    if isinstance(error, ews.ResponseMessageError) and not isinstance(error, ews.ErrorTimeoutExpired):
        text = f"Exchange refuses: {_said(error)}"
        return Permanent(text) if sending else Temporary(text)
    return _lost(error, sending=sending)


def _not_signed_in(settings: Mailbox) -> PortError:
    keys = "tenant_id, client_id and the secret" if settings.auth == "oauth" else "username and password"
    return Permanent(f"Exchange refuses to sign in (401): check mailbox.{keys}, and mailbox.auth")


def _by_status(error: _Refused, *, sending: bool) -> PortError:
    text = f"Exchange answered {error.status}"
    if error.status in (429, 503):
        return Temporary(text, error.retry_after)
    if error.status == 408 or error.status >= 500:
        return Ambiguous(text) if sending else Temporary(text, error.retry_after)
    setting = "mailbox.access" if error.status == 403 else "mailbox.ews_url or mailbox.server"
    return Permanent(f"{text}: check {setting}")


def _lost(error: Exception, *, sending: bool) -> PortError:
    """Say what an error on the way means."""
    cause = error.__context__ if isinstance(error.__context__, requests.RequestException) else error
    if isinstance(cause, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
        return Permanent("Exchange's certificate is not trusted here: check mailbox.server and REQUESTS_CA_BUNDLE")
    if isinstance(cause, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Permanent("Exchange's address is not one: check mailbox.ews_url or mailbox.server")
    text = f"Exchange can't be reached: {type(cause).__name__}"
    if not isinstance(cause, ews.EWSError | requests.RequestException):
        log.warning("Exchange's answer can't be read: %s", type(cause).__name__, exc_info=error)
    return Ambiguous(text) if sending and not _unsent(cause) else Temporary(text)


def _unsent(error: BaseException) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _back_off(message: Any) -> float | None:
    for value in message.iter(f"{{{TNS}}}Value"):
        if value.get("Name") == "BackOffMilliseconds" and (value.text or "").strip().isdigit():
            return int(value.text) / 1000
    return None


def _seconds(value: str | None) -> float | None:
    return _capped(float(value)) if value and value.strip().isdigit() else None


def _capped(seconds: float | None) -> float | None:
    return None if seconds is None else min(LONGEST_WAIT, max(0.0, seconds))
