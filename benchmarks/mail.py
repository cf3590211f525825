"""From bytes to a committed candidate, the look-up among many incidents, and a storm."""

from __future__ import annotations

import asyncio
import base64
import logging
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

import wiring
from benchmarks.figures import Figure, on_one_core
from demo.story import render
from mailwatcher.envelope import read_mail
from mailwatcher.mailboxes.folder import FolderMailbox
from mailwatcher.parsers import recognise
from mailwatcher.watch import BATCH, Watcher
from models import database
from models.domain.alerts import Reading
from models.domain.process import Process
from models.operations.alerts import record_mails
from models.settings import Settings
from models.sql import reading

VALUES = {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "began": "Nov 20, 2026 at 8:58AM UTC", "pipeline": "4711"}


ROW = b'<tr><td style="font-family:Roboto,Arial;padding:4px">Resource labels</td><td>project_id example</td></tr>\n'


def sample(number: int, incident: int) -> bytes:
    """Return a mail of its own about one of many incidents, about 20 kB as such mails are."""
    plain = render("gcp-firing", VALUES | {"unique": f"{number}", "incident": f"o{incident:011d}"})
    head, _, text = plain.partition(b"\n\n")
    head = head.replace(b'text/plain; charset="utf-8"', b'multipart/alternative; boundary="b"')
    part = b'--b\nContent-Type: text/%s; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n%s\n'
    page = b"<html><body><table>" + ROW * 110 + b"</table></body></html>"
    parts = (part % (b"plain", base64.encodebytes(text)), part % (b"html", base64.encodebytes(page)))
    return head + b"\n\n" + b"".join(parts) + b"--b--\n"


def parse_as_the_library_does(raws: list[bytes]) -> float:
    """Return how long the standard library's compat32 takes to parse and decode the same bytes."""
    began = time.perf_counter()
    for raw in raws:
        for part in message_from_bytes(raw).walk():
            if not part.is_multipart():
                part.get_payload(decode=True)
    return time.perf_counter() - began


async def throughput(process: Process) -> list[Figure]:
    """Read and record mails in batches, as the watcher does, in one process on one core."""
    raws = [sample(number, number // 2) for number in range(3000)]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/wilson.db"
        await database.upgrade(url)
        await database.connect(url)
        began = time.perf_counter()
        for start in range(0, len(raws), BATCH):
            batch = [(recognise(read_mail(raw)), datetime.now(UTC)) for raw in raws[start : start + BATCH]]
            await record_mails(batch, process)
        took = time.perf_counter() - began
        await database.disconnect()
    floor = parse_as_the_library_does(raws)
    ours, bare = len(raws) / took, len(raws) / floor
    return [
        Figure(
            "bytes → committed candidate, mails/s on one core",
            f"{ours:.0f}",
            f"compat32 parse {bare:.0f}/s; ratio {ours / bare:.2f}",
            "≥ 700, ≥ 0.25 × the bare parse",
            ours >= 700 and ours / bare >= 0.25,
        )
    ]


async def lookup(process: Process) -> list[Figure]:
    """Record a repeat among a thousand incidents, and among a million."""
    took: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/wilson.db"
        await database.upgrade(url)
        await database.connect(url)
        await record_mails([(recognise(read_mail(sample(0, 0))), datetime.now(UTC))], process)
        have = 1
        for many in (1_000, 1_000_000):
            await _fill(have, many)
            have = many
            mails = [recognise(read_mail(sample(many + number, 0))) for number in range(300)]
            began = time.perf_counter()
            for mail in mails:
                await record_mails([(mail, datetime.now(UTC))], process)
            took[many] = (time.perf_counter() - began) / len(mails)
        await database.disconnect()
    growth = took[1_000_000] / took[1_000]
    return [
        Figure(
            "recording a repeat among 10⁶ incidents",
            f"{took[1_000_000] * 1e3:.2f} ms",
            f"among 10³: {took[1_000] * 1e3:.2f} ms; growth {growth:.2f}",
            "growth ≤ 1.6",
            growth <= 1.6,
        )
    ]


async def _fill(have: int, many: int) -> None:
    db = reading()
    body = (await db.rows("SELECT body FROM incidents WHERE id = 1"))[0]["body"]
    numbers = "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
    columns = "(id, uid, version, state, fingerprint, digest_id, updated_ms, body)"
    values = "SELECT i, 'u' || i, 1, 'candidate', 'f' || i, NULL, 0, ? FROM n"
    await db.rows(f"{numbers}INSERT INTO incidents {columns} {values}", have + 1, many, body)
    await db.rows(
        f"{numbers}INSERT INTO open_fingerprints (fingerprint, incident_id) SELECT 'f' || i, i FROM n",
        have + 1,
        many,
    )


async def storm(process: Process) -> list[Figure]:
    """Let 10,000 mails arrive at once in a folder, half of them repeats."""
    with tempfile.TemporaryDirectory() as folder:
        inbox = Path(folder) / "mail" / "inbox"
        inbox.mkdir(parents=True)
        for number in range(10_000):
            (inbox / f"{number:05d}.eml").write_bytes(sample(number, number // 2))
        url = f"sqlite://{folder}/wilson.db"
        await database.upgrade(url)
        await database.connect(url)

        async def read(raws: object) -> list[Reading]:
            return [recognise(read_mail(raw)) for raw in raws]  # type: ignore[attr-defined]

        async def record(batch: object) -> None:
            await record_mails(batch, process)  # type: ignore[arg-type]

        async def polled() -> None:
            return None

        mailbox = FolderMailbox(Path(folder) / "mail", "inbox", "processed", "unrecognised", "unreadable")
        watcher = Watcher(mailbox, read, record, polled, 1)
        began = time.perf_counter()
        while await watcher.once():
            await asyncio.sleep(0)
        took = time.perf_counter() - began
        incidents = (await reading().rows("SELECT COUNT(*) AS n FROM incidents"))[0]["n"]
        await database.disconnect()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Figure("storm: 10,000 mails, half repeats, filed away", f"{took:.1f} s", "", "≤ 15 s", took <= 15),
        Figure("storm: incidents of it", f"{incidents}", "", "5,000", incidents == 5_000),
        Figure("storm: memory", f"{memory:.0f} MB", "", "≤ 150 MB", memory <= 150),
    ]


def measure(name: str) -> list[Figure]:
    """Measure one of this module's figures, in a process of its own on one core."""
    logging.disable(logging.CRITICAL)
    on_one_core()
    process = wiring.process_of(Settings())
    work: dict[str, Callable[..., Coroutine[Any, Any, list[Figure]]]] = {
        "throughput": throughput,
        "lookup": lookup,
        "storm": storm,
    }
    return asyncio.run(work[name](process))
