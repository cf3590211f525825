"""The harness itself, against a bot of a few lines: so that a red acceptance test means Wilson."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from demo.people import DEVS_CHANNEL, DEVS_CHANNEL_ID, TEAMMATES, VIEWER
from demo.playground import free_port
from tests.support.playground import CARD, Client, until

pytestmark = pytest.mark.acceptance
Start = Callable[[str], Awaitable[Client]]


def card(title: str) -> dict[str, Any]:
    choices = [{"title": "Fast", "value": "f"}, {"title": "Slow", "value": "s"}]
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [
            {"type": "TextBlock", "text": title},
            {"type": "Input.Text", "id": "why", "label": "Why"},
            {"type": "Input.Number", "id": "users", "label": "Users"},
            {"type": "Input.ChoiceSet", "id": "how", "label": "How", "choices": choices},
            {"type": "Input.Toggle", "id": "sure", "title": "I am sure"},
        ],
        "actions": [{"type": "Action.Execute", "title": "Claim", "verb": "claim", "data": {"incident": 7}}],
    }


class EchoBot:
    """Posts a card when it is installed in a channel, answers a click with a new card, echoes what is said."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/api/messages"
        self.heard: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.heard.append(activity)
        service, conversation = activity["serviceUrl"], activity["conversation"]["id"]
        if activity["type"] == "installationUpdate" and conversation == DEVS_CHANNEL_ID:
            attachment = {"contentType": CARD, "content": card("Disk full")}
            await self.post(service, conversation, {"type": "message", "attachments": [attachment]})
        elif activity["type"] == "message":
            await self.post(service, conversation, {"type": "message", "text": f"You said {activity['text'][-6:]}"})
        elif activity["type"] == "invoke":
            content = card(f"Disk full, claimed by {activity['from']['name']}")
            return web.json_response({"statusCode": 200, "type": CARD, "value": content})
        return web.Response()

    async def post(self, service: str, conversation: str, activity: dict[str, Any]) -> None:
        url = f"{service}/v3/conversations/{conversation}/activities"
        async with aiohttp.ClientSession() as session, session.post(url, json=activity) as answer:
            assert answer.status < 300


@pytest.fixture
async def bot() -> AsyncIterator[EchoBot]:
    echo = EchoBot()
    app = web.Application()
    app.router.add_post("/api/messages", echo.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(echo.url.split(":")[2].split("/")[0])).start()
    yield echo
    await runner.cleanup()


async def test_card_is_filled_clicked_and_replaced_while_two_people_talk(
    bot: EchoBot, playground: Start, tmp_path: Path
) -> None:
    client = await playground(bot.url)
    await client.open_channel(DEVS_CHANNEL)
    thread = client.thread("Disk full")
    await thread.shows("Disk full")
    assert await thread.card.buttons() == ["Claim"]

    # This client empties text inputs when something is chosen from a list that drops down: so choose first.
    await thread.card.fill({"How": "Slow", "Why": "it is real", "Users": 3, "I am sure": True})
    await thread.card.click("Claim")
    await thread.card.shows(f"claimed by {VIEWER.name}")
    [clicked] = [a["value"]["action"]["data"] for a in bot.heard if a["type"] == "invoke"]
    assert clicked["incident"] == 7
    assert {k: str(clicked[k]) for k in ("why", "users", "how", "sure")} == {
        "why": "it is real",
        "users": "3",
        "how": "s",
        "sure": "true",
    }

    await thread.say("status")
    await thread.shows("You said status")
    await client.say("report")
    await client.shows("You said report")

    sana = client.colleague(TEAMMATES[0])
    post = client.tap.post("Disk full")
    answer = await sana.click(post, "Claim", {"why": "me too"})
    assert answer is not None
    assert "claimed by Sana Iqbal" in str(answer["value"])
    picture = tmp_path / "page.png"
    await client.screenshot(picture)
    assert picture.stat().st_size > 5000


async def test_playground_is_reachable_on_loopback_only(bot: EchoBot, playground: Start) -> None:
    client = await playground(bot.url)
    port = client.playground.port
    outside = _address_of_this_machine()
    if outside is None:
        pytest.skip("this machine has no address but loopback")
    with pytest.raises(OSError), socket.create_connection((outside, port), timeout=2):  # noqa: PT011
        pass
    await until(lambda: any(a["type"] == "installationUpdate" for a in bot.heard))


def _address_of_this_machine() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it asks which address would be used
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address
