"""HaloITSM as the service desk: a call's subject and requester, and private notes.

The shapes are those that a public client of Halo uses; the vendor's own document was not to be had. So it is kept
to reading one ticket and writing one note, and numbers of outcomes come from the settings.
"""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import orjson

from bot.adapters.addresses import is_loopback
from models.case_ports import SupportCall
from models.ports import Ambiguous, Finding, Permanent, PortError, Temporary, Unauthorised
from models.settings import Halo

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
EARLY_SECONDS = 60.0
SLOW_DOWN_SECONDS, RENEWAL_SECONDS = 10.0, 300.0
_NUMBER = re.compile(r"#?0*([1-9][0-9]{0,11})")


class _Missing(Permanent):
    """There is no such ticket."""


class HaloDesk:
    """Speaks to one Halo.

    Args:
        settings: Address and client.
    """

    def __init__(self, settings: Halo) -> None:
        self._settings = settings
        self._base = settings.base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._token, self._until = "", 0.0
        self._signing_in, self._noting = asyncio.Lock(), asyncio.Lock()

    @property
    def configured(self) -> bool:
        """See ``models.case_ports.ServiceDesk``."""
        return True

    def key_of(self, text: str) -> str:
        """See ``models.case_ports.ServiceDesk``."""
        text = text.strip()
        if found := _NUMBER.fullmatch(text):
            return found[1]
        try:
            given, ours = urlsplit(text), urlsplit(self._base)
            if (given.scheme, given.hostname, given.port) != (ours.scheme, ours.hostname, ours.port):
                return ""
        except ValueError:
            return ""
        asked = parse_qs(given.query)
        numbers = [*asked.get("id", []), *asked.get("ticketid", []), given.path.rstrip("/").rpartition("/")[2]]
        return next((found[1] for each in numbers if (found := _NUMBER.fullmatch(each))), "")

    def url_of(self, key: str) -> str:
        """See ``models.case_ports.ServiceDesk``."""
        return f"{self._base}/tickets?id={quote(key, safe='')}"

    async def call(self, key: str) -> SupportCall | None:
        """See ``models.case_ports.ServiceDesk``."""
        try:
            told = await self._ask("GET", f"/Tickets/{quote(key, safe='')}?includedetails=true")
        except _Missing:
            return None
        if not isinstance(told, dict) or "id" not in told:
            raise Temporary("Halo answered something else than a ticket")
        return SupportCall(
            str(told["id"]),
            self.url_of(str(told["id"])),
            str(told.get("summary") or "")[:200],
            str(told.get("user_name") or "")[:100],
            str(told.get("useremail") or told.get("user_email") or told.get("emailaddress") or "")[:200],
            bool(told.get("dateclosed")) or told.get("hasbeenclosed") is True,
        )

    async def note(self, key: str, text: str, marker: str) -> None:
        """See ``models.case_ports.ServiceDesk``."""
        async with self._noting:
            held = await self._ask("GET", f"/Actions?ticket_id={quote(key, safe='')}&count=100")
            actions = held.get("actions") if isinstance(held, dict) else held
            if any(marker in str(each.get("note_html") or each.get("note") or "") for each in actions or ()):
                return
            lines = html.escape(text).replace("\n", "<br>")
            action: dict[str, Any] = {
                "ticket_id": int(key),
                "note_html": f"<p>{lines}</p><p><small>{html.escape(marker)}</small></p>",
                "hiddenfromuser": True,
            }
            if self._settings.note_outcome_id:
                action["outcome_id"] = self._settings.note_outcome_id
            else:
                action["outcome"] = "Private Note"
            await self._ask("POST", "/Actions", [action])

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {await self._sign_in()}", "Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = orjson.dumps(body)
        repeatable = method == "GET"
        url = f"{self._base}/api{path}"
        try:
            async with self._connection().request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as answer:
                raw = await answer.read()
                if not 200 <= answer.status < 300:
                    raise self._refused(answer, repeatable)
            return orjson.loads(raw) if raw.strip() else None
        except orjson.JSONDecodeError:
            raise self._lost("Halo answered something else than JSON", repeatable) from None
        except aiohttp.ClientConnectorError as error:
            raise Temporary(f"Halo can't be reached: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._lost(f"the answer of Halo was lost: {type(error).__name__}", repeatable) from None

    @staticmethod
    def _lost(text: str, repeatable: bool) -> PortError:
        return Temporary(text) if repeatable else Ambiguous(text, TIMEOUT.total or 30)

    def _refused(self, answer: aiohttp.ClientResponse, repeatable: bool) -> PortError:
        status = answer.status
        if status == 401:
            self._until = 0.0
            return Unauthorised(
                "Halo refused the token (401): check halo.client_id and its secret", RENEWAL_SECONDS
            )
        if status == 429:
            wait = answer.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isascii() and wait.isdigit() else SLOW_DOWN_SECONDS
            return Temporary("Halo says to slow down (429)", seconds)
        if status >= 500:
            return self._lost(f"Halo answered {status}", repeatable)
        if status == 404:
            return _Missing("Halo knows no such ticket (404)")
        return Permanent(f"Halo refused ({status}): see docs/gateway.md for what the application needs")

    async def _sign_in(self) -> str:
        async with self._signing_in:
            if time.monotonic() < self._until:
                return self._token
            try:
                told = await self._new_token()
                self._token = str(told["access_token"])
                self._until = time.monotonic() + max(30.0, float(told.get("expires_in", 600)) - EARLY_SECONDS)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise Temporary(f"Halo can't be reached to sign in: {type(error).__name__}") from None
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                raise Temporary("Halo's sign-in answered something else than a token") from None
            return self._token

    async def _new_token(self) -> Any:
        auth_url, tenant = self._settings.auth_url, ""
        if not auth_url:
            async with self._connection().get(f"{self._base}/api/authinfo", allow_redirects=False) as answer:
                told = orjson.loads(await answer.read())
            auth_url, tenant = str(told["auth_url"]), str(told.get("tenant_id") or "")
        where = urlsplit(auth_url)
        if where.scheme != "https" and not is_loopback(where.hostname or ""):
            raise Permanent("Halo names an address without TLS to sign in: set halo.auth_url")
        secret = self._settings.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials", "client_id": self._settings.client_id, "client_secret": secret,
                "scope": "read:tickets edit:tickets"}  # fmt: skip
        params = {"tenant": tenant} if tenant else {}
        url = f"{auth_url.rstrip('/')}/token"
        async with self._connection().post(url, params=params, data=form, allow_redirects=False) as answer:
            raw = await answer.read()
            if answer.status in (400, 401, 403):
                text = f"Halo refused to sign us in ({answer.status}): check halo.client_id and its secret"
                raise Unauthorised(text, RENEWAL_SECONDS)
            if answer.status != 200:
                raise Temporary(f"Halo's sign-in answered {answer.status}")
        return orjson.loads(raw)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        try:
            await self._ask("GET", "/Tickets?page_size=1&page_no=1&pageinate=true")
        except PortError as error:
            return [Finding("halo", False, str(error), "See docs/gateway.md for what the application needs.")]
        return [Finding("halo", True, "tickets can be read; whether notes may be written shows with the first one")]

    async def close(self) -> None:
        """See ``models.case_ports.ServiceDesk``."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session
