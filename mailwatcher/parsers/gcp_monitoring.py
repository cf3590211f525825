"""Alerts of Google Cloud Monitoring (FORMATS 2.1).

The subject's bracket says the state, the incident's id in the console's address is the key: opening, repeats and
closing share it. A custom subject may leave the bracket out, and then the body says the state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from mailwatcher.envelope import Mail
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, Link, MailKind, UnreadableAlert

SOURCE = "gcp_monitoring"
SENDER = "alerting-noreply@google.com"
_SUBJECT = re.compile(
    r"\[(?P<state>ALERT|RESOLVED)(?:\s?-\s?(?P<severity>[A-Za-z ]{1,30}))?\]\s{0,5}(?P<rest>.{0,1000})$",
    re.IGNORECASE,
)
_INCIDENT = re.compile(
    r"https://(?:console\.cloud\.google\.com/monitoring/alerting/(?:alerts|incidents)"
    r"|app\.(?:google\.)?stackdriver\.com/incidents)/(?P<id>0\.[a-z0-9]{6,32})(?:[/?#][^\s<>\"']{0,500})?"
)
_STATE = re.compile(r"^\s{0,10}Alert (firing|recovered|closed|resolved)\b", re.IGNORECASE | re.MULTILINE)
_ENDED = re.compile(
    r"returned to normal with a value of|returned to a passing state|incident cancelled because|"
    r"stopped being absent|data (?:is|has been) received again",
    re.IGNORECASE,
)
_BEGAN = re.compile(
    r"is (?:above|below) (?:the )?threshold of|log match condition\b.{0,4000}?\bfired for|"
    r"an uptime check on .{1,500} is failing|is absent for|has been absent|no data (?:has been )?received",
    re.IGNORECASE | re.DOTALL,
)
_WHEN = re.compile(
    r"\b(?:Start time|Violation started|Incident started)[\s:]{1,20}"
    r"(?P<time>[A-Z][a-z]{2,8} \d{1,2}, \d{4} at [0-9:APM ]{4,10})"
)
_PROJECT = re.compile(r"[?&]project=([a-z0-9:.-]{4,64})")
_BRACE = re.compile(r"[{}]")
_PAIR = re.compile(r"(?:^|, ?)([a-z_.]{2,40})=(.{0,200}?)(?=, ?[a-z_.]{2,40}=|$)")
_LABEL = re.compile(r"([a-z_.]{2,40})(?: ?[:=] ?| )(\S.{0,300})$")
_ON = re.compile(r"^(?P<condition>.{1,300}?) (?:on|for) (?P<where>.{1,600})$")
_TIME = re.compile(r"([A-Z][a-z]{2,8}) (\d{1,2}), (\d{4}) at (\d{1,2}):(\d{2}) ?([AP]M)")
_RUNBOOK = re.compile(r"https://[^\s<>\"']{4,500}")
_LABELS = frozenset(
    {
        "start time", "end time", "project", "policy", "condition", "metric", "threshold", "observed",
        "resource labels", "metric labels", "policy labels", "user labels", "system labels", "log query",
        "extracted labels", "policy documentation", "documentation", "resource", "resource type", "severity",
        "violation started", "view the incident in cloud monitoring", "view incident", "duration",
    }
)  # fmt: skip
_NAMES = (
    "instance_name", "host", "service_name", "event_id", "pod_name", "job_name", "job_id", "container_name",
    "database_id", "topic_id", "subscription_id", "queue_id", "bucket_name", "function_name", "cluster_name",
    "backend_name", "url_map_name", "forwarding_rule_name", "revision_name", "check_id", "instance_id",
)  # fmt: skip
_SEVERITIES = ("critical", "error", "warning")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    text = mail.text
    incident = _incident(mail)
    theirs = mail.from_address == SENDER
    if not (theirs or incident or subject):
        return None
    body_state = _body_state(text)
    like = subject and ((mail.forwarded_by and (body_state or not text.strip())) or _STATE.search(text))
    if not (theirs or incident or like):
        return None
    if subject is None and body_state is None:
        if not theirs:
            return None
        raise UnreadableAlert(SOURCE, "neither its subject nor its text says whether it fires")
    said = sections(text, _LABELS)
    if incident is None and theirs and not text.strip():
        raise UnreadableAlert(SOURCE, "it has no text and names no incident")
    if incident is None and subject is None and not (said.get("policy") or said.get("condition")):
        raise UnreadableAlert(SOURCE, "it names no incident")
    return _alert(mail, subject, body_state, incident, said)


def _body_state(text: str) -> MailKind | None:
    """Return what the text says of the incident: by its headline, or by one of the source's sentences."""
    if headline := _STATE.search(text):
        return MailKind.FIRING if headline[1].lower() == "firing" else MailKind.RECOVERED
    if _ENDED.search(text[:20_000]):
        return MailKind.RECOVERED
    return MailKind.FIRING if _BEGAN.search(text[:20_000]) else None


def _incident(mail: Mail) -> re.Match[str] | None:
    for link in mail.links:
        if found := _INCIDENT.match(link):
            return found
    return _INCIDENT.search(mail.text) if "/alerting/" in mail.text else None


def _alert(
    mail: Mail,
    subject: re.Match[str] | None,
    body_state: MailKind | None,
    incident: re.Match[str] | None,
    said: dict[str, str],
) -> Alert:
    firing = subject["state"].upper() == "ALERT" if subject else body_state is MailKind.FIRING
    labels = _labels(mail, said)
    rest = subject["rest"].strip() if subject else ""
    policy, condition = first_line(said.get("policy")), first_line(said.get("condition"))
    on = _ON.match(_without_braces(rest))
    if condition is None and on is not None and policy != rest:
        condition = on["condition"]
    url = incident[0].rstrip(").,;") if incident else None
    project = first_line(said.get("project")) or _project(url, labels, on)
    resource = _resource(labels, on, project)
    title = policy or condition or rest or mail.subject
    number = incident["id"] if incident else None
    key = f"gcp|incident|{number}" if number else f"gcp|{project}|{title}|{condition}|{resource}"
    documentation = said.get("policy documentation") or said.get("documentation") or ""
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if firing else MailKind.RECOVERED,
        title=title[:200],
        fingerprint=key,
        event_key=None if firing or not number else f"{key}|closed",
        severity=_severity(subject, mail.text),
        project=project,
        resource=resource,
        condition=condition,
        incident_id=number,
        incident_url=url,
        started_at=_time(said.get("start time") or said.get("violation started") or _began(mail.text)),
        ended_at=None if firing else _time(said.get("end time")),
        summary=_summary(mail.text),
        links=_runbooks(documentation),
        details={"log_based": "log query" in said, "metric": first_line(said.get("metric")) or ""},
    )


def _began(text: str) -> str | None:
    """Return the time beside its label, where they stand on one line without a colon."""
    found = _WHEN.search(text)
    return found["time"] if found else None


def _severity(subject: re.Match[str] | None, text: str) -> str | None:
    word = (subject["severity"] or "").strip().lower() if subject else ""
    if not word:
        after = _STATE.search(text)
        word = (first_line(text[after.end() : after.end() + 200]) or "").strip(" []").lower() if after else ""
        word = word.split("]")[0]
    return word if word in _SEVERITIES else None


def _labels(mail: Mail, said: dict[str, str]) -> dict[str, str]:
    """Gather labels: those listed in the body first, then those in braces in subject and text."""
    labels: dict[str, str] = {}
    for name in ("metric labels", "resource labels", "resource"):
        for line in said.get(name, "").split("\n"):
            if pair := _LABEL.match(line):
                labels.setdefault(pair[1], pair[2].strip())
    for text in (mail.subject, mail.text[:20_000]):
        for start, end in _braced(text):
            for key, value in _PAIR.findall(text[start + 1 : end - 1].replace("\n", " ")):
                labels.setdefault(key, value.strip())
    return labels


def _braced(text: str) -> Iterator[tuple[int, int]]:
    """Yield where outermost braces open and end: values of labels may hold braces and commas of their own."""
    depth = start = 0
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            start = start if depth else found.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth and found.end() - start <= 4000:
                yield start, found.end()


def _without_braces(text: str) -> str:
    parts, last = [], 0
    for start, end in _braced(text):
        parts += [text[last:start], "{}"]
        last = end
    return "".join(parts) + text[last:]


def _project(url: str | None, labels: dict[str, str], on: re.Match[str] | None) -> str | None:
    if url and (found := _PROJECT.search(url)):
        return found[1]
    named = labels.get("project_id") or labels.get("resource_container")
    if named:
        return named
    first = on["where"].split(" ")[0] if on else ""
    return first if re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", first) else None


def _resource(labels: dict[str, str], on: re.Match[str] | None, project: str | None) -> str | None:
    for name in _NAMES:
        if labels.get(name):
            return labels[name].removeprefix(f"{project}:")
    where = on["where"].split(" with ")[0].split(" {}")[0].strip() if on else ""
    if project and where.startswith(f"{project} "):
        where = where[len(project) + 1 :]
    return where or None


def _time(text: str | None) -> datetime | None:
    found = _TIME.search(text or "")
    if not found:
        return None
    said = f"{found[1][:3]} {found[2]} {found[3]} {found[4]}:{found[5]} {found[6]}"
    try:
        return datetime.strptime(said, "%b %d %Y %I:%M %p").replace(tzinfo=UTC)
    except ValueError:
        return None


def _summary(text: str) -> str | None:
    """Return the sentence below state and severity."""
    state = _STATE.search(text)
    if not state:
        return None
    for line in text[state.end() : state.end() + 3000].split("\n")[1:]:
        word = line.strip().strip("[] ").lower()
        if not word or word.split("]")[0] in (*_SEVERITIES, "no severity"):
            continue
        return None if word in _LABELS else line.strip()[:500]
    return None


def _runbooks(documentation: str) -> tuple[Link, ...]:
    found = list(dict.fromkeys(url.rstrip(").,;") for url in _RUNBOOK.findall(documentation)))
    return tuple(Link("Runbook", url) for url in found if "console.cloud.google.com" not in url)[:3]
