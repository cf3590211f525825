"""Mails that ``wilson selftest`` sends to itself, to time each hop."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from models.domain.alerts import Alert, MailKind

HEADER = "X-Wilson-Selftest"
_TOKEN = re.compile(r"[0-9a-f]{16}")


def fingerprint(token: str) -> str:
    """Return what the self-test of that token is found again by."""
    return f"selftest|{token}"


def parse(mail: Mail) -> Alert | None:
    """Recognise a self-test by its header."""
    token = mail.header(HEADER)
    if not _TOKEN.fullmatch(token):
        return None
    return Alert("selftest", MailKind.INFORMATION, "Self-test of Wilson", fingerprint(token))
