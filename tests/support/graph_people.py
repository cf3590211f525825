"""A stand-in for Microsoft Graph's directory: people and groups in memory.

Microsoft's schema, as it is trimmed here, holds ``/users/{user-id}`` and the shapes of users and groups. It holds
neither the list of users nor ``transitiveMemberOf``: those requests are checked by hand, after Microsoft's pages
"List users" and "List a user's memberships (direct and transitive)". What does not fit is found in ``violations``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.support.botframework import serving
from tests.support.graph import check_request

SECRET = "s3cret"
TENANT = "tenant"
CLIENT_ID = "app"
FIELDS = ["id", "displayName", "mail", "userPrincipalName", "jobTitle", "department"]
_PARAMETERS = {
    "GET user": {"$select"},
    "GET users": {"$select", "$filter", "$top"},
    "GET groups": {"$select", "$count", "$top", "$skiptoken"},
}
_EQUALS = re.compile(r"mail eq '((?:[^']|'')*)'")


@dataclass
class Group:
    """A group, with the ids of the people and the groups that are directly in it."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)


@dataclass
class Fault:
    """What goes wrong with the next call of that name: a status, ``drop`` or ``garbage``."""

    call: str
    kind: str | int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class GraphDirectory:
    """One tenant.

    Attributes:
        permissions: What the application was granted.
        page: How many groups one answer holds at most.
        next_url: Where it says that a list goes on; its own address where empty.
        asked: The calls, by their names; ``queries`` what each of them asked for.
    """

    def __init__(self) -> None:
        self.people: list[dict[str, Any]] = []
        self.groups: list[Group] = []
        self.permissions = {"User.Read.All", "GroupMember.Read.All"}
        self.page = 2
        self.next_url = ""
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.scopes: list[str] = []
        self.good: set[str] = set()
        self.url = ""

    def person(self, principal: str, mail: str | None = None, **changes: Any) -> str:
        """Add somebody, and return their id."""
        ref = f"00000000-0000-0000-0000-{len(self.people) + 1:012d}"
        told = {"id": ref, "displayName": "Ada Example", "mail": mail, "userPrincipalName": principal}
        self.people.append(told | {"jobTitle": "Computer Officer", "department": "UIS"} | changes)
        return ref

    def group(self, name: str, *members: str) -> str:
        """Add a group, and return its id."""
        ref = f"aaaaaaaa-0000-0000-0000-{len(self.groups) + 1:012d}"
        self.groups.append(Group(ref, name, set(members)))
        return ref

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[GraphDirectory]:
        app = web.Application()
        app.router.add_post(f"/{TENANT}/oauth2/v2.0/token", self._token)
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(app) as self.url:
            yield self

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, SECRET):
            return web.json_response({"error": "invalid_client", "error_description": SECRET}, status=401)
        self.scopes.append(str(form["scope"]))
        self.good = {f"token-{len(self.scopes)}"}
        return web.json_response({"access_token": f"token-{len(self.scopes)}", "expires_in": 3600})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        parts = [unquote(part) for part in request.rel_url.raw_path.removeprefix("/v1.0/").split("/")]
        call = _name(request.method, parts)
        self.asked.append(call)
        self.queries.append(request.query_string)
        if problem := _problem(call, request):
            self.violations.append(problem)
        fault = next((each for each in self.faults if each.call == call and each.times > 0), None)
        if fault is not None:
            fault.times -= 1
            if fault.kind == "drop":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if fault.kind == "garbage":
                return web.Response(text="<html>proxy</html>", content_type="text/html")
            assert isinstance(fault.kind, int)
            return _error(fault.kind, "UnknownError", fault.headers)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.good:
            return _error(401, "InvalidAuthenticationToken")
        if "User.Read.All" not in self.permissions:
            return _error(403, "Authorization_RequestDenied")
        if call == "GET user":
            return self._user(parts[1], request)
        if call == "GET users":
            return self._users(request)
        if call == "GET groups":
            return self._groups(parts[1], request)
        return _error(404, "Request_ResourceNotFound")

    def _user(self, name: str, request: web.Request) -> web.Response:
        for each in self.people:
            if name.casefold() in (each["id"], each["userPrincipalName"].casefold()):
                return web.json_response(_selected(each, request))
        return _error(404, "Request_ResourceNotFound", said=f"Resource '{name}' does not exist")

    def _users(self, request: web.Request) -> web.Response:
        found = self.people
        if "$filter" in request.query:
            wanted = _EQUALS.fullmatch(request.query["$filter"])
            if wanted is None:
                return _error(400, "Request_UnsupportedQuery")
            mail = wanted[1].replace("''", "'").casefold()
            found = [each for each in found if (each["mail"] or "").casefold() == mail]
        return web.json_response({"value": [_selected(each, request) for each in found]})

    def _groups(self, ref: str, request: web.Request) -> web.Response:
        inside, more = {ref}, True
        while more:
            around = {each.id for each in self.groups if each.members & inside}
            more = not around <= inside
            inside |= around
        named = "GroupMember.Read.All" in self.permissions
        found = [{"id": each.id, "displayName": each.name if named else None}
                 for each in self.groups if each.id in inside]  # fmt: skip
        start = int(request.query.get("$skiptoken", 0))
        end = start + min(self.page, int(request.query["$top"]))
        told: dict[str, Any] = {"@odata.count": len(found), "value": found[start:end]}
        if end < len(found):
            rest = {**request.query, "$skiptoken": str(end)}
            url = request.url.with_query(rest)
            told["@odata.nextLink"] = self.next_url or str(url)
        return web.json_response(told)


def _name(method: str, parts: list[str]) -> str:
    match parts:
        case ["users"]:
            return f"{method} users"
        case ["users", _]:
            return f"{method} user"
        case ["users", _, "transitiveMemberOf", "microsoft.graph.group"]:
            return f"{method} groups"
    return f"{method} {'/'.join(parts)}"


def _problem(call: str, request: web.Request) -> str:
    """Say what Microsoft has against a request; empty where nothing."""
    path = request.rel_url.raw_path
    if call not in _PARAMETERS:
        return f"{call} is not known"
    if re.search("%2f|%5c", path, re.IGNORECASE):
        return f"{path}: a part of it could be taken for two"
    if unknown := set(request.query) - _PARAMETERS[call]:
        return f"{call} takes no {unknown}"
    selected = request.query.get("$select", "").split(",")
    if call == "GET groups":
        if request.query.get("$count") != "true" or request.headers.get("ConsistencyLevel") != "eventual":
            return f"{call} needs $count and ConsistencyLevel, since it casts"
        return "" if selected == ["id", "displayName"] else f"{call} selects {selected}"
    if not set(selected) <= set(FIELDS):
        return f"{call} selects {selected}"
    return check_request("GET", path, request.query_string, "") if call == "GET user" else ""


def _selected(person: dict[str, Any], request: web.Request) -> dict[str, Any]:
    return {name: person[name] for name in request.query["$select"].split(",")}


def _error(status: int, code: str, headers: dict[str, str] | None = None, said: str = "as asked") -> web.Response:
    return web.json_response({"error": {"code": code, "message": said}}, status=status, headers=headers)
