"""A storm: 10,000 mails at once, half of them repeats, and what is posted of it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, children, peak_memory
from benchmarks.samples import process, sample, watcher
from benchmarks.teams import CHANNEL, LimitedConnector
from bot.adapters.connector import TeamsMessenger
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import NoRota
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.posting import Channels
from bot.surroundings import Surroundings
from mailwatcher.mailboxes.folder import FolderMailbox
from mailwatcher.reader import MailReader
from models import database, directory, queue
from models.codec import incident_from_text
from models.settings import Teams
from models.sql import reading
from models.store import now_ms
from tests.support.botframework import APP_ID, TENANT
from tests.support.handling import deliveries_of

MAILS, INCIDENTS = 10_000, 5_000
SECONDS = 40.0
"""For how long cards are posted at most."""


def severity(incident: int) -> bytes:
    """Return an incident's severity: the gravest come last, so that the order of posts is worth something."""
    if incident >= INCIDENTS - 8:
        return b"Critical"
    return b"Error" if incident >= INCIDENTS - 16 else b"Warning"


async def storm() -> list[Figure]:
    """Let the storm arrive in a folder, then deliver what it left in the outbox."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inbox = folder / "mail" / "inbox"
        inbox.mkdir(parents=True)
        for number in range(MAILS):
            incident = number % INCIDENTS
            (inbox / f"{number:05d}.eml").write_bytes(sample(number, incident, severity(incident)))
        url = f"sqlite://{folder}/wilson.db"
        await database.upgrade(url)
        await database.connect(url)
        try:
            return [*await _arrive(folder), *await _post(folder)]
        finally:
            await database.disconnect()


async def _arrive(folder: Path) -> list[Figure]:
    """Watch the folder as the product does, until all is filed away."""
    await asyncio.sleep(1.1)  # the mailbox leaves alone what changed within the last second
    mailbox = FolderMailbox(folder / "mail", "inbox", "processed", "unrecognised", "unreadable")
    reader = MailReader()
    walk = watcher(mailbox, reader)
    began = time.perf_counter()
    while await walk.once():
        await asyncio.sleep(0)
    took = time.perf_counter() - began
    ours, child = peak_memory(), sum(peak_memory(pid) for pid in children())
    await reader.close()
    incidents = (await reading().rows("SELECT COUNT(*) AS n FROM incidents"))[0]["n"]
    mails = (await reading().rows("SELECT COUNT(*) AS n FROM mails"))[0]["n"]
    filed = len(list((folder / "mail" / "processed").glob("*.eml")))
    lost = MAILS - min(mails, filed)
    return [
        Figure(
            f"storm: {MAILS:,} mails, half repeats, from the folder to the database and filed away",
            f"{took:.1f} s",
            "",
            "",
            "≤ 15 s",
            took <= 15,
        ),
        Figure(
            "storm: incidents; mails lost",
            f"{incidents}; {lost}",
            "",
            "",
            "5000; 0",
            incidents == INCIDENTS and not lost,
        ),
        Figure(
            "storm: peak memory",
            f"{ours:.0f} MB, and the reader's child {child:.0f} MB",
            "",
            "",
            "≤ 150 MB",
            ours <= 150 and child <= 150,
        ),
    ]


async def _post(folder: Path) -> list[Figure]:
    """Run the outbox against limits for a while."""
    async with LimitedConnector().running() as teams:
        settings = Teams(app_id=APP_ID, tenant_id=TENANT, auth="disabled")
        messenger = TeamsMessenger(settings)
        around = Surroundings(process(), NoRota())
        tracker = LocalTracker(folder / "issues", "ops/x", lambda: None)
        pacer = Pacer()
        deliveries = deliveries_of(messenger, tracker, around, Channels("Devs", ""), pacer)
        outbox = Outbox(deliveries.deliver, deliveries.prepare)
        await directory.remember_installation("team", TENANT, teams.url, "Team")
        await directory.channels_found("team", CHANNEL, None)
        await around.refresh()
        began = time.perf_counter()
        running = asyncio.create_task(outbox.run())
        first: float | None = None
        try:
            while time.perf_counter() - began < SECONDS:
                await asyncio.sleep(0.1)
                if first is None and teams.incidents:
                    first = time.perf_counter() - began
                if not (await queue.depth(now_ms())).waiting:
                    break
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await messenger.close()
        took = time.perf_counter() - began
    return await _judge(teams, took, first)


async def _judge(teams: LimitedConnector, took: float, first: float | None) -> list[Figure]:
    left = (await queue.depth(now_ms())).waiting
    numbers = {each: await _severity_of(each) for each in teams.incidents}
    order = [queue.priority_of(numbers[each]) for each in teams.incidents]
    digest = teams.digests[-1] if teams.digests else 0
    severities = ", ".join(
        f"{list(numbers.values()).count(each)} {each}" for each in dict.fromkeys(numbers.values())
    )
    return [
        Figure(
            "storm, posts: refused by Teams' limits (7 in 1 s, 8 in 2 s, 60 in 30 s)",
            f"{teams.refused} of {teams.accepted + teams.refused} in {took:.0f} s",
            "",
            "",
            "0",
            teams.refused == 0,
        ),
        Figure(
            "storm, posts: the most severe first",
            f"{'yes' if order == sorted(order) else 'no'}: {severities}",
            "",
            "",
            "yes",
            bool(order) and order == sorted(order),
        ),
        Figure(
            "storm, posts: cards; candidates in the digest card; still waiting",
            f"{len(teams.incidents)}; {digest}; {left}",
            "",
            "",
            f"together {INCIDENTS}, 0 waiting",
            len(numbers) + digest == INCIDENTS and left == 0,
        ),
        Figure("storm, posts: until the first card", f"{first:.1f} s" if first is not None else "none"),
    ]


async def _severity_of(incident: int) -> str:
    rows = await reading().rows("SELECT body FROM incidents WHERE id = ?", incident)
    return incident_from_text(rows[0]["body"]).severity or ""
