"""A stand-in for Entra ID: it publishes keys, and signs what Teams' single sign-on would give a tab."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from models.settings import Teams
from tests.support.botframework import APP_ID, TENANT, serving


class Entra:
    """Signs tokens of version 2.0 for one tenant; good ones, and bad ones by ``changes``."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.url = ""

    @property
    def settings(self) -> Teams:
        """The settings of a bot that trusts it."""
        return Teams(app_id=APP_ID, tenant_id=TENANT, login_url=self.url)

    def claims(self, person: str) -> dict[str, Any]:
        """Return what a good token says."""
        now = int(time.time())
        return {
            "iss": f"{self.url}/{TENANT}/v2.0",
            "aud": APP_ID,
            "exp": now + 3600,
            "nbf": now - 10,
            "iat": now - 10,
            "tid": TENANT,
            "oid": person,
            "scp": "access_as_user",
            "ver": "2.0",
        }

    def token(self, person: str, *, key: Any = None, kid: str = "entra-1", **changes: Any) -> str:
        """Return a token; ``None`` in ``changes`` leaves a claim out."""
        held = {name: value for name, value in (self.claims(person) | changes).items() if value is not None}
        return jwt.encode(held, key or self.key, algorithm="RS256", headers={"kid": kid})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Entra]:
        """Publish metadata and keys."""

        async def metadata(_: web.Request) -> web.Response:
            return web.json_response({"issuer": f"{self.url}/{TENANT}/v2.0", "jwks_uri": f"{self.url}/keys"})

        async def keys(_: web.Request) -> web.Response:
            public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
            return web.json_response({"keys": [public | {"kid": "entra-1", "use": "sig"}]})

        app = web.Application()
        app.router.add_get(f"/{TENANT}/v2.0/.well-known/openid-configuration", metadata)
        app.router.add_get("/keys", keys)
        async with serving(app) as self.url:
            yield self
