"""From bytes to a committed candidate, beside the standard library's parse of the same bytes."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from email import message_from_bytes

from benchmarks.figures import Figure, median, on_core
from benchmarks.samples import Memory, process, sample, watcher
from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from mailwatcher.reader import MailReader
from mailwatcher.watch import BATCH
from models import database
from models.operations.alerts import record_mails

ROUNDS, MAILS = 5, 500


def bare(raws: list[bytes]) -> float:
    """Return mails a second of the standard library's compat32 parse, with the parts decoded."""
    began = time.perf_counter()
    for raw in raws:
        for part in message_from_bytes(raw).walk():
            if not part.is_multipart():
                part.get_payload(decode=True)
    return len(raws) / (time.perf_counter() - began)


async def through_the_watcher(raws: list[bytes], mailbox: Memory, reader: MailReader) -> float:
    """Return mails a second through watcher and reader's child, as the product runs."""
    mailbox.mails, mailbox.filed = raws, 0
    walk = watcher(mailbox, reader)
    began = time.perf_counter()
    while await walk.once():
        pass
    took = time.perf_counter() - began
    assert mailbox.filed == len(raws), mailbox.filed
    return len(raws) / took


async def in_one_process(raws: list[bytes]) -> float:
    """Return mails a second without the child: read, recognised and recorded in one process."""
    team = process()
    began = time.perf_counter()
    for start in range(0, len(raws), BATCH):
        batch = [(recognise(read_mail(raw)), datetime.now(UTC)) for raw in raws[start : start + BATCH]]
        await record_mails(batch, team)
    return len(raws) / (time.perf_counter() - began)


async def throughput() -> list[Figure]:
    """Take turns between the walk, its parts in one process, and the bare parse, all on one core."""
    on_core()
    rates: dict[str, list[float]] = {"watcher": [], "process": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/wilson.db"
        await database.upgrade(url)
        await database.connect(url)
        mailbox, reader = Memory(), MailReader()
        try:
            await through_the_watcher([sample(-1, -1)], mailbox, reader)
            for turn in range(ROUNDS):
                first = turn * MAILS * 2
                raws = [sample(number, number // 2) for number in range(first, first + MAILS * 2)]
                rates["bare"].append(bare(raws[:MAILS]))
                rates["watcher"].append(await through_the_watcher(raws[:MAILS], mailbox, reader))
                rates["process"].append(await in_one_process(raws[MAILS:]))
        finally:
            await reader.close()
            await database.disconnect()
    floor = median(rates["bare"])
    figures = []
    for kind, name in (("watcher", "watcher and reader's child"), ("process", "the same in one process, no child")):
        rate = median(rates[kind])
        figures.append(
            Figure(
                f"bytes → committed candidate, mails/s on one core: {name}",
                f"{rate:.0f}",
                f"compat32 parse {floor:.0f}",
                f"{rate / floor:.2f}",
                "≥ 700, ≥ 0.25 × the bare parse",
                rate >= 700 and rate / floor >= 0.25,
            )
        )
    return figures
