"""With which application Wilson signs in where, and that no secret goes along with another application's id."""

from __future__ import annotations

from typing import Any

import msal
import pytest
from pydantic import SecretStr

from bot.adapters.tokens import TEAMS_SCOPE, Tokens, directory_registration, teams_registration
from models.settings import Directory, Teams

BOT = Teams(app_id="bot", app_password=SecretStr("bots"), tenant_id="t1", login_url="https://login.example")
GRAPH = "https://graph.microsoft.com/.default"


def test_what_is_empty_is_the_bots() -> None:
    found = directory_registration(Directory(), BOT)
    assert (found.tenant_id, found.client_id, found.secret.get_secret_value()) == ("t1", "bot", "bots")
    assert found.login_url == "https://login.example"
    found = directory_registration(Directory(tenant_id="t2", login_url="https://login.other"), BOT)
    assert (found.tenant_id, found.client_id, found.login_url) == ("t2", "bot", "https://login.other")
    assert found.complete


def test_another_application_never_gets_the_bots_secret() -> None:
    found = directory_registration(Directory(client_id="reader"), BOT)
    assert found.client_id == "reader"
    assert not found.complete


@pytest.mark.parametrize(
    "given", [{"client_secret": "own"}, {"certificate": "own.pem"}, {"managed_identity": True}], ids=str
)
def test_one_means_of_its_own_replaces_all_of_the_bots(given: dict[str, Any]) -> None:
    everything = BOT.model_copy(update={"certificate": "bot.pem", "managed_identity": True})
    found = directory_registration(Directory(**given), everything)
    held = {
        "client_secret": found.secret.get_secret_value(),
        "certificate": found.certificate,
        "managed_identity": found.managed_identity,
    }
    assert {name: value for name, value in held.items() if value} == given


class Client:
    """What the test needs of msal's clients: each keeps the token that it got."""

    made: list[dict[str, Any]]

    def __init__(self, *_: Any, **kwargs: Any) -> None:
        self.made.append(kwargs)
        self.token = f"token-{len(self.made)}"

    def acquire_token_for_client(self, **kwargs: Any) -> dict[str, Any]:
        return {"access_token": f"{self.token} {kwargs}", "expires_in": 3600}


async def test_a_refused_token_is_not_given_again_from_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    Client.made = []
    monkeypatch.setattr(msal, "ConfidentialClientApplication", Client)
    tokens = Tokens(directory_registration(Directory(), BOT), GRAPH)
    first = await tokens.get()
    assert first == await tokens.get() == f"token-1 {{'scopes': ['{GRAPH}']}}"
    assert Client.made[0]["authority"] == "https://login.example/t1"
    tokens.forget()
    assert (await tokens.get()).startswith("token-2")


async def test_a_managed_identity_asks_for_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    Client.made = []
    monkeypatch.setattr(msal, "ManagedIdentityClient", Client)
    identity = BOT.model_copy(update={"managed_identity": True})
    for registration, scope in (
        (teams_registration(identity), TEAMS_SCOPE),
        (directory_registration(Directory(), identity), GRAPH),
    ):
        told = await Tokens(registration, scope).get()
        assert told.endswith(f"{{'resource': '{scope.removesuffix('/.default')}'}}")


def test_a_registration_shows_no_secret() -> None:
    assert "bots" not in repr(teams_registration(BOT))
