"""Stand-ins for Microsoft: an issuer of tokens with keys of its own, and a Bot Connector that remembers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

APP_ID = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-8888-7777-6666-555555555555"
ISSUER = "https://api.botframework.com"


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on loopback. Yields its address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Issuer:
    """Signs tokens, good ones and bad ones, and publishes its keys."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.endorsements = ["msteams"]
        self.url = ""
        self.asked = 0
        self.down = False
        self.rotate("key-1")

    def rotate(self, kid: str) -> None:
        """Sign with a new key from now on, and publish it alone."""
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, *, kid: str | None = None, key: Any = None, alg: str = "RS256", **changes: Any) -> str:
        """Return a token; ``None`` in ``changes`` leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": APP_ID,
            "exp": now + 600,
            "nbf": now - 10,
            "serviceurl": self.service_url,
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        own = next(iter(self.keys))
        if alg == "none":
            head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": own}).encode()).rstrip(b"=")
            body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
            return f"{head.decode()}.{body.decode()}."
        return jwt.encode(claims, key or self.keys[own], algorithm=alg, headers={"kid": kid or own})

    service_url = "https://smba.trafficmanager.net/teams/"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Issuer]:
        """Publish metadata and keys."""

        async def metadata(_: web.Request) -> web.Response:
            self.asked += 1
            if self.down:
                return web.Response(status=503)
            return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.url}/keys"})

        async def keys(_: web.Request) -> web.Response:
            found = []
            for kid, key in self.keys.items():
                public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
                found.append(public | {"kid": kid, "endorsements": self.endorsements})
            return web.json_response({"keys": found})

        app = web.Application()
        app.router.add_get("/metadata", metadata)
        app.router.add_get("/keys", keys)
        async with serving(app) as self.url:
            yield self


@dataclass
class Connector:
    """Answers as the Bot Connector does, or as it is told to: a status, ``hang`` or ``reset``."""

    told: list[Any] = field(default_factory=list)
    asked: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.raw_path, body, dict(request.headers)))
        told = self.told.pop(0) if self.told else 200
        if told == "hang":
            await asyncio.sleep(30)
        if told == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers = told if isinstance(told, tuple) else (told, {})
        if status != 200:
            return web.Response(status=status, headers=headers)
        if request.path.endswith("/v3/conversations"):
            return web.json_response({"id": "19:c@thread.tacv2;messageid=7", "activityId": "7"})
        if "/v3/teams/" in request.path:
            return web.json_response(
                {"conversations": [{"id": "19:team", "name": None}, {"id": "19:d", "name": "Devs"}]}
            )
        if "pagedmembers" in request.path:
            more = "continuationToken" not in request.query_string
            who = "ada" if more else "ben"
            page: dict[str, Any] = {"members": [{"id": f"29:{who}", "aadObjectId": f"aad-{who}", "name": who}]}
            return web.json_response(page | ({"continuationToken": "next"} if more else {}))
        return web.json_response({"id": "8"})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Connector]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with serving(app) as self.url:
            yield self
