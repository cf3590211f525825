"""Stand-ins for HaloITSM and for the people of Microsoft Graph.

Halo's shapes are recorded from a public client of it; the vendor's own document was not to be had. Graph's requests
are held against Microsoft's schema so far as the trimmed one has their path (``/users/{user-id}``), else by hand.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.apigee import Fault
from tests.support.botframework import serving
from tests.support.graph import SCHEMA

TOKEN = "halo-token"


class _Faulty:
    faults: list[Fault]
    asked: list[str]

    def _before(self, request: web.Request, call: str) -> tuple[web.Response | None, str]:
        """Note a call; return what goes wrong instead of it, and what goes wrong after it."""
        self.asked.append(call)
        for fault in self.faults:
            if fault.call == call and fault.times > 0:
                fault.times -= 1
                if isinstance(fault.kind, int):
                    told = {"error": {"code": "Told_so"}}
                    return web.json_response(told, status=fault.kind, headers=fault.headers), ""
                if fault.kind == "drop before":
                    return _dropped(request), ""
                return None, fault.kind
        return None, ""

    @staticmethod
    def _after(request: web.Request, kind: str, told: Any, status: int = 200) -> web.Response:
        if kind == "drop after":
            return _dropped(request)
        if kind == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        return web.json_response(told, status=status)


def _dropped(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass
class Halo(_Faulty):
    """One Halo."""

    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    signed_in: int = 0
    url: str = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Halo]:
        app = web.Application()
        app.router.add_get("/api/authinfo", self._info)
        app.router.add_post("/auth/token", self._sign_in)
        app.router.add_get("/api/Tickets/{id}", self._ticket)
        app.router.add_get("/api/Tickets", self._tickets)
        app.router.add_get("/api/Actions", self._listed)
        app.router.add_post("/api/Actions", self._act)
        async with serving(app) as self.url:
            yield self

    async def _info(self, request: web.Request) -> web.Response:
        return web.json_response({"auth_url": f"{self.url}/auth", "tenant_id": "uis"})

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.signed_in += 1
        if (form["client_id"], form["client_secret"], request.query["tenant"]) != ("wilson", "s3cret", "uis"):
            return web.json_response({"error": "invalid_client"}, status=400)
        assert form["grant_type"] == "client_credentials"
        return web.json_response({"access_token": TOKEN, "expires_in": 3600})

    def _allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"

    async def _ticket(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "GET ticket")
        if wrong or not self._allowed(request):
            return wrong or web.Response(status=401)
        assert request.query == {"includedetails": "true"}
        told = self.tickets.get(request.match_info["id"])
        return self._after(request, kind, told) if told else web.json_response({}, status=404)

    async def _tickets(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "GET tickets")
        return wrong or self._after(request, kind, {"record_count": 0, "tickets": []})

    async def _listed(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "GET actions")
        found = [each for each in self.actions if str(each["ticket_id"]) == request.query["ticket_id"]]
        return wrong or self._after(request, kind, {"record_count": len(found), "actions": found})

    async def _act(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "POST action")
        if wrong:
            return wrong
        (action,) = await request.json()  # both create and update take a list
        assert set(action) <= {"ticket_id", "note_html", "hiddenfromuser", "outcome", "outcome_id"}
        assert isinstance(action["ticket_id"], int)
        assert action["hiddenfromuser"] is True
        self.actions.append(action)
        return self._after(request, kind, action, 201)


@dataclass
class People(_Faulty):
    """People and groups of a directory. ``users`` by their user principal name."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    page: int = 2
    url: str = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[People]:
        app = web.Application()
        app.router.add_post("/tenant/oauth2/v2.0/token", self._token)
        app.router.add_get("/v1.0/users", self._filtered)
        app.router.add_get("/v1.0/users/{id}", self._user)
        app.router.add_get("/v1.0/users/{id}/transitiveMemberOf/microsoft.graph.group", self._member_of)
        async with serving(app) as self.url:
            yield self

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["scope"] == "https://graph.microsoft.com/.default"
        return web.json_response({"access_token": "graph", "expires_in": 3600, "token_type": "Bearer"})

    async def _user(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "GET user")
        if SCHEMA.exists():
            self.violations += _problems(dict(request.query))
        found = self.users.get(request.match_info["id"])
        return wrong or (self._after(request, kind, found) if found else _missing())

    async def _filtered(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "GET users")
        wanted = request.query["$filter"].removeprefix("mail eq '").removesuffix("'").replace("''", "'")
        found = [each for each in self.users.values() if each["mail"] == wanted]
        return wrong or self._after(request, kind, {"value": found})

    async def _member_of(self, request: web.Request) -> web.Response:
        wrong, kind = self._before(request, "GET groups")
        groups = self.groups.get(request.match_info["id"], [])
        start = int(request.query.get("$skiptoken", "0"))
        told: dict[str, Any] = {"value": groups[start : start + self.page]}
        if start + self.page < len(groups):
            told["@odata.nextLink"] = f"{self.url}{request.path}?$skiptoken={start + self.page}"
        return wrong or self._after(request, kind, told)


def _problems(query: dict[str, str]) -> list[str]:
    """Return what Microsoft's schema has against the query of ``GET /users/{user-id}``."""
    described = json.loads(SCHEMA.read_text(encoding="utf-8"))["paths"]["/users/{user-id}"]["get"]["parameters"]
    known = {each["name"]: each["schema"] for each in described if "name" in each}
    selectable = set(known["$select"]["items"]["enum"])
    wrong = [f"there is no parameter {name}" for name in query if name not in known]
    return wrong + [f"{each} can't be selected" for each in query["$select"].split(",") if each not in selectable]


def _missing() -> web.Response:
    return web.json_response({"error": {"code": "Request_ResourceNotFound", "message": "gone"}}, status=404)
