"""A stand-in for Apigee X that holds every request against Google's discovery document."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import googleapiclient
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.botframework import serving

TOKEN = "ya29.secret-token"
ORGANIZATION = "cam-gateway"
SECRET = "c0nsumer-s3cret"


@functools.cache
def discovery() -> dict[str, Any]:
    """Return Google's own description of the API."""
    file = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "apigee.v1.json"
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


@functools.cache
def _methods() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    found: list[tuple[str, re.Pattern[str], dict[str, Any]]] = []

    def walk(resource: dict[str, Any]) -> None:
        for inner in resource.get("resources", {}).values():
            for method in inner.get("methods", {}).values():
                pattern = re.sub(r"\{[^}]+\}", "[^/]+", f"/{method['flatPath']}")
                found.append((method["httpMethod"], re.compile(pattern), method))
            walk(inner)

    walk(discovery())
    return found


def request_problem(method: str, raw_path: str, query: dict[str, str], body: bytes) -> str:
    """Return what Google's discovery document has against a request; empty for nothing."""
    known = next(
        (each for verb, pattern, each in _methods() if verb == method and pattern.fullmatch(raw_path)), None
    )
    if known is None:
        return f"{method} {raw_path}: there is no such call"
    allowed = {name for name, each in known["parameters"].items() if each["location"] == "query"}
    if unknown := set(query) - allowed:
        return f"{method} {raw_path}: there is no parameter {sorted(unknown)}"
    for name, value in query.items():
        if known["parameters"][name]["type"] == "boolean" and value not in ("true", "false"):
            return f"{method} {raw_path}: {name} is not true or false"
    if body and "request" not in known:
        return f"{method} {raw_path}: takes no body"
    return ""


@dataclass
class Fault:
    """Something that goes wrong at a call: a status, ``drop before``, ``drop after`` or ``garbage``."""

    call: str
    kind: str | int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass
class Apigee:
    """One organisation. ``apps`` are as Google's schema has them."""

    apps: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    may_approve: bool = True
    page: int = 1000
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    approved: list[tuple[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    signed_in: int = 0
    url: str = ""

    def add(
        self, name: str, products: list[str], *, team: str = "", developer: str = "", **more: Any
    ) -> dict[str, Any]:
        """Add an app whose one key asks for products."""
        number = len(self.apps) + 1
        owner = {"appGroup": team} if team else {"developerEmail": developer, "developerId": f"d-{number}"}
        asked = [{"apiproduct": each, "status": "pending"} for each in products]
        key = {"consumerKey": f"key/{number}", "consumerSecret": SECRET, "status": "approved", "apiProducts": asked}
        app = owner | {
            "appId": f"00000000-0000-0000-0000-{number:012}", "name": name, "status": "approved",
            "attributes": [{"name": "DisplayName", "value": name.replace("-", " ").title()}],
            "credentials": [key], "createdAt": "1795147200000",
        } | more  # fmt: skip
        self.apps.append(app)
        for each in products:
            described = {
                "name": each,
                "displayName": each.replace("-", " ").title(),
                "description": f"About {each}",
            }
            self.products.setdefault(each, described)
        return app

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Apigee]:
        app = web.Application()
        app.router.add_post("/token", self._sign_in)
        app.router.add_route("*", "/v1/{path:.*}", self._answer)
        async with serving(app) as self.url:
            yield self

    def credentials(self, folder: Path) -> str:
        """Write a service account's file that signs in here, and return its path."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account", "client_email": "wilson@example.iam.gserviceaccount.com",
            "private_key": pem.decode(), "private_key_id": "1", "token_uri": f"{self.url}/token", "project_id": "x",
        }  # fmt: skip
        file = folder / "account.json"
        file.write_text(json.dumps(account))
        return str(file)

    async def _sign_in(self, request: web.Request) -> web.Response:
        self.signed_in += 1
        assert (await request.post())["assertion"]
        if fault := self._fault("sign in"):
            return web.json_response({"error": "invalid_grant"}, status=int(fault.kind))
        return web.json_response({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw_path, query, body = request.rel_url.raw_path, dict(request.query), await request.read()
        if problem := request_problem(request.method, raw_path, query, body):
            self.violations.append(problem)
        parts = [unquote(part) for part in raw_path.removeprefix("/v1/").split("/")]
        names = [part for n, part in enumerate(parts) if n % 2 == 0]
        call = f"{request.method} {'/'.join(names[1:])}{'' if len(parts) % 2 == 0 else ' list'}"
        self.asked.append(call)
        fault = self._fault(call)
        if fault is not None and isinstance(fault.kind, int):
            return _error(fault.kind, "told so", fault.headers)
        if fault is not None and fault.kind == "drop before":
            return _dropped(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "Request had invalid authentication credentials.")
        response = self._carry_out(call, parts, query)
        if fault is not None and fault.kind == "drop after":
            return _dropped(request)
        if fault is not None and fault.kind == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        return response

    def _fault(self, call: str) -> Fault | None:
        for fault in self.faults:
            if fault.call == call and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _carry_out(self, call: str, parts: list[str], query: dict[str, str]) -> web.Response:
        if parts[1] != ORGANIZATION:
            return _error(403, "Permission denied on resource organization")
        match call:
            case "GET apps list":
                start = int(query.get("pageToken", "0"))
                size = min(self.page, int(query.get("pageSize", "100")))
                told: dict[str, Any] = {"app": self.apps[start : start + size]}
                if start + size < len(self.apps):
                    told["nextPageToken"] = str(start + size)
                return web.json_response(told)
            case "GET apps":
                found = next((each for each in self.apps if each["appId"] == parts[3]), None)
                return web.json_response(found) if found else _error(404, "app does not exist")
            case "GET appgroups":
                group = self.groups.get(parts[3])
                return web.json_response(group) if group else _error(404, "appgroup does not exist")
            case "GET apiproducts list":
                return web.json_response({"apiProduct": list(self.products.values())})
            case "GET apiproducts":
                product = self.products.get(parts[3])
                return web.json_response(product) if product else _error(404, "product does not exist")
            case "POST appgroups/apps/keys/apiproducts" | "POST developers/apps/keys/apiproducts":
                return self._approve(parts, query)
        return _error(404, "no such method")

    def _approve(self, parts: list[str], query: dict[str, str]) -> web.Response:
        if not self.may_approve:
            return _error(403, "Permission 'apigee.appkeys.manage' denied on resource")
        _, _, kind, owner, _, name, _, key, _, product = parts
        field_name = "appGroup" if kind == "appgroups" else "developerEmail"
        for app in self.apps:
            if app.get(field_name) != owner or app["name"] != name:
                continue
            for each in app["credentials"]:
                for asked in each["apiProducts"]:
                    if each["consumerKey"] == key and asked["apiproduct"] == product:
                        assert query["action"] == "approve"
                        asked["status"] = "approved"
                        self.approved.append((key, product))
                        return web.Response(status=204)
        return _error(404, "key does not exist")


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status, headers=headers)


def _dropped(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
