"""Checking the token that Teams' single sign-on gives a tab: who looks at it."""

from __future__ import annotations

import aiohttp

from bot.adapters.keys import SigningKeys, Unauthenticated, bearer
from models.settings import Teams

SCOPE = "access_as_user"
"""What the app's registration exposes to Teams; a token without it was issued for something else."""


class EntraTokens:
    """Checks access tokens of Entra ID, version 2.0.

    Args:
        settings: The app's registration, and the tenants whose people are let in.
    """

    def __init__(self, settings: Teams) -> None:
        home = settings.login_url.rstrip("/")
        tenants = sorted(settings.tenants)
        self._audience = settings.app_id
        self._tenants = {f"{home}/{tenant}/v2.0": tenant for tenant in tenants}
        self._session: aiohttp.ClientSession | None = None
        self._keys = SigningKeys(self._connection, f"{home}/{tenants[0]}/v2.0/.well-known/openid-configuration")

    async def who(self, authorization: str | None) -> str:
        """Return the object id of the person for whom an ``Authorization`` header's token was issued.

        Raises:
            Unauthenticated: There is none, or it is not good.
        """
        token = bearer(authorization)
        claims, _ = await self._keys.decode(token, issuers=list(self._tenants), audience=self._audience)
        if str(claims.get("tid") or "").lower() != self._tenants[claims["iss"]]:
            raise Unauthenticated("of another tenant than its issuer")
        if claims.get("ver") != "2.0":
            raise Unauthenticated("not a token of version 2.0: set requestedAccessTokenVersion to 2")
        if SCOPE not in str(claims.get("scp") or "").split():
            raise Unauthenticated(f"without the scope {SCOPE}")
        person = claims.get("oid")
        if not isinstance(person, str) or not person:
            raise Unauthenticated("it names nobody")
        return person

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session
