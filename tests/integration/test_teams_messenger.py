"""Posting through the Bot Connector: what is sent, once, and what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.adapters import connector
from bot.adapters.connector import TeamsMessenger
from bot.adapters.tokens import TEAMS_SCOPE, Tokens, teams_registration
from models.domain.people import Person
from models.ports.errors import Ambiguous, Permanent, Temporary
from models.ports.messenger import ChannelAddress, Message, ThreadAddress
from models.settings import Teams
from tests.support.botframework import APP_ID, TENANT, Connector, serving

ADA = Person("aad-ada", "Ada Example", "29:ada")
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}


@pytest.fixture
async def teams() -> AsyncIterator[Connector]:
    async with Connector().running() as running:
        yield running


@pytest.fixture
async def messenger() -> AsyncIterator[TeamsMessenger]:
    made = TeamsMessenger(Teams(auth="disabled", app_id=APP_ID))
    yield made
    await made.close()


def channel(teams: Connector) -> ChannelAddress:
    return ChannelAddress(teams.url, TENANT, "19:team", "19:c@thread.tacv2")


def thread(teams: Connector) -> ThreadAddress:
    return ThreadAddress(teams.url, TENANT, "19:c@thread.tacv2;messageid=7", "7")


async def test_a_post_starts_a_thread(teams: Connector, messenger: TeamsMessenger) -> None:
    posted = await messenger.post(channel(teams), Message(card=CARD, summary="Incident 1"))
    assert (posted.conversation_id, posted.activity_id) == ("19:c@thread.tacv2;messageid=7", "7")
    ((method, path, body, _),) = teams.asked
    assert (method, path) == ("POST", "/v3/conversations")
    assert body["isGroup"] is True
    assert body["channelData"]["channel"]["id"] == "19:c@thread.tacv2"
    assert body["tenantId"] == TENANT
    assert body["activity"]["attachments"][0]["content"] == CARD


async def test_a_reply_mentions_people(teams: Connector, messenger: TeamsMessenger) -> None:
    await messenger.reply(thread(teams), Message(text="<at>Ada Example</at> owns this.", mentions=(ADA,)))
    ((method, path, body, _),) = teams.asked
    assert (method, path) == ("POST", "/v3/conversations/19%3Ac%40thread.tacv2%3Bmessageid%3D7/activities")
    (entity,) = body["entities"]
    assert entity["text"] in body["text"]
    assert entity["mentioned"] == {"id": "29:ada", "name": "Ada Example"}


async def test_an_update_replaces_the_root(teams: Connector, messenger: TeamsMessenger) -> None:
    await messenger.update(thread(teams), Message(card=CARD))
    ((method, path, _, _),) = teams.asked
    assert method == "PUT"
    assert path.endswith("/activities/7")


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (400, Permanent),
        (401, Temporary),
        (403, Permanent),
        (404, Permanent),
        (408, Ambiguous),
        (412, Ambiguous),
        (413, Permanent),
        (429, Temporary),
        (500, Ambiguous),
        (502, Ambiguous),
        (503, Ambiguous),
        (504, Ambiguous),
        ("reset", Ambiguous),
        ((302, {"Location": "https://evil.example/"}), Permanent),
    ],
    ids=str,
)
async def test_a_post_is_sent_once_whatever_is_answered(
    teams: Connector, messenger: TeamsMessenger, told: Any, error: type[Exception]
) -> None:
    teams.told = [told]
    with pytest.raises(error):
        await messenger.post(channel(teams), Message(text="x"))
    assert len(teams.asked) == 1


@pytest.mark.parametrize("told", [412, 500, 502, 503, 504], ids=str)
async def test_an_update_may_be_repeated_so_nothing_about_it_is_ambiguous(
    teams: Connector, messenger: TeamsMessenger, told: Any
) -> None:
    teams.told = [told]
    with pytest.raises(Temporary):
        await messenger.update(thread(teams), Message(card=CARD))


async def test_a_hanging_answer_is_ambiguous_after_our_own_time(
    teams: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "ATTEMPT_SECONDS", 0.3)
    messenger = TeamsMessenger(Teams(auth="disabled"))
    teams.told = ["hang"]
    with pytest.raises(Ambiguous):
        await messenger.post(channel(teams), Message(text="x"))
    await messenger.close()


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_obeyed(teams: Connector, messenger: TeamsMessenger, form: str) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    teams.told = [(429, {"Retry-After": "20" if form == "seconds" else at})]
    with pytest.raises(Temporary) as caught:
        await messenger.post(channel(teams), Message(text="x"))
    assert caught.value.retry_after is not None
    assert 17 <= caught.value.retry_after <= 20


async def test_a_server_that_is_not_there_surely_did_nothing(messenger: TeamsMessenger) -> None:
    gone = ChannelAddress("http://127.0.0.1:9/", TENANT, "19:team", "19:c")
    with pytest.raises(Temporary):
        await messenger.post(gone, Message(text="x"))


async def test_nothing_is_sent_to_a_foreign_host(teams: Connector) -> None:
    messenger = TeamsMessenger(Teams(app_id=APP_ID, tenant_id=TENANT))
    with pytest.raises(Permanent):
        await messenger.post(channel(teams), Message(text="x"))
    assert teams.asked == []
    await messenger.close()


async def test_one_token_serves_many_calls_and_a_refused_one_is_renewed(
    teams: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def ask(_: Tokens) -> dict[str, Any]:
        given.append(f"token-{len(given) + 1}")
        return {"access_token": given[-1], "expires_in": 3600}

    monkeypatch.setattr(Tokens, "_ask", ask)
    messenger = TeamsMessenger(Teams(app_id=APP_ID, tenant_id=TENANT, allowed_service_hosts=("127.0.0.1",)))
    await asyncio.gather(*(messenger.reply(thread(teams), Message(text="x")) for _ in range(5)))
    assert given == ["token-1"]
    teams.told = [401]
    with pytest.raises(Temporary):
        await messenger.reply(thread(teams), Message(text="x"))
    await messenger.reply(thread(teams), Message(text="x"))
    assert [headers["Authorization"] for *_, headers in teams.asked][-2:] == ["Bearer token-1", "Bearer token-2"]
    await messenger.close()


async def test_a_token_comes_from_the_login_address() -> None:
    forms: list[dict[str, Any]] = []

    async def token(request: web.Request) -> web.Response:
        forms.append(dict(await request.post()))
        return web.json_response({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})

    app = web.Application()
    app.router.add_post(f"/{TENANT}/oauth2/v2.0/token", token)
    async with serving(app) as url:
        teams = Teams(app_id=APP_ID, tenant_id=TENANT, app_password=SecretStr("s"), login_url=url)
        tokens = Tokens(teams_registration(teams), TEAMS_SCOPE)
        assert await asyncio.gather(*(tokens.get() for _ in range(4))) == ["t"] * 4
    (form,) = forms
    assert (form["client_id"], form["scope"]) == (APP_ID, "https://api.botframework.com/.default")


async def test_a_login_address_without_tls_is_for_this_machine_only() -> None:
    teams = Teams(app_id=APP_ID, tenant_id=TENANT, login_url="http://login.example")
    tokens = Tokens(teams_registration(teams), TEAMS_SCOPE)
    with pytest.raises(Temporary):
        await tokens.get()


async def test_channels_and_members_are_looked_up(teams: Connector, messenger: TeamsMessenger) -> None:
    assert await messenger.channels(teams.url, "19:team") == [("19:team", "General"), ("19:d", "Devs")]
    assert [person.name for person in await messenger.members(teams.url, "19:team")] == ["ada", "ben"]
