"""What the command line asks about mail: why a mail ended as it did, what a day's mail ended as, and self-tests."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from zoneinfo import ZoneInfo

import mailroom
from mailwatcher import selftest
from models import mails, queue, store
from models.domain.alerts import Reading
from models.domain.effects import Tell
from models.domain.mail import Outcome, sort_mail
from models.domain.process import Process
from models.mails import MailRecord
from models.operations.alerts import record_mails
from models.ports.errors import PortError
from models.settings import Settings

LOOK_SECONDS = 0.5


def told(record: MailRecord) -> list[str]:
    """Return what ``wilson mail why`` prints of one mail."""
    reading, alert = record.reading, record.reading.alert
    lines = [
        f"{reading.message_id}",
        f"  subject: {reading.subject}",
        f"  from: {reading.sender or 'nobody'} (our mail server says: {reading.authenticated.value})",
        f"  arrived: {record.received_at:%Y-%m-%d %H:%M:%S} UTC, recorded {record.recorded_at:%H:%M:%S}",
        f"  ended as: {record.outcome.value}" + (f", incident {record.incident_id}" if record.incident_id else ""),
        f"  because: {reading.reason}",
    ]
    if record.why:
        lines.append(f"  and: {record.why}")
    if alert is not None and alert.fingerprint:
        lines.append(f"  fingerprint: {alert.fingerprint}")
    return lines


async def why(message_id: str) -> list[str]:
    """Return what became of a mail and why; empty where it was never recorded."""
    bare = message_id.strip().strip("<>")
    found = [*await mails.mails_of(f"<{bare}>"), *await mails.mails_of(bare)]
    return [line for record in found for line in told(record)]


async def balance(day: date | None, timezone: ZoneInfo) -> tuple[date, dict[Outcome, int]]:
    """Return how many mails of a day ended as what; without a day, of today so far."""
    chosen = day or datetime.now(timezone).date()
    begin = datetime(chosen.year, chosen.month, chosen.day, tzinfo=timezone)
    after = chosen + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=timezone)
    return chosen, await mails.outcomes_between(store.to_ms(begin), store.to_ms(end))


async def replay(
    settings: Settings, process: Process, files: Sequence[Path], *, dry_run: bool
) -> AsyncIterator[str]:
    """Record mails from files as if they had just arrived; a mail that was recorded before changes nothing.

    Args:
        dry_run: Only say what would become of them.
    """
    reader = mailroom.reader_of(settings)
    try:
        readings = await reader.read([await asyncio.to_thread(file.read_bytes) for file in files])
    finally:
        await reader.close()
    now = datetime.now(UTC)
    for file, reading in zip(files, readings, strict=True):
        if dry_run:
            yield f"{file}: {await _would(settings, process, reading, now)}"
            continue
        await record_mails([(reading, now)], process, mailroom.trust_of(settings))
        recorded = await mails.mails_of(reading.message_id)
        yield "\n".join([f"{file}:", *(line for each in recorded for line in told(each))])


async def _would(settings: Settings, process: Process, reading: Reading, now: datetime) -> str:
    each = sort_mail(reading, now, process.mail, mailroom.trust_of(settings))
    text = f"{each.outcome.value}: {reading.reason}" + (f"; {each.why}" if each.why else "")
    if reading.alert is None:
        return text
    open_one = await store.open_incident(reading.alert.fingerprint)
    where = f"joins incident {open_one}" if open_one else "no open incident has its fingerprint"
    return f"{text}; fingerprint {reading.alert.fingerprint}; {where}"


async def test_itself(settings: Settings, *, timeout: float) -> AsyncIterator[tuple[bool, str]]:
    """Send a marked mail to the mailbox, and time each hop: sent, in the mailbox, recorded, told in the channel.

    A watcher and a bot must be running. Yields whether a hop went well, and what to say of it; the first that
    does not ends it.

    Args:
        timeout: Seconds for each hop.
    """
    token = secrets.token_hex(8)
    begun = time.monotonic()
    mailbox = mailroom.mailbox_of(settings, mailroom.NoBookmark(), None)
    try:
        await mailbox.send(_mail(settings.mailbox.address or "wilson@localhost", token))
    except PortError as error:
        yield False, f"sent: no: {error}"
        return
    finally:
        await mailbox.close()
    yield True, f"sent: {time.monotonic() - begun:.1f} s"
    record = await _recorded(token, timeout)
    if record is None:
        yield False, f"recorded: not within {timeout:.0f} s: is a watcher running? see wilson doctor"
        return
    arrived = (record.recorded_at - record.received_at).total_seconds()
    yield (
        True,
        f"recorded: {time.monotonic() - begun:.1f} s after sending, {arrived:.1f} s after the mailbox had it",
    )
    text = (
        f"Self-test: a mail to the alert mailbox was recorded {time.monotonic() - begun:.1f} s after it was sent."
    )
    await store.leave([Tell(f"{text} ({token})")], once=[f"selftest:{token}"])
    if not await _delivered(token, timeout):
        yield False, f"told in the channel: not within {timeout:.0f} s: is a bot running? see wilson outbox"
        return
    yield True, f"told in the channel: {time.monotonic() - begun:.1f} s after sending"


def _mail(address: str, token: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = mail["To"] = address
    mail["Subject"] = f"[Wilson self-test] {token}"
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<selftest.{token}@wilson.invalid>"
    mail[selftest.HEADER] = token
    mail.set_content("Wilson sent this to itself, to see that alert mail arrives. Nothing is to be done.\n")
    return mail.as_bytes()


async def _recorded(token: str, timeout: float) -> MailRecord | None:
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if record := await mails.mail_of_fingerprint(selftest.fingerprint(token)):
            return record
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _delivered(token: str, timeout: float) -> bool:
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        waiting = [each.effect for each in await queue.waiting()]
        if not any(isinstance(each, Tell) and token in each.text for each in waiting):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False
