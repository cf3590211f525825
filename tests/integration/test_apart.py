"""Several bots and several watchers on one PostgreSQL: each mail once, each card once, one owner."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo.playground import free_port
from demo.story import deliver, render
from models import database
from tests.integration.conftest import new_postgres_database
from tests.support.botframework import Connector

pytestmark = pytest.mark.postgres
VALUES = {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "pipeline": "4711", "alert": "31"}


@contextlib.asynccontextmanager
async def wilson(folder: Path, url: str, wing: str, port: int) -> AsyncIterator[None]:
    config = folder / f"{wing}-{port}.toml"
    config.write_text(
        f'[database]\nurl = "{url}"\n[web]\nport = {port}\n[teams]\nauth = "disabled"\ndevs_channel = "Devs"\n'
        f'[mailbox]\npath = "{folder}/mail"\npoll_seconds = 0.1\n[tracker]\npath = "{folder}/tracker"\n'
    )
    command = [sys.executable, "-m", "wilson", "--config", str(config), wing]
    with (folder / f"{wing}-{port}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=dict(os.environ))
    try:
        yield
        assert process.returncode is None, f"{wing} ended by itself"
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(30):
            code = await process.wait()
    assert code == 0, (folder / f"{wing}-{port}.log").read_text()


async def post(port: int, body: dict[str, Any]) -> str:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                async with session.post(f"http://127.0.0.1:{port}/api/messages", json=body) as answer:
                    assert answer.status == 200
                    return await answer.text()
            await asyncio.sleep(0.1)


def activity(teams: Connector, who: str, **more: Any) -> dict[str, Any]:
    return {
        "serviceUrl": teams.url,
        "channelId": "msteams",
        "from": {"id": f"29:{who}", "aadObjectId": f"aad-{who}", "name": who},
        "recipient": {"id": "28:bot", "name": "Wilson"},
        "conversation": {"id": "19:d", "tenantId": "T"},
        "channelData": {"tenant": {"id": "T"}, "team": {"id": "19:team", "name": "Wilson"}},
        **more,
    }


async def test_two_bots_and_two_watchers_do_everything_once(postgres_server: str, tmp_path: Path) -> None:
    url = await new_postgres_database(postgres_server)
    await database.upgrade(url)
    ports = [free_port() for _ in range(4)]
    async with Connector().running() as teams, contextlib.AsyncExitStack() as stack:
        for wing, port in zip(("bot", "bot", "watch", "watch"), ports, strict=True):
            await stack.enter_async_context(wilson(tmp_path, url, wing, port))
        await post(ports[0], activity(teams, "ada", type="installationUpdate", action="add", id="install"))
        for number in range(12):
            mail = render("pipeline-failed", VALUES | {"unique": f"{number}", "pipeline": f"{number}"})
            deliver(tmp_path / "mail" / "inbox", f"{number:02d}", mail)
        async with asyncio.timeout(60):
            while len(list((tmp_path / "mail").glob("processed/*.eml"))) < 12 or not cards(teams):
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        assert len(cards(teams)) == 1
        claims = [
            activity(
                teams,
                f"p{number}",
                type="invoke",
                name="adaptiveCard/action",
                id=f"claim-{number}",
                replyToId="7",
                conversation={"id": "19:c@thread.tacv2;messageid=7", "tenantId": "T"},
                value={"action": {"data": {"wilson": 1, "do": "claim"}}},
            )
            for number in range(10)
        ]
        answers = await asyncio.gather(*(post(ports[number % 2], body) for number, body in enumerate(claims)))
        assert all("AdaptiveCard" in answer for answer in answers)
        issues = tmp_path / "tracker" / "issues"
        async with asyncio.timeout(60):
            while not any("owns this" in file.read_text(encoding="utf-8") for file in issues.glob("*.md")):
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)
    told = [body["text"] for method, _, body, _ in teams.asked if method == "POST" and "owns this" in str(body)]
    assert len(told) == 1
    (issue,) = issues.glob("*.md")
    assert issue.read_text(encoding="utf-8").count("owns this") == 1


def cards(teams: Connector) -> list[str]:
    return [
        path
        for _, path, body, _ in teams.asked
        if path.endswith("/v3/conversations") and "attachments" in str(body)
    ]
