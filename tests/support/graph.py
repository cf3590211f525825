"""A stand-in for Microsoft Graph's mail: real state in memory, every request held against the vendor's schema."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
from aiohttp import web
from jsonschema.validators import validator_for

SCHEMA = Path("../shared/contracts/graph/graph_trim.json")
ACTIONS = {
    "move": "microsoft.graph.move",
    "sendMail": "microsoft.graph.sendMail",
    "delta": "microsoft.graph.delta()",
}
PARAMETERS = {"destinationId": "DestinationId", "message": "Message", "saveToSentItems": "SaveToSentItems"}


@dataclass
class Stored:
    """One message. ``id`` is immutable."""

    id: str
    folder: str
    raw: bytes
    received_at: datetime
    change: int


@dataclass
class Fault:
    """What goes wrong instead of an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    code: str = "ServiceUnavailable"
    after: bool = False  # the request is carried out first, and its answer lost


class Graph:
    """The server. ``faults`` are taken by requests whose path matches, one each."""

    def __init__(self, address: str = "alerts@example.org") -> None:
        self.address = address
        self.folders: dict[str, str] = {"inbox": "Inbox"}
        self.messages: dict[str, Stored] = {}
        self.sent: list[dict[str, Any]] = []
        self.changes = 0
        self.expired = -1
        self.requests: list[tuple[str, str, str]] = []
        self.faults: deque[tuple[str, Fault]] = deque()
        self.page = 3
        self.tokens = {"good"}
        self.token_requests: list[dict[str, str]] = []
        self.busiest = 0
        self._busy = 0
        self._made = 0
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Graph:
        app = web.Application(middlewares=[self._watched])
        user = "/v1.0/users/{user}"
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_get(user + "/mailFolders/{folder}/messages/delta", self._delta)
        app.router.add_get(user + "/mailFolders/{folder}", self._folder)
        app.router.add_get(user + "/mailFolders/{folder}/childFolders", self._children)
        app.router.add_get(user + "/mailFolders", self._list)
        app.router.add_post(user + "/mailFolders", self._make)
        app.router.add_get(user + "/messages/{id}/$value", self._value)
        app.router.add_get(user + "/messages/{id}", self._message)
        app.router.add_post(user + "/messages/{id}/move", self._move)
        app.router.add_post(user + "/sendMail", self._send)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def deliver(self, raw: bytes, received_at: datetime | None = None, folder: str = "inbox") -> str:
        """Put a mail into a folder, as its arrival would."""
        self._made += 1
        self.changes += 1
        ref = f"AAkALgAA{self._made:04d}=/+"
        at = received_at or datetime.now(UTC)
        self.messages[ref] = Stored(ref, folder, raw, at, self.changes)
        return ref

    def names(self, folder: str) -> list[bytes]:
        """Return the mails of a folder, by its displayed name."""
        found = [key for key, name in self.folders.items() if name.casefold() == folder.casefold()]
        return [each.raw for each in self.messages.values() if each.folder in found]

    @web.middleware
    async def _watched(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path.endswith("/token"):
            return await handler(request)
        body = await request.text()
        self.requests.append((request.method, request.path_qs, request.headers.get("Prefer", "")))
        problem = check_request(request.method, request.rel_url.raw_path, request.query_string, body)
        assert not problem, problem
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _error(401, "InvalidAuthenticationToken", "expired")
        if request.match_info.get("user", self.address) != self.address:
            return _error(404, "ErrorInvalidUser", "no such user")
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            for each in list(self.faults):
                if re.search(each[0], request.path):
                    self.faults.remove(each)
                    if each[1].after:
                        await handler(request)
                    if not each[1].status:
                        assert request.transport is not None
                        request.transport.close()
                        return web.Response()
                    return _error(each[1].status, each[1].code, "as asked", each[1].headers)
            return await handler(request)
        finally:
            self._busy -= 1

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.token_requests.append(form)
        if form.get("client_secret") != "s3cret":
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response({"access_token": sorted(self.tokens)[0], "expires_in": 3600})

    async def _delta(self, request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        if folder not in self.folders:
            return _error(404, "ErrorItemNotFound", "no such folder")
        query = request.query
        token = query.get("$deltatoken") or query.get("$skiptoken") or "0|"
        done, _, since = token.partition("|")
        if query.get("$deltatoken") and int(done) <= self.expired:
            return _error(410, "syncStateNotFound", "the sync state is not found")
        wanted = query.get("$filter", "").removeprefix("receivedDateTime ge ") or since
        found = sorted(
            (each for each in self.messages.values() if each.change > int(done) and self._told(each, folder)),
            key=lambda each: each.change,
        )
        fresh = [
            each
            for each in found
            if not wanted or each.received_at >= datetime.fromisoformat(wanted.replace("Z", "+00:00"))
        ]
        page, rest = fresh[: self.page], fresh[self.page :]
        base = f"{self.url}{request.path}"
        value: list[dict[str, Any]] = []
        for each in page:
            told: dict[str, Any] = {"@odata.type": "#microsoft.graph.message", "id": each.id}
            gone = each.folder != folder
            told |= {"@removed": {"reason": "deleted"}} if gone else {"receivedDateTime": _iso(each.received_at)}
            value.append(told)
        answer: dict[str, Any] = {"@odata.context": f"{self.url}/v1.0/$metadata#message", "value": value}
        if rest:
            answer["@odata.nextLink"] = f"{base}?$skiptoken={page[-1].change}%7C{wanted}"
        else:
            answer["@odata.deltaLink"] = f"{base}?$deltatoken={self.changes}%7C{wanted}"
        return web.json_response(answer)

    @staticmethod
    def _told(each: Stored, folder: str) -> bool:
        return True if folder == "inbox" else each.folder == folder

    async def _folder(self, request: web.Request) -> web.Response:
        key = request.match_info["folder"]
        if key not in self.folders:
            return _error(404, "ErrorItemNotFound", "no such folder")
        number = sum(each.folder == key for each in self.messages.values())
        return web.json_response({"id": key, "displayName": self.folders[key], "totalItemCount": number})

    async def _list(self, request: web.Request) -> web.Response:
        wanted = re.fullmatch(r"displayName eq '(.*)'", request.query.get("$filter", ""))
        name = wanted[1].replace("''", "'") if wanted else None
        value = [{"id": key, "displayName": each} for key, each in self.folders.items() if name in (None, each)]
        return web.json_response({"value": value})

    async def _children(self, _: web.Request) -> web.Response:
        return web.json_response({"value": []})

    async def _make(self, request: web.Request) -> web.Response:
        name = (await request.json())["displayName"]
        if name in self.folders.values():
            return _error(409, "ErrorFolderExists", "it exists")
        key = f"AQMk{len(self.folders)}="
        self.folders[key] = name
        return web.json_response({"id": key, "displayName": name}, status=201)

    async def _value(self, request: web.Request) -> web.Response:
        found = self.messages.get(request.match_info["id"])
        if found is None:
            return _error(404, "ErrorItemNotFound", "gone")
        return web.Response(body=found.raw, content_type="text/plain")

    async def _message(self, request: web.Request) -> web.Response:
        found = self.messages.get(request.match_info["id"])
        if found is None:
            return _error(404, "ErrorItemNotFound", "gone")
        return web.json_response({"id": found.id, "parentFolderId": found.folder})

    async def _move(self, request: web.Request) -> web.Response:
        found = self.messages.get(request.match_info["id"])
        target = (await request.json())["destinationId"]
        if found is None:
            return _error(404, "ErrorItemNotFound", "gone")
        if target not in self.folders:
            return _error(404, "ErrorFolderNotFound", "no such folder")
        self.changes += 1
        found.folder, found.change = target, self.changes
        return web.json_response({"id": found.id, "parentFolderId": target}, status=201)

    async def _send(self, request: web.Request) -> web.Response:
        self.sent.append(await request.json())
        return web.Response(status=202)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": {"code": code, "message": text}}
    return web.json_response(body, status=status, headers=headers)


# -- the vendor's schema ----------------------------------------------------------------------------------


@cache
def _schema() -> dict[str, Any] | None:
    if not SCHEMA.exists():
        return None
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for each in schema["components"]["schemas"].values():  # the trimmed schema demands @odata.type; Graph does not
        for part in (each, *each.get("allOf", [])):
            if part.get("required") == ["@odata.type"]:
                del part["required"]
    return schema


def check_request(method: str, path: str, query: str, body: str) -> str:
    """Say what Microsoft's schema has against a request; empty where nothing, or where the schema is not there."""
    schema = _schema()
    if schema is None:
        return ""
    parts = [ACTIONS.get(part, part) for part in path.removeprefix("/v1.0/").split("/")]
    found = [
        (template, each)
        for template, each in schema["paths"].items()
        if _fits(template.strip("/").split("/"), parts) and method.lower() in each
    ]
    if not found:
        return f"{method} {path} is not in the schema"
    operation = min(found, key=lambda pair: pair[0].count("{"))[1][method.lower()]
    names = {_resolved(schema, each)["name"] for each in operation.get("parameters", [])}
    names |= {"$skiptoken", "$deltatoken"} if path.endswith("/delta") else set()
    for name, _ in parse_qsl(query):
        if name not in names:
            return f"{method} {path} takes no {name}"
    if "requestBody" not in operation:
        return f"{method} {path} takes no body" if body else ""
    content = _resolved(schema, operation["requestBody"])["content"]["application/json"]["schema"]
    value = json.loads(body)
    if parts[-1].startswith("microsoft.graph."):
        unknown = [key for key in value if PARAMETERS.get(key) not in content["properties"]]
        if unknown:
            return f"{path} takes no {unknown}"
        value = {PARAMETERS[key]: each for key, each in value.items()}
    validator = validator_for({}, default=jsonschema.Draft4Validator)(
        content | {"components": schema["components"]}
    )
    errors = [each for each in validator.iter_errors(value) if "nullable" not in each.message]
    return "; ".join(f"{list(each.absolute_path)}: {each.message[:200]}" for each in errors)


def _fits(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        each.startswith("{") or each == part for each, part in zip(template, parts, strict=True)
    )


def _resolved(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = schema
        for part in urlsplit(value["$ref"]).fragment.strip("/").split("/"):
            found = found[part]
        value = found
    return value
