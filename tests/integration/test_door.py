"""Who is let in. Every row of the matrix of attacks, over real HTTP, with really signed tokens."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from botbuilder.core import InvokeResponse, TurnContext
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.adapters.teams import TeamsAdapter
from bot.web import make_app
from models.settings import Settings, SettingsError, Teams
from models.settings_file import read_settings
from tests.support.botframework import APP_ID, TENANT, Issuer, serving

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Handler:
    """Counts turns, and answers invokes."""

    def __init__(self) -> None:
        self.turns: list[Any] = []
        self.fails = False

    async def on_turn(self, context: TurnContext) -> InvokeResponse | None:
        self.turns.append(context.activity)
        if self.fails:
            raise RuntimeError("the database said: secret-detail")
        if context.activity.type == "invoke":
            return InvokeResponse(status=200, body={"statusCode": 200, "type": "t", "value": "a text"})
        return None


class Door:
    """A bot of its own behind the adapter, and the issuer that it trusts."""

    def __init__(self, url: str, handler: Handler, issuer: Issuer, session: aiohttp.ClientSession) -> None:
        self.url, self.handler, self.issuer, self.session = url, handler, issuer, session

    async def knock(self, token: str | None, body: Any = None, **headers: str) -> int:
        return (await self.ask(token, body, **headers))[0]

    async def ask(self, token: str | None, body: Any = None, **headers: str) -> tuple[int, str]:
        if token is not None:
            headers["Authorization"] = token if " " in token or not token else f"Bearer {token}"
        data = body if isinstance(body, (bytes, str)) else json.dumps(activity() if body is None else body)
        async with self.session.post(f"{self.url}/api/messages", data=data, headers=headers) as answer:
            return answer.status, await answer.text()


def activity(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": Issuer.service_url,
        "from": {"id": "29:ada", "aadObjectId": "aad-ada", "name": "Ada"},
        "recipient": {"id": f"28:{APP_ID}", "name": "Wilson"},
        "conversation": {"id": "19:c;messageid=1", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
        "value": {"action": {"data": {}}},
    }
    body |= changes
    return {name: value for name, value in body.items() if value is not None}


async def probe(*_: object) -> Any:
    return []


async def figures() -> str:
    return ""


async def _door(settings: Teams, issuer: Issuer) -> AsyncIterator[Door]:
    handler = Handler()
    adapter = TeamsAdapter(settings)
    app = make_app(adapter, handler, readiness=probe, metrics=figures)
    async with serving(app) as url, aiohttp.ClientSession() as session:
        yield Door(url, handler, issuer, session)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Issuer().running() as issuer:
        settings = Teams(app_id=APP_ID, tenant_id=TENANT, openid_metadata_url=f"{issuer.url}/metadata")
        async for each in _door(settings, issuer):
            yield each


@pytest.fixture
async def open_door() -> AsyncIterator[Door]:
    async for each in _door(Teams(auth="disabled"), Issuer()):
        yield each


async def test_a_good_token_is_let_in_and_the_answer_comes_back(door: Door) -> None:
    status, text = await door.ask(door.issuer.token())
    assert (status, json.loads(text)) == (200, {"statusCode": 200, "type": "t", "value": "a text"})
    (seen,) = door.handler.turns
    assert (seen.from_property.aad_object_id, seen.channel_data["tenant"]["id"]) == ("aad-ada", TENANT)


def _public_pem(issuer: Issuer) -> bytes:
    key = next(iter(issuer.keys.values())).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _hs256(issuer: Issuer) -> str:
    """Sign with the public key as if it were a shared secret; the library itself refuses to help with that."""
    import base64
    import hashlib
    import hmac

    body = issuer.token().split(".")[1]
    kid = next(iter(issuer.keys))
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": kid}).encode()).rstrip(b"=").decode()
    signature = hmac.new(_public_pem(issuer), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


NOW = int(time.time())
BAD_TOKENS: dict[str, Any] = {
    "no header": lambda issuer: None,
    "basic": lambda issuer: "Basic dXNlcjpwYXNz",
    "empty bearer": lambda issuer: "Bearer ",
    "garbage": lambda issuer: "Bearer garbage.garbage.garbage",
    "basic with a good token": lambda issuer: f"Basic {issuer.token()}",
    "alg none": lambda issuer: issuer.token(alg="none"),
    "HS256 with the public key": _hs256,
    "another key": lambda issuer: issuer.token(key=STRANGER),
    "unknown key id": lambda issuer: issuer.token(key=STRANGER, kid="nobody"),
    "expired": lambda issuer: issuer.token(exp=NOW - 3600),
    "not yet valid": lambda issuer: issuer.token(nbf=NOW + 3600),
    "no expiry": lambda issuer: issuer.token(exp=None),
    "wrong issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "another tenant's issuer": lambda issuer: issuer.token(iss="https://sts.windows.net/another-tenant/"),
    "own tenant's user token": lambda issuer: issuer.token(iss=f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    "wrong audience": lambda issuer: issuer.token(aud="another-app"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "no service address": lambda issuer: issuer.token(serviceurl=None),
}


@pytest.mark.parametrize("attack", BAD_TOKENS)
async def test_a_bad_token_is_401(door: Door, attack: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = BAD_TOKENS[attack](door.issuer)
    assert await door.knock(token) == 401
    assert door.handler.turns == []
    if token and len(token) > 20:
        assert token.split(" ")[-1] not in caplog.text
        assert token.split(".")[-1][:30] not in caplog.text or token.endswith(".")


EVIL = "https://evil.example/"
NOT_ALLOWED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "service address differs from the claim": ({"serviceUrl": "https://smba.trafficmanager.net/other/"}, {}),
    "no service address": ({"serviceUrl": None}, {}),
    "claim and body both foreign": ({"serviceUrl": EVIL}, {"serviceurl": EVIL}),
    "private address": ({"serviceUrl": "https://10.0.0.1/"}, {"serviceurl": "https://10.0.0.1/"}),
    "loopback": ({"serviceUrl": "http://127.0.0.1/"}, {"serviceurl": "http://127.0.0.1/"}),
    "user in the address": (
        {"serviceUrl": "https://smba.trafficmanager.net@evil.example/"},
        {"serviceurl": "https://smba.trafficmanager.net@evil.example/"},
    ),
    "look-alike host": (
        {"serviceUrl": "https://smba.trafficmanager.net.evil.example/"},
        {"serviceurl": "https://smba.trafficmanager.net.evil.example/"},
    ),
    "no encryption": (
        {"serviceUrl": "http://smba.trafficmanager.net/teams/"},
        {"serviceurl": "http://smba.trafficmanager.net/teams/"},
    ),
    "another channel": ({"channelId": "webchat"}, {}),
    "emulator": ({"channelId": "emulator"}, {}),
    "another tenant": ({"channelData": {"tenant": {"id": "other"}}}, {}),
    "another tenant in the conversation": ({"conversation": {"id": "c", "tenantId": "other"}}, {}),
    "no tenant": ({"channelData": {}, "conversation": {"id": "c"}}, {}),
    "another bot": ({"recipient": {"id": "28:another"}}, {}),
    "nobody": ({"from": {"id": "29:x"}}, {}),
    "no sender": ({"from": None}, {}),
}


@pytest.mark.parametrize("attack", NOT_ALLOWED)
async def test_what_is_not_allowed_is_403(door: Door, attack: str) -> None:
    body, claims = NOT_ALLOWED[attack]
    assert await door.knock(door.issuer.token(**claims), activity(**body)) == 403
    assert door.handler.turns == []


async def test_a_key_that_may_not_speak_for_teams_is_403(door: Door) -> None:
    door.issuer.endorsements = ["webchat"]
    assert await door.knock(door.issuer.token()) == 403


@pytest.mark.parametrize(
    "body",
    [b"not json", b"[]", b'"text"', b"{}", b'{"a":' * 100_000, b"\xff\xfe", b""],
    ids=["text", "array", "string", "empty object", "deep", "bytes", "nothing"],
)
async def test_what_is_no_activity_is_refused(door: Door, body: bytes) -> None:
    assert await door.knock(door.issuer.token(), body) in (400, 403, 413)
    assert door.handler.turns == []


async def test_a_deep_activity_is_400(door: Door) -> None:
    value: Any = "x"
    for _ in range(500):
        value = {"v": value}
    assert await door.knock(door.issuer.token(), activity(value=value)) == 400


async def test_too_much_is_413_and_without_a_token_401(door: Door) -> None:
    big = json.dumps(activity(text="x" * 900_000))
    assert await door.knock(door.issuer.token(), big) == 413
    assert await door.knock(None, big) == 401

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 16_384

    headers = {"Authorization": f"Bearer {door.issuer.token()}"}
    async with door.session.post(f"{door.url}/api/messages", data=chunks(), headers=headers) as answer:
        assert answer.status == 413
    assert door.handler.turns == []


async def test_a_rotated_key_is_fetched_at_once(door: Door) -> None:
    assert await door.knock(door.issuer.token()) == 200
    door.issuer.rotate("key-2")
    answers = await asyncio.gather(*(door.knock(door.issuer.token()) for _ in range(10)))
    assert answers == [200] * 10
    assert door.issuer.asked == 2


async def test_unknown_keys_do_not_make_it_ask_for_each(door: Door) -> None:
    for number in range(5):
        assert await door.knock(door.issuer.token(key=STRANGER, kid=f"nobody-{number}")) == 401
    assert door.issuer.asked == 1 + 1, "once to begin with, once more in five minutes"


async def test_known_keys_serve_while_the_issuer_is_away(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await door.knock(door.issuer.token()) == 200
    door.issuer.down = True
    later = time.monotonic() + 25 * 3600
    monkeypatch.setattr("bot.adapters.keys.monotonic", lambda: later)
    assert await door.knock(door.issuer.token(jti="2")) == 200


async def test_a_handlers_defect_is_told_without_its_text(door: Door) -> None:
    door.handler.fails = True
    status, text = await door.ask(door.issuer.token())
    assert (status, json.loads(text)["statusCode"]) == (200, 500)
    assert "secret-detail" not in text
    assert await door.knock(door.issuer.token(), activity(type="message")) == 500


async def test_disabled_lets_this_machine_in_and_no_web_page(open_door: Door) -> None:
    local = activity(serviceUrl="http://localhost:1/_connector", recipient={"id": "bot"})
    assert await open_door.knock(None, local) == 200
    assert await open_door.knock(None, local, Origin="https://evil.example") == 403
    assert await open_door.knock(None, local, Host="evil.example") == 403
    assert await open_door.knock(None, activity()) == 403, "a foreign service address"
    assert len(open_door.handler.turns) == 1


def test_disabled_is_refused_anywhere_but_on_loopback() -> None:
    with pytest.raises(SettingsError, match="loopback"):
        read_settings(None, {"WILSON_TEAMS__AUTH": "disabled", "WILSON_WEB__HOST": "0.0.0.0"})
    assert Settings().teams.auth == "required"
