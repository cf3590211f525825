"""Microsoft Graph over HTTP: the token, the requests, and what its refusals mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from mailwatcher.mailboxes.addresses import is_loopback
from mailwatcher.mailboxes.tokens import Tokens
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary
from models.settings import Mailbox

BASE_URL = "https://graph.microsoft.com/v1.0"
SCOPE = "https://graph.microsoft.com/.default"
AT_ONCE = 4
"""Requests to one mailbox at the same time; Exchange refuses more."""
PAGE = 100
SIZE_LIMIT = 25 * 1024 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
EXPIRED = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})


class Missing(PortError):
    """404. ``code`` is Graph's word for it."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class Expired(PortError):
    """The delta link is too old."""


class Exists(PortError):
    """What should be made is there already."""


class GraphApi:
    """Sends requests, a few at a time.

    Args:
        settings: The registration, and where Graph is.

    Attributes:
        base: The address that all requests begin with.
    """

    def __init__(self, settings: Mailbox) -> None:
        base = (settings.base_url or BASE_URL).rstrip("/")
        self.base = base if urlsplit(base).path.strip("/") else f"{base}/v1.0"
        here = is_loopback(urlsplit(self.base).hostname or "")
        self._tokens = Tokens(settings, SCOPE if here else f"{_origin(self.base)}/.default")
        self._session: aiohttp.ClientSession | None = None
        self._gate = asyncio.Semaphore(AT_ONCE)

    def ours(self, url: str) -> bool:
        """Tell whether an address is one of this server's."""
        return bool(url) and _origin(url) == _origin(self.base)

    async def json(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, *, delta: bool = False
    ) -> dict[str, Any]:
        """Send a request that is answered with JSON; see ``request``."""
        raw = await self.request(method, url, body, delta=delta)
        if not raw:
            return {}
        try:
            found = json.loads(raw)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Temporary("Graph answered with something that is not JSON")
        return found

    async def request(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, *, delta: bool = False
    ) -> bytes:
        """Send one request, once more with a new token where the first was refused.

        Args:
            url: The whole address.
            body: What is sent, as JSON.
            delta: Asks for a page of a delta query.

        Raises:
            Missing: 404.
            Expired: The delta link is too old.
            Exists: What should be made is there already.
            Ambiguous: A mail may have been sent, or not.
        """
        if not self.base.startswith("https://") and not is_loopback(urlsplit(self.base).hostname or ""):
            raise Permanent(f"mailbox.base_url holds {self.base!r}; it needs https://")
        async with self._gate:
            for attempt in range(2):
                status, headers, raw = await self._once(method, url, body, delta=delta)
                if status != 401 or attempt:
                    break
                self._tokens.forget()
        if 200 <= status < 300:
            return raw
        raise _refusal(status, headers, raw)

    async def _once(
        self, method: str, url: str, body: Mapping[str, Any] | None, *, delta: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        token = await asyncio.to_thread(self._tokens.token)
        prefer = 'IdType="ImmutableId"' + (f", odata.maxpagesize={PAGE}" if delta else "")
        headers = {"Authorization": f"Bearer {token}", "Prefer": prefer}
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        try:
            async with self._session.request(
                method, URL(url, encoded=True), json=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, answer.headers, await _most(answer.content)
        except aiohttp.ClientConnectorError as error:
            raise Temporary(f"Graph can't be reached: {error.os_error.strerror or type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"Graph did not answer: {type(error).__name__}"
            if method == "POST" and url.endswith("/sendMail"):
                raise Ambiguous(text) from None
            raise Temporary(text) from None

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _most(content: aiohttp.StreamReader) -> bytes:
    """Read a body, at most ``SIZE_LIMIT`` of it."""
    parts: list[bytes] = []
    left = SIZE_LIMIT
    async for part in content.iter_chunked(256 * 1024):
        parts.append(part[:left])
        left -= len(part)
        if left <= 0:
            break
    return b"".join(parts)


def _refusal(status: int, headers: Mapping[str, str], raw: bytes) -> PortError:
    code, said = _error(raw)
    text = f"Graph answered {status} {code}: {said}".strip(" :")
    if status == 410 or code.casefold() in EXPIRED:
        return Expired(text)
    if status in (429, 503) or status >= 500 or status == 408:
        return Temporary(text, _seconds(headers.get("Retry-After")))
    if status == 404:
        return Missing(text, code)
    if status == 409 or code.casefold() == "errorfolderexists":
        return Exists(text)
    if status == 401:
        return Permanent(f"{text}: check mailbox.tenant_id, client_id and the secret")
    if status == 403:
        return Permanent(f"{text}: the application needs Mail.ReadWrite for mailbox.address")
    return Permanent(text)


def _error(raw: bytes) -> tuple[str, str]:
    try:
        error = json.loads(raw)["error"]
        return str(error.get("code") or "")[:80], str(error.get("message") or "")[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _seconds(value: str | None) -> float | None:
    try:
        return min(3600.0, max(0.0, float(value))) if value else None
    except ValueError:
        return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
