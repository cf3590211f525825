"""Alarms of Amazon CloudWatch, by way of SNS. The alarm's ARN is the key."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from, utc
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "cloudwatch"
_STATES = {"ALARM": MailKind.FIRING, "OK": MailKind.RECOVERED, "INSUFFICIENT_DATA": MailKind.INFORMATION}
_SUBJECT = re.compile(
    r"(?P<state>ALARM|OK|INSUFFICIENT_DATA): \"(?P<name>[^\"]{1,255})\"?"
    r"(?: in (?P<region>.{1,100}))?"
)
_ENTERED = re.compile(
    r"CloudWatch Alarm \"(?P<name>[^\"]{1,255})\" in the .{1,60} region "
    r"has entered the (?P<state>[A-Z_]{2,20}) state"
)
_CHANGE = re.compile(r"[A-Z_]{2,20}\s{0,3}->\s{0,3}(?P<state>ALARM|OK|INSUFFICIENT_DATA)")
_ARN = re.compile(
    r"arn:aws[a-z-]{0,10}:cloudwatch:(?P<region>[a-z0-9-]{1,30}):(?P<account>\d{6,14}):alarm:\S{1,255}"
)
_PAGE = re.compile(r"https://[a-z0-9.-]{0,60}console\.aws\.amazon\.com/cloudwatch/")
_LABELS = frozenset(
    {
        "name", "description", "state change", "reason for state change", "timestamp", "aws account",
        "alarm arn",
        "threshold", "dimensions", "metricname", "metricnamespace", "period", "monitored metric", "statistic",
        "unit", "alarm details", "state change actions", "treatmissingdata",
    }
)  # fmt: skip


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    if not subject and ":cloudwatch:" not in mail.text and "CloudWatch Alarm" not in mail.text:
        return None
    entered = _ENTERED.search(mail.text[:3000])
    arn = _ARN.search(mail.text)
    if not (
        entered or arn or (subject and (is_from(mail, "sns.amazonaws.com") or mail.header("x-amz-sns-message-id")))
    ):
        return None
    said = sections(mail.text, _LABELS)
    change = _CHANGE.search(said.get("state change", ""))
    state = (entered or change or subject or {"state": ""})["state"]
    name = (
        (entered["name"] if entered else "") or first_line(said.get("name")) or (subject["name"] if subject else "")
    )
    if state not in _STATES:
        raise UnreadableAlert(SOURCE, "it does not tell the alarm's state")
    if not name:
        raise UnreadableAlert(SOURCE, "it names no alarm")
    region = arn["region"] if arn else (subject["region"] or "") if subject else ""
    at = utc(said.get("timestamp"))
    return Alert(
        source=SOURCE,
        kind=_STATES[state],
        title=name[:200],
        fingerprint=f"cloudwatch|{arn[0]}" if arn else f"cloudwatch|{region}|{name}",
        project=first_line(said.get("aws account")) or (arn["account"] if arn else None),
        resource=first_line(said.get("dimensions")),
        condition=(first_line(said.get("reason for state change")) or "")[:500] or None,
        incident_id=arn[0] if arn else None,
        incident_url=next((each for each in mail.links if _PAGE.match(each)), None),
        started_at=at,
        ended_at=at if state == "OK" else None,
        summary=(first_line(said.get("description")) or "")[:500] or None,
        details={"region": region, "metric": first_line(said.get("metricname")) or ""},
    )
