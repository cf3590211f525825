"""Speaking to HaloITSM: sign in as an application, ask, and say exactly what is known where there is no answer.

What is used here is what public clients of the interface use, homotechsual/HaloAPI for PowerShell first of all, and
what a public copy of the vendor's description names; see docs/halo.md. No real desk was ever asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from bot.adapters.addresses import is_loopback
from bot.adapters.rest import Answer, Requests
from models.ports.errors import Permanent, PortError, Temporary, Unauthorised
from models.settings import Halo

RATE_LIMIT_SECONDS = 60.0
"""How long to wait after a 429 that does not say; nobody has written down what Halo's limits are."""
RENEWAL_SECONDS = 300.0
EARLY_SECONDS = 60.0
ASSUMED_SECONDS = 600.0
"""How long a token is taken to be good that does not say."""
LONGEST_SECONDS = 86_400.0
_TOLD_LENGTH = 300
_REFUSED = ("invalid_client", "unauthorized_client", "invalid_grant")
_SETTINGS = "halo.client_id and halo.client_secret"


class Missing(Permanent):
    """What was asked for is not there, or is not shown to us (404)."""


class HaloApi:
    """Makes each request once, and once more with a new token where the first one was refused.

    Args:
        settings: Address, application, scope.
        clock: Tells the time, aware.
    """

    def __init__(self, settings: Halo, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self.base = settings.base_url.rstrip("/")
        self.host = urlsplit(self.base).hostname or self.base
        self._requests = Requests(self.host, settings.timeout_seconds)
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """Return what Halo holds under a path; may be repeated."""
        query = urlencode(params, quote_via=quote)
        return await self._call("GET", f"{path}?{query}" if query else path, None, repeatable=True)

    async def post(self, path: str, items: list[dict[str, Any]]) -> Any:
        """Create things; must not be repeated before one has looked. Halo takes a list even for one."""
        return await self._call("POST", path, orjson.dumps(items), repeatable=False)

    async def close(self) -> None:
        """Let go of connections."""
        await self._requests.close()

    async def _call(self, method: str, path: str, data: bytes | None, *, repeatable: bool) -> Any:
        for _ in range(2):
            token = await self._signed_in()
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            if data is not None:
                headers["Content-Type"] = "application/json"
            answer = await self._requests.send(
                method, self.base + path, headers=headers, data=data, repeatable=repeatable
            )
            if answer.status != 401:
                break
            if token == self._token:
                self._token = ""
        if answer.status == 404:
            raise Missing(str(self._refused(answer, repeatable)))
        if not answer.good:
            raise self._refused(answer, repeatable)
        try:
            return answer.json()
        except ValueError:
            raise self._requests.lost(f"{self.host} answered something else than JSON", repeatable) from None

    # -- signing in ---------------------------------------------------------------------------------------

    async def _signed_in(self) -> str:
        async with self._lock:
            if not self._token or self._clock() >= self._until:
                self._token, seconds = await self._ask_token()
                early = min(EARLY_SECONDS, seconds / 2)
                self._until = self._clock() + timedelta(seconds=seconds - early)
            return self._token

    async def _ask_token(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "scope": self._settings.scope,
        }
        headers = {"Accept": "application/json"}
        answer = await self._requests.send("POST", await self._token_url(), headers=headers, data=form)
        if not answer.good:
            raise self._sign_in_refused(answer)
        told = self._table(answer)
        if not isinstance(token := told.get("access_token"), str) or not token:
            raise Temporary(f"{self.host} gave no token")
        seconds = told.get("expires_in")
        if not isinstance(seconds, (int, float)) or seconds <= 0:
            seconds = ASSUMED_SECONDS
        return token, min(float(seconds), LONGEST_SECONDS)

    async def _token_url(self) -> str:
        """Ask where to sign in. The secret goes there, so it must be a place that nobody can listen to."""
        url = f"{self.base}/api/authinfo"
        answer = await self._requests.send("GET", url, headers={"Accept": "application/json"})
        if answer.status == 404:
            raise Permanent(f"{self.host} does not say where to sign in (404); halo.base_url goes without /api")
        if not answer.good:
            raise self._refused(answer, repeatable=True)
        told = self._table(answer)
        place, tenant = str(told.get("auth_url") or ""), str(told.get("tenant_id") or "")
        if not _safe(place):
            raise Permanent(f"{self.host} names a place to sign in that is not https; see halo.base_url")
        return f"{place.rstrip('/')}/token" + (f"?tenant={quote(tenant, safe='')}" if tenant else "")

    def _table(self, answer: Answer) -> dict[str, Any]:
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise Temporary(f"{self.host} answered something else than was asked for at sign-in")
        return told

    def _sign_in_refused(self, answer: Answer) -> PortError:
        try:
            code = str(answer.json().get("error") or "")
        except (ValueError, AttributeError):
            code = ""
        if answer.status == 401 or code in _REFUSED:
            text = f"{self.host} refused the application ({code or answer.status}): check {_SETTINGS}"
            return Unauthorised(text, RENEWAL_SECONDS)
        if code == "invalid_scope":
            return Permanent(f"{self.host} refused halo.scope ({code}): give the application what it names")
        return self._refused(answer, repeatable=True)

    # -- what it refused ----------------------------------------------------------------------------------

    def _refused(self, answer: Answer, repeatable: bool) -> PortError:
        status = answer.status
        if status == 401:
            return Unauthorised(f"{self.host} refused the token (401): check {_SETTINGS}", RENEWAL_SECONDS)
        if status == 429:
            wait = answer.wait(self._clock())
            return Temporary(f"{self.host} says to slow down (429)", RATE_LIMIT_SECONDS if wait is None else wait)
        if answer.unsure:
            return self._requests.lost(f"{self.host} answered {status}", repeatable)
        if 300 <= status < 400:
            return Permanent(f"{self.host} answered with a redirect ({status}); correct halo.base_url")
        told = self._told(answer.raw)
        text = f"{self.host} refused ({status})" + (f": {told}" if told else "")
        if status == 403:
            return Permanent(f"{text}; give the application's agent and scope what docs/halo.md names")
        return Permanent(text)

    def _told(self, raw: bytes) -> str:
        """Return Halo's own words, which come as a text or in a table; nothing of a page for people."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = raw.decode("utf-8", "replace")
        if isinstance(body, dict):
            found = (body.get(name) for name in ("message", "error_description", "error", "Message"))
            body = next((each for each in found if isinstance(each, str) and each), "")
        if not isinstance(body, str) or body.lstrip().startswith("<"):
            return ""
        text = " ".join(body.split())
        for secret in (self._token, self._settings.client_secret.get_secret_value()):
            if secret:
                text = text.replace(secret, "***")
        return text if len(text) <= _TOLD_LENGTH else text[: _TOLD_LENGTH - 1] + "…"


def _safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
