"""The bot's own tokens: for Teams, and for Microsoft Graph."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests

from bot.adapters.addresses import is_loopback
from models.ports import Permanent, Temporary
from models.settings import Teams

TEAMS = "https://api.botframework.com"
GRAPH = "https://graph.microsoft.com"
EARLY_SECONDS = 300.0


class Tokens:
    """Holds one token, and asks for the next one before it runs out.

    Args:
        settings: The bot's registration: a secret, a certificate (PEM with its key), or a managed identity.
        resource: What it is for.
    """

    def __init__(self, settings: Teams, resource: str = TEAMS) -> None:
        self._settings = settings
        self._resource = resource
        self._scope = f"{resource}/.default"
        self._what = "Teams" if resource == TEAMS else "Microsoft Graph"
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
                raise Temporary(f"a token for {self._what} can't be had: {type(error).__name__}") from None
            if "access_token" not in answer:
                code = str(answer.get("error") or "no reason given")
                text = f"a token for {self._what} was refused ({code}): check app_id, tenant_id and the secret"
                raise Permanent(text) if code in ("invalid_client", "unauthorized_client") else Temporary(text)
            self._token = str(answer["access_token"])
            self._until = time.monotonic() + max(30.0, float(answer.get("expires_in", 3600)) - EARLY_SECONDS)
            return self._token

    def forget(self) -> None:
        """Ask for a new token next time: the present one was refused."""
        self._until = 0.0

    def _ask(self) -> dict[str, Any]:
        if self._settings.login_url.startswith("http://"):
            return self._ask_loopback()
        if self._client is None:
            self._client = self._make()
        if self._settings.managed_identity:
            answer: dict[str, Any] = self._client.acquire_token_for_client(resource=self._resource)
        else:
            answer = self._client.acquire_token_for_client(scopes=[self._scope])
        return answer

    def _ask_loopback(self) -> dict[str, Any]:
        """Ask a stand-in on this machine, which has no TLS; msal speaks TLS alone."""
        if not is_loopback(urlsplit(self._settings.login_url).hostname or ""):
            raise ValueError("teams.login_url without TLS is for this machine only")
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.app_id,
            "client_secret": self._settings.app_password.get_secret_value(),
            "scope": self._scope,
        }
        url = f"{self._settings.login_url.rstrip('/')}/{self._settings.tenant_id}/oauth2/v2.0/token"
        answer: dict[str, Any] = requests.post(url, data=form, timeout=10, allow_redirects=False).json()
        return answer

    def _make(self) -> Any:
        settings = self._settings
        if settings.managed_identity:
            identity = msal.UserAssignedManagedIdentity(client_id=settings.app_id)
            return msal.ManagedIdentityClient(identity, http_client=requests.Session())
        credential: Any = settings.app_password.get_secret_value()
        if settings.certificate:
            pem = Path(settings.certificate).read_text(encoding="ascii")
            credential = {"private_key": pem, "public_certificate": pem}
        return msal.ConfidentialClientApplication(
            settings.app_id,
            client_credential=credential,
            authority=f"{settings.login_url.rstrip('/')}/{settings.tenant_id}",
            instance_discovery=False,
            validate_authority=False,
            timeout=10,
        )
