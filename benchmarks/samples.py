"""Mails to measure with, and the walk that they take."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

import fittings
from demo.story import render
from mailwatcher.reader import MailReader
from mailwatcher.watch import Watcher
from models.domain.alerts import Reading
from models.domain.process import Process
from models.operations.alerts import record_mails
from models.ports.mailbox import Mailbox, MailFolder, StoredMail
from models.settings import Settings

VALUES = {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "began": "Nov 20, 2026 at 8:58AM UTC", "pipeline": "4711"}
ROW = b'<tr><td style="font-family:Roboto,Arial;padding:4px">Resource labels</td><td>project_id example</td></tr>\n'


def sample(number: int, incident: int, severity: bytes = b"Critical") -> bytes:
    """Return a mail of its own about one of many incidents, about 20 kB as such mails are."""
    plain = render("gcp-firing", VALUES | {"unique": f"{number}", "incident": f"o{incident:011d}"})
    head, _, text = plain.replace(b"Critical", severity).partition(b"\n\n")
    head = head.replace(b'text/plain; charset="utf-8"', b'multipart/alternative; boundary="b"')
    part = b'--b\nContent-Type: text/%s; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n%s\n'
    page = b"<html><body><table>" + ROW * 110 + b"</table></body></html>"
    parts = (part % (b"plain", base64.encodebytes(text)), part % (b"html", base64.encodebytes(page)))
    return head + b"\n\n" + b"".join(parts) + b"--b--\n"


def process() -> Process:
    """Return the process that Wilson ships."""
    return fittings.process_of(Settings())


class Memory:
    """A mailbox that costs nothing."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.filed = 0

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        mails, self.mails = self.mails[:limit], self.mails[limit:]
        return [StoredMail(str(index), raw, datetime.now(UTC)) for index, raw in enumerate(mails)]

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        self.filed += folder is MailFolder.PROCESSED

    async def check(self) -> Sequence[object]:
        return []

    async def close(self) -> None:
        return None


def watcher(mailbox: Mailbox, reader: MailReader) -> Watcher:
    """Return the watcher as the product puts it together: mails are read by a child process."""
    team = process()

    async def record(batch: Sequence[tuple[Reading, datetime]]) -> None:
        await record_mails(batch, team)

    async def polled(failure: str) -> None:
        assert not failure, failure

    async def emptied() -> None:
        return None

    return Watcher(mailbox, reader.read, record, polled, emptied, 1)
