"""Killed at every step of both walks, and started again: nothing lost, nothing doubled.

The oracle looks at the outside alone: what stands in the channel, in the tracker's files and in the mailbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

SIDE_BY_SIDE = 3
PATIENCE = 90.0
ADA = {"id": "29:ada", "aadObjectId": "aad-ada", "name": "Ada Example"}
MAIL = """\
From: GitLab <gitlab@gitlab.example.org>
To: alerts@example.org
Subject: portal | Failed pipeline for main | 0a1b2c3d
Message-ID: <{unique}@gitlab.example.org>
Date: Fri, 20 Nov 2026 09:00:00 +0000
X-GitLab-Project: portal
X-GitLab-Project-Id: 7
X-GitLab-Project-Path: team/portal
X-GitLab-Pipeline-Id: 4711
X-GitLab-Pipeline-Ref: main
X-GitLab-Pipeline-Status: failed
Auto-Submitted: auto-generated
Content-Type: text/plain; charset=utf-8

Pipeline #4711 has failed!

Project: portal ( https://gitlab.example.org/team/portal )
Branch: main ( https://gitlab.example.org/team/portal/-/commits/main )

Pipeline #4711 ( https://gitlab.example.org/team/portal/-/pipelines/4711 ) triggered by Ada Example
had 1 failed job.

--
You're receiving this email because of your account on gitlab.example.org.
"""


@dataclass
class Channel:
    """A stand-in for Teams that remembers what stands in the channel."""

    posts: dict[str, str] = field(default_factory=dict)
    replies: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def cards(self) -> dict[str, str]:
        return {number: text for number, text in self.posts.items() if "AdaptiveCard" in text}

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        if path.endswith("/conversations") and "/teams/" in path:
            return web.json_response({"conversations": [{"id": "19:devs", "name": "Wilson - Devs"}]})
        if "pagedmembers" in path:
            return web.json_response({"members": []})
        body = await request.text()
        number = str(next(self._numbers))
        if request.method == "PUT":
            self.posts[path.rpartition("/")[2]] = body
        elif path.endswith("/v3/conversations"):
            self.posts[number] = body
            return web.json_response({"id": f"19:devs;messageid={number}", "activityId": number})
        else:
            self.replies.append((path, body))
        return web.json_response({"id": number})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Channel]:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/connector"
        try:
            yield self
        finally:
            await runner.cleanup()


class Wilson:
    """The product as a process, started again whenever it is gone."""

    def __init__(self, folder: Path, port: int, kill_at: int) -> None:
        self.folder, self.port, self.kill_at = folder, port, kill_at
        self.process: asyncio.subprocess.Process | None = None
        self.killed = False

    async def start(self) -> None:
        config = self.folder / "wilson.toml"
        config.write_text(
            f'[database]\nurl = "sqlite://{self.folder}/wilson.db"\n[web]\nport = {self.port}\n'
            f'[teams]\nauth = "disabled"\n[mailbox]\npath = "{self.folder}/mail"\npoll_seconds = 0.2\n'
            f'[tracker]\npath = "{self.folder}/tracker"\n'
        )
        command = [sys.executable, "-m", "tests.support.killable", str(0 if self.killed else self.kill_at), config]
        log = (self.folder / "log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=log, stderr=log, env=dict(os.environ)
        )
        log.close()

    async def alive(self) -> None:
        """Start it again if it is gone."""
        if self.process is None or self.process.returncode is not None:
            self.killed = self.process is not None
            await self.start()

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        """Ask until it answers, as Teams and people do."""
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while True:
                await self.alive()
                try:
                    url = f"http://127.0.0.1:{self.port}{path}"
                    async with session.request(method, url, json=body) as response:
                        text = await response.text()
                        if response.status < 500:
                            return text
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)

    async def settled(self) -> None:
        """Wait until the mailbox is read and the outbox is empty."""
        async with asyncio.timeout(PATIENCE):
            quiet = 0
            while quiet < 2:
                metrics = await self.ask("GET", "/metrics")
                done = 'wilson_outbox_items{state="waiting"} 0' in metrics
                done = done and not list((self.folder / "mail" / "inbox").glob("*.eml"))
                quiet = quiet + 1 if done else 0
                await asyncio.sleep(0.2)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


def activity(channel: Channel, **more: Any) -> dict[str, Any]:
    return {
        "serviceUrl": channel.url,
        "channelId": "msteams",
        "from": ADA,
        "recipient": {"id": "28:bot", "name": "Wilson"},
        "conversation": {"id": "19:devs", "tenantId": "T"},
        "channelData": {"tenant": {"id": "T"}, "team": {"id": "19:team", "name": "Wilson"}},
        **more,
    }


async def live_through(folder: Path, port: int, kill_at: int) -> bool:
    """Let a mail arrive and be claimed. Returns whether the process was killed on the way."""
    inbox = folder / "mail" / "inbox"
    inbox.mkdir(parents=True)
    async with Channel().running() as channel:
        wilson = Wilson(folder, port, kill_at)
        try:
            await wilson.ask("GET", "/healthz")
            install = activity(channel, type="installationUpdate", action="add", id="install")
            await wilson.ask("POST", "/api/messages", install)
            (folder / "new").write_text(MAIL.format(unique=uuid.uuid4().hex))
            (folder / "new").rename(inbox / "1.eml")
            async with asyncio.timeout(PATIENCE):
                while not channel.cards:
                    await wilson.alive()
                    await asyncio.sleep(0.05)
            card = next(iter(channel.cards))
            claim = activity(
                channel,
                type="invoke",
                name="adaptiveCard/action",
                id="claim",
                replyToId=card,
                conversation={"id": f"19:devs;messageid={card}", "tenantId": "T"},
                value={
                    "action": {
                        "type": "Action.Execute",
                        "verb": "claim",
                        "data": {"wilson": 1, "do": "claim", "incident": 1},
                    }
                },
            )
            answered = await claimed(wilson, claim)
            assert "Ada Example" in answered
            fire = claim | {"id": "fire", "value": {"action": _fire()}}
            assert "AdaptiveCard" in await wilson.ask("POST", "/api/messages", fire)
            await wilson.settled()
            await check(folder, channel, wilson)
        finally:
            await wilson.stop()
        return wilson.killed


def _fire() -> dict[str, Any]:
    return {"type": "Action.Execute", "verb": "fire", "data": {"wilson": 1, "do": "fire", "incident": 1}}


async def claimed(wilson: Wilson, claim: dict[str, Any]) -> str:
    """Click until the card answers: right after its post it may not be known yet."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await wilson.ask("POST", "/api/messages", claim)
            if "AdaptiveCard" in answer:
                return answer
            await asyncio.sleep(0.2)


async def check(folder: Path, channel: Channel, wilson: Wilson) -> None:
    metrics = await wilson.ask("GET", "/metrics")
    assert 'wilson_incidents{state="open"} 1' in metrics
    assert 'wilson_mails_total{kind="firing"} 1' in metrics
    assert [path.name for path in (folder / "mail" / "processed").glob("*.eml")] == ["1.eml"]
    issues = [path.read_text() for path in (folder / "tracker" / "issues").glob("*.md")]
    assert len(issues) == 1
    assert len(re.findall(r"Ada Example owns this", issues[0])) == 1
    told = [body for _, body in channel.replies if "owns this" in body]
    assert 1 <= len(told) <= (2 if wilson.killed else 1)
    pages = [path.read_text() for path in (folder / "tracker" / "pages").glob("*.md")]
    assert len(pages) == 1
    assert "Ada Example owns this" in pages[0]
    reports = [body for _, body in channel.replies if "Log page: made" in body]
    assert 1 <= len(reports) <= (2 if wilson.killed else 1)
    cards = channel.cards
    assert 1 <= len(cards) <= (2 if wilson.killed else 1)
    newest = max(cards.values(), key=lambda text: "Ada Example" in text)
    assert "Ada Example" in newest


@pytest.mark.timeout(1800)
async def test_killed_at_every_step_nothing_is_lost_and_nothing_doubled(
    tmp_path: Path, unused_tcp_port_factory: Any
) -> None:
    survived: list[int] = []

    async def one(kill_at: int) -> None:
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        try:
            if not await live_through(folder, unused_tcp_port_factory(), kill_at):
                survived.append(kill_at)
        except BaseException as error:
            log = (folder / "log").read_text(errors="replace")[-3000:]
            raise AssertionError(f"killed at step {kill_at}: {error!r}\n{log}") from error

    steps = itertools.count(1)
    while not survived:
        await asyncio.gather(*(one(next(steps)) for _ in range(SIDE_BY_SIDE)))
    assert min(survived) > 20, "hardly any steps were counted: the harness does not see them"
