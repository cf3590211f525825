"""Checks of Pingdom that went down or came up."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "pingdom"
_SUBJECT = re.compile(r"(?P<state>DOWN|UP) alert\s?: (?P<rest>.{1,500})$")
_CHECK = re.compile(r"(?P<name>[^()\n]{1,200}) \((?P<host>[A-Za-z0-9.:/_-]{1,253})\) (?:is|was|has)\b")
_REASON = re.compile(r"^\s{0,10}Reason: ?(?P<reason>[^\n]{1,500})$", re.MULTILINE)


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    if subject is None or not (is_from(mail, "pingdom.com", "solarwinds.com") or "Pingdom" in mail.text):
        return None
    check = _CHECK.search(subject["rest"]) or _CHECK.search(mail.text[:3000])
    if check is None:
        raise UnreadableAlert(SOURCE, "it names no check")
    host = check["host"]
    url = host if host.startswith(("http://", "https://")) else f"https://{host}"
    reason = _REASON.search(mail.text)
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if subject["state"] == "DOWN" else MailKind.RECOVERED,
        title=host[:200],
        fingerprint=f"pingdom|{url}",
        resource=url,
        summary=reason["reason"].strip() if reason else None,
        details={"check": check["name"].strip()},
    )
