"""Monitors of UptimeRobot that went down or came up."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from, link, utc
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "uptimerobot"
_SUBJECT = re.compile(r".{0,5}Monitor is (?P<state>DOWN|UP)\s?: (?P<name>.{1,300})$", re.IGNORECASE)
_INCIDENT = re.compile(r"https://[a-z.]{0,30}uptimerobot\.com/incidents/(?P<id>\d{1,15})")
_LABELS = frozenset(
    {
        "monitor name", "checked url", "url", "root cause", "reason", "incident started at", "incident resolved at",
        "duration", "view incident details",
    }
)  # fmt: skip


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    incident = link(mail, _INCIDENT)
    said = sections(mail.text, _LABELS) if subject or incident or is_from(mail, "uptimerobot.com") else {}
    if subject is None:
        if incident and (said.get("monitor name") or said.get("checked url")):
            raise UnreadableAlert(SOURCE, "its subject does not tell whether the monitor is down or up")
        return None
    if not (is_from(mail, "uptimerobot.com") or incident or said.get("checked url")):
        return None
    name = subject["name"].strip()
    url = first_line(said.get("checked url")) or first_line(said.get("url"))
    if not (url or incident):
        raise UnreadableAlert(SOURCE, "it does not tell what was checked")
    down = subject["state"].upper() == "DOWN"
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if down else MailKind.RECOVERED,
        title=name[:200],
        fingerprint=f"uptimerobot|{name}|{url or ''}",
        resource=url,
        condition=(first_line(said.get("root cause")) or first_line(said.get("reason")) or "")[:500] or None,
        incident_id=incident["id"] if incident else None,
        incident_url=incident[0] if incident else None,
        started_at=utc(said.get("incident started at")),
        ended_at=None if down else utc(said.get("incident resolved at")),
    )
