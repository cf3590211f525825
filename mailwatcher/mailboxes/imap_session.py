"""A connection to an IMAP server that is made when it is needed and let go of when it fails."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError, LoginError

from mailwatcher.mailboxes.addresses import host_and_port
from mailwatcher.mailboxes.login import PASSING, Login, code_of, encrypted_or_here, words_of
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Mailbox

log = logging.getLogger(__name__)
logging.getLogger("imapclient").setLevel(logging.INFO)  # it would log whole mails, and the proof of a login

PORTS = {"tls": 993, "starttls": 143, "none": 143}
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 2.0


class ImapSession:
    """One connection, used by one thread at a time.

    Args:
        settings: Server and TLS.
        login: The account.
        read_seconds: How long the server may take for an answer.

    Raises:
        SettingsError: The server's name is none, or it would be spoken to in the clear.
    """

    def __init__(self, settings: Mailbox, login: Login, read_seconds: float) -> None:
        self._host, self._port = host_and_port("mailbox.server", settings.server, PORTS[settings.tls])
        encrypted_or_here("mailbox.server", self._host, settings.tls)
        self._tls = settings.tls
        self._login = login
        self._timeout = SocketTimeout(CONNECT_SECONDS, read_seconds)
        self._client: Any = None
        self._lock = threading.Lock()
        self._prefixes: list[str] = [""]
        self._delimiter = ""
        self.name = f"{self._host}:{self._port}"
        self.validity: int | None = None
        """The UIDVALIDITY of the selected folder; ``None`` where none is selected."""

    @contextlib.contextmanager
    def client(self, patience: float = -1) -> Iterator[Any]:
        """Lend the connection, and say what goes wrong with it in the words of ``models.ports.errors``.

        Args:
            patience: Seconds to wait for another thread; by default without end.
        """
        if not self._lock.acquire(timeout=patience):
            raise Temporary(f"the connection to {self.name} is busy")
        try:
            if self._client is None:
                self._connect()
            yield self._client
        except PortError:
            raise
        except ssl.SSLCertVerificationError as error:
            self._drop()
            text = f"{self.name} shows a certificate that is not to be trusted: {error.verify_message}"
            raise Permanent(f"{text}; check mailbox.server") from None
        except IMAPClientReadOnlyError:
            self._drop()
            raise Permanent(f"{self._login.username} may read the mailbox, but not move mails") from None
        except (IMAPClientAbortError, OSError) as error:
            self._drop()
            raise Temporary(f"the connection to {self.name} was lost ({words_of(error)})") from None
        except IMAPClientError as error:
            raise Temporary(f"{self.name} refused: {words_of(error)}") from None
        except Exception as error:
            self._drop()
            log.exception("%s answered in a way that can't be read", self.name)
            raise Temporary(f"{self.name} answered in a way that can't be read ({type(error).__name__})") from None
        finally:
            self._lock.release()

    def select(self, client: Any, folder: str, *, readonly: bool = False) -> dict[bytes, Any]:
        """Select the inbox afresh.

        Raises:
            Temporary, Permanent: It can't be opened now, or is none.
        """
        self.validity = None
        try:
            told: dict[bytes, Any] = client.select_folder(self.place(folder), readonly=readonly)
        except (IMAPClientAbortError, IMAPClientReadOnlyError):
            raise
        except IMAPClientError as error:
            if code_of(error) in PASSING:
                raise
            text = f"{self.name} has no folder {self.place(folder)!r} to be opened by {self._login.username}"
            raise Permanent(f"{text}: check mailbox.inbox") from None
        self.validity = int(told.get(b"UIDVALIDITY", 0))
        return told

    def place(self, folder: str) -> str:
        """Return a folder's whole name: below the account's own namespace, parted as the server parts names."""
        if folder.upper() == "INBOX":
            return "INBOX"
        name = folder.replace("/", self._delimiter) if self._delimiter else folder
        if any(prefix and name.upper().startswith(prefix.upper()) for prefix in self._prefixes):
            return name
        return self._prefixes[0] + name

    def abandon(self) -> None:
        """Let go of the connection; only for whoever was lent it."""
        self._drop()

    def close(self, *, goodbye: bool = True) -> None:
        """Let go of the connection; where a thread is busy with it, cut it off.

        Args:
            goodbye: Whether to say so to the server, who would not understand it while we idle.
        """
        if not self._lock.acquire(timeout=CLOSE_SECONDS):
            client = self._client
            if client is not None:
                with contextlib.suppress(OSError, AttributeError):
                    client.socket().shutdown(socket.SHUT_RDWR)
            return
        try:
            if self._client is not None and goodbye:
                with contextlib.suppress(OSError, IMAPClientError):
                    self._client.socket().settimeout(CLOSE_SECONDS)
                    self._client.logout()
            self._drop()
        finally:
            self._lock.release()

    def _drop(self) -> None:
        client, self._client, self.validity = self._client, None, None
        if client is not None:
            with contextlib.suppress(OSError, IMAPClientError):
                client.shutdown()

    def _connect(self) -> None:
        context = None if self._tls == "none" else ssl.create_default_context()
        implicit = self._tls == "tls"
        client = IMAPClient(
            self._host,
            self._port,
            ssl=implicit,
            ssl_context=context if implicit else None,
            timeout=self._timeout,
        )
        client.normalise_times = False
        client._imap.debug = 0  # imaplib would write out every mail for a log that nobody reads
        try:
            if self._tls == "starttls":
                if not client.has_capability("STARTTLS"):
                    raise Permanent(f"{self.name} knows no STARTTLS: check mailbox.server and tls")
                client.starttls(context)
            self._sign_in(client)
            self._find_namespace(client)
        except BaseException:
            with contextlib.suppress(OSError, IMAPClientError):
                client.shutdown()
            raise
        self._client = client

    def _sign_in(self, client: Any) -> None:
        mechanism, password = self._login.mechanism, self._login.password()
        try:
            if password is not None and not client.has_capability("AUTH=PLAIN"):
                client.login(self._login.username, password)
                return
            answers = iter([self._login.proof()])
            client.sasl_login(mechanism, lambda _: next(answers, ""))
        except (IMAPClientAbortError, PortError):
            raise
        except LoginError as error:
            if isinstance(error.__context__, IMAPClientAbortError):
                raise Temporary(f"{self.name} hung up at the login") from None
            raise self._login.refused(self.name, code_of(error)) from None
        except UnicodeError:
            raise Permanent(f"{self.name} takes no user name or password with characters beyond ASCII") from None

    def _find_namespace(self, client: Any) -> None:
        self._prefixes, self._delimiter = [""], ""
        if client.has_capability("NAMESPACE"):
            told = client.namespace()
            every = [each for kind in told for each in kind or ()]
            (own, delimiter) = (told.personal or (("", None),))[0]
            self._prefixes = [own or "", *(prefix for prefix, _ in every if prefix)]
            self._delimiter = delimiter or ""
            return
        for _, delimiter, _ in client.list_folders("", ""):
            self._delimiter = (delimiter or b"").decode("ascii", "replace")
