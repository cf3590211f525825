"""Builds that the Cloud Build notifier mails about. Its template is the users' own: only the subject is firm."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "gcp_cloud_build"
_SUBJECT = re.compile(
    r"Cloud Build \[(?P<project>[a-z][a-z0-9:.-]{3,64})\]: (?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
)
_STATUS = re.compile(
    r"\b(?P<status>SUCCESS|FAILURE|INTERNAL_ERROR|TIMEOUT|EXPIRED|CANCELLED|QUEUED|WORKING|PENDING)\b"
)
_KINDS = dict.fromkeys(("FAILURE", "INTERNAL_ERROR", "TIMEOUT", "EXPIRED"), MailKind.FIRING) | {
    "SUCCESS": MailKind.RECOVERED
}


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    if subject is None:
        return None
    status = _STATUS.search(mail.text)
    if status is None:
        raise UnreadableAlert(SOURCE, "it does not tell the build's status")
    project = subject["project"]
    head = f"{project}: "
    lines = (line.strip() for line in mail.text.split("\n")[:200])
    trigger = next((line[len(head) :].strip() for line in lines if line.startswith(head)), "")
    page = f"/cloud-build/builds/{subject['id']}"
    return Alert(
        source=SOURCE,
        kind=_KINDS.get(status["status"], MailKind.INFORMATION),
        title=f"{trigger or project} build {status['status']}"[:200],
        fingerprint=f"gcp|cloudbuild|{project}|{trigger}",
        project=project,
        resource=trigger or None,
        incident_id=subject["id"],
        incident_url=next((each for each in mail.links if page in each), None),
    )
