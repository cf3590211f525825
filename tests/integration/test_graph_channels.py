"""A channel of the incident's own: made once, named by the process, or said plainly what is needed."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot import outbox as outbox_module
from bot.adapters.graph_channels import GraphChannels
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.posting import Channels
from fittings import channels_of
from models.directory import INCIDENT
from models.domain.requests import Assess, Claim, MakeChannel, MarkPrivate
from models.operations import incidents
from models.settings import Settings
from tests.integration.test_private import House, house, private, security
from tests.integration.test_status_page import tell
from tests.support.botframework import serving
from tests.support.graph import check_request
from tests.support.handling import deliveries_of

__all__ = ["house", "private", "security"]
pytestmark = pytest.mark.usefixtures("connected")


@dataclass
class Team:
    """Microsoft Graph's channels of one team; fails before or after it made one, or forbids it."""

    channels: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/token"):
            return web.json_response({"access_token": "token", "expires_in": 3600})
        text = await request.text()
        if problem := check_request(request.method, request.path, request.query_string, text):
            self.violations.append(problem)
        assert request.path == "/v1.0/teams/group/channels"
        assert request.headers["Authorization"] == "Bearer token"
        if request.method == "GET":
            return web.json_response({"value": self.channels})
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "forbidden":
            return web.json_response({"error": {"code": "Forbidden"}}, status=403)
        if fault == "before":
            return web.Response(status=503)
        made = dict(await request.json()) | {"id": f"19:{len(self.channels)}@thread.tacv2"}
        made["webUrl"] = f"https://teams.example/{len(self.channels)}"
        self.channels.append(made)
        if fault == "after" and request.transport is not None:
            request.transport.abort()
        return web.json_response(made, status=201)


@pytest.fixture
async def graph() -> AsyncIterator[Team]:
    made, app = Team(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with serving(app) as made.url:
        yield made
        assert made.violations == []


@pytest.fixture
async def maker(graph: Team) -> AsyncIterator[GraphChannels]:
    held = Settings.model_validate(
        {
            "teams": {"group_id": "group", "app_id": "app", "tenant_id": "tenant", "app_password": SecretStr("s")},
            "directory": {"base_url": graph.url, "login_url": graph.url},
        }
    )
    made = channels_of(held)
    assert isinstance(made, GraphChannels)
    yield made
    await made.close()


def outbox_of(house: House, maker: GraphChannels | None) -> Outbox:
    pacer, channels = Pacer(itertools.count(step=60.0).__next__), Channels("Devs", "Devs", "Den")
    delivers = deliveries_of(house.teams, house.tracker, house.around, channels, pacer, new_channels=maker)
    return Outbox(delivers.deliver, delivers.prepare)


def read(house: House) -> str:
    """Return what the channel's readers see, without what keeps words from becoming links."""
    return house.teams.seen("19:devs").replace("\\u2060", "").replace("\\\\", "")


@pytest.mark.parametrize("faults", [[], ["before"], ["after"], ["after", "before"]], ids=str)
async def test_it_is_made_once_whatever_breaks(
    house: House, graph: Team, maker: GraphChannels, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    graph.faults = faults
    name = f"inc-1-{datetime.now(UTC):%Y-%m-%d}"
    graph.channels.append({"displayName": name.upper(), "description": "somebody else's", "webUrl": ""})
    await house.fires("Login")
    await tell(house, outbox_of(house, maker), Claim(), MakeChannel(), MakeChannel())
    assert [each["displayName"] for each in graph.channels[1:]] == [f"{name}-2"]
    incident = await incidents.load(1)
    assert (incident.channel_name, incident.channel_url) == (f"{name}-2", "https://teams.example/1")
    assert "https://teams.example/1" in house.teams.seen("19:devs")


async def test_what_is_needed_is_said_where_it_is_forbidden(
    house: House, graph: Team, maker: GraphChannels
) -> None:
    graph.faults = ["forbidden"]
    await house.fires("Login")
    await tell(house, outbox_of(house, maker), Claim())
    await house.say(INCIDENT, "channel")
    assert "Channel.Create.Group" in read(house)
    assert not (await incidents.load(1)).channel_name


async def test_nothing_is_made_where_it_is_not_set_up_or_private(house: House, graph: Team) -> None:
    await house.fires("Login")
    await tell(house, outbox_of(house, None), Claim(), MakeChannel())
    assert "set teams.group_id" in read(house)
    await house.asks(MarkPrivate())
    assert (await house.asks(MakeChannel())).refusal is not None
    assert graph.channels == []


async def test_names_are_as_teams_takes_them(house: House, graph: Team, maker: GraphChannels) -> None:
    house.around.process = replace(house.around.process, channel_name="fire: #{id}/{date} " + "x" * 60)
    await house.fires("Login")
    await tell(house, outbox_of(house, maker), Claim(), MakeChannel())
    (made,) = graph.channels
    assert len(made["displayName"]) == 50
    assert made["displayName"].startswith("fire 1")
    assert not set("#:/") & set(made["displayName"])


async def test_it_is_offered_once_for_the_named_urgencies_and_made_when_confirmed(
    house: House, graph: Team, maker: GraphChannels
) -> None:
    house.around.process = replace(house.around.process, channel_for=("urgent",))
    await house.fires("Login")
    mild = Assess({}, "resolve_internally", "one team")
    await tell(house, outbox_of(house, maker), Claim(), mild)
    assert "Make the channel" not in house.teams.seen("19:devs")
    await tell(
        house, house.outbox, Assess({}, "urgent", "everyone is out"), mild, Assess({}, "urgent", "all of them")
    )
    offers = [json.dumps(said.card) for _, said in house.teams.replies if said.card is not None]
    assert len([each for each in offers if "Make the channel" in each]) == 1
    assert graph.channels == []
    for _ in range(2):
        await house.press(INCIDENT, "channel")
    await tell(house, house.outbox)
    assert len(graph.channels) == 1


async def test_a_private_one_is_offered_none(house: House, graph: Team, maker: GraphChannels) -> None:
    house.around.process = replace(house.around.process, channel_for=("urgent",))
    await house.fires("Login")
    await tell(house, outbox_of(house, maker), MarkPrivate(), Claim(), Assess({}, "urgent", "a key is out"))
    assert "Make the channel" not in json.dumps([str(said.card) for _, said in house.teams.replies])
