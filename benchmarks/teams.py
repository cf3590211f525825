"""A stand-in for the Bot Connector that keeps Teams' limits and remembers what was posted."""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.botframework import serving

WINDOWS = ((1.0, 7), (2.0, 8), (30.0, 60))
"""Seconds, and how many messages one bot may send in one conversation within them."""
CHANNEL = "19:devs@thread.tacv2"
_INCIDENT = re.compile(r"Incident (\d+):")
_DIGEST = re.compile(r"(\d+) more new candidates")


@dataclass
class Conversation:
    """What was accepted in one conversation, and when."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOWS[-1][1]))

    def too_soon(self, now: float) -> bool:
        """Tell whether one more message breaks a limit."""
        times = list(self.times)
        return any(len(times) >= most and now - times[-most] < seconds for seconds, most in WINDOWS)


@dataclass
class LimitedConnector:
    """Answers 429 to what comes too soon.

    Attributes:
        incidents: The incidents whose cards were posted, in order.
        digests: How many candidates each posted or updated digest card speaks of.
        refused: How many requests broke a limit.
    """

    conversations: dict[str, Conversation] = field(default_factory=dict)
    incidents: list[int] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            if "pagedmembers" in request.path:
                return web.json_response({"members": []})
            return web.json_response({"conversations": [{"id": CHANNEL, "name": "Devs"}]})
        body = await request.json()
        in_channel = request.path == "/v3/conversations"
        where = body["channelData"]["channel"]["id"] if in_channel else request.path.split("/")[3]
        conversation = self.conversations.setdefault(where, Conversation())
        now = time.monotonic()
        if conversation.too_soon(now):
            self.refused += 1
            return web.json_response({}, status=429, headers={"Retry-After": "1"})
        conversation.times.append(now)
        self.accepted += 1
        self._keep(body["activity"] if in_channel else body, new=request.method == "POST")
        number = str(self.accepted)
        return web.json_response({"id": f"{CHANNEL};messageid={number}", "activityId": number}, status=201)

    def _keep(self, activity: dict[str, Any], *, new: bool) -> None:
        summary = str(activity.get("summary") or "")
        if found := _INCIDENT.match(summary):
            if new:
                self.incidents.append(int(found[1]))
        elif found := _DIGEST.match(summary):
            self.digests.append(int(found[1]))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LimitedConnector]:
        """Answer on loopback."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with serving(app) as self.url:
            yield self
