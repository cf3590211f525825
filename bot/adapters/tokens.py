"""Tokens of the application itself from Entra, for Teams and for the directory."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from pydantic import SecretStr

from bot.adapters.addresses import is_loopback
from models.ports.errors import Permanent, Temporary
from models.settings import Directory, Teams

TEAMS_SCOPE = "https://api.botframework.com/.default"
EARLY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Registration:
    """An application in Entra, and with what it signs in: a secret, a certificate, or a managed identity.

    Attributes:
        purpose: What its tokens are for, for people.
        settings: Where it is set, for people.
        secret: Empty where there is none; never shown.
        certificate: The path of a PEM file with certificate and key; empty where there is none.
        login_url: Without TLS only on this machine.
    """

    purpose: str
    settings: str
    tenant_id: str
    client_id: str
    secret: SecretStr
    certificate: str
    managed_identity: bool
    login_url: str

    @property
    def complete(self) -> bool:
        """Whether there is something to sign in with."""
        return bool(self.secret.get_secret_value() or self.certificate or self.managed_identity)


def teams_registration(teams: Teams) -> Registration:
    """Return the bot's own registration."""
    return Registration(
        "Teams",
        "teams.app_id, tenant_id and the secret",
        teams.tenant_id,
        teams.app_id,
        teams.app_password,
        teams.certificate,
        teams.managed_identity,
        teams.login_url,
    )


def directory_registration(directory: Directory, teams: Teams) -> Registration:
    """Return the registration that reads the directory: what is empty of it is the bot's own.

    A secret belongs to its application: the bot's goes along with no other application's id.
    """
    own = Registration(
        "the directory",
        "directory.client_id, tenant_id and the secret (those of [teams], where empty)",
        directory.tenant_id or teams.tenant_id,
        directory.client_id or teams.app_id,
        directory.client_secret,
        directory.certificate,
        directory.managed_identity,
        directory.login_url or teams.login_url,
    )
    if own.complete or own.client_id != teams.app_id:
        return own
    return replace(
        own,
        secret=teams.app_password,
        certificate=teams.certificate,
        managed_identity=teams.managed_identity,
    )


class Tokens:
    """Holds one token, and asks for the next one before it runs out.

    Args:
        registration: Whose token it is.
        scope: What the token is for, ending in ``/.default``.
    """

    def __init__(self, registration: Registration, scope: str) -> None:
        self._registration = registration
        self._scope = scope
        self._client: Any = None
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return a token that is good for some minutes.

        Raises:
            Temporary: It can't be had just now.
            Permanent: The registration is refused.
        """
        if time.monotonic() < self._until:
            return self._token
        async with self._lock:
            if time.monotonic() < self._until:
                return self._token
            try:
                answer = await asyncio.to_thread(self._ask)
            except (requests.RequestException, OSError, ValueError) as error:
                text = f"a token for {self._registration.purpose} can't be had: {type(error).__name__}"
                raise Temporary(text) from None
            if "access_token" not in answer:
                code = str(answer.get("error") or "no reason given")
                told = f"a token for {self._registration.purpose} was refused ({code})"
                text = f"{told}: check {self._registration.settings}"
                raise Permanent(text) if code in ("invalid_client", "unauthorized_client") else Temporary(text)
            self._token = str(answer["access_token"])
            self._until = time.monotonic() + max(30.0, float(answer.get("expires_in", 3600)) - EARLY_SECONDS)
            return self._token

    def forget(self) -> None:
        """Ask for a new token next time: the present one was refused."""
        self._until = 0.0
        self._client = None  # it keeps the refused token as well

    def _ask(self) -> dict[str, Any]:
        if self._registration.login_url.startswith("http://"):
            return self._ask_loopback()
        client = self._client = self._client or self._make()
        if self._registration.managed_identity:
            resource = self._scope.removesuffix("/.default")
            answer: dict[str, Any] = client.acquire_token_for_client(resource=resource)
        else:
            answer = client.acquire_token_for_client(scopes=[self._scope])
        return answer

    def _ask_loopback(self) -> dict[str, Any]:
        """Ask a stand-in on this machine, which has no TLS; msal speaks TLS alone."""
        registration = self._registration
        if not is_loopback(urlsplit(registration.login_url).hostname or ""):
            raise ValueError("a login_url without TLS is for this machine only")
        form = {
            "grant_type": "client_credentials",
            "client_id": registration.client_id,
            "client_secret": registration.secret.get_secret_value(),
            "scope": self._scope,
        }
        url = f"{registration.login_url.rstrip('/')}/{registration.tenant_id}/oauth2/v2.0/token"
        answer: dict[str, Any] = requests.post(url, data=form, timeout=10, allow_redirects=False).json()
        return answer

    def _make(self) -> Any:
        registration = self._registration
        if registration.managed_identity:
            identity = msal.UserAssignedManagedIdentity(client_id=registration.client_id)
            return msal.ManagedIdentityClient(identity, http_client=requests.Session())
        credential: Any = registration.secret.get_secret_value()
        if registration.certificate:
            pem = Path(registration.certificate).read_text(encoding="ascii")
            credential = {"private_key": pem, "public_certificate": pem}
        return msal.ConfidentialClientApplication(
            registration.client_id,
            client_credential=credential,
            authority=f"{registration.login_url.rstrip('/')}/{registration.tenant_id}",
            instance_discovery=False,
            validate_authority=False,
            timeout=10,
        )
