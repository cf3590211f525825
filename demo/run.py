"""The demo: the whole program on this machine, with a Teams-like client and a story."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from demo.people import DEVS_CHANNEL, GENERAL_CHANNEL
from demo.playground import Playground, PlaygroundError
from demo.story import tell
from models.settings import Database, Mailbox, Process, Settings, Teams, Tracker, Web

HEAD_START_SECONDS = 4.0


def demo_settings(folder: Path, *, web_port: int, with_client: bool, process: Process | None = None) -> Settings:
    """Return the settings of a demo that keeps everything in one folder.

    Args:
        folder: Where database, mail and issues go.
        web_port: Where the bot listens.
        with_client: Whether there is a Teams-like client; otherwise cards are printed.
        process: Whose process; by default team Wilson's.
    """
    return Settings(
        database=Database(url=f"sqlite://{folder.absolute()}/wilson.db"),
        web=Web(port=web_port),
        teams=Teams(
            auth="disabled",
            devs_channel=DEVS_CHANNEL,
            gateway_channel=GENERAL_CHANNEL,
            messenger="teams" if with_client else "console",
        ),
        mailbox=Mailbox(path=folder / "mail", poll_seconds=1),
        tracker=Tracker(path=folder / "issues"),
        process=process or Process(),
    )


async def run_demo(
    stop: asyncio.Event,
    start: Callable[[Settings], Awaitable[None]],
    *,
    folder: Path,
    process: Process,
    web_port: int,
    playground_port: int,
    pace: float,
    console: bool,
) -> None:
    """Run the demo until ``stop`` is set.

    Args:
        start: Runs Wilson with these settings until ``stop`` is set.
        process: Whose process.
        folder: Where the demo keeps its files; what an earlier one left there is moved aside.
        playground_port: The port of the client's page.
        pace: Seconds between two mails of the story.
        console: Print the cards, although there may be a client.
    """
    await asyncio.to_thread(_fresh, folder)
    playground = None
    reason = "--console was asked for"
    if not console:
        print("starting the Teams-like client (the first time, npm fetches it) …", flush=True)
        bot_url = f"http://127.0.0.1:{web_port}/api/messages"
        playground = Playground(bot_url=bot_url, workdir=folder / "client", port=playground_port)
        try:
            await playground.start()
        except PlaygroundError as error:
            playground, reason = None, str(error)
    settings = demo_settings(folder, web_port=web_port, with_client=playground is not None, process=process)
    print(
        _banner(playground.url if playground else "", reason, folder, f"http://127.0.0.1:{web_port}/board"),
        flush=True,
    )
    tasks = [asyncio.create_task(_story(settings, pace), name="story")]
    try:
        await start(settings)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if playground is not None:
            await playground.stop()


async def _story(settings: Settings, pace: float) -> None:
    await asyncio.sleep(HEAD_START_SECONDS)
    await tell(
        settings.mailbox.path / settings.mailbox.inbox, pace=pace, say=lambda line: print(f"» {line}", flush=True)
    )


def _fresh(folder: Path) -> None:
    """Begin with an empty record. What an earlier demo left is kept once, beside it."""
    if folder.exists():
        earlier = folder.with_name(f"{folder.name}-earlier")
        shutil.rmtree(earlier, ignore_errors=True)
        folder.rename(earlier)
    folder.mkdir(parents=True)


def _banner(url: str, reason: str, folder: Path, board: str) -> str:
    if not url:
        return "\n".join(
            (
                "",
                f"There is no browser client, because {reason}.",
                "Each card is printed here as text instead. Ctrl-C ends the demo.",
                f"The board: {board}",
                f"The issues that it raises: {folder / 'issues'}",
                "",
            )
        )
    return "\n".join(
        (
            "",
            f"  Open   {url}   and choose the channel “{DEVS_CHANNEL}” on the left.",
            "",
            "  Mails arrive by themselves. Then try:",
            "   1. Claim on a candidate's card.",
            "   2. Urgency, and answer the questions: it works out how urgent it is.",
            "   3. In the card's thread:  @Wilson note the token cache was cold",
            "   4. Resolve, with its conditions and follow-ups.",
            "   5. In the channel:  @Wilson incident Portal shows yesterday's timetable    or  @Wilson list",
            f"   6. The gateway's channel is “{GENERAL_CHANNEL}” here.",
            f"   7. The board: {board}",
            "",
            f"  The issues that it raises: {folder / 'issues'}     Ctrl-C ends the demo.",
            "",
        )
    )
