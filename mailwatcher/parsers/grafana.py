"""Groups of alerts from Grafana. The text names the group's labels; a rule's page stands in the HTML alone."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.grouped import SUBJECT, inline, joined, members
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "grafana"
_COUNT = re.compile(
    r"You have (?P<firing>\d{1,6}) firing alert\(s\), and (?P<resolved>\d{1,6}) resolved alert\(s\)"
    r"(?: for (?P<labels>[^\n]{1,1000}))?"
)
_RULE = re.compile(r"https?://[^\s<>\"']{3,300}/alerting/(?:grafana/)?[^\s<>\"'/]{1,80}/view(?=$|[?#])")
_LIST = re.compile(r"https?://[^\s<>\"']{3,300}/alerting/")
_NAMED = ("alertname", "grafana_folder")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = SUBJECT.match(mail.subject)
    count = _COUNT.search(mail.text)
    sent = "Sent by Grafana" in mail.text or "grafana" in mail.sender.lower()
    if not (count or (sent and (subject or any(_LIST.match(each) for each in mail.links)))):
        return None
    found = members(mail.text)
    if not (subject or count or found):
        raise UnreadableAlert(SOURCE, "neither its subject nor its text says whether it fires")
    if count:
        firing = int(count["firing"]) > 0
    elif found:
        firing = any(each.firing for each in found)
    else:
        firing = bool(subject and subject["state"] == "FIRING")
    worst = next((each for each in found if each.firing), found[0] if found else None)
    group = inline(count["labels"]) if count and count["labels"] else {}
    labels = (worst.labels if worst else {}) | group
    title = labels.get("alertname", "") or (subject["rest"].strip() if subject else "")
    if title in ("DatasourceNoData", "DatasourceError") and labels.get("rulename"):
        title = f"{labels['rulename']} ({'no data' if title.endswith('NoData') else 'error'})"
    if not title:
        raise UnreadableAlert(SOURCE, "it names no alert")
    notes = worst.notes if worst else {}
    key = ",".join(f"{name}={value}" for name, value in sorted((group or _key(labels)).items()))
    pages = (*mail.links, *mail.html_links())
    url = next((each for pattern in (_RULE, _LIST) for each in pages if pattern.match(each)), None)
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if firing else MailKind.RECOVERED,
        title=title[:200],
        fingerprint=f"grafana|{key or title}",
        severity=labels.get("severity", "").lower() or None,
        project=labels.get("grafana_folder") or None,
        resource=joined([each.first("instance", "pod", "node", "host", "service") for each in found]),
        condition=(notes.get("description") or notes.get("message") or notes.get("summary") or "")[:500] or None,
        incident_url=url,
        summary=notes.get("summary", "")[:500] or None,
        details={"firing": int(count["firing"]), "resolved": int(count["resolved"])} if count else {},
    )


def _key(labels: dict[str, str]) -> dict[str, str]:
    return {name: labels[name] for name in _NAMED if labels.get(name)}
