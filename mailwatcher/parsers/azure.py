"""Alerts of Azure Monitor. A rule and the resource it watches are the key: each firing has an id of its own."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "azure"
_SUBJECTS = (
    re.compile(r"Azure: (?P<state>Activated|Deactivated) Severity: (?P<severity>\d) (?P<rule>.{1,300})$"),
    re.compile(r"Alert '(?P<rule>.{1,300})' was (?P<state>fired|resolved|activated|deactivated)"),
    re.compile(
        r"(?P<state>Fired|Resolved):\s?Sev(?P<severity>\d) Azure Monitor Alert (?P<rule>.{1,200}?)"
        r" on (?P<on>.{1,200})"
    ),
)
_ID = re.compile(r"/alerts/(?P<id>[0-9a-fA-F-]{36})")
_SEVERITY = re.compile(r"Sev\s?(?P<number>\d)", re.IGNORECASE)
_PAGE = re.compile(r"https://portal\.azure\.com/")
_LABELS = frozenset(
    {
        "affected resource", "resource", "resource type", "resource group", "subscription", "severity",
        "signal type", "monitor condition", "monitoring service", "alert rule", "alert id", "fired time",
        "resolved time", "alert name",
        "description", "essentials", "alert target ids", "target resource",
    }
)  # fmt: skip
_FIRES = frozenset({"activated", "fired"})
_ENDS = frozenset({"deactivated", "resolved"})


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = next((found for each in _SUBJECTS if (found := each.match(mail.subject))), None)
    theirs = is_from(mail, "microsoft.com", "azure.com") and "azure" in f"{mail.sender} {mail.subject}".lower()
    named = "Azure Monitor" in mail.text[:5000]
    if not ((subject and (theirs or named)) or (theirs and named)):
        return None
    said = sections(mail.text, _LABELS)
    rule = (
        first_line(said.get("alert rule"))
        or first_line(said.get("alert name"))
        or (subject["rule"] if subject else "")
    )
    word = (first_line(said.get("monitor condition")) or (subject["state"] if subject else "")).lower()
    if word not in _FIRES | _ENDS:
        raise UnreadableAlert(SOURCE, "it does not tell whether the alert fires")
    if not rule:
        raise UnreadableAlert(SOURCE, "it names no rule")
    groups = subject.groupdict() if subject else {}
    severity = _SEVERITY.search(said.get("severity", ""))
    number = severity["number"] if severity else groups.get("severity")
    resource = first_line(said.get("affected resource")) or first_line(said.get("target resource"))
    resource = resource or (groups.get("on") or "").split(" (")[0] or None
    found = _ID.search(said.get("alert id", "")) or _ID.search(mail.text)
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if word in _FIRES else MailKind.RECOVERED,
        title=rule.strip()[:200],
        fingerprint=f"azure|{rule.strip()}|{resource or ''}",
        severity=f"sev{number}" if number else None,
        project=first_line(said.get("resource group")),
        resource=resource,
        incident_id=found["id"].lower() if found else None,
        incident_url=next((each for each in mail.links if _PAGE.match(each)), None),
        summary=(first_line(said.get("description")) or "")[:500] or None,
        details={"fired": first_line(said.get("fired time")) or ""},
    )
