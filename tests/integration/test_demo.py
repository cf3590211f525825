"""`wilson demo` as somebody starts it who has no browser client: each shipped process tells its story."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import sys
import tomllib
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path

import aiohttp
import pytest

from demo.people import DEVS_CHANNEL, GENERAL_CHANNEL, TEAM_ID, TENANT_ID, VIEWER
from demo.playground import free_port
from demo.story import SCENES

PATIENCE = 45.0
ROOT = Path(__file__).parents[2]
BOT = {"id": "28:bot", "name": "Wilson"}


class Demo:
    """The demo as a process, and what it printed so far."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, errors: Path) -> None:
        self.process, self.port, self.errors = process, port, errors
        self.printed = ""
        self._more = asyncio.Event()

    async def listen(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.printed += line.decode()
            self._more.set()

    async def shows(self, holds: Callable[[str], bool]) -> None:
        """Wait until what was printed is as wanted."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds(self.printed):
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            pytest.fail(f"it was not shown:\n{self.printed}\n{self.errors.read_text(encoding='utf-8')}")

    async def thread_of(self, incident: int) -> str:
        """The conversation of an incident's card, once it is remembered."""
        file = self.errors.parent / "var" / "demo" / "wilson.db"
        statement = "SELECT conversation_id FROM cards WHERE kind = 'incident' AND subject = ?"
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                    if found := database.execute(statement, (incident,)).fetchone():
                        return str(found[0])
                await asyncio.sleep(0.05)

    async def say(self, conversation: str, text: str, number: int) -> None:
        """Say something in a thread, as the client would send it."""
        body = {
            "type": "message",
            "id": str(number),
            "text": f"<at>Wilson</at>&nbsp;{text}",
            "entities": [{"type": "mention", "mentioned": BOT, "text": "<at>Wilson</at>"}],
            "serviceUrl": "http://127.0.0.1:1/",
            "channelId": "msteams",
            "from": {"id": VIEWER.id, "aadObjectId": VIEWER.aad_object_id, "name": VIEWER.name},
            "recipient": BOT,
            "conversation": {"id": conversation, "tenantId": TENANT_ID},
            "channelData": {"tenant": {"id": TENANT_ID}, "team": {"id": TEAM_ID, "name": "Wilson"}},
        }
        url = f"http://127.0.0.1:{self.port}/api/messages"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert answer.status == 200


@contextlib.asynccontextmanager
async def demo(folder: Path, name: str) -> AsyncIterator[Demo]:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "WILSON_WEB__PORT": str(port)}
    errors = folder / "errors"
    with errors.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wilson", "demo", "--console", "--process", name, "--pace", "0.1"),
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    running = Demo(process, port, errors)
    listening = asyncio.create_task(running.listen())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


@pytest.mark.parametrize("name", ["wilson", "modernisation_platform", "tis", "twoi2c", "wellcome"])
async def test_each_process_tells_its_story_and_is_the_one_that_was_asked_for(name: str, tmp_path: Path) -> None:
    text = (resources.files("models.processes") / f"{name}.toml").read_text(encoding="utf-8")
    questions = [question["text"] for question in tomllib.loads(text)["questions"]]
    async with demo(tmp_path, name) as running:
        await running.shows(lambda said: "The story is told." in said)
        for number, scene in enumerate(SCENES, 1):
            assert f"» mail {number} of {len(SCENES)}: {scene.tells}" in running.printed
        card = rf"^── {DEVS_CHANNEL} ── new post\n   Candidate incident #"
        posts = (
            rf"{card}1 .*\n   Sign-in is slow",
            rf"{card}2 .*\n   Failed pipeline for main",
            rf"{card}3 .*\n   Login errors above 5%",
            r"A mail that Wilson does not recognise\n   Humidity in rack room 2",
            r"A mail whose sender is not confirmed\n   ",
            rf"^── {GENERAL_CHANNEL} ── new post\n   Access request 1",
            r"Candidate incident #1 · recovered",
        )
        await running.shows(lambda said: all(re.search(each, said, re.MULTILINE) for each in posts))
        assert len(re.findall(card, running.printed, re.MULTILINE)) == 3
        if name == "tis":
            assert "Known issue: A user can't log in" in running.printed
        thread = await running.thread_of(1)
        await running.say(thread, "claim", 1)
        await running.shows(lambda said: f"{VIEWER.name} owns this now." in said)
        before = len(running.printed)
        await running.say(thread, "urgency", 2)
        await running.shows(lambda said: all(question in said[before:] for question in questions))
        await running.shows(lambda said: "Issue 1" in said)
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await running.process.wait() == 0
    said = running.errors.read_text(encoding="utf-8")
    assert " ERROR " not in said
    assert "Traceback" not in said
    (issue,) = (tmp_path / "var" / "demo" / "issues" / "issues").glob("*.md")
    assert "Sign-in is slow" in issue.read_text(encoding="utf-8")


async def test_a_process_that_is_not_there_is_named_before_anything_begins(tmp_path: Path) -> None:
    async with demo(tmp_path, "nobody") as running:
        async with asyncio.timeout(PATIENCE):
            assert await running.process.wait() == 2
    assert "there is no process 'nobody'" in running.errors.read_text(encoding="utf-8")
    assert not (tmp_path / "var").exists()
