"""Drives the Playground as people would: one in the browser, others by their own activities.

::

    async with teams(bot_url, browser, tmp_path) as client:
        await client.open_channel("Wilson - Devs")
        thread = client.thread("CPU utilization")
        await thread.card.fill({"Reason": "looks real", "Users": 3, "How": "Fast", "I am sure": True})
        await thread.card.click("Claim")
        await thread.shows("claimed by Robin Achterberg")
        await thread.say("status")                       # with the @mention, in the thread
        await client.say("list")                         # with the @mention, as a new post
        sana = client.colleague(TEAMMATES[0])
        answer = await sana.click(client.tap.post("CPU utilization"), "Claim")
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import aiohttp
from aiohttp import web
from playwright.async_api import Browser, Locator, Page, expect

from demo.people import BOT_ID, BOT_NAME, DEVS_CHANNEL_ID, TEAM_ID, TENANT_ID, Teammate
from demo.playground import Playground, free_port

Json = dict[str, Any]
PATIENCE = 45.0
CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True)
class Post:
    """A card or message that the bot posted: its newest content and where it stands."""

    conversation: str
    activity_id: str
    activity: Json

    @property
    def card(self) -> Json:
        """The Adaptive Card."""
        return next(a["content"] for a in self.activity.get("attachments", []) if a["contentType"] == CARD)

    @property
    def text(self) -> str:
        """Everything that it holds, as JSON."""
        return json.dumps(self.activity, ensure_ascii=False)

    def action(self, title: str) -> Json:
        """The button of this title, wherever in the card it is."""
        found = [a for a in _objects(self.card) if a.get("title") == title and "Action." in str(a.get("type"))]
        assert found, f"no button {title!r} on {self.text}"
        return found[0]


@dataclass
class Tap:
    """Stands between the Playground and the bot, and notes what passes in both directions.

    Attributes:
        port: Where it listens.
        bot_url: The bot's ``/api/messages``.
        connector_url: The Playground's connector; known once it has started.
        received: Activities that went to the bot, with the status and body of its answer.
        sent: Requests of the bot to the connector: method, path, body, status.
        faults: Answers to give to the bot's next requests instead of passing them on, oldest first.
    """

    bot_url: str
    port: int = field(default_factory=free_port)
    connector_url: str = ""
    received: list[tuple[Json, int, Json | None]] = field(default_factory=list)
    sent: list[tuple[str, str, Json | None, int]] = field(default_factory=list)
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    _posts: dict[str, Post] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """What the Playground takes for the bot."""
        return f"http://127.0.0.1:{self.port}/api/messages"

    @property
    def service_url(self) -> str:
        """What the bot takes for the Bot Connector."""
        return f"http://127.0.0.1:{self.port}/_connector"

    @property
    def posts(self) -> list[Post]:
        """What the bot posted, oldest first, each as it was last updated."""
        return list(self._posts.values())

    def post(self, text: str) -> Post:
        """The newest post of the bot that holds this text and a card."""
        found = [post for post in self.posts if text in post.text and CARD in post.text]
        assert found, f"no card holds {text!r}; there are {[post.text[:200] for post in self.posts]}"
        return found[-1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Tap"]:
        """Listen, for as long as the context lasts."""
        async with aiohttp.ClientSession() as self._session:
            app = web.Application(client_max_size=8 * 2**20)
            app.router.add_route("*", "/api/messages", self._to_bot)
            app.router.add_route("*", "/_connector/{rest:.*}", self._to_connector)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", self.port).start()
                yield self
            finally:
                await runner.cleanup()

    async def deliver(self, activity: Json) -> tuple[int, Json | None]:
        """Hand an activity to the bot as if it came from the Playground."""
        async with self._session.post(self.bot_url, json=activity) as answer:
            body = await answer.read()
            told = json.loads(body) if body and "json" in answer.content_type else None
            self.received.append((activity, answer.status, told))
            return answer.status, told

    async def _to_bot(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405)
        try:
            status, told = await self.deliver(await request.json())
        except aiohttp.ClientError:
            return web.Response(status=502)
        return web.Response(status=status) if told is None else web.json_response(told, status=status)

    async def _to_connector(self, request: web.Request) -> web.Response:
        body = await request.read()
        asked: Json | None = json.loads(body) if body else None
        path = request.raw_path.removeprefix("/_connector")
        if self.faults:
            status, headers = self.faults.pop(0)
            self.sent.append((request.method, path, asked, status))
            return web.json_response({"error": {"code": "Injected"}}, status=status, headers=headers)
        async with self._session.request(
            request.method, self.connector_url + path, data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            told = await answer.read()
            self.sent.append((request.method, path, asked, answer.status))
            if answer.status < 300 and asked is not None:
                self._note(request.method, request.path, asked, json.loads(told) if told else {})
            return web.Response(status=answer.status, body=told, content_type=answer.content_type)

    def _note(self, method: str, path: str, asked: Json, told: Json) -> None:
        match = re.search(r"/v3/conversations(?:/([^/]+)/activities(?:/([^/]+))?)?/?$", path)
        if match is None or method not in ("POST", "PUT"):
            return
        conversation, target = match[1] or told.get("id", ""), match[2]
        if method == "PUT" and target in self._posts:
            self._posts[target] = Post(self._posts[target].conversation, target, asked)
        else:
            created = told.get("activityId") or told.get("id", "")
            self._posts[created] = Post(conversation, created, asked.get("activity", asked))


class Card:
    """A card on the page."""

    def __init__(self, root: Locator) -> None:
        self.root = root

    async def text(self) -> str:
        """What it shows."""
        return await self.root.inner_text()

    async def buttons(self) -> list[str]:
        """The titles of its buttons that can be seen."""
        found = self.root.locator(".ac-actionSet button, .ac-pushButton")
        return [name for button in await found.all() if (name := (await button.inner_text()).strip())]

    async def click(self, name: str) -> None:
        """Press the button of this name."""
        await self.root.get_by_role("button", name=name, exact=True).first.click()

    async def fill(self, values: Mapping[str, str | int | bool]) -> None:
        """Fill inputs by their labels: text, numbers, dates, choices (by what they show), toggles (``bool``)."""
        for label, value in values.items():
            await self._fill_one(label, value)

    async def shows(self, text: str | re.Pattern[str], seconds: float = PATIENCE) -> None:
        """Wait until it shows this text."""
        await expect(self.root).to_contain_text(text, timeout=seconds * 1000)

    async def _fill_one(self, label: str, value: str | int | bool) -> None:
        await self.root.get_by_text(label).first.wait_for()
        name = re.compile(rf"^\s*{re.escape(label)}\s*\*?\s*$")
        if isinstance(value, bool):
            await self.root.get_by_role("checkbox", name=label).first.set_checked(value)
            return
        choice = self.root.get_by_role("combobox", name=label)
        if await choice.count():
            await choice.first.click()
            await self.root.page.get_by_role("option", name=str(value), exact=True).first.click()
            return
        group = self.root.get_by_role("radiogroup", name=label)
        scope = group if await group.count() else self.root
        radio = scope.get_by_role("radio", name=str(value), exact=True)
        if await radio.count():
            await radio.first.check()
            return
        target = self.root.get_by_label(name)
        if not await target.count():
            target = self.root.get_by_label(label)
        await target.first.clear()
        await target.first.press_sequentially(str(value))
        await target.first.press("Tab")


class Thread:
    """A post in a channel, with its replies."""

    def __init__(self, root: Locator) -> None:
        self.root = root

    @property
    def card(self) -> Card:
        """Its first card."""
        return Card(self.root.locator(".ac-adaptiveCard").first)

    async def cards(self) -> list[Card]:
        """All its cards, the first included."""
        return [Card(found) for found in await self.root.locator(".ac-adaptiveCard").all()]

    async def text(self) -> str:
        """All that it shows, replies included."""
        return await self.root.inner_text()

    async def shows(self, text: str | re.Pattern[str], seconds: float = PATIENCE) -> None:
        """Wait until it shows this text, anywhere."""
        await expect(self.root).to_contain_text(text, timeout=seconds * 1000)

    async def banner(self) -> str:
        """The message that the last click was answered with."""
        found = self.root.get_by_label("Display Invoked Message")
        await found.last.wait_for()
        return await found.last.inner_text()

    async def say(self, text: str, *, mention: bool = True) -> None:
        """Reply in the thread. Without the mention the Playground does not hand it to the bot."""
        await _compose(self.root.locator("[contenteditable=true][role=textbox]"), text, mention)
        await self.root.get_by_role("button", name="Send Message").click()


class Colleague:
    """Somebody else of the team, without a browser: their activities go to the bot, its answers to the page."""

    def __init__(self, who: Teammate, tap: Tap) -> None:
        self.who = who
        self.tap = tap

    async def say(self, post: Post | str, text: str, *, mention: bool = True) -> None:
        """Reply in a thread (a post, or its conversation id)."""
        conversation = post if isinstance(post, str) else post.conversation
        at = f"<at>{BOT_NAME}</at>"
        mentioned = {"type": "mention", "mentioned": {"id": BOT_ID, "name": BOT_NAME}, "text": at}
        message = {
            "type": "message",
            "text": f"{at} {text}" if mention else text,
            "textFormat": "plain",
            "entities": [mentioned] if mention else [],
        }
        await self.send(conversation, message)

    async def click(self, post: Post, title: str, values: Json | None = None) -> Json | None:
        """Press a button of a card that the bot posted, with these input values (by input id).

        Returns:
            The bot's answer: ``statusCode``, ``type``, ``value``.
        """
        action = post.action(title)
        data = {**(action.get("data") or {}), **(values or {})}
        return await self.invoke(post, {**_without_looks(action), "data": data})

    async def refresh(self, post: Post) -> Json | None:
        """What Teams asks for those whom the card's ``refresh`` names."""
        return await self.invoke(post, _without_looks(post.card["refresh"]["action"]), trigger="automatic")

    async def invoke(self, post: Post, action: Json, trigger: str = "manual") -> Json | None:
        """Any ``adaptiveCard/action`` on a post."""
        value = {"action": {**action, "type": "Action.Execute"}, "trigger": trigger}
        invoke = {"type": "invoke", "name": "adaptiveCard/action", "replyToId": post.activity_id, "value": value}
        return await self.send(post.conversation, invoke)

    async def send(self, conversation: str, activity: Json) -> Json | None:
        """Any activity of theirs."""
        status, told = await self.tap.deliver({**self._envelope(conversation), **activity})
        assert status < 300, f"the bot answered {status}: {told}"
        return told

    def _envelope(self, conversation: str) -> Json:
        channel = conversation.partition(";")[0]
        return {
            "id": str(uuid.uuid4()),
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "channelId": "msteams",
            "serviceUrl": self.tap.service_url,
            "from": {"id": self.who.id, "name": self.who.name, "aadObjectId": self.who.aad_object_id},
            "recipient": {"id": BOT_ID, "name": BOT_NAME},
            "locale": "en-US",
            "conversation": {
                "isGroup": True,
                "conversationType": "channel",
                "tenantId": TENANT_ID,
                "id": conversation,
            },
            "channelData": {"tenant": {"id": TENANT_ID}, "team": {"id": TEAM_ID}, "channel": {"id": channel}},
        }


class Client:
    """The Playground's page in a browser."""

    def __init__(self, page: Page, playground: Playground, tap: Tap) -> None:
        self.page = page
        self.playground = playground
        self.tap = tap

    async def open_channel(self, name: str) -> None:
        """Show a channel. The first time, the Playground tells the bot that it was installed there."""
        await self.page.get_by_role("treeitem", name=name).click()
        await self.page.get_by_role("button", name="Post", exact=True).wait_for()

    @property
    def threads(self) -> Locator:
        """The posts that the page shows, newest first."""
        sending = self.page.get_by_role("button", name="Send Message")
        return self.page.locator("[role=group].fui-Card").filter(has=sending)

    def thread(self, text: str | re.Pattern[str]) -> Thread:
        """The newest post that shows this text."""
        return Thread(self.threads.filter(has_text=text).first)

    async def say(self, text: str, *, mention: bool = True) -> None:
        """Post in the channel that is shown."""
        await _compose(self.page.locator("[contenteditable=true][role=textbox]").first, text, mention)
        await self.page.get_by_role("button", name="Post", exact=True).click()

    async def shows(self, text: str | re.Pattern[str], seconds: float = PATIENCE) -> None:
        """Wait until some post shows this text."""
        await expect(self.threads.filter(has_text=text).first).to_be_visible(timeout=seconds * 1000)

    def colleague(self, who: Teammate) -> Colleague:
        """Somebody else of the team."""
        return Colleague(who, self.tap)

    async def screenshot(
        self, path: Path, *, theme: Literal["light", "dark"] = "light", width: int = 1280, height: int = 900
    ) -> None:
        """Save a picture of the page, without the Playground's log panel."""
        await self.page.set_viewport_size({"width": width, "height": height})
        hide = self.page.get_by_title("Hide log panel")
        if await hide.count():
            await hide.click()
        await self._wear(theme)
        path.parent.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=path, animations="disabled")
        await self._wear("light")

    async def _wear(self, theme: str) -> None:
        await self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")


@asynccontextmanager
async def teams(bot_url: str, browser: Browser, workdir: Path, *, cache: Path) -> AsyncIterator[Client]:
    """A Playground for this bot, and its page in the browser.

    The page connects once the bot answers, so start the bot first or soon after.
    """
    async with Tap(bot_url).running() as tap:
        playground = Playground(
            bot_url=tap.endpoint, workdir=workdir / "playground", cache=cache, service_url=tap.service_url
        )
        async with playground:
            tap.connector_url = playground.connector_url
            page = await browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE * 1000)
            await page.goto(playground.url)
            await page.get_by_role("treeitem").first.wait_for()
            try:
                yield Client(page, playground, tap)
            finally:
                await page.close()


async def until(condition: Any, seconds: float = PATIENCE) -> None:
    """Wait until a condition (a function without arguments) holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def _compose(box: Locator, text: str, mention: bool) -> None:
    await box.click()
    keyboard = box.page.keyboard
    if mention:
        await keyboard.type("@")
        name = re.compile(rf"^{BOT_NAME}$")
        await box.page.locator("[role=menuitem]").filter(has_text=name).click()
        await keyboard.type(" ")
    await keyboard.insert_text(text)


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _objects(part)


def _without_looks(action: Json) -> Json:
    return {key: action[key] for key in ("title", "verb", "id", "data") if key in action}


DEVS = DEVS_CHANNEL_ID
