"""Claims and refreshes over real HTTP with a validated token, beside a bare echo on the SDK's own adapters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from benchmarks.figures import Figure, percentile
from demo.playground import free_port
from tests.support.botframework import APP_ID, TENANT, Issuer

CLAIMS, ONE_BY_ONE = 1200, 400


def invoke(number: int, verb: str, who: int = 0) -> dict[str, Any]:
    """Return a press of a button on an incident's card."""
    return {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "id": f"{verb}-{number}-{who}",
        "channelId": "msteams",
        "serviceUrl": Issuer.service_url,
        "from": {"id": f"29:p{who}", "aadObjectId": f"aad-{who}", "name": f"Person {who}"},
        "recipient": {"id": f"28:{APP_ID}", "name": "Wilson"},
        "conversation": {"id": f"19:c@thread.tacv2;messageid={number}", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
        "replyToId": str(number),
        "value": {"action": {"type": "Action.Execute", "data": {"wilson": 1, "do": verb, "incident": number}}},
    }


@contextlib.asynccontextmanager
async def server(*arguments: str) -> AsyncIterator[str]:
    """Have a server run in a process of its own. Yields its address."""
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
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Load:
    """Presses buttons and keeps the times."""

    def __init__(self, url: str, token: str, session: aiohttp.ClientSession) -> None:
        self.url, self.session = url, session
        self.headers = {"Authorization": f"Bearer {token}"}
        self.times: list[float] = []

    async def press(self, body: dict[str, Any]) -> None:
        began = time.perf_counter()
        async with self.session.post(self.url, json=body, headers=self.headers) as answer:
            text = await answer.text()
        assert answer.status == 200, (answer.status, text[:200])
        assert "AdaptiveCard" in text, text[:300]
        self.times.append(time.perf_counter() - began)

    async def side_by_side(self, bodies: list[dict[str, Any]], width: int) -> float:
        """Return how many a second."""
        waiting = iter(bodies)

        async def worker() -> None:
            for body in waiting:
                await self.press(body)

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(width)))
        return len(bodies) / (time.perf_counter() - began)


async def measured(url: str, token: str, body: Callable[[int], dict[str, Any]]) -> tuple[list[float], float]:
    """Return the times one by one, and how many a second with sixteen at once."""
    async with aiohttp.ClientSession() as session:
        load = Load(url, token, session)
        for number in range(1, ONE_BY_ONE + 1):
            await load.press(body(number))
        times, load.times = load.times[20:], []
        rate = await load.side_by_side([body(number) for number in range(ONE_BY_ONE + 1, CLAIMS + 1)], 16)
    return times, rate


async def clicks() -> list[Figure]:
    """Measure claims, the echo on both stock adapters, and the burst of refreshes."""
    figures: list[Figure] = []
    floors: dict[str, tuple[float, float]] = {}
    async with Issuer().running() as issuer:
        metadata, token = f"{issuer.url}/metadata", issuer.token(exp=int(time.time()) + 3600)
        for kind in ("framework", "cloud"):
            try:
                async with server(kind, metadata) as url:
                    times, rate = await measured(url, token, lambda number: invoke(number, "echo"))
                floors[kind] = (percentile(times, 0.5) * 1e3, rate)
            except (RuntimeError, TimeoutError, AssertionError) as error:
                figures.append(Figure(f"echo on the stock {kind} adapter", f"not available: {error!r}"[:120]))
        with tempfile.TemporaryDirectory() as folder:
            async with server("wilson", metadata, folder, str(CLAIMS)) as url:
                times, rate = await measured(url, token, lambda number: invoke(number, "claim"))
                async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                    load = Load(url, token, session)
                    burst = [invoke(number, "refresh", who) for number in range(1, 11) for who in range(60)]
                    began = time.perf_counter()
                    await asyncio.gather(*(load.press(body) for body in burst))
                    took = time.perf_counter() - began
    p50, p99 = percentile(times, 0.5) * 1e3, percentile(times, 0.99) * 1e3
    first, second = floors.get("framework"), floors.get("cloud")
    beside = "; ".join(f"{kind} p50 {value[0]:.2f} ms, {value[1]:.0f}/s" for kind, value in floors.items())
    figures += [
        Figure(
            "claim, signed token to commit: per second, 16 at once", f"{rate:.0f}", beside, "≥ 500", rate >= 500
        ),
        Figure(
            "claim, one by one: p50",
            f"{p50:.2f} ms",
            f"ratio {p50 / first[0]:.2f}" if first else "",
            "≤ 2.5 × the first, below the second",
            bool(first and second and p50 <= 2.5 * first[0] and p50 < second[0]),
        ),
        Figure("claim, one by one: p99", f"{p99:.2f} ms", "", "≤ 15 ms", p99 <= 15),
        Figure("600 refreshes at once", f"{took:.2f} s", "", "≤ 1.5 s", took <= 1.5),
    ]
    return figures
