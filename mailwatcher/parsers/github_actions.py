"""Workflow runs of GitHub Actions. A repository's workflow on a branch is the key."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from, link
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "github_actions"
_SUBJECT = re.compile(
    r"\[(?P<repository>[\w.-]{1,100}/[\w.-]{1,100})\] (?:PR )?run (?P<result>[a-z ]{1,40}?)\s?: "
    r"(?P<workflow>.{1,300}) - (?P<branch>[^\s]{1,250})(?: \((?P<sha>[0-9a-f]{7,40})\))?$",
    re.IGNORECASE,
)
_RUN = re.compile(
    r"https://[^\s<>\"'/]{3,200}/(?P<repository>[\w.-]{1,100}/[\w.-]{1,100})/actions/runs/(?P<id>\d{1,15})"
)
_FAILED = re.compile(
    r"^[ \t]{0,10}[*-] (?P<job>[^\n]{1,200}?) failed(?: \(\d{1,6} annotations?\))?[ \t]{0,10}$", re.MULTILINE
)


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    run = link(mail, _RUN)
    theirs = is_from(mail, "github.com") or mail.header("x-github-reason") == "ci_activity"
    if not (theirs or run):
        return None
    if subject is None:
        if mail.header("x-github-reason") == "ci_activity":
            raise UnreadableAlert(SOURCE, "its subject names no workflow and branch")
        return None
    result = subject["result"].lower()
    kind = MailKind.INFORMATION
    if "fail" in result or "timed out" in result:
        kind = MailKind.FIRING
    elif "succe" in result:
        kind = MailKind.RECOVERED
    key = f"github|{subject['repository'].lower()}|{subject['workflow']}|{subject['branch']}"
    jobs = [job["job"].strip() for job in _FAILED.finditer(mail.text)][:30]
    return Alert(
        source=SOURCE,
        kind=kind,
        title=subject["workflow"].strip()[:200],
        fingerprint=key,
        event_key=f"{key}|{run['id']}|{result}" if run else None,
        project=subject["repository"],
        resource=subject["branch"],
        condition="; ".join(jobs)[:500] or None,
        incident_id=run["id"] if run else None,
        incident_url=run[0] if run else None,
        details={"commit": subject["sha"] or ""},
    )
