"""How Google's Apigee API is spoken to, and what its failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from gcloud.aio.auth import Token
from yarl import URL

from models.ports.errors import Permanent, PortError, Temporary, Unauthorised

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer: a page holds a thousand apps."""
SLOW_DOWN_SECONDS, LONGEST_WAIT = 60.0, 3600.0
RENEWAL_SECONDS = 300.0


class Missing(Permanent):
    """Apigee does not know it (404)."""


class ApigeeApi:
    """Calls Apigee in the name of a service account.

    Args:
        base_url: ``https://apigee.googleapis.com``.
        credentials: A credentials file; empty for those of the machine.
    """

    def __init__(self, base_url: str, credentials: str) -> None:
        self._base = base_url.rstrip("/")
        self.host = URL(base_url).host or base_url
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None
        self._token: Token | None = None
        self._signing_in = asyncio.Lock()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what Apigee holds under a path below ``/v1``.

        Raises:
            Missing: It does not know it.
            PortError: As in ``models.ports.errors``.
        """
        told = await self._call("GET", path, params)
        if not isinstance(told, dict):
            raise Temporary(f"{self.host} answered something else than was asked for")
        return told

    async def post(self, path: str, params: Mapping[str, str]) -> None:
        """Do something that has no body, and that may be repeated."""
        await self._call("POST", path, params)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def sign_in(self) -> str:
        """Return an access token; one is held until it is about to expire.

        Raises:
            Unauthorised: The credentials are refused, or can't be read.
            Temporary: Google can't be reached.
        """
        async with self._signing_in:
            try:
                if self._token is None:
                    file = self._credentials or None
                    self._token = Token(service_file=file, session=self._connection(), scopes=[SCOPE])  # type: ignore[arg-type]
                token = await self._token.get()
            except aiohttp.ClientResponseError as error:
                if error.status >= 500 or error.status == 429:
                    raise Temporary(f"signing in to Google failed ({error.status})") from None
                raise self._refused_account(f"Google refused apigee.credentials ({error.status})") from None
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Temporary(f"Google can't be reached to sign in: {type(error).__name__}") from None
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise self._refused_account(f"apigee.credentials can't be used: {type(error).__name__}") from None
        if not token:
            raise self._refused_account("there are no credentials for Google")
        return token

    @staticmethod
    def _refused_account(text: str) -> Unauthorised:
        return Unauthorised(f"{text}; give a valid file in apigee.credentials", RENEWAL_SECONDS)

    async def _call(self, method: str, path: str, params: Mapping[str, str] | None) -> Any:
        headers = {"Authorization": f"Bearer {await self.sign_in()}", "Accept": "application/json"}
        if method == "POST":
            headers["Content-Type"] = "application/octet-stream"
        url = URL(f"{self._base}/v1/{path}", encoded=True).update_query(dict(params or {}))
        try:
            async with self._connection().request(method, url, headers=headers, allow_redirects=False) as answer:
                raw = await answer.content.read(LARGEST + 1)
                while len(raw) <= LARGEST and (more := await answer.content.read(LARGEST)):
                    raw += more
                if len(raw) > LARGEST:
                    raise Permanent(f"{self.host} answered more than {LARGEST // 1024 // 1024} MB")
                if not 200 <= answer.status < 300:
                    raise self._refused(answer, raw)
                return orjson.loads(raw) if raw.strip() else None
        except orjson.JSONDecodeError:
            raise Temporary(f"{self.host} answered something else than JSON") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Temporary(f"{self.host} can't be reached: {type(error).__name__}") from None

    def _refused(self, answer: aiohttp.ClientResponse, raw: bytes) -> PortError:
        status, told = answer.status, _told(raw)
        if status == 401:
            self._token = None
            return self._refused_account(f"{self.host} refused the token (401)")
        if status in (429, 503):
            wait = answer.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isascii() and wait.isdigit() else SLOW_DOWN_SECONDS
            return Temporary(f"{self.host} says to slow down ({status})", min(LONGEST_WAIT, max(1.0, seconds)))
        if status >= 500 or status in (408, 409):
            return Temporary(f"{self.host} answered {status}")
        text = f"{self.host} refused ({status})" + (f": {told}" if told else "")
        if status == 403:
            return Permanent(f"{text}; give Wilson's service account that permission, see docs/gateway.md")
        return Missing(text) if status == 404 else Permanent(text)

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session


def _told(raw: bytes) -> str:
    """Return the message of Google's error, on one line."""
    try:
        error = orjson.loads(raw).get("error")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message or "").split())[:300]
