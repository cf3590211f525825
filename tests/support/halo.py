"""A stand-in HaloITSM: real state, and failures on demand.

No real desk was to be had. The shapes are recorded from public clients of it: where to sign in, lists for one
action too, and the filters of actions from homotechsual/HaloAPI (PowerShell); that an action needs an outcome, and
what lists of actions, calls and teams look like, from others. What a list of calls can be asked, and that a page
holds at most 100 of them, is in the copy of the vendor's description that covenanttechnologysolutions/halopsa-rest
keeps (generator/spec/swagger.json); it does not say what comes back.

What a request has that those clients never send is found in ``violations``.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.botframework import serving

CLIENT_ID = "11111111-aaaa-bbbb-cccc-222222222222"
SECRET = "halo-s3cret"
TENANT = "example & sons"
_FILTERS = {
    "GET authinfo": set(),
    "POST token": {"tenant"},
    "GET ticket": {"includedetails", "includeagent"},
    "GET tickets": {
        "pageinate",
        "page_size",
        "page_no",
        "open_only",
        "team",
        "includeagent",
        "order",
        "orderdesc",
    },
    "GET team": set(),
    "GET actions": {"ticket_id", "count", "includehtmlnote"},
    "POST actions": set(),
}
_FIELDS = {"ticket_id": int, "outcome": str, "outcome_id": int, "note_html": str, "hiddenfromuser": bool}


@dataclass
class Fault:
    """What goes wrong with the next call of that name.

    ``kind`` is a status (nothing is done), ``drop before``, ``drop after``, ``slow`` (done, but too late for the
    caller), ``garbage`` (done) or ``500 after`` (done).
    """

    call: str
    kind: str | int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class Halo:
    """One HaloITSM with its place to sign in.

    Attributes:
        actions: All there are, newest first.
        limit: How many actions one answer holds at most.
        teams: Their names, by their numbers.
        closed: The numbers of the statuses that are closed.
        heeds: Whether a list of calls is filtered and turned to another page as it was asked.
        counts: Whether a list of calls says how many there are.
        wrapped: Whether the list of teams comes in a table.
        strange: What is answered in place of the rows of ``tickets`` or ``team``.
        visible: Whether the note's outcome shows notes to requesters whatever is asked for.
        auth_url: What it says of where to sign in; its own place where empty.
        asked: The calls, by their names.
    """

    def __init__(self) -> None:
        self.tickets: dict[int, dict[str, Any]] = {}
        self.actions: list[dict[str, Any]] = []
        self.outcomes = {"Private Note": 7, "Email User": 8}
        self.limit = 1000
        self.teams = {1: "Service Desk", 2: "Wilson"}
        self.closed = {9}
        self.heeds = True
        self.counts = True
        self.wrapped = False
        self.strange: dict[str, Any] = {}
        self.visible = False
        self.auth_url = ""
        self.expires_in: Any = 3600
        self.asked: list[str] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.tokens: list[str] = []
        self.good: set[str] = set()
        self.busiest = 0
        self.slow_seconds = 0.6
        self.url = ""
        self._signing_in = 0

    def ticket(self, key: int, **changes: Any) -> dict[str, Any]:
        """Add a call."""
        told = {
            "id": key,
            "summary": "No access",
            "user_name": "Ada Example",
            "status_id": 1,
            "details": "<p>x</p>",
            "team": "Wilson",
            "team_id": 2,
        }
        self.tickets[key] = told | changes
        return self.tickets[key]

    def notes(self, key: int) -> list[dict[str, Any]]:
        """Return the actions of a call, oldest first."""
        return [each for each in reversed(self.actions) if each["ticket_id"] == key]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Halo]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(app) as self.url:
            yield self

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        call = _name(request)
        self.asked.append(call)
        unknown = set(request.query) - _FILTERS.get(call, set())
        if call not in _FILTERS or unknown:
            self.violations.append(f"{call}: {request.path_qs}")
        fault = next((each for each in self.faults if each.call == call and each.times > 0), None)
        kind = fault.kind if fault else None
        if fault is not None:
            fault.times -= 1
        if kind == "drop before":
            return self._dropped(request)
        if isinstance(kind, int):
            assert fault is not None
            return web.json_response({"message": f"{kind} told so"}, status=kind, headers=fault.headers)
        if kind == "slow":
            await asyncio.sleep(self.slow_seconds)
        response = await self._carry_out(call, request)
        if kind == "drop after":
            return self._dropped(request)
        if kind == "garbage":
            return web.Response(text="<html>proxy</html>", content_type="text/html", status=response.status)
        if kind == "500 after":
            return web.json_response({"message": "500 told so"}, status=500)
        return response

    @staticmethod
    def _dropped(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _carry_out(self, call: str, request: web.Request) -> web.Response:
        if call == "GET authinfo":
            place = self.auth_url or f"{self.url}/auth"
            return web.json_response({"auth_url": place, "tenant_id": TENANT})
        if call == "POST token":
            return await self._token(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.good:
            return web.Response(status=401)
        if call == "GET ticket":
            found = self.tickets.get(int(request.path.rpartition("/")[2]))
            if found and request.query.get("includeagent") != "true":
                found = {name: value for name, value in found.items() if name not in ("agent", "agent_name")}
            return web.json_response(found) if found else web.Response(status=404)
        if call == "GET tickets":
            return self._calls(request)
        if call == "GET team":
            teams = [{"id": number, "name": name} for number, name in self.teams.items()]
            told = self.strange.get("team", teams)
            return web.json_response({"teams": told} if self.wrapped else told)
        if call == "GET actions":
            return self._list(request)
        if call == "POST actions":
            return self._add(await request.json())
        return web.Response(status=404)

    async def _token(self, request: web.Request) -> web.Response:
        self._signing_in += 1
        self.busiest = max(self.busiest, self._signing_in)
        await asyncio.sleep(0)
        form = await request.post()
        self._signing_in -= 1
        if request.query.get("tenant") != TENANT or form.get("grant_type") != "client_credentials":
            self.violations.append(f"POST token: {request.path_qs}")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, SECRET):
            return web.json_response({"error": "invalid_client", "error_description": f"not {SECRET}"}, status=400)
        if not set(str(form.get("scope")).split()) <= {"read:tickets", "edit:tickets"}:
            return web.json_response({"error": "invalid_scope"}, status=400)
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        self.good = {self.tokens[-1]}
        told = {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": self.expires_in}
        return web.json_response(told)

    def _calls(self, request: web.Request) -> web.Response:
        asked = request.query
        size, page = int(asked["page_size"]), int(asked["page_no"])
        if asked["pageinate"] != "true" or not 1 <= size <= 100 or page < 1:
            self.violations.append(f"GET tickets: {request.path_qs}")
        found = list(self.tickets.values())
        if self.heeds:
            if team := asked.get("team"):
                found = [each for each in found if each.get("team_id", int(team)) == int(team)]
            if asked.get("open_only") == "true":
                found = [each for each in found if each["status_id"] not in self.closed]
            if order := asked.get("order"):
                found.sort(key=lambda each: each[order], reverse=asked.get("orderdesc") == "true")
        else:
            page = 1
        told = [dict(each) for each in found[(page - 1) * size : page * size]]
        for each in told:
            each.pop("details", None)
            if asked.get("includeagent") != "true":
                each.pop("agent_name", None)
        count = {"record_count": len(found)} if self.counts else {}
        return web.json_response(
            {"page_no": page, "page_size": size, "tickets": self.strange.get("tickets", told)} | count
        )

    def _list(self, request: web.Request) -> web.Response:
        key = int(request.query["ticket_id"])
        found = [each for each in self.actions if each["ticket_id"] == key]
        with_html = request.query.get("includehtmlnote") == "true"
        told = [each if with_html else each | {"note_html": ""} for each in found[: self.limit]]
        return web.json_response({"record_count": len(found), "actions": told})

    def _add(self, body: Any) -> web.Response:
        if not isinstance(body, list) or len(body) != 1:
            self.violations.append("POST actions: needs a list of one")
            return web.Response(status=400, text="Invalid data")
        (asked,) = body
        for name, value in asked.items():
            if name not in _FIELDS or type(value) is not _FIELDS[name]:
                self.violations.append(f"POST actions: {name} = {value!r}")
        if asked["ticket_id"] not in self.tickets:
            return web.Response(status=404)
        if asked.get("outcome") not in self.outcomes and asked.get("outcome_id") not in self.outcomes.values():
            return web.Response(status=400, text="An Outcome must be entered for this Action")
        markup = asked["note_html"]
        if unsafe := set(re.findall(r"</?([a-zA-Z][^\s>/]*)", markup)) - {"p", "br"}:
            self.violations.append(f"POST actions: a note with {unsafe}")
        cleaned = re.sub(r' style="[^"]*"', "", markup)  # as a careful server might
        made = asked | {
            "id": len(self.actions) + 1,
            "note": html.unescape(re.sub(r"<[^>]*>", " ", cleaned)),
            "note_html": cleaned,
            "hiddenfromuser": asked["hiddenfromuser"] and not self.visible,
        }
        self.actions.insert(0, made)
        return web.json_response(made, status=201)


def _name(request: web.Request) -> str:
    path = request.path.lower()
    if path == "/auth/token":
        return f"{request.method} token"
    if re.fullmatch(r"/api/tickets/[0-9]+", path):
        return f"{request.method} ticket"
    return f"{request.method} {path.removeprefix('/api/')}"
