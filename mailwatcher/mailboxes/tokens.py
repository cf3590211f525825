"""Tokens with which a mailbox at Microsoft is opened."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import msal
import requests

from mailwatcher.mailboxes.addresses import needs_tls
from models.ports.errors import Permanent, Temporary
from models.settings import Mailbox, SettingsError

EARLY_SECONDS = 300.0
TIMEOUT_SECONDS = 10
REFUSED = ("invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource")


class Tokens:
    """Holds one token of the application itself, and asks for the next one before it runs out.

    Args:
        settings: The registration: a secret, a certificate (PEM with its key), or a managed identity.
        scope: What the token is for, ending in ``/.default``.

    Raises:
        SettingsError: The registration is not complete.
    """

    def __init__(self, settings: Mailbox, scope: str) -> None:
        needs_tls("mailbox.login_url", settings.login_url)
        if not settings.managed_identity:
            for name in ("tenant_id", "client_id"):
                if not getattr(settings, name):
                    raise SettingsError(f"mailbox.{name} held nothing; it needs that of the app registration")
            if not settings.client_secret.get_secret_value() and not settings.certificate:
                needs = "the app registration's secret, or mailbox.certificate, or mailbox.managed_identity"
                raise SettingsError(f"mailbox.client_secret held nothing; it needs {needs}")
        self._settings = settings
        self._scope = scope
        self._client: Any = None
        self._token = ""
        self._until = 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token that is good for some minutes. Blocks; safe to call from several threads.

        Raises:
            Temporary: It can't be had just now.
            Permanent: The registration is refused.
        """
        with self._lock:
            if time.monotonic() < self._until:
                return self._token
            answer = self._ask()
            if "access_token" not in answer:
                raise _refusal(str(answer.get("error") or "no reason given"))
            self._token = str(answer["access_token"])
            lasts = float(answer.get("expires_in", 3600))
            self._until = time.monotonic() + max(min(30.0, lasts / 2), lasts - EARLY_SECONDS)
            return self._token

    def forget(self) -> None:
        """Ask for a new token next time: the present one was refused."""
        with self._lock:
            self._until = 0.0
            self._client = None  # it keeps the refused token as well

    def _ask(self) -> dict[str, Any]:
        pem = self._certificate()
        try:
            if self._settings.login_url.startswith("http://"):
                return self._ask_loopback()
            if self._client is None:
                self._client = self._make(pem)
            if self._settings.managed_identity:
                resource = self._scope.removesuffix("/.default")
                answer: dict[str, Any] = self._client.acquire_token_for_client(resource=resource)
            else:
                answer = self._client.acquire_token_for_client(scopes=[self._scope])
        except (requests.RequestException, OSError, ValueError) as error:
            advice = "check mailbox.tenant_id, login_url and the certificate if this lasts"
            raise Temporary(f"a token for the mailbox can't be had ({type(error).__name__}): {advice}") from None
        return answer

    def _ask_loopback(self) -> dict[str, Any]:
        """Ask a stand-in on this machine, which has no TLS; msal speaks TLS alone."""
        settings = self._settings
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
            "scope": self._scope,
        }
        url = f"{settings.login_url.rstrip('/')}/{settings.tenant_id}/oauth2/v2.0/token"
        answer = requests.post(url, data=form, timeout=TIMEOUT_SECONDS, allow_redirects=False).json()
        return answer if isinstance(answer, dict) else {}

    def _certificate(self) -> str:
        path = self._settings.certificate
        if not path or self._settings.managed_identity:
            return ""
        try:
            return Path(path).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            why = type(error).__name__
            raise Permanent(f"mailbox.certificate: {path} can't be read as a PEM file ({why})") from None

    def _make(self, pem: str) -> Any:
        settings = self._settings
        if settings.managed_identity:
            if settings.client_id:
                identity: Any = msal.UserAssignedManagedIdentity(client_id=settings.client_id)
            else:
                identity = msal.SystemAssignedManagedIdentity()
            return msal.ManagedIdentityClient(identity, http_client=_Session())
        credential: Any = settings.client_secret.get_secret_value()
        if pem:
            credential = {"private_key": pem, "public_certificate": pem}
        return msal.ConfidentialClientApplication(
            settings.client_id,
            client_credential=credential,
            authority=f"{settings.login_url.rstrip('/')}/{settings.tenant_id}",
            instance_discovery=False,
            validate_authority=False,
            timeout=TIMEOUT_SECONDS,
        )


class _Session(requests.Session):
    """Gives every request of a managed identity a time-out, which msal does not."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("timeout", TIMEOUT_SECONDS)
        return super().request(*args, **kwargs)


def _refusal(code: str) -> Permanent | Temporary:
    text = f"a token for the mailbox was refused ({code}): check mailbox.client_id, tenant_id and the secret"
    return Permanent(text) if code in REFUSED else Temporary(text)
