"""New and resolved issues of Sentry."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import link
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "sentry"
_SUBJECT = re.compile(r"(?P<id>[A-Z0-9][A-Z0-9_-]{0,80}-[0-9A-Z]{1,10})\s{1,3}-\s{1,3}(?P<title>.{1,500})$")
_ISSUE = re.compile(
    r"https?://[^\s<>\"'/]{3,200}/(?:organizations/(?P<org>[^\s<>\"'/]{1,80})/)?(?:[^\s<>\"'/]{1,80}/){0,2}"
    r"issues/(?P<number>\d{1,15})(?=$|[/?#])"
)
_TAG = re.compile(r"^[ \t]{0,10}[*-] (?P<name>[a-z_.]{1,40}) = (?P<value>[^\n]{1,300})$", re.MULTILINE)
_RESOLVED = re.compile(r"\b(?:Resolved in|resolved in (?:release|version)|marked .{1,120} as resolved)\b")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    issue = link(mail, _ISSUE)
    theirs = bool(mail.header("x-sentry-project") or mail.header("x-sentry-reply-to"))
    subject = _SUBJECT.match(mail.subject)
    if not (theirs or (issue and subject and "sentry" in f"{mail.sender} {issue[0]}".lower())):
        return None
    resolved = _RESOLVED.search(f"{mail.subject}\n{mail.text[:3000]}")
    if subject is None and (issue is None or resolved is None):
        raise UnreadableAlert(SOURCE, "its subject names no issue")
    tags: dict[str, str] = {}
    for tag in _TAG.finditer(mail.text):
        tags.setdefault(tag["name"], tag["value"].strip())
    short = subject["id"] if subject else None
    key = short or (issue["number"] if issue else "")
    return Alert(
        source=SOURCE,
        kind=MailKind.RECOVERED if resolved else MailKind.FIRING,
        title=(subject["title"].strip() if subject else mail.subject)[:200],
        fingerprint=f"sentry|{key}",
        severity=(tags.get("level") or mail.header("x-sentry-logger-level")).lower() or None,
        project=mail.header("x-sentry-project") or (short.rpartition("-")[0].lower() if short else None),
        resource=tags.get("server_name"),
        incident_id=short or key or None,
        incident_url=issue.string if issue else None,
        details={name: tags[name] for name in ("environment", "release") if name in tags},
    )
