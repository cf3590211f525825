"""The bot's token goes along with each post, and only the token."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses

from bot.adapters.connector import TeamsMessenger
from bot.adapters.tokens import Tokens
from models.ports.messenger import Message, ThreadAddress
from models.settings import Teams

URL = "https://smba.trafficmanager.net/teams/"


class Response(aiohttp.ClientResponse):
    """What aioresponses 0.7 leaves out for aiohttp 3.14."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


async def test_a_reply_carries_the_bots_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "_ask", lambda _: {"access_token": "the-token", "expires_in": 3600})
    monkeypatch.setattr("aioresponses.core.ClientResponse", Response)
    messenger = TeamsMessenger(Teams(app_id="app", tenant_id="tenant"))
    thread = ThreadAddress(URL, "tenant", "19:c@thread.tacv2;messageid=7", "7")
    with aioresponses() as teams:
        teams.post(re.compile(rf"{re.escape(URL)}v3/conversations/.*/activities"), payload={"id": "8"})
        assert await messenger.reply(thread, Message(text="hello")) == "8"
    ((call,),) = teams.requests.values()
    assert call.kwargs["headers"]["Authorization"] == "Bearer the-token"
    assert call.kwargs["allow_redirects"] is False
    await messenger.close()
