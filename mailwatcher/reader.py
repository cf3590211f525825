"""Reading mails in a child process that can be killed.

A mail is a stranger's bytes: it may make a parser loop or eat memory. The child has limits on both; a mail that it
does not survive is set aside as unreadable, and the next one is read by a new child. Answers come back as JSON, so
that a child that was taken over can't do more than lie about a mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from mailwatcher.parsers.configured import ConfiguredSource
from models.codec import reading_from_text, reading_to_text
from models.domain.alerts import Authenticated, MailKind, Reading

log = logging.getLogger(__name__)

SECONDS = 2.0
"""How long one mail may take."""
START_SECONDS = 20.0
"""How long a new child may take to its first answer: it imports first."""
ORPHAN_SECONDS = 30
"""After which a child ends itself over one mail: a parent that was killed can't end it, and it may loop."""
MEMORY_LIMIT = 256 * 1024 * 1024
"""Bytes that a child may hold."""
ADDRESS_LIMIT = 1024 * 1024 * 1024
"""Bytes of addresses, for systems that don't limit what is held."""
ANSWER_LIMIT = 4 * 1024 * 1024
ROOT = str(Path(__file__).resolve().parent.parent)
_LENGTH = struct.Struct(">I")
_READY = _LENGTH.pack(0)
"""What a child says first: it has imported what it needs, and its time counts from here."""
_SOURCES = TypeAdapter(list[ConfiguredSource])


class ChildFailed(Exception):
    """The child died, hung, or answered what is no answer."""


class WrongMail(ChildFailed):
    """The child answered about another mail."""


class ReaderBroken(Exception):
    """The child can't be started at all: no mail's fault, so none is set aside for it."""


class MailReader:
    """Says what mails are.

    Args:
        trusted_authserv_id: Whose Authentication-Results are believed; see ``envelope.read_mail``.
        sources: Sources that the team described itself.
        command: The child's command line, for tests of children that misbehave.
    """

    def __init__(
        self,
        trusted_authserv_id: str = "",
        *,
        sources: Sequence[ConfiguredSource] = (),
        command: Sequence[str] | None = None,
    ) -> None:
        taught = _SOURCES.dump_json(list(sources)).decode()
        own = (sys.executable, "-m", "mailwatcher.reader", trusted_authserv_id, taught)
        self._command = list(command or own)
        self._child: asyncio.subprocess.Process | None = None
        self._fresh = True
        self._lock = asyncio.Lock()

    async def read(self, batch: Sequence[bytes]) -> list[Reading]:
        """Return what each mail is, in their order. Never raises for what a mail holds.

        Raises:
            ReaderBroken: No child can be started.
        """
        async with self._lock:
            readings: list[Reading] = []
            try:
                while len(readings) < len(batch):
                    await self._read_some(batch, readings)
            except BaseException:
                await self._end()  # it still answers this batch: the next one would get these answers
                raise
            return readings

    async def close(self) -> None:
        """End the child."""
        async with self._lock:
            await self._end()

    async def _read_some(self, batch: Sequence[bytes], readings: list[Reading]) -> None:
        """Read until all are read or the child fails; then the mail it failed on is unreadable."""
        child = await self._started()
        writing = asyncio.create_task(self._write(child, batch[len(readings) :]))
        try:
            while len(readings) < len(batch):
                raw = batch[len(readings)]
                fresh = self._fresh
                try:
                    readings.append(await self._answer(child, raw))
                except TimeoutError:
                    readings.append(_unreadable(raw, f"the mail took longer than {SECONDS:g} s to read"))
                    await self._end()
                    return
                except (ChildFailed, asyncio.IncompleteReadError, ValueError) as error:
                    # An answer too many comes from an earlier mail: this one deserves a child of its own.
                    if fresh or not isinstance(error, WrongMail):
                        readings.append(_unreadable(raw, "the mail broke the reader"))
                    await self._end()
                    return
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await writing

    @staticmethod
    async def _write(child: asyncio.subprocess.Process, mails: Sequence[bytes]) -> None:
        assert child.stdin is not None
        for raw in mails:
            child.stdin.write(_LENGTH.pack(len(raw)))
            child.stdin.write(raw)
            await child.stdin.drain()

    async def _answer(self, child: asyncio.subprocess.Process, raw: bytes) -> Reading:
        assert child.stdout is not None
        async with asyncio.timeout(SECONDS):
            (length,) = _LENGTH.unpack(await child.stdout.readexactly(_LENGTH.size))
            if length > ANSWER_LIMIT:
                raise ChildFailed("an answer longer than any reading")
            text = await child.stdout.readexactly(length)
        self._fresh = False
        reading = reading_from_text(text.decode())
        if reading.digest != hashlib.sha256(raw).hexdigest():
            raise WrongMail("an answer about another mail")
        return reading

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            paths = os.pathsep.join(path for path in (ROOT, os.environ.get("PYTHONPATH")) if path)
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=_environment() | {"PYTHONPATH": paths},
                limit=ANSWER_LIMIT * 2,
            )
            self._fresh = True
            await self._ready(self._child)
        return self._child

    @staticmethod
    async def _ready(child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                await child.stdout.readexactly(len(_READY))
        except (TimeoutError, asyncio.IncompleteReadError):
            raise ReaderBroken("the mail reader does not start; its mails stay where they are") from None

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.wait()
        if child.stdin is not None:
            child.stdin.close()


def _environment() -> dict[str, str]:
    """Leave Wilson's settings and secrets out of the process that meets strangers' mail."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WILSON_")}


def _unreadable(raw: bytes, reason: str) -> Reading:
    digest = hashlib.sha256(raw).hexdigest()
    log.error("a mail is set aside: %s (sha256 %s)", reason, digest)
    return Reading(MailKind.UNREADABLE, None, reason, "", "", f"sha256:{digest}", digest, Authenticated.NONE)


def reading_to_json(file: str, reading: Reading) -> dict[str, Any]:
    """Return a line of ``wilson parse --json``."""
    alert = reading.alert
    return {
        "file": file,
        "source": reading.source,
        "kind": reading.kind.value,
        "title": alert.title if alert else None,
        "severity": alert.severity if alert else None,
        "project": alert.project if alert else None,
        "resource": alert.resource if alert else None,
        "condition": alert.condition if alert else None,
        "incident_id": alert.incident_id if alert else None,
        "incident_url": alert.incident_url if alert else None,
        "started_at": _iso(alert.started_at) if alert else None,
        "ended_at": _iso(alert.ended_at) if alert else None,
        "dedup_key": alert.fingerprint if alert else None,
        "summary": alert.summary if alert else None,
        "authenticated": reading.authenticated.value,
        "reason": reading.reason,
    }


def _iso(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


# -- the child --------------------------------------------------------------------------------------------


def serve(
    mails: BinaryIO, answers: BinaryIO, trusted_authserv_id: str, sources: Sequence[ConfiguredSource] = ()
) -> None:
    """Answer mails until the parent closes the pipe or dies."""
    own = [source.parse for source in sources]
    answers.write(_READY)
    answers.flush()
    while len(head := mails.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        raw = mails.read(length)
        if len(raw) < length:
            return
        signal.alarm(ORPHAN_SECONDS)
        try:
            reading = recognise(read_mail(raw, trusted_authserv_id=trusted_authserv_id), own)
            answer = reading_to_text(reading).encode()
        except Exception as error:
            answer = reading_to_text(_unreadable(raw, f"reading it failed: {type(error).__name__}")).encode()
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()
        signal.alarm(0)


def limit_memory() -> None:
    """Let whatever asks for more memory than a mail needs fail, in this process and for good."""
    for limit, size in ((resource.RLIMIT_DATA, MEMORY_LIMIT), (resource.RLIMIT_AS, ADDRESS_LIMIT)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (size, size))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a stop is the parent's to hear, or its mail seems to break us
        signal.signal(number, signal.SIG_IGN)
    limit_memory()
    with contextlib.suppress(BrokenPipeError):
        taught = _SOURCES.validate_json(sys.argv[2]) if len(sys.argv) > 2 else []
        serve(sys.stdin.buffer, sys.stdout.buffer, sys.argv[1] if len(sys.argv) > 1 else "", taught)
