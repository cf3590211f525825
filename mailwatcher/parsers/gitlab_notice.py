"""What GitLab mails about accounts, tokens and projects (FORMATS 1.6).

Some of it is a failure, and none of it ever recovers.
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.gitlab import host_and_path, is_gitlab
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "gitlab_notice"
_FAILURES = {
    "mirror": re.compile(r"Remote mirror update failed", re.IGNORECASE),
    "mirroring": re.compile(r"Repository mirroring paused", re.IGNORECASE),
    "auto_devops": re.compile(r"Auto DevOps pipeline was disabled for ", re.IGNORECASE),
    "pages": re.compile(r"ACTION REQUIRED: .{1,200}GitLab Pages domain", re.IGNORECASE),
    "cleanup": re.compile(r"Project cleanup failure", re.IGNORECASE),
    "rewrite": re.compile(r"Project history rewrite failure", re.IGNORECASE),
}
_INFORMATION = {
    "token": re.compile(
        r"(?:Your|One or more of your) .{0,60}?(?:access|deploy|feed|trigger) tokens? .{0,40}?"
        r"(?:expire|expired|revoked|rotated)",
        re.IGNORECASE,
    ),
    "ssh_key": re.compile(r"Your SSH key (?:has expired|expires)", re.IGNORECASE),
    "sign_in": re.compile(r"\S{3,200} sign-in from new location", re.IGNORECASE),
    "schedule": re.compile(r"Take ownership of the pipeline schedule", re.IGNORECASE),
    "on_call": re.compile(r"User removed from (?:On-call rotation|escalation policy)", re.IGNORECASE),
}
_LABELS = frozenset(
    {"source project", "remote mirror", "last update at", "last error", "project", "view it on gitlab"}
)
_ITEM = re.compile(r"^[ \t]{1,10}- (?P<item>[^\n]{1,200})$", re.MULTILINE)


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    said, what, failure = _what(mail.subject)
    if not what or not is_gitlab(mail):
        return None
    host, path = host_and_path(mail)
    fields = sections(mail.text, _LABELS) if what == "mirror" else {}
    mirror = first_line(fields.get("remote mirror"))
    if failure and not path:
        raise UnreadableAlert(SOURCE, "it names no project")
    items = [item["item"].strip() for item in _ITEM.finditer(mail.text)][:20] if what == "token" else []
    error = (fields.get("last error") or "").removesuffix("\n--").split("\n--\n")[0].strip()
    condition = error or (f"tokens: {', '.join(items)}" if items else "")
    key = f"gitlab|{host}|{what}|{path.lower()}"
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if failure else MailKind.INFORMATION,
        title=said[:200],
        fingerprint=f"{key}|{mirror or ''}" if failure else f"{key}|{said}",
        project=path or None,
        resource=mirror,
        condition=condition[:500] or None,
    )


def _what(subject: str) -> tuple[str, str, bool]:
    """Return the notice without the project's name, which it is, and whether it is a failure."""
    parts = subject.split(" | ")[:10]
    for number in range(len(parts)):
        said = " | ".join(parts[number:])
        for table, failure in ((_FAILURES, True), (_INFORMATION, False)):
            for what, pattern in table.items():
                if pattern.match(said):
                    return said, what, failure
    return "", "", False
