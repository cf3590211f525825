"""Claims and refreshes over real HTTP with a validated token, beside a bare echo on the SDK's own adapters."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from benchmarks.figures import Figure, median, on_core, percentile, processor_seconds
from demo.playground import free_port
from tests.support.botframework import APP_ID, TENANT, Issuer

ROUNDS, ONE_BY_ONE, AT_ONCE, WIDTH = 5, 120, 320, 16
WARM_UP = 20
CARDS, VIEWERS = 10, 60
CHANNEL = "19:0123456789abcdef0123456789abcdef@thread.tacv2"


def invoke(number: int, verb: str, who: int = 0) -> dict[str, Any]:
    """Return a press of a button on an incident's card, with all that Teams sends: about 1.4 kB."""
    data = {"wilson": 1, "do": verb, "incident": number}
    return {
        "name": "adaptiveCard/action",
        "type": "invoke",
        "timestamp": "2026-11-20T09:00:00.123Z",
        "localTimestamp": "2026-11-20T09:00:00.123+00:00",
        "localTimezone": "Europe/London",
        "id": f"f:{verb}-{number}-{who}",
        "channelId": "msteams",
        "serviceUrl": Issuer.service_url,
        "from": {"id": f"29:{who:064d}", "name": f"Person {who}", "aadObjectId": f"aad-{who}"},
        "conversation": {
            "isGroup": True,
            "conversationType": "channel",
            "tenantId": TENANT,
            "id": f"19:c@thread.tacv2;messageid={number}",
        },
        "recipient": {"id": f"28:{APP_ID}", "name": "Wilson"},
        "entities": [
            {
                "locale": "en-GB",
                "country": "GB",
                "platform": "Web",
                "timezone": "Europe/London",
                "type": "clientInfo",
            }
        ],
        "channelData": {
            "channel": {"id": CHANNEL},
            "team": {"id": CHANNEL},
            "tenant": {"id": TENANT},
            "source": {"name": "message"},
            "legacy": {"replyToId": f"1:{number:032d}"},
        },
        "replyToId": str(number),
        "value": {
            "action": {"type": "Action.Execute", "id": verb, "title": verb, "verb": verb, "data": data},
            "trigger": "manual",
        },
        "locale": "en-GB",
    }


@dataclass
class Server:
    """A server that is measured."""

    url: str
    pid: int
    times: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    pressed: int = 0

    def next(self) -> int:
        """Return the number of an incident that nobody pressed yet."""
        self.pressed += 1
        return self.pressed

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return median(self.times) * 1e3

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return percentile(self.times, 0.99) * 1e3

    def __str__(self) -> str:
        cost = f", {median(self.costs) * 1e6:.0f} µs of processor each" if any(self.costs) else ""
        return f"{median(self.rates):.0f}/s{cost}"


@contextlib.asynccontextmanager
async def server(*arguments: str) -> AsyncIterator[Server]:
    """Have a server run in a process of its own."""
    port = free_port()
    kind, *rest = arguments
    command = (sys.executable, "-m", "benchmarks.server", kind, str(port), *rest)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ)
    )
    url = f"http://127.0.0.1:{port}/api/messages"
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                if process.returncode is not None:
                    raise RuntimeError(f"the server {kind} ended at once")
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.post(url, json={}):
                        break
                await asyncio.sleep(0.1)
        yield Server(url, process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Client:
    """Presses buttons on the last core."""

    def __init__(self, token: str, session: aiohttp.ClientSession) -> None:
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._session = session

    async def press(self, server: Server, body: dict[str, Any]) -> float:
        """Return how long the answer took."""
        data = json.dumps(body)
        began = time.perf_counter()
        async with self._session.post(server.url, data=data, headers=self._headers) as answer:
            text = await answer.text()
        took = time.perf_counter() - began
        assert answer.status == 200, (answer.status, text[:200])
        assert "AdaptiveCard" in text, text[:300]
        return took

    async def at_once(self, server: Server, bodies: list[dict[str, Any]], width: int) -> float:
        """Return how many a second."""
        waiting = iter(bodies)

        async def worker() -> None:
            for body in waiting:
                await self.press(server, body)

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(width)))
        return len(bodies) / (time.perf_counter() - began)

    async def measure(self, server: Server, verb: str, share: float) -> None:
        """Measure one round: one by one, and then many at once. ``share`` makes it shorter."""
        for _ in range(round(ONE_BY_ONE * share)):
            server.times.append(await self.press(server, invoke(server.next(), verb)))
        bodies = [invoke(server.next(), verb) for _ in range(round(AT_ONCE * share))]
        worked = processor_seconds(server.pid)
        server.rates.append(await self.at_once(server, bodies, WIDTH))
        server.costs.append((processor_seconds(server.pid) - worked) / len(bodies))


async def clicks() -> list[Figure]:
    """Measure claims and both echoes in turns, then the burst of refreshes."""
    figures: list[Figure] = []
    candidates = -(-(WARM_UP + ROUNDS * (ONE_BY_ONE + AT_ONCE)) // 100) * 100
    async with contextlib.AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(Issuer().running())
        metadata, token = f"{issuer.url}/metadata", issuer.token(exp=int(time.time()) + 3600)
        servers: dict[str, Server] = {}
        for kind in ("framework", "cloud"):
            try:
                servers[kind] = await stack.enter_async_context(server(kind, metadata))
            except (RuntimeError, TimeoutError) as error:
                figures.append(Figure(f"echo on the SDK's {kind} adapter", f"floor not available: {error}"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers["wilson"] = await stack.enter_async_context(server("wilson", metadata, folder, str(candidates)))
        on_core(last=True)
        connector = aiohttp.TCPConnector(limit=0)
        client = Client(token, await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
        verbs = {kind: "claim" if kind == "wilson" else "echo" for kind in servers}
        for kind, each in servers.items():
            for _ in range(WARM_UP):
                await client.press(each, invoke(each.next(), verbs[kind]))
        for _ in range(ROUNDS):
            for kind, each in servers.items():
                await client.measure(each, verbs[kind], 0.25 if kind == "cloud" else 1)
        bursts = []
        for _ in range(3):
            burst = [invoke(number + 1, "refresh", who) for number in range(CARDS) for who in range(VIEWERS)]
            began = time.perf_counter()
            await asyncio.gather(*(client.press(servers["wilson"], body) for body in burst))
            bursts.append(time.perf_counter() - began)
    return figures + _claims(servers) + [_refreshes(bursts)]


def _claims(servers: dict[str, Server]) -> list[Figure]:
    ours, first, second = servers["wilson"], servers.get("framework"), servers.get("cloud")
    named = [(name, each) for name, each in (("BotFrameworkAdapter", first), ("CloudAdapter", second)) if each]
    within = ours.p50 <= 2.5 * first.p50 and ours.p50 < second.p50 if first and second else None
    rate = median(ours.rates)
    return [
        Figure(
            f"claim, signed token to commit, {WIDTH} at once",
            str(ours),
            "; ".join(f"echo on {name} {each}" for name, each in named),
            "; ".join(f"{rate / median(each.rates):.2f}" for _, each in named),
            "≥ 500/s",
            rate >= 500,
        ),
        Figure(
            "claim, one by one: p50",
            f"{ours.p50:.2f} ms",
            "; ".join(f"{name} {each.p50:.2f} ms" for name, each in named),
            "; ".join(f"{ours.p50 / each.p50:.2f}" for _, each in named),
            "≤ 2.5 × the first, below the second",
            within,
        ),
        Figure(
            "claim, one by one: p99",
            f"{ours.p99:.2f} ms",
            "; ".join(f"{name} {each.p99:.2f} ms" for name, each in named),
            "; ".join(f"{ours.p99 / each.p99:.2f}" for _, each in named),
            "≤ 15 ms",
            ours.p99 <= 15,
        ),
    ]


def _refreshes(bursts: list[float]) -> Figure:
    return Figure(
        f"{CARDS * VIEWERS} refreshes at once ({VIEWERS} viewers, {CARDS} cards), slowest of {len(bursts)} bursts",
        f"{max(bursts):.2f} s",
        "",
        "",
        "≤ 1.5 s",
        max(bursts) <= 1.5,
    )
