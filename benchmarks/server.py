"""Servers that are measured, each in a process of its own: ``python -m benchmarks.server KIND PORT METADATA …``."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from botbuilder.core import ActivityHandler, BotFrameworkAdapter, BotFrameworkAdapterSettings, InvokeResponse
from botbuilder.core.serializer_helper import serializer_helper
from botbuilder.schema import Activity
from botframework.connector.auth import ChannelValidation

import fittings
import wiring
from benchmarks.clicks import CHANNEL
from benchmarks.figures import on_core
from bot.adapters.rota_file import NoRota
from bot.adapters.teams import TeamsAdapter
from bot.surroundings import Surroundings
from bot.web import make_app, serving
from models import directory
from models.domain.alerts import Alert, MailKind, Reading
from models.operations.alerts import record_mails
from models.ports.messenger import ThreadAddress
from models.settings import Database, Settings, Teams
from tests.support.botframework import APP_ID, TENANT
from tests.support.handling import activities_of

SERVICE_URL = "https://smba.trafficmanager.net/teams/"
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "x" * 1200}]}


class Echo(ActivityHandler):  # type: ignore[misc]
    """Answers every invoke with one and the same card: 1.4 kB with what is around it."""

    async def on_invoke_activity(self, turn_context: Any) -> InvokeResponse:
        body = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD}
        return InvokeResponse(status=200, body=body)


async def serve_stock(adapter: Any, port: int) -> None:
    """Serve the echo on one of the SDK's own adapters.

    ``CloudAdapter.process`` answers every invoke with 500, since it serialises the answer a second time; the patch
    is to call ``process_activity`` and to send what the bot answered.
    """
    bot = Echo()

    async def messages(request: web.Request) -> web.Response:
        activity = Activity().deserialize(await request.json())
        answer = await adapter.process_activity(*_order(adapter, activity, request), bot.on_turn)
        body = answer.body if answer else None
        return web.json_response(body if isinstance(body, dict) else serializer_helper(body), status=200)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    await web._run_app(app, host="127.0.0.1", port=port, print=None)


def _order(adapter: Any, activity: Activity, request: web.Request) -> tuple[Any, Any]:
    header = request.headers.get("Authorization", "")
    return (activity, header) if isinstance(adapter, BotFrameworkAdapter) else (header, activity)


async def serve_wilson(port: int, metadata: str, folder: str, candidates: int) -> None:
    """Serve Wilson with candidates whose cards are known. The outbox does not run beside it."""
    settings = Settings(
        database=Database(url=f"sqlite://{folder}/wilson.db"),
        teams=Teams(app_id=APP_ID, tenant_id=TENANT, openid_metadata_url=metadata),
    )
    process = fittings.process_of(settings)
    async with wiring.connected(settings, upgrade=True):
        for start in range(0, candidates, 100):
            await record_mails([_mail(start + number) for number in range(100)], process)
        for number in range(1, candidates + 1):
            root = f"19:c@thread.tacv2;messageid={number}"
            thread = ThreadAddress(SERVICE_URL, TENANT, root, str(number))
            await directory.remember_card(directory.INCIDENT, number, thread)
        await directory.remember_installation(CHANNEL, TENANT, SERVICE_URL, "Team")
        await directory.channels_found(CHANNEL, CHANNEL, None)
        around = Surroundings(process, NoRota())
        await around.refresh()
        handler = activities_of(around)
        app = make_app(TeamsAdapter(settings.teams), handler, readiness=_nothing, metrics=_no_figures)
        async with serving(app, "127.0.0.1", port):
            await asyncio.Event().wait()


async def _nothing() -> list[tuple[str, bool, str]]:
    return []


async def _no_figures() -> str:
    return ""


def _mail(number: int) -> tuple[Reading, datetime]:
    alert = Alert("gcp_monitoring", MailKind.FIRING, f"CPU {number}", f"f{number}", severity="critical")
    reading = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{number}>", "0", alert=alert)
    return reading, datetime.now(UTC)


def main() -> None:
    """Serve what the command line names, on the first core: the client has the last one."""
    on_core()
    kind, port, metadata, *rest = sys.argv[1:]
    if kind == "wilson":
        asyncio.run(serve_wilson(int(port), metadata, rest[0], int(rest[1])))
        return
    ChannelValidation.open_id_metadata_endpoint = metadata
    if kind == "framework":
        adapter: Any = BotFrameworkAdapter(BotFrameworkAdapterSettings(APP_ID, "x"))
    else:
        from botbuilder.integration.aiohttp import (
            CloudAdapter,
            ConfigurationBotFrameworkAuthentication,
        )

        config = type(
            "Config",
            (),
            {"APP_ID": APP_ID, "APP_PASSWORD": "x", "APP_TYPE": "SingleTenant", "APP_TENANTID": TENANT},
        )
        ChannelValidation.open_id_metadata_endpoint = metadata
        adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(config()))
    asyncio.run(serve_stock(adapter, int(port)))


if __name__ == "__main__":
    main()
