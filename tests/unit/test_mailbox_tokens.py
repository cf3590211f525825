"""The mailbox's tokens: asked for once, asked again where refused, and never told to anybody else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msal
import pytest

from mailwatcher.mailboxes.addresses import host_and_port
from mailwatcher.mailboxes.tokens import Tokens
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Mailbox, SettingsError

SCOPE = "https://outlook.office365.com/.default"
GIVEN = {"tenant_id": "tenant", "client_id": "app", "client_secret": "hush"}


class Login:
    """A stand-in for Microsoft's login on this machine."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.answer: dict[str, Any] | None = None
        login = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                login.asked.append((self.path, parse_qs(body)))
                answer = login.answer or {"access_token": f"token-{len(login.asked)}", "expires_in": 3600}
                self.send_response(200 if "access_token" in answer else 400)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def login() -> Iterator[Login]:
    started = Login()
    yield started
    started.server.shutdown()
    started.server.server_close()


def test_a_token_is_asked_for_once_and_again_after_it_was_refused(login: Login) -> None:
    tokens = Tokens(Mailbox(login_url=login.url, **GIVEN), SCOPE)  # type: ignore[arg-type]
    assert tokens.token() == tokens.token() == "token-1"
    tokens.forget()
    assert tokens.token() == "token-2"
    path, form = login.asked[0]
    assert path == "/tenant/oauth2/v2.0/token"
    assert form["scope"] == [SCOPE]
    assert form["grant_type"] == ["client_credentials"]


@pytest.mark.parametrize(("code", "kind"), [("invalid_client", Permanent), ("temporarily_unavailable", Temporary)])
def test_a_refusal_names_the_settings_and_no_secret(login: Login, code: str, kind: type[PortError]) -> None:
    login.answer = {"error": code, "error_description": "hush"}
    with pytest.raises(kind, match=r"mailbox\.client_id") as caught:
        Tokens(Mailbox(login_url=login.url, **GIVEN), SCOPE).token()  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)


def test_a_login_that_is_away_is_temporary() -> None:
    with pytest.raises(Temporary):
        Tokens(Mailbox(login_url="http://127.0.0.1:9", **GIVEN), SCOPE).token()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"tenant_id": ""}, r"mailbox\.tenant_id"),
        ({"client_id": ""}, r"mailbox\.client_id"),
        ({"client_secret": ""}, r"mailbox\.client_secret"),
        ({"login_url": "http://login.example.com"}, r"mailbox\.login_url"),
        ({"login_url": "login.example.com"}, r"mailbox\.login_url"),
    ],
)
def test_an_incomplete_registration_is_told_at_the_start(changed: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Tokens(Mailbox(**{**GIVEN, **changed}), SCOPE)  # type: ignore[arg-type]


def test_a_certificate_that_is_not_there_is_permanent(tmp_path: Path) -> None:
    held = {**GIVEN, "client_secret": "", "certificate": str(tmp_path / "none.pem")}
    with pytest.raises(Permanent, match=r"mailbox\.certificate"):
        Tokens(Mailbox(**held), SCOPE).token()  # type: ignore[arg-type]


class Client:
    """What the test needs of msal's two clients."""

    made: list[tuple[tuple[Any, ...], dict[str, Any]]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.made.append((args, kwargs))

    def acquire_token_for_client(self, **kwargs: Any) -> dict[str, Any]:
        return {"access_token": str(kwargs), "expires_in": 1}


def test_one_client_of_msal_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Client.made = []
    monkeypatch.setattr(msal, "ConfidentialClientApplication", Client)
    (tmp_path / "app.pem").write_text("pem")
    tokens = Tokens(Mailbox(**{**GIVEN, "certificate": str(tmp_path / "app.pem")}), SCOPE)  # type: ignore[arg-type]
    assert SCOPE in tokens.token()
    tokens._until = 0.0
    tokens.token()
    (((app,), named),) = Client.made
    assert app == "app"
    assert named["authority"] == "https://login.microsoftonline.com/tenant"
    assert named["client_credential"] == {"private_key": "pem", "public_certificate": "pem"}


@pytest.mark.parametrize("client_id", ["", "app"])
def test_a_managed_identity_needs_no_secret(monkeypatch: pytest.MonkeyPatch, client_id: str) -> None:
    Client.made = []
    monkeypatch.setattr(msal, "ManagedIdentityClient", Client)
    tokens = Tokens(Mailbox(managed_identity=True, client_id=client_id), SCOPE)
    assert tokens.token() == "{'resource': 'https://outlook.office365.com'}"
    (((identity,), _),) = Client.made
    assert isinstance(
        identity, msal.UserAssignedManagedIdentity if client_id else msal.SystemAssignedManagedIdentity
    )


def test_a_server_is_a_host_and_perhaps_a_port() -> None:
    assert host_and_port("mailbox.server", "mail.example.com", 993) == ("mail.example.com", 993)
    assert host_and_port("mailbox.server", "mail.example.com:1", 993) == ("mail.example.com", 1)
    assert host_and_port("mailbox.server", "::1", 993) == ("::1", 993)
    assert host_and_port("mailbox.server", "[::1]:143", 993) == ("::1", 143)
    for held in ("", "imaps://mail.example.com", "a:b", "a:99999", "a:0", "me@a", "a b", ":993"):
        with pytest.raises(SettingsError, match=r"mailbox\.server held"):
            host_and_port("mailbox.server", held, 993)
