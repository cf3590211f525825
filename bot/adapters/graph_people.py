"""People of the whole organisation, from Entra through Microsoft Graph. Only reads.

Membership is read as the list of all groups that somebody is in, directly or through others, since that answers for
names and ids alike. The names of groups are not unique, and in many organisations anybody may make one: where it
matters who is in, name the group by its id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bot.adapters.addresses import is_loopback
from bot.adapters.rest import Answer, Requests
from bot.adapters.tokens import Registration, Tokens
from bot.issue_text import one_line
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError, Temporary, Unauthorised
from models.ports.people_directory import Member

BASE_URL = "https://graph.microsoft.com/v1.0"
TIMEOUT_SECONDS = 15.0
RENEWAL_SECONDS = 300.0
KEPT_FOR = timedelta(minutes=10)
MOST_KEPT = 256
MOST_PAGES = 20
PAGE = 999
USERS = "User.Read.All"
GROUPS = "GroupMember.Read.All"
_SEE = "See docs/halo.md, The directory."
_FIELDS = "id,displayName,mail,userPrincipalName,jobTitle,department"
_ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f]{1,256}@[^\s@\x00-\x1f\x7f]{1,255}")
_PRINCIPAL = re.compile(r"[A-Za-z0-9'._!#^~-]+@[A-Za-z0-9.-]+")
"""What a user principal name may hold; no other text becomes a part of a path."""
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"[A-Za-z_.]{1,80}")


class GraphPeople:
    """Knows the people of one tenant.

    Args:
        base_url: Graph's address; empty for Microsoft's own.
        registration: The application that reads.
        clock: Tells the time, aware.
    """

    configured = True

    def __init__(self, base_url: str, registration: Registration, clock: Callable[[], datetime]) -> None:
        base = (base_url or BASE_URL).rstrip("/")
        self._base = base if urlsplit(base).path.strip("/") else f"{base}/v1.0"
        here = is_loopback(urlsplit(self._base).hostname or "")
        self._tokens = Tokens(registration, f"{_origin(BASE_URL if here else self._base)}/.default")
        self._advice = registration.settings
        self._clock = clock
        self._requests = Requests("Graph", TIMEOUT_SECONDS)
        self._kept: dict[tuple[str, ...], tuple[datetime, Member]] = {}

    async def find(self, who: str, groups: Sequence[str]) -> Member | None:
        """See ``models.ports.people_directory.PeopleDirectory``. What was found holds for ten minutes."""
        asked = who.strip()
        if not _ADDRESS.fullmatch(asked):
            return None
        wanted = sorted({name for group in groups if (name := _folded(group))})
        key = (asked.casefold(), *wanted)
        now = self._clock()
        until, kept = self._kept.get(key, (now, None))
        if kept is not None and now < until:
            return kept
        user = await self._by_name(asked) or await self._by_mail(asked)
        if user is None:
            return None
        ref = str(user["id"])
        names = await self._groups_of(ref, frozenset(wanted)) if wanted else ()
        found = Member(
            id=ref,
            name=_text(user, "displayName"),
            mail=_text(user, "mail"),
            title=_text(user, "jobTitle"),
            department=_text(user, "department"),
            groups=names,
        )
        self._keep(key, now + KEPT_FOR, found)
        return found

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``. Looks at anybody, and at their groups."""
        try:
            people = _listed(await self._get(f"/users?{_query({'$top': '1', '$select': 'id'})}", USERS))
        except PortError as error:
            return [Finding("directory", False, str(error), _SEE)]
        if not people:
            return [Finding("directory", False, "shows nobody", f"Grant the application {USERS}, with consent.")]
        findings = [Finding("directory", True, "people can be looked up")]
        try:
            groups = _listed(await self._get(_groups_path(str(people[0]["id"]), 1), GROUPS))
        except PortError as error:
            return [*findings, Finding("directory groups", False, str(error), _SEE)]
        if not groups:
            text = "can't be told: the first person there is in no group"
            return [*findings, Finding("directory groups", None, text, f"See that the application has {GROUPS}.")]
        if not any(_text(each, "displayName") for each in groups):
            advice = f"Grant the application {GROUPS}, with consent."
            return [*findings, Finding("directory groups", False, "are shown without their names", advice)]
        return [*findings, Finding("directory groups", True, "can be looked up")]

    async def close(self) -> None:
        """See ``models.ports.people_directory.PeopleDirectory``."""
        await self._requests.close()

    # -- people and their groups --------------------------------------------------------------------------

    async def _by_name(self, asked: str) -> dict[str, Any] | None:
        if not _PRINCIPAL.fullmatch(asked):
            return None
        try:
            return _known(await self._get(f"/users/{quote(asked, safe='')}?{_query({'$select': _FIELDS})}", USERS))
        except _Missing:
            return None

    async def _by_mail(self, asked: str) -> dict[str, Any] | None:
        wanted = asked.replace("'", "''")
        query = _query({"$filter": f"mail eq '{wanted}'", "$select": _FIELDS})
        found = _listed(await self._get(f"/users?{query}", USERS))
        if len(found) > 1:
            raise Permanent(f"{len(found)} people of the directory have that e-mail address; ask for a login")
        return _known(found[0]) if found else None

    async def _groups_of(self, ref: str, wanted: frozenset[str]) -> tuple[str, ...]:
        """Return the names of the wanted groups that somebody is in; a group's id where it shows no name."""
        path, nameless = _groups_path(ref, PAGE), False
        names: dict[str, None] = {}
        missing = set(wanted)
        for _ in range(MOST_PAGES):
            page = await self._get(path, GROUPS)
            for each in _listed(page):
                name, group = _text(each, "displayName"), _text(each, "id")
                nameless = nameless or not name
                if said := wanted & {_folded(name), _folded(group)}:
                    names[name or group] = None
                    missing -= said
            path = self._next(page)
            if not path:
                break
        else:
            raise Permanent(f"the directory lists more than {MOST_PAGES * PAGE} groups for one person")
        if nameless and not all(_GUID.fullmatch(each) for each in missing):
            raise Permanent(f"the directory shows groups without their names: the application needs {GROUPS}")
        return tuple(names)

    def _next(self, page: Mapping[str, Any]) -> str:
        """Return where the list goes on, below our base; empty at its end."""
        link = str(page.get("@odata.nextLink") or "")
        if link and not link.startswith(f"{self._base}/"):
            raise Permanent("the directory names another server to go on at")
        return link.removeprefix(self._base)

    def _keep(self, key: tuple[str, ...], until: datetime, found: Member) -> None:
        self._kept.pop(key, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (until, found)

    # -- requests -----------------------------------------------------------------------------------------

    async def _get(self, path: str, permission: str) -> dict[str, Any]:
        """Return what Graph holds under a path, asked once more with a new token where the first was refused.

        Errors tell Graph's code and not its words, which may name a person.
        """
        for attempt in range(2):
            token = await self._tokens.get()
            headers = {"Authorization": f"Bearer {token}", "ConsistencyLevel": "eventual"}
            answer = await self._requests.send("GET", self._base + path, headers=headers)
            if answer.status != 401 or attempt:
                break
            self._tokens.forget()
        if not answer.good:
            raise self._refused(answer, permission)
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Temporary("the directory answered something else than was asked for")
        return found

    def _refused(self, answer: Answer, permission: str) -> PortError:
        status = answer.status
        text = f"the directory answered {status} {_code(answer)}".rstrip()
        if status == 401:
            self._tokens.forget()
            return Unauthorised(f"{text}: check {self._advice}", RENEWAL_SECONDS)
        if status == 429 or answer.unsure:
            return Temporary(text, answer.wait(self._clock()))
        if status == 404:
            return _Missing(f"{text}: see directory.base_url")
        if status == 403:
            return Permanent(f"{text}: the application needs {permission}, with an administrator's consent")
        return Permanent(text)


class NoPeople:
    """No directory is connected."""

    configured = False

    async def find(self, who: str, groups: Sequence[str]) -> Member | None:
        raise Permanent("no directory is configured; see directory.kind")

    async def check(self) -> Sequence[Finding]:
        return [Finding("directory", True, "none is configured, so nobody outside the team is looked up")]

    async def close(self) -> None:
        """See ``models.ports.people_directory.PeopleDirectory``."""


class _Missing(Permanent):
    """404."""


def _groups_path(ref: str, most: int) -> str:
    """Return where somebody's groups are. A cast to groups needs the count and ``ConsistencyLevel: eventual``.

    Source: Microsoft's page "List a user's memberships (direct and transitive)".
    """
    query = _query({"$select": "id,displayName", "$count": "true", "$top": str(most)})
    return f"/users/{quote(ref, safe='')}/transitiveMemberOf/microsoft.graph.group?{query}"


def _query(named: Mapping[str, str]) -> str:
    return urlencode(named, safe="$,", quote_via=quote)


def _listed(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = page.get("value")
    if not isinstance(found, list) or not all(isinstance(each, dict) and each.get("id") for each in found):
        raise Temporary("the directory answered something else than a list")
    return found


def _known(user: dict[str, Any]) -> dict[str, Any]:
    if not user.get("id"):
        raise Temporary("the directory answered something else than a person")
    return user


def _text(told: Mapping[str, Any], name: str) -> str:
    held = told.get(name)
    return one_line(held) if isinstance(held, str) else ""


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _code(answer: Answer) -> str:
    try:
        code = str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
    return code if _CODE.fullmatch(code) else ""
