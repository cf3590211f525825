"""Tokens by which Wilson signs in at a mailbox as an application."""

from __future__ import annotations

import ipaddress
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests

from models.ports import Permanent, Temporary
from models.settings import Mailbox

EARLY_SECONDS = 300.0
REFUSED = ("invalid_client", "unauthorized_client", "invalid_scope")


class Tokens:
    """Holds one token, and asks for the next one before it runs out. Its methods block: call them in a thread.

    Args:
        settings: The mailbox's registration: a secret, a certificate (PEM with its key), or a managed identity.
        scope: What the token is for, for example ``https://graph.microsoft.com/.default``.
    """

    def __init__(self, settings: Mailbox, scope: str) -> None:
        self._settings = settings
        self._scope = scope
        self._client: Any = None
        self._token = ""
        self._until = 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token that is good for some minutes.

        Raises:
            Temporary: It can't be had just now.
            Permanent: The registration is refused.
        """
        with self._lock:
            if time.monotonic() >= self._until:
                self._renew()
            return self._token

    def forget(self) -> None:
        """Ask for a new token next time: the present one was refused."""
        self._until = 0.0

    def _renew(self) -> None:
        try:
            answer = self._ask()
        except (requests.RequestException, OSError, ValueError) as error:
            raise Temporary(f"a token for the mailbox can't be had: {type(error).__name__}") from None
        if "access_token" not in answer:
            code = str(answer.get("error") or "no reason given")
            text = (
                f"a token for the mailbox was refused ({code}): check mailbox.tenant_id, client_id and the secret"
            )
            raise Permanent(text) if code in REFUSED else Temporary(text)
        self._token = str(answer["access_token"])
        self._until = time.monotonic() + max(30.0, float(answer.get("expires_in", 3600)) - EARLY_SECONDS)

    def _ask(self) -> dict[str, Any]:
        if self._settings.login_url.startswith("http://"):
            return self._ask_loopback()
        if self._client is None:
            self._client = self._make()
        if self._settings.managed_identity:
            resource = self._scope.removesuffix("/.default")
            answer: dict[str, Any] = self._client.acquire_token_for_client(resource=resource)
        else:
            answer = self._client.acquire_token_for_client(scopes=[self._scope])
        return answer

    def _ask_loopback(self) -> dict[str, Any]:
        """Ask a stand-in on this machine, which has no TLS; msal speaks TLS alone."""
        if not is_loopback(urlsplit(self._settings.login_url).hostname or ""):
            raise ValueError("mailbox.login_url without TLS is for this machine only")
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "scope": self._scope,
        }
        url = f"{self._settings.login_url.rstrip('/')}/{self._settings.tenant_id}/oauth2/v2.0/token"
        answer: dict[str, Any] = requests.post(url, data=form, timeout=10, allow_redirects=False).json()
        return answer

    def _make(self) -> Any:
        settings = self._settings
        if settings.managed_identity:
            identity: Any = msal.SystemAssignedManagedIdentity()
            if settings.client_id:
                identity = msal.UserAssignedManagedIdentity(client_id=settings.client_id)
            return msal.ManagedIdentityClient(identity, http_client=requests.Session())
        credential: Any = settings.client_secret.get_secret_value()
        if settings.certificate:
            pem = Path(settings.certificate).read_text(encoding="ascii")
            credential = {"private_key": pem, "public_certificate": pem}
        return msal.ConfidentialClientApplication(
            settings.client_id,
            client_credential=credential,
            authority=f"{settings.login_url.rstrip('/')}/{settings.tenant_id}",
            instance_discovery=False,
            validate_authority=False,
            timeout=10,
        )


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
