"""Activities as Teams sends them, from real HTTP to the record."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.adapters.rota_file import NoRota
from bot.adapters.teams import TeamsAdapter
from bot.surroundings import Surroundings
from bot.web import make_app
from models import directory, queue
from models.domain.people import Person
from models.domain.process_building import read_process
from models.operations import incidents
from models.settings import Teams
from tests.integration.test_clicks import posted
from tests.support.botframework import serving
from tests.support.handling import activities_of

BOT = {"id": "28:bot", "name": "Wilson"}
TEAM = {"tenant": {"id": "T"}, "team": {"id": "19:team", "name": "Identity"}}
MENTION = [{"type": "mention", "mentioned": BOT, "text": "<at>Wilson</at>"}]


class Bot:
    def __init__(self, url: str, session: aiohttp.ClientSession, surroundings: Surroundings) -> None:
        self.url, self.session, self.process = url, session, surroundings.process
        self.surroundings = surroundings

    async def send(self, **changes: Any) -> tuple[int, str]:
        body: dict[str, Any] = {
            "serviceUrl": "http://localhost:1/c",
            "channelId": "msteams",
            "id": "1",
            "from": {"id": "29:ada", "aadObjectId": "aad-ada", "name": "Ada Example"},
            "recipient": BOT,
            "conversation": {"id": "19:devs@thread.tacv2;messageid=100", "tenantId": "T"},
            "channelData": TEAM,
        } | changes
        async with self.session.post(f"{self.url}/api/messages", json=body) as answer:
            return answer.status, await answer.text()

    async def say(self, text: str, **changes: Any) -> None:
        more = {"type": "message", "text": f"<at>Wilson</at>&nbsp;{text}", "entities": MENTION} | changes
        assert (await self.send(**more))[0] == 200


@pytest.fixture
async def bot(connected: str) -> AsyncIterator[Bot]:
    file = Path("models/processes/wilson.toml")
    around = Surroundings(read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name), NoRota())
    await around.refresh()

    async def nothing() -> Any:
        return ""

    handler = activities_of(around)
    app = make_app(TeamsAdapter(Teams(auth="disabled")), handler, readiness=nothing, metrics=nothing)
    async with serving(app) as url, aiohttp.ClientSession() as session:
        yield Bot(url, session, around)


async def answers() -> list[str]:
    return [str(item.effect) for item in await queue.waiting() if item.kind == "Answer"]


async def test_installing_remembers_the_team_and_removing_is_respected(bot: Bot) -> None:
    await bot.send(type="installationUpdate", action="add")
    (team,) = await directory.installations()
    assert (team.team_id, team.tenant_id, team.service_url) == ("19:team", "T", "http://localhost:1/c")
    assert [item.kind for item in await queue.waiting()] == ["LearnTeam"]
    await bot.send(type="installationUpdate", action="remove")
    assert await directory.installations() == []


async def test_being_added_as_a_member_is_installing_too(bot: Bot) -> None:
    await bot.send(type="conversationUpdate", membersAdded=[BOT])
    assert len(await directory.installations()) == 1
    await bot.send(type="conversationUpdate", membersRemoved=[BOT])
    assert await directory.installations() == []


async def test_a_renamed_channel_is_looked_for_again(bot: Bot) -> None:
    await bot.send(type="installationUpdate", action="add")
    (item,) = await queue.lease(2**50, lease_ms=1, limit=9)
    await queue.settle(item)
    renamed = TEAM | {"eventType": "channelRenamed"}
    await bot.send(type="conversationUpdate", channelData=renamed)
    assert [item.kind for item in await queue.waiting()] == ["LearnTeam"]


async def test_a_message_delivered_twice_has_its_effect_once(bot: Bot) -> None:
    number = await posted(bot.process)
    for _ in range(3):
        await bot.say("note the disk is full", id="m1")
    from models import store

    noted = [entry for entry in await store.timeline(number) if entry.verb == "noted"]
    assert len(noted) == 1
    assert len(await answers()) == 1


async def test_people_talking_to_each_other_are_left_alone(bot: Bot) -> None:
    number = await posted(bot.process)
    await bot.send(type="message", text="I think it was the deployment, wasn't it?", entities=[])
    assert await answers() == []
    await bot.send(type="message", text="claim", entities=[], id="2")
    assert (await incidents.load(number)).owner is not None


async def test_a_client_that_can_only_submit_is_served(bot: Bot) -> None:
    number = await posted(bot.process)
    submit = {"type": "message", "value": {"wilson": 1, "do": "claim"}, "replyToId": "100"}
    assert (await bot.send(**submit))[0] == 200
    assert (await incidents.load(number)).owner is not None
    await bot.send(**submit | {"value": {"wilson": 1, "do": "open", "form": "note"}, "id": "2"})
    (answer,) = await answers()
    assert "AdaptiveCard" in answer


async def test_a_press_is_answered_with_the_card(bot: Bot) -> None:
    await posted(bot.process)
    value = {"action": {"type": "Action.Execute", "data": {"wilson": 1, "do": "claim"}}}
    status, text = await bot.send(type="invoke", name="adaptiveCard/action", replyToId="100", value=value)
    assert status == 200
    assert '"type":"application/vnd.microsoft.card.adaptive"' in text
    assert "Ada Example" in text


@pytest.mark.parametrize("value", [None, "x", {}, {"action": "x"}, {"action": {"data": []}}], ids=str)
async def test_a_press_that_makes_no_sense_is_answered_in_words(bot: Bot, value: object) -> None:
    status, text = await bot.send(type="invoke", name="adaptiveCard/action", replyToId="100", value=value)
    assert status == 200
    assert "application/vnd.microsoft.activity.message" in text


async def test_an_unknown_invoke_is_not_implemented(bot: Bot) -> None:
    assert (await bot.send(type="invoke", name="composeExtension/query"))[0] == 501


async def test_what_is_of_no_interest_is_taken_quietly(bot: Bot) -> None:
    assert (await bot.send(type="typing"))[0] == 200
    assert await queue.waiting() == []


STRANGERS = {"channelData": {"tenant": {"id": "T"}, "team": {"id": "19:others", "name": "Others"}}} | {
    "conversation": {"id": "19:lounge@thread.tacv2", "tenantId": "T"}
}


@pytest.fixture
async def at_home(bot: Bot) -> Bot:
    await bot.send(type="installationUpdate", action="add")
    await directory.channels_found("19:team", "19:devs@thread.tacv2", None)
    return bot


@pytest.mark.parametrize("command", ["oncall", "list", "report", "incident Login is down", "oncall swap"])
async def test_a_stranger_elsewhere_is_not_answered(at_home: Bot, command: str) -> None:
    await at_home.say(command, id="s1", **STRANGERS)
    (answer,) = await answers()
    assert "I answer in the team that I work for" in answer
    assert await incidents.unfinished() == []
    assert await directory.people() == []


async def test_a_stranger_elsewhere_declares_nothing_with_a_button(at_home: Bot) -> None:
    data = {"wilson": 1, "do": "declare", "title": "Login is down"}
    value = {"action": {"type": "Action.Execute", "data": data}}
    status, text = await at_home.send(type="invoke", name="adaptiveCard/action", value=value, **STRANGERS)
    assert status == 200
    assert "I answer in the team that I work for" in text
    assert await incidents.unfinished() == []


async def test_somebody_whom_the_roster_knows_is_answered_elsewhere(at_home: Bot) -> None:
    await directory.remember_people([Person("aad-ada", "Ada Example", "29:ada")])
    await at_home.surroundings.refresh()
    await at_home.say("list", id="s1", conversation={"id": "a:chat"}, channelData={"tenant": {"id": "T"}})
    (answer,) = await answers()
    assert "I answer in the team" not in answer


async def test_whoever_speaks_in_the_team_is_answered_and_known(at_home: Bot) -> None:
    await at_home.say("list", id="s1", conversation={"id": "19:general@thread.tacv2"})
    (answer,) = await answers()
    assert "I answer in the team" not in answer
    assert [each.name for each in await directory.people()] == ["Ada Example"]
