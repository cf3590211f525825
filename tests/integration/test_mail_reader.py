"""Reading in a child: a mail that breaks it is set aside, and the next one is read."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence

import pytest

from demo.story import render
from mailwatcher import reader
from mailwatcher.reader import MailReader
from models.domain.alerts import MailKind

GOOD = render("pipeline-failed", {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "unique": "1", "pipeline": "4711"})
CHILD = """
import struct, sys, time, os
from mailwatcher import reader
def misbehave(raw, **more):
    if b"HANG" in raw: time.sleep(60)
    if b"DIE" in raw: os._exit(1)
    if b"EAT" in raw: return bytearray(2 * 1024 ** 3) and None
    if b"RAISE" in raw: raise RuntimeError("x")
    if b"GARBAGE" in raw:
        sys.stdout.buffer.write(struct.pack(">I", 3) + b"???"); sys.stdout.buffer.flush(); os._exit(0)
    return read(raw, **more)
read, reader.read_mail = reader.read_mail, misbehave
import resource
resource.setrlimit(resource.RLIMIT_AS, (reader.MEMORY_LIMIT, reader.MEMORY_LIMIT))
reader.serve(sys.stdin.buffer, sys.stdout.buffer, "")
"""


@pytest.fixture
async def mails() -> AsyncIterator[MailReader]:
    made = MailReader()
    yield made
    await made.close()


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailReader]:
    monkeypatch.setattr(reader, "SECONDS", 0.5)
    made = MailReader(command=(sys.executable, "-c", CHILD))
    yield made
    await made.close()


def kinds(readings: Sequence[object]) -> list[str]:
    return [reading.kind.value for reading in readings]  # type: ignore[attr-defined]


async def test_many_are_read_in_order_by_one_child(mails: MailReader) -> None:
    readings = await mails.read([GOOD, b"Subject: lunch?\r\n\r\nhello", GOOD])
    assert kinds(readings) == ["firing", "unrecognised", "firing"]
    child = mails._child
    await mails.read([GOOD] * 300)
    assert mails._child is child


@pytest.mark.parametrize("evil", [b"HANG", b"DIE", b"EAT", b"RAISE", b"GARBAGE"])
async def test_a_mail_that_breaks_the_reader_is_set_aside_alone(hostile: MailReader, evil: bytes) -> None:
    await hostile.read([GOOD])
    readings = await hostile.read([GOOD, evil, GOOD, evil, GOOD])
    assert kinds(readings) == ["firing", "unreadable", "firing", "unreadable", "firing"]
    assert readings[1].source is None
    assert readings[1].reason
    assert readings[1].message_id.startswith("sha256:")


async def test_closing_ends_the_child(mails: MailReader) -> None:
    await mails.read([GOOD])
    child = mails._child
    assert child is not None
    await mails.close()
    assert child.returncode is not None
    assert (await mails.read([GOOD]))[0].kind is MailKind.FIRING
