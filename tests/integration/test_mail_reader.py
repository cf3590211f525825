"""Reading in a child: a mail that breaks it is set aside, and the next one is read."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence

import pytest

from demo.story import render
from mailwatcher import reader
from mailwatcher.parsers.configured import ConfiguredSource
from mailwatcher.reader import MailReader
from models.domain.alerts import MailKind

GOOD = render("pipeline-failed", {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "unique": "1", "pipeline": "4711"})
CHILD = """
import struct, sys, time, os
from mailwatcher import reader
def misbehave(raw, **more):
    if b"HANG" in raw: time.sleep(60)
    if b"DIE" in raw: os._exit(1)
    if b"EAT" in raw: return bytearray(300 * 1024 ** 2) and None
    if b"RAISE" in raw: raise RuntimeError("x")
    if b"GARBAGE" in raw:
        sys.stdout.buffer.write(struct.pack(">I", 3) + b"???"); sys.stdout.buffer.flush(); os._exit(0)
    if b"TWICE" in raw:
        answer = reader.reading_to_text(reader.recognise(read(raw))).encode()
        sys.stdout.buffer.write(struct.pack(">I", len(answer)) + answer)
    return read(raw, **more)
read, reader.read_mail = reader.read_mail, misbehave
reader.limit_memory()
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


async def test_an_answer_too_many_is_not_taken_for_the_next_mail(hostile: MailReader) -> None:
    readings = await hostile.read([b"Subject: TWICE\r\n\r\n", GOOD, GOOD])
    assert kinds(readings) == ["unrecognised", "firing", "firing"]


async def test_a_child_that_only_answers_about_other_mails_is_given_up() -> None:
    code = CHILD.replace("return read(raw, **more)", "return read(b'Subject: other', **more)")
    made = MailReader(command=(sys.executable, "-c", code))
    try:
        assert kinds(await made.read([GOOD, GOOD])) == ["unreadable", "unreadable"]
    finally:
        await made.close()


async def test_a_batch_that_was_cancelled_leaves_no_answers_for_the_next(mails: MailReader) -> None:
    await mails.read([GOOD])
    reading = asyncio.create_task(mails.read([b"Subject: old\r\n\r\n"] * 500))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert kinds(await mails.read([GOOD])) == ["firing"]


async def test_a_stop_of_the_whole_group_does_not_break_a_mail(mails: MailReader) -> None:
    await mails.read([GOOD])
    child = mails._child
    assert child is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        child.send_signal(number)
    assert kinds(await mails.read([GOOD])) == ["firing"]
    assert mails._child is child


async def test_a_child_that_loops_ends_itself_when_nobody_else_does() -> None:
    code = CHILD.replace("time.sleep(60)", "exec('while True: pass')")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code.replace("reader.serve", "reader.ORPHAN_SECONDS = 1; reader.serve"),
        stdin=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": reader.ROOT},
    )
    await child.communicate(reader._LENGTH.pack(4) + b"HANG")
    assert child.returncode == -signal.SIGALRM


async def test_a_child_ends_with_its_input() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "mailwatcher.reader", ""),
        stdin=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": reader.ROOT},
    )
    await child.communicate(reader._LENGTH.pack(4) + b"cut")
    assert child.returncode == 0


async def test_a_reader_that_does_not_start_sets_nothing_aside() -> None:
    broken = MailReader(command=(sys.executable, "-c", "import nothing_of_that_name"))
    with pytest.raises(reader.ReaderBroken):
        await broken.read([GOOD])
    await broken.close()


async def test_the_first_mail_of_a_child_has_no_more_time_than_the_others(hostile: MailReader) -> None:
    begun = asyncio.get_running_loop().time()
    readings = await hostile.read([b"HANG"])
    assert kinds(readings) == ["unreadable"]
    assert asyncio.get_running_loop().time() - begun < reader.START_SECONDS / 2


async def test_sources_of_the_settings_reach_the_child() -> None:
    source = ConfiguredSource("backup", "FAILED", sender="*@backup.example", fields={"resource": r"of (\S+)"})
    taught = MailReader(sources=[source])
    (reading,) = await taught.read([b"From: b@backup.example\nSubject: Backup of db-1 FAILED\n\nx"])
    await taught.close()
    assert (reading.source, reading.kind) == ("backup", MailKind.FIRING)
    assert reading.alert is not None
    assert reading.alert.resource == "db-1"
