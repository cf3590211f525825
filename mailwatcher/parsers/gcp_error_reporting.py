"""New errors that Google Cloud's Error Reporting saw (FORMATS 2.3)."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from, link
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "gcp_error_reporting"
_SUBJECT = re.compile(
    r"(?:\[(?P<project>[a-z][a-z0-9:.-]{3,64})\]\s{0,3})?New error in (?P<service>[^:]{1,200})"
    r"(?:: (?P<error>.{1,500}))?$"
)
_PAGE = re.compile(
    r"https://console\.cloud\.google\.com/errors/(?:detail/)?(?P<id>[A-Za-z0-9_-]{3,64})(?:\?[^\s<>\"']{0,300})?"
)
_PROJECT = re.compile(r"[?&]project=(?P<project>[a-z0-9:.-]{4,64})")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject, page = _SUBJECT.match(mail.subject), link(mail, _PAGE)
    theirs = is_from(mail, "google.com") and "error" in f"{mail.from_address} {mail.sender}".lower()
    if not (theirs or (subject and page)):
        return None
    if subject is None:
        raise UnreadableAlert(SOURCE, "its subject names no error")
    if page is None and not mail.text.strip():
        raise UnreadableAlert(SOURCE, "it has no text and names no error group")
    said = sections(mail.text, frozenset({"service", "version", "view error"}))
    in_page = _PROJECT.search(page[0]) if page else None
    project = subject["project"] or (in_page["project"] if in_page else None)
    error = (subject["error"] or "").strip()
    number = page["id"] if page else None
    service = subject["service"].strip()
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING,
        title=(error or f"New error in {service}")[:200],
        fingerprint=f"gcp|error-group|{project}|{number or f'{service}|{error}'}",
        project=project,
        resource=first_line(said.get("service")) or service,
        incident_id=number,
        incident_url=page[0] if page else None,
        details={"version": first_line(said.get("version")) or ""},
    )
