"""The bot's own web server: messages of Teams, probes and figures."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.adapters.teams import BODY_LIMIT, TeamsAdapter
from bot.board.site import Board
from bot.hooks import Hook

log = logging.getLogger(__name__)

Readiness = Callable[[], Awaitable[Sequence[tuple[str, bool, str]]]]
Metrics = Callable[[], Awaitable[str]]


def make_app(
    adapter: TeamsAdapter,
    handler: Any,
    *,
    readiness: Readiness,
    metrics: Metrics,
    hook: Hook | None = None,
    board: Board | None = None,
) -> web.Application:
    """Return the web application.

    Args:
        adapter: Lets activities in.
        handler: The SDK's handler that answers them.
        readiness: What ``/readyz`` looks at: name, whether it is well, and what was found.
        metrics: Figures in Prometheus' text format.
        hook: Answers GitLab's webhook, where the tracker is GitLab.
        board: The pages that people read.
    """

    async def messages(request: web.Request) -> web.Response:
        return await adapter.process(request, handler)

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(_: web.Request) -> web.Response:
        found = await readiness()
        well = all(ok for _, ok, _ in found)
        body = {"ready": well, "checks": {name: {"ok": ok, "found": text} for name, ok, text in found}}
        return web.json_response(body, status=200 if well else 503)

    async def figures(_: web.Request) -> web.Response:
        return web.Response(text=await metrics(), content_type="text/plain", charset="utf-8")

    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_post("/api/messages", messages)
    if hook is not None:
        app.router.add_post("/gitlab/hook", hook.answer)
    if board is not None:
        app.router.add_routes(board.routes())
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", figures)
    app.on_response_prepare.append(_harden)

    async def close(_: web.Application) -> None:
        await adapter.close()

    app.on_cleanup.append(close)
    return app


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Server"] = "wilson"


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve for as long as the context lasts; requests that were begun are finished.

    Yields:
        The port; of interest where 0 was asked for.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        address = runner.addresses[0]
        log.info("listening on http://%s:%d", host, address[1])
        yield int(address[1])
    finally:
        await runner.cleanup()
