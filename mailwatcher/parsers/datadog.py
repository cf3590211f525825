"""Monitors of Datadog. A monitor and the group it speaks of are the key."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from, link
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "datadog"
_SUBJECT = re.compile(
    r"(?:\[(?P<priority>P[1-5])\]\s{0,3})?"
    r"\[(?:Monitor Alert\]\s{0,3}\[)?"
    r"(?P<state>Triggered|Re-Triggered|Warn|Re-Warn|Recovered|No data|Re-No data|Renotify)"
    r"(?: on \{(?P<tags>[^{}]{0,500})\})?\]\s{0,3}(?P<title>.{1,500})$",
    re.IGNORECASE,
)
_MONITOR = re.compile(
    r"https://[a-z0-9.-]{1,60}(?:datadoghq\.(?:com|eu)|ddog-gov\.com)/monitors[/#](?P<id>\d{1,15})"
)


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    monitor = link(mail, _MONITOR)
    theirs = is_from(mail, "dtdg.co", "dtdg.eu", "datadoghq.com", "datadoghq.eu")
    if subject is None:
        if theirs and monitor and "monitor was last triggered" in mail.text:
            raise UnreadableAlert(SOURCE, "its subject does not tell the monitor's state")
        return None
    if not (theirs or monitor):
        return None
    if monitor is None and not mail.text.strip():
        raise UnreadableAlert(SOURCE, "it has no text and names no monitor")
    state = subject["state"].lower()
    tags = (subject["tags"] or "").strip()
    title = subject["title"].strip()
    return Alert(
        source=SOURCE,
        kind=MailKind.RECOVERED if state == "recovered" else MailKind.FIRING,
        title=title[:200],
        fingerprint=f"datadog|{monitor['id'] if monitor else title}|{tags}",
        severity=(subject["priority"] or "").lower() or ("warning" if "warn" in state else None),
        resource=tags or None,
        incident_id=monitor["id"] if monitor else None,
        incident_url=monitor.string if monitor else None,
        summary=_says(mail.text),
        details={"state": state},
    )


def _says(text: str) -> str | None:
    lines = [line.strip() for line in text[:4000].split("\n") if line.strip()]
    return next((line[:500] for line in lines if not line.startswith(("[", "@", "http"))), None)
