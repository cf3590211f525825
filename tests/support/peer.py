"""A Teams of the tests' own on loopback: it keeps what the bot posts, and speaks and clicks as several people."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from demo.people import DEVS_CHANNEL, GENERAL_CHANNEL, TEAMMATES, VIEWER, Teammate
from tests.support.botframework import TENANT, serving

TEAM_ID, GENERAL_ID, DEVS_ID = "19:team", "19:team", "19:devs"
PATIENCE = 30.0


@dataclass
class Post:
    """One message in a channel with what was said under it; ``body`` is its newest state."""

    conversation: str
    activity: str
    channel: str
    body: dict[str, Any]
    replies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything that stands on it."""
        return json.dumps(self.body, ensure_ascii=False)

    @property
    def said(self) -> str:
        """Everything that stands under it."""
        return json.dumps(self.replies, ensure_ascii=False)


class Peer:
    """Channels, people and their messages."""

    def __init__(self, channels: Sequence[tuple[str, str | None]] = ((DEVS_ID, DEVS_CHANNEL),)) -> None:
        self.channels = [(GENERAL_ID, None), *channels]
        self.posts: list[Post] = []
        self.url = ""
        self.bot_url = ""
        self._number = itertools.count(1_000)

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        path = request.path
        if path.endswith("/v3/conversations"):
            number = str(next(self._number))
            channel = body["channelData"]["channel"]["id"]
            post = Post(f"{channel};messageid={number}", number, channel, body["activity"])
            self.posts.append(post)
            return web.json_response({"id": post.conversation, "activityId": number})
        if "/v3/teams/" in path:
            found = [{"id": key, "name": name} for key, name in self.channels]
            return web.json_response({"conversations": found})
        if "pagedmembers" in path:
            members = [
                {"id": each.id, "aadObjectId": each.aad_object_id, "name": each.name}
                for each in (VIEWER, *TEAMMATES)
            ]
            return web.json_response({"members": members})
        conversation = request.path.split("/v3/conversations/")[1].split("/activities")[0]
        found_post = next((each for each in self.posts if each.conversation == conversation), None)
        if found_post is None:
            found_post = Post(conversation, "", conversation, {})
            self.posts.append(found_post)
        if request.method == "PUT":
            found_post.body = body
            return web.json_response({"id": found_post.activity})
        found_post.replies.append(body)
        return web.json_response({"id": str(next(self._number))})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Peer]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(app) as self.url:
            yield self

    async def _send(self, who: Teammate, conversation: str, **more: Any) -> Any:
        body = {
            "serviceUrl": self.url,
            "channelId": "msteams",
            "id": str(next(self._number)),
            "from": {"id": who.id, "aadObjectId": who.aad_object_id, "name": who.name},
            "recipient": {"id": "28:bot", "name": "Wilson"},
            "conversation": {"id": conversation, "tenantId": TENANT, "conversationType": "channel"},
            "channelData": {"tenant": {"id": TENANT}, "team": {"id": TEAM_ID, "name": "Wilson"}},
            **more,
        }
        async with aiohttp.ClientSession() as session, session.post(self.bot_url, json=body) as answer:
            assert answer.status in (200, 201, 202), await answer.text()
            text = await answer.text()
        return json.loads(text) if text else None

    async def install(self) -> None:
        """Add the bot to the team, and wait until it knows its channel."""
        await self._send(VIEWER, TEAM_ID, type="installationUpdate", action="add")
        await self.until(lambda: any("Wilson is here" in each.text for each in self.posts))

    async def say(
        self, text: str, who: Teammate = VIEWER, *, under: Post | None = None, to: Sequence[Teammate] = ()
    ) -> None:
        """Say something to the bot, in a thread or in the channel. ``to`` are mentioned where ``{0}`` … stands."""
        mentions = [
            {"type": "mention", "text": f"<at>{each.name}</at>", "mentioned": {"id": each.id, "name": each.name}}
            for each in to
        ]
        bot = {"type": "mention", "text": "<at>Wilson</at>", "mentioned": {"id": "28:bot", "name": "Wilson"}}
        filled = text.format(*(each["text"] for each in mentions)) if mentions else text
        conversation = under.conversation if under is not None else DEVS_ID
        await self._send(
            who, conversation, type="message", text=f"<at>Wilson</at> {filled}", entities=[bot, *mentions]
        )

    async def click(self, post: Post, data: dict[str, Any], who: Teammate = VIEWER) -> str:
        """Press a button of a card. Returns what the one who pressed sees, as JSON text."""
        answer = await self._send(
            who,
            post.conversation,
            type="invoke",
            name="adaptiveCard/action",
            replyToId=post.activity,
            value={"action": {"type": "Action.Execute", "data": {"wilson": 1} | data}},
        )
        return json.dumps(answer, ensure_ascii=False)

    async def post(self, holding: str) -> Post:
        """Return the newest message whose card or text holds that, once it is there."""
        await self.until(lambda: any(holding in each.text for each in self.posts), f"a post with {holding!r}")
        return next(each for each in reversed(self.posts) if holding in each.text)

    async def hears(self, post: Post, text: str) -> None:
        """Wait until that is said under a post."""
        await self.until(lambda: text in post.said, f"{text!r} under {post.text[:200]}; said: {post.said[-1500:]}")

    async def shows(self, post: Post, text: str) -> None:
        """Wait until that stands on a post."""
        await self.until(lambda: text in post.text, f"{text!r} on {post.text[:3000]}")

    async def until(self, holds: Callable[[], bool], what: str = "") -> None:
        """Wait until that holds."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"did not come: {what}") from None


__all__ = ["DEVS_CHANNEL", "GENERAL_CHANNEL", "Peer", "Post"]
