"""Speaking to GitLab: one request, one answer, and exactly what is known where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
from yarl import URL

from models.ports.errors import Ambiguous, Permanent, PortError, Temporary, Unauthorised

ATTEMPT_SECONDS = 25.0
CONNECT_SECONDS = 5.0
RATE_LIMIT_SECONDS = 60.0
"""How long to wait after a 429 that does not say: GitLab's application limits count by the minute."""
RENEWAL_SECONDS = 300.0
PER_PAGE = 100
MOST_PAGES = 100
_TOLD_LENGTH = 300
_LONGEST_WAIT = 3600.0
_DIGITS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_TOO_FAST = re.compile(r"too many times|rate limit", re.IGNORECASE)
_UNSURE = re.compile(r"internal server error|timeout|timed out|statement invalid|unexpected error", re.IGNORECASE)


class Missing(Permanent):
    """GitLab does not know it, or does not show it to us (404)."""


class Conflict(Permanent):
    """What was to be created is there already (409)."""


class GraphQLRefused(Permanent):
    """GitLab understood a GraphQL request and did not carry it out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitLab said."""

    status: int
    body: Any
    headers: Mapping[str, str]


class GitLabApi:
    """Makes each request once; trying again is the outbox's business.

    What may be repeated fails as ``Temporary`` where the answer is lost, anything else as ``Ambiguous``. Redirects
    are not followed, so that the token goes to no other host.

    Args:
        url: GitLab's address.
        token: An access token with the scope ``api``.
        settle_seconds: GitLab's own limit for a request.
        clock: Tells the time, aware.
    """

    def __init__(self, url: str, token: str, settle_seconds: float, clock: Callable[[], datetime]) -> None:
        self.host = URL(url).host or url
        self._url = url.rstrip("/")
        self._token = token
        self._settle = settle_seconds
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str) -> dict[str, Any]:
        """Return what GitLab holds under a path below ``/api/v4``."""
        body = (await self._rest("GET", path, None, None, repeatable=True)).body
        if not isinstance(body, dict):
            raise Temporary(f"{self.host} answered something else than was asked for")
        return body

    async def pages(self, path: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return a list of which GitLab gives a page at a time."""
        found: list[dict[str, Any]] = []
        page = "1"
        for _ in range(MOST_PAGES):
            asked = {**(params or {}), "per_page": str(PER_PAGE), "page": page}
            more, page = await self._list(path, asked)
            found += more
            if not page:
                break
        return found

    async def listed(self, path: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return a list that GitLab gives whole, or the first of which is enough."""
        return (await self._list(path, params))[0]

    async def _list(self, path: str, params: Mapping[str, str] | None) -> tuple[list[dict[str, Any]], str]:
        answer = await self._rest("GET", path, params, None, repeatable=True)
        if not isinstance(answer.body, list):
            raise Temporary(f"{self.host} answered something else than a list")
        found = [each for each in answer.body if isinstance(each, dict)]
        return found, answer.headers.get("X-Next-Page", "").strip()

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make something say what ``body`` says; may be repeated."""
        return (await self._rest("PUT", path, None, body, repeatable=True)).body

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Create something; must not be repeated before one has looked."""
        return await self._rest("POST", path, None, body, repeatable=False)

    async def delete(self, path: str) -> None:
        """Delete something; may be repeated."""
        await self._rest("DELETE", path, None, None, repeatable=True)

    async def graphql(self, document: str, variables: Mapping[str, Any], *, repeatable: bool) -> dict[str, Any]:
        """Run a GraphQL document and return its data.

        Raises:
            GraphQLRefused: One of its two ways to tell errors told one.
        """
        request = {"query": document, "variables": variables}
        answer = await self._call("POST", "/api/graphql", None, request, repeatable=repeatable)
        if not isinstance(answer.body, dict):
            raise self._lost(f"{self.host} answered something else than GraphQL", repeatable)
        if errors := answer.body.get("errors"):
            raise self._refused_by_graphql(errors, repeatable)
        data = answer.body.get("data")
        if not isinstance(data, dict):
            raise self._lost(f"{self.host} answered GraphQL without data", repeatable)
        return data

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _rest(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        *,
        repeatable: bool,
    ) -> Answer:
        return await self._call(method, f"/api/v4{path}", params, body, repeatable=repeatable)

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        *,
        repeatable: bool,
    ) -> Answer:
        headers = {"PRIVATE-TOKEN": self._token, "Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = orjson.dumps(body)
        try:
            url = URL(self._url + path, encoded=True).update_query(dict(params or {}))
            async with self._connection().request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                raw = await response.read()
                if not 200 <= response.status < 300:
                    raise self._refused(response, raw, repeatable)
                return Answer(response.status, orjson.loads(raw) if raw else None, response.headers)
        except (aiohttp.InvalidURL, ValueError) as error:
            if isinstance(error, orjson.JSONDecodeError):
                raise self._lost(f"{self.host} answered something else than JSON", repeatable) from None
            raise Permanent(f"tracker.url can't be used: {type(error).__name__}") from None
        except aiohttp.ClientConnectorCertificateError:
            raise Temporary(f"the certificate of {self.host} is not trusted") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Temporary(f"{self.host} can't be reached: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._lost(f"the answer of {self.host} was lost: {type(error).__name__}", repeatable) from None

    def _lost(self, message: str, repeatable: bool) -> PortError:
        return Temporary(message) if repeatable else Ambiguous(message, self._settle)

    def _refused(self, response: aiohttp.ClientResponse, raw: bytes, repeatable: bool) -> PortError:
        status = response.status
        told = self._told(raw)
        if status == 401:
            text = f"{self.host} refused the token (401): it has expired or was revoked; renew tracker.token"
            return Unauthorised(text, RENEWAL_SECONDS)
        if status == 429:
            return Temporary(f"{self.host} says to slow down (429)", self._wait(response.headers))
        if status >= 500 or status == 408:
            return self._lost(f"{self.host} answered {status}", repeatable)
        if 300 <= status < 400:
            text = f"{self.host} answered with a redirect ({status}); correct tracker.url or tracker.project"
            return Permanent(text)
        text = f"{self.host} refused ({status}): {told}" if told else f"{self.host} refused ({status})"
        if status == 409:
            return Conflict(text)
        return Missing(text) if status == 404 else Permanent(text)

    def _refused_by_graphql(self, errors: Any, repeatable: bool) -> PortError:
        listed = errors if isinstance(errors, list) else [errors]
        messages = [str(each.get("message")) if isinstance(each, dict) else str(each) for each in listed]
        told = self._shortened("; ".join(messages))
        if any(_TOO_FAST.search(each) for each in messages):
            return Temporary(f"{self.host} says to slow down: {told}", RATE_LIMIT_SECONDS)
        if any(_UNSURE.search(each) for each in messages):
            return self._lost(f"{self.host} failed: {told}", repeatable)
        return GraphQLRefused(f"{self.host} refused: {told}")

    def _told(self, raw: bytes) -> str:
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return ""
        if not isinstance(body, dict):
            return ""
        return self._shortened(_flat(body.get("message") or body.get("error_description") or body.get("error")))

    def _shortened(self, text: str) -> str:
        text = " ".join(text.split())
        if self._token:
            text = text.replace(self._token, "***")
        return text if len(text) <= _TOLD_LENGTH else text[: _TOLD_LENGTH - 1] + "…"

    def _wait(self, headers: Mapping[str, str]) -> float:
        now = self._clock()
        told = headers.get("Retry-After", "")
        if _DIGITS.fullmatch(told):
            return min(_LONGEST_WAIT, max(1.0, float(told)))
        try:
            at = parsedate_to_datetime(told)
        except (ValueError, TypeError):
            reset = headers.get("RateLimit-Reset", "")
            wait = float(reset) - now.timestamp() if _DIGITS.fullmatch(reset) else RATE_LIMIT_SECONDS
        else:
            wait = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
        return min(_LONGEST_WAIT, max(1.0, wait))

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            total = min(ATTEMPT_SECONDS, self._settle)
            connect = min(CONNECT_SECONDS, total / 2)
            timeout = aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=connect)
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session


def _flat(told: Any) -> str:
    """Return GitLab's message as one text; it may be a text, a list, or a table of fields."""
    if isinstance(told, dict):
        return "; ".join(f"{name}: {_flat(each)}" for name, each in told.items())
    if isinstance(told, list):
        return ", ".join(_flat(each) for each in told)
    return "" if told is None else str(told)
