"""What cron mails: any output of a command. That it failed is a guess, so people judge; nothing ever recovers."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "cron"
_SUBJECT = re.compile(r"Cron <(?P<user>[^@<>\s]{1,64})@(?P<host>[^@<>\s]{1,253})>\s{0,5}(?P<command>.{0,500})$")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    daemon = "Cron Daemon" in mail.sender or "CronDaemon" in mail.sender or mail.header("x-cron-env")
    if subject is None or not (daemon or mail.forwarded_by):
        return None
    output, command = mail.text.strip(), subject["command"].strip()
    if not (output and command):
        raise UnreadableAlert(SOURCE, "it holds no output" if command else "it names no command")
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING,
        title=command[:200],
        fingerprint=f"cron|{subject['host'].lower()}|{command}",
        resource=f"{subject['user']}@{subject['host']}",
        condition=output[:500],
        summary="cron mails whatever a command prints; it may not have failed",
    )
