"""The real program as a process, for tests that use it as its user would."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from demo.people import DEVS_CHANNEL, GENERAL_CHANNEL
from demo.playground import free_port
from demo.story import deliver, render

PATIENCE = 45.0


class Program:
    """``wilson run`` in a folder of its own, with a folder mailbox and the local tracker."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.more = more  # further settings, as TOML
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._values = {
            "date": "Fri, 20 Nov 2026 09:00:00 +0000",
            "iso": "2026-11-20T09:00:00Z",
            "began": "Nov 20, 2026 at 8:58AM UTC",
            "now": "Nov 20, 2026 at 9:05AM UTC",
            "incident": "o1a2b3c4d5e6",
            "pipeline": "4711",
            "later": "4718",
            "alert": "31",
        }
        self._sent = 0

    @property
    def bot_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/messages"

    @property
    def inbox(self) -> Path:
        return self.folder / "mail" / "inbox"

    def issues(self) -> list[str]:
        """The issues that stand in the tracker, oldest first."""
        files = sorted((self.folder / "issues" / "issues").glob("*.md"))
        return [file.read_text(encoding="utf-8") for file in files]

    def waiting(self) -> int:
        """How much waits in the outbox."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/wilson.db?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT COUNT(*) FROM outbox").fetchone()[0])

    def send(self, mail: str, **values: str) -> None:
        """Let one of the story's mails arrive."""
        self._sent += 1
        filled = self._values | {"unique": f"{self._sent}.{mail}"} | values
        deliver(self.inbox, f"{self._sent:02d}-{mail}", render(mail, filled))

    async def start(self) -> None:
        """Start it, and return when it answers."""
        config = self.folder / "wilson.toml"
        config.write_text(
            f'[database]\nurl = "sqlite://{self.folder}/wilson.db"\n'
            f"[web]\nport = {self.port}\n"
            f'[teams]\nauth = "disabled"\ndevs_channel = "{DEVS_CHANNEL}"\ngateway_channel = "{GENERAL_CHANNEL}"\n'
            f'[mailbox]\npath = "{self.folder}/mail"\npoll_seconds = 0.3\naddress = "identity@example.com"\n'
            f'[tracker]\npath = "{self.folder}/issues"\n{self.more}',
            encoding="utf-8",
        )
        with (self.folder / "log").open("ab") as log:
            command = (sys.executable, "-m", "wilson", "--config", str(config), "run")
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{self.port}/healthz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it, and return its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def command(self, *words: str) -> str:
        """Run another command with the program's settings, and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wilson", "--config", str(self.folder / "wilson.toml"), *words),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Program]:
        """Have it run for as long as the context lasts."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop(signal.SIGKILL)
