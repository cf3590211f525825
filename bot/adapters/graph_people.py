"""People of the organisation, as Microsoft Graph knows them: who they are, and which groups they are in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from bot.adapters.tokens import GRAPH, Tokens
from models.case_ports import Member
from models.ports import Finding, Permanent, PortError, Temporary, Unauthorised
from models.settings import Teams

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
SELECTED = "id,displayName,mail,userPrincipalName,jobTitle,department"
MOST_PAGES = 20
FRESH_SECONDS, MOST_HELD = 600.0, 500
SLOW_DOWN_SECONDS, RENEWAL_SECONDS = 30.0, 300.0


class _Missing(Permanent):
    """There is nobody of that name."""


class GraphPeople:
    """Looks people up. Needs the application permissions ``User.Read.All`` and ``GroupMember.Read.All``.

    Args:
        base_url: ``https://graph.microsoft.com/v1.0``.
        registration: The application in Entra, as the bot's own is given.
    """

    def __init__(self, base_url: str, registration: Teams) -> None:
        self._base = base_url.rstrip("/")
        self._tokens = Tokens(registration, GRAPH)
        self._session: aiohttp.ClientSession | None = None
        self._held: dict[tuple[str, tuple[str, ...]], tuple[float, Member | None]] = {}

    @property
    def configured(self) -> bool:
        """See ``models.case_ports.PeopleDirectory``."""
        return True

    async def find(self, who: str, groups: Sequence[str]) -> Member | None:
        """See ``models.case_ports.PeopleDirectory``. What was found is held for ten minutes."""
        key = (who.casefold(), tuple(groups))
        held = self._held.get(key)
        if held and time.monotonic() < held[0]:
            return held[1]
        found = await self._find(who.strip(), groups)
        if len(self._held) >= MOST_HELD:
            self._held.clear()
        self._held[key] = (time.monotonic() + FRESH_SECONDS, found)
        return found

    async def _find(self, who: str, groups: Sequence[str]) -> Member | None:
        told = await self._user(who)
        if told is None:
            return None
        wanted = {each.casefold(): each for each in groups}
        inside = [wanted[name] for name in await self._groups(str(told["id"])) if name in wanted] if wanted else []
        return Member(
            id=str(told["id"]),
            name=str(told.get("displayName") or "")[:100],
            mail=str(told.get("mail") or told.get("userPrincipalName") or "")[:200],
            title=str(told.get("jobTitle") or "")[:100],
            department=str(told.get("department") or "")[:100],
            groups=tuple(dict.fromkeys(inside)),
        )

    async def _user(self, who: str) -> dict[str, Any] | None:
        if not who or who in (".", "..") or not who.isprintable():
            return None
        try:
            return await self._get(f"/users/{quote(who, safe='@')}", {"$select": SELECTED})
        except _Missing:
            mail = who.replace("'", "''")
            told = await self._get("/users", {"$filter": f"mail eq '{mail}'", "$select": SELECTED})
        found = [each for each in told.get("value") or () if isinstance(each, dict) and each.get("id")]
        return found[0] if len(found) == 1 else None

    async def _groups(self, user_id: str) -> list[str]:
        """Return ids and names of the groups that somebody is in, also through other groups, in lower case."""
        names: list[str] = []
        path = f"/users/{quote(user_id, safe='')}/transitiveMemberOf/microsoft.graph.group"
        told = await self._get(path, {"$select": "id,displayName", "$top": "999"})
        for _ in range(MOST_PAGES):
            for each in told.get("value") or ():
                names += [str(each.get(key) or "").casefold() for key in ("id", "displayName")]
            following = str(told.get("@odata.nextLink") or "")
            if not following.startswith(f"{self._base}/"):
                break
            told = await self._get(following.removeprefix(self._base), {})
        return names

    async def _get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {await self._tokens.get()}", "Accept": "application/json"}
        url = URL(f"{self._base}{path}", encoded=True)
        url = url.update_query(params) if params else url
        try:
            async with self._connection().get(url, headers=headers, allow_redirects=False) as answer:
                raw = await answer.read()
                if answer.status != 200:
                    raise self._refused(answer, raw)
            told = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Temporary("Microsoft Graph answered something else than JSON") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Temporary(f"Microsoft Graph can't be reached: {type(error).__name__}") from None
        if not isinstance(told, dict):
            raise Temporary("Microsoft Graph answered something else than was asked for")
        return told

    def _refused(self, answer: aiohttp.ClientResponse, raw: bytes) -> PortError:
        status, code = answer.status, _code(raw)
        if status == 401:
            self._tokens.forget()
            return Unauthorised("Microsoft Graph refused the token (401): check [directory]", RENEWAL_SECONDS)
        if status in (429, 503, 504):
            wait = answer.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isascii() and wait.isdigit() else SLOW_DOWN_SECONDS
            return Temporary(f"Microsoft Graph says to slow down ({status})", seconds)
        if status >= 500:
            return Temporary(f"Microsoft Graph answered {status}")
        if status == 404:
            return _Missing("Microsoft Graph knows nobody of that name")
        if status == 403:
            needed = "User.Read.All and GroupMember.Read.All"
            return Permanent(f"Microsoft Graph refused (403, {code}): the application needs {needed}")
        return Permanent(f"Microsoft Graph refused ({status}, {code})")

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        try:
            await self._get("/users", {"$filter": "mail eq 'nobody@invalid'", "$select": "id"})
        except PortError as error:
            return [Finding("directory", False, str(error), "See docs/gateway.md for the permissions.")]
        return [Finding("directory", True, "people can be looked up")]

    async def close(self) -> None:
        """See ``models.case_ports.PeopleDirectory``."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session


def _code(raw: bytes) -> str:
    try:
        return str(orjson.loads(raw)["error"]["code"])[:80]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "no reason given"
