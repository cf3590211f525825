"""The server that a mailbox of Exchange is on: where it is, how to sign in, and a connection to it."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from exchangelib import errors as ews
from exchangelib.account import Account
from exchangelib.autodiscover import AutodiscoverCache, Autodiscovery, discovery
from exchangelib.configuration import Configuration
from exchangelib.credentials import Credentials
from exchangelib.ewsdatetime import UTC as EWS_UTC
from exchangelib.protocol import CachingProtocol, FailFast, Protocol
from exchangelib.transport import BASIC, NOAUTH, NTLM
from exchangelib.util import is_xml
from exchangelib.version import EXCHANGE_2016, Version
from requests.auth import AuthBase

from mailwatcher.mailboxes.addresses import is_loopback
from mailwatcher.mailboxes.exchange.refusals import Refused, asked_wait
from mailwatcher.mailboxes.tokens import Tokens
from models.ports.errors import Permanent, Temporary
from models.settings import Mailbox

logging.getLogger("exchangelib").setLevel(logging.CRITICAL)  # it logs whole requests: mails, and who signs in

ONLINE = "https://outlook.office365.com/EWS/Exchange.asmx"
ONLINE_SCOPE = "https://outlook.office365.com/.default"
ONLINE_HOSTS = ("office365.com", "outlook.office.com")
TIMEOUT_SECONDS = 30
"""How long an answer may be silent. A stop waits for it too."""


class _Bearer(AuthBase):
    """Shows the token that is good now."""

    def __init__(self) -> None:
        self.token = ""

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class _Policy(FailFast):
    """Waits for nothing, and tells each refusal by its status."""

    def raise_response_errors(self, response: Any) -> None:
        status = response.status_code
        if status == 401:
            raise ews.UnauthorizedError("HTTP 401")
        if status != 200 and not (status == 500 and is_xml(response.content)):
            raise Refused(status, asked_wait(response.headers.get("Retry-After")))


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


class Server:
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
