"""Groups of alerts from Prometheus Alertmanager. One mail is one group: it fires while any of it fires.

Its mails have HTML alone. The key is the group's label values, which stand in the subject too.
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import link
from mailwatcher.parsers.grouped import SUBJECT, joined, members
from models.domain.alerts import Alert, Link, MailKind, UnreadableAlert

SOURCE = "alertmanager"
_GROUP = re.compile(
    r"\b\d{1,6} alerts? for\s{1,5}(?P<labels>[^\n]{1,500}(?:\n[A-Za-z_]\w{0,80}=[^\n]{0,300}){0,20})"
)
_NAMED = re.compile(r"(?:^|\s)[A-Za-z_]\w{0,80}=")
_GRAPH = re.compile(r"https?://[^\s<>\"']{3,300}/graph\?")
_OWN = re.compile(r"https?://[^\s<>\"']{3,300}/#/alerts\?")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = SUBJECT.match(mail.subject)
    said = "Sent by Alertmanager" in mail.text or "View in Alertmanager" in mail.text
    own = "@alertmanager" in mail.header("message-id") or "@alertmanager>" in mail.header("references")
    if not (said or own or (subject and "alertmanager" in mail.from_address)):
        return None
    found = members(mail.text)
    if subject is None and not found:
        raise UnreadableAlert(SOURCE, "neither its subject nor its text says whether it fires")
    firing = any(each.firing for each in found) if found else bool(subject and subject["state"] == "FIRING")
    worst = next((each for each in found if each.firing), found[0] if found else None)
    group = _GROUP.search(mail.text)
    values = " ".join(" ".join(_NAMED.split(group["labels"])).split()) if group else ""
    rest = subject["rest"].strip() if subject else ""
    values = values or rest.split(" (")[0].strip()
    title = (worst.first("alertname") if worst else "") or values or rest
    if not title:
        raise UnreadableAlert(SOURCE, "it names no alert")
    notes = worst.notes if worst else {}
    graph = next((each for each in mail.links if _GRAPH.match(each)), None)
    runbook = notes.get("runbook_url", "")
    own_page = link(mail, _OWN)
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if firing else MailKind.RECOVERED,
        title=title[:200],
        fingerprint=f"alertmanager|{values or title}",
        severity=(worst.first("severity").lower() if worst else "") or None,
        project=(worst.first("cluster", "project", "namespace") if worst else "") or None,
        resource=joined([each.first("instance", "pod", "node", "host", "service") for each in found]) or None,
        condition=(notes.get("description") or notes.get("message") or notes.get("summary") or "")[:500] or None,
        incident_url=graph or (own_page.string if own_page else None),
        summary=notes.get("summary", "")[:500] or None,
        links=(Link("Runbook", runbook),) if runbook.startswith(("http://", "https://")) else (),
        details={
            "firing": sum(each.firing for each in found),
            "resolved": sum(not each.firing for each in found),
        },
    )
