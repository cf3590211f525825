"""Checking a token: who signed it, for whom, and is it still good."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import aiohttp
import jwt
from jwt.algorithms import RSAAlgorithm

log = logging.getLogger(__name__)

ISSUER = "https://api.botframework.com"
LEEWAY_SECONDS = 300
FRESH_SECONDS = 24 * 3600.0
AGAIN_SECONDS = 300.0
"""How long to wait before keys are asked for again because of a key that nobody knows."""
TIMEOUT = aiohttp.ClientTimeout(total=10)
REMEMBERED = 256


class Unauthenticated(Exception):
    """The request does not show who sends it. The text is for the log and holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says.

    Attributes:
        service_url: Where the sender may be answered.
        endorsements: The channels that its key may speak for.
        expires: Seconds since 1970.
    """

    service_url: str
    endorsements: frozenset[str]
    expires: float


def bearer(authorization: str | None) -> str:
    """Return the token of an ``Authorization`` header.

    Raises:
        Unauthenticated: There is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("no bearer token")
    return token.strip()


class SigningKeys:
    """The keys that an issuer signs with, fetched when they are needed.

    Args:
        session: Opens connections; given late, since it belongs to the running loop.
        metadata_url: The issuer's OpenID metadata.
    """

    def __init__(self, session: Callable[[], aiohttp.ClientSession], metadata_url: str) -> None:
        self._session = session
        self._metadata_url = metadata_url
        self._keys: dict[str, tuple[Any, frozenset[str]]] = {}
        self._fetched = self._asked_again = -FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def decode(
        self, token: str, *, issuers: Sequence[str], audience: str
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """Return what a token says, and the endorsements of the key that signed it.

        Args:
            token: The compact form, as it was sent.
            issuers: Who may have issued it.
            audience: For whom it must have been issued.

        Raises:
            Unauthenticated: It is not good.
        """
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"not a token: {type(error).__name__}") from None
        if header.get("alg") != "RS256":
            raise Unauthenticated("not signed with RS256")
        key, endorsements = await self._key(str(header.get("kid") or ""))
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=audience,
                issuer=list(issuers),
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"refused: {type(error).__name__}") from None
        return payload, endorsements

    async def _key(self, kid: str) -> tuple[Any, frozenset[str]]:
        async with self._lock:
            if monotonic() - self._fetched >= FRESH_SECONDS:
                self._fetched = monotonic()
                await self._fetch()
            elif kid not in self._keys and monotonic() - self._asked_again >= AGAIN_SECONDS:
                self._asked_again = monotonic()
                await self._fetch()
        if kid not in self._keys:
            raise Unauthenticated("signed with a key that nobody knows")
        return self._keys[kid]

    async def _fetch(self) -> None:
        """Fetch the keys. Where that fails, the ones that are known go on."""
        try:
            metadata = await self._get(self._metadata_url)
            found = await self._get(str(metadata["jwks_uri"]))
            self._keys = dict(self._read(found["keys"]))
        except (aiohttp.ClientError, TimeoutError, KeyError, TypeError, ValueError) as error:
            log.error("the signing keys can't be had: %s: %s", type(error).__name__, error)
            if not self._keys:
                self._fetched = -FRESH_SECONDS

    async def _get(self, url: str) -> Mapping[str, Any]:
        async with self._session().get(url, timeout=TIMEOUT, allow_redirects=False) as response:
            response.raise_for_status()
            value: Mapping[str, Any] = await response.json(content_type=None)
            return value

    @staticmethod
    def _read(keys: list[dict[str, Any]]) -> list[tuple[str, tuple[Any, frozenset[str]]]]:
        return [
            (str(key["kid"]), (RSAAlgorithm.from_jwk(key), frozenset(key.get("endorsements") or ())))
            for key in keys
            if key.get("kty") == "RSA" and key.get("kid")
        ]


class Keys:
    """Checks the tokens of the Bot Framework.

    Args:
        session: Opens connections; given late, since it belongs to the running loop.
        metadata_url: The OpenID metadata of the Bot Framework.
        audience: The bot's application id.
    """

    def __init__(self, session: Callable[[], aiohttp.ClientSession], metadata_url: str, audience: str) -> None:
        self._signing = SigningKeys(session, metadata_url)
        self._audience = audience
        self._good: OrderedDict[bytes, Claims] = OrderedDict()

    async def check(self, authorization: str | None) -> Claims:
        """Return what the token of an ``Authorization`` header says.

        The sender uses one token for many requests, so that one that was checked is remembered by its digest.

        Raises:
            Unauthenticated: There is none, or it is not good.
        """
        token = bearer(authorization)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._good.get(digest)
        if known is not None:
            if known.expires + LEEWAY_SECONDS > time.time():
                return known
            del self._good[digest]
        claims = await self._claims(token)
        self._good[digest] = claims
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        return claims

    async def _claims(self, token: str) -> Claims:
        payload, endorsements = await self._signing.decode(token, issuers=[ISSUER], audience=self._audience)
        service_url = payload.get("serviceurl") or payload.get("serviceUrl")
        if not isinstance(service_url, str) or not service_url:
            raise Unauthenticated("the token names no service address")
        return Claims(service_url, endorsements, float(payload["exp"]))
