"""Checks of Healthchecks that went down or came up."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import link
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "healthchecks"
_SUBJECT = re.compile(r"(?P<state>DOWN|UP) \| (?P<name>.{1,300})$")
_SAYS = re.compile(
    r"check (?P<quote>[\"\u201c])?(?P<name>[^\"\u201d\n]{1,200}?)[\"\u201d]? (?:has gone|is) (?P<state>down|up)\b",
    re.IGNORECASE,
)
_PAGE = re.compile(r"https?://[^\s<>\"']{3,200}/(?:checks|cloaked)/(?P<id>[0-9a-f-]{36}|[0-9a-f]{40})")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject, page = _SUBJECT.match(mail.subject), link(mail, _PAGE)
    if not (subject or page):
        return None
    says = _SAYS.search(mail.text[:5000])
    if not ((subject and (says or page)) or (says and page)):
        return None
    word = says["state"] if says else subject["state"] if subject else ""
    if subject and says and subject["state"].lower() != says["state"].lower():
        raise UnreadableAlert(SOURCE, "its subject and its text contradict each other")
    name = (subject or says or {"name": ""})["name"].strip()
    said = sections(
        mail.text, frozenset({"reason", "project", "tags", "last ping", "schedule", "period", "total pings"})
    )
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if word.lower() == "down" else MailKind.RECOVERED,
        title=name[:200],
        fingerprint=f"healthchecks|{page['id'] if page else name}",
        project=first_line(said.get("project")),
        resource=name[:200],
        condition=(first_line(said.get("reason")) or "")[:500] or None,
        incident_id=page["id"] if page else None,
        incident_url=page[0] if page else None,
    )
