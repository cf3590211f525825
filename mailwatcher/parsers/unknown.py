"""Mails that no parser knows: an alert all the same, by its looks; a person's letter; or nobody can tell.

Nothing is guessed from the text below the subject: a letter may talk about failing pipelines.
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from models.domain.alerts import Alert, MailKind

SOURCE = "unknown"
_FIRING = re.compile(
    r"\b(?:alert|alarm|critical|fatal|firing|fired|triggered|problem|down|outage|unreachable|unavailable|failed|failure|"
    r"failing|emergency|warning|error)\b",
    re.IGNORECASE,
)
_RECOVERED = re.compile(
    r"\b(?:recovered|recovery|resolved|cleared|back to normal|back up|is up|ok again|up again)\b"
    r"|^\W{0,3}(?:ok|up)\b",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:broken|breaks?|can(?:'|\u2019)?t|cannot|unable|not working|doesn(?:'|\u2019)?t|"
    r"stopped|slow|timeouts?|timed? out|"
    r"crash\w{0,4}|issues?|incidents?|urgent\w{0,2}|help|security|breach|leak\w{0,2}|disk|certificates?|expir\w{1,4}|"
    r"5\d\d|4\d\d|lost|missing|wrong|errors?|failures?|problems?|outages?|alerts?|down|fail\w{0,4}|access|alarm)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"(?:.{0,40}[._+-])?(?:no-?reply|do-?not-?reply|alerts?|alerting|alarms?|monitor(?:s|ing)?|notif\w{0,12}|watch\w{0,5}|"
    r"nagios|zabbix|icinga|root|postmaster|mailer-daemon|daemon|system|admin\w{0,10}|ops|status|uptime|events?|"
    r"support|info|service\w{0,3}|security|backup\w{0,3}|bot|ci|jenkins|robot|news\w{0,8}|updates?)(?:[._+-].{0,40})?"
)
_ALERTING = re.compile(
    r"(?:.{0,40}[._+-])?(?:no-?reply|do-?not-?reply|alerts?|alerting|alarms?|monitor(?:s|ing)?|notif\w{0,12}|watch\w{0,5}|"
    r"nagios|zabbix|icinga|root|daemon|status|uptime|backup\w{0,3})(?:[._+-].{0,40})?"
)
_AUTOMATIC = ("x-auto-response-suppress", "x-alert-id", "x-cron-env")
_BULK = ("list-id", "list-unsubscribe", "precedence", "feedback-id", "x-mailgun-sid", "x-ses-outgoing", "x-sg-eid")
_KNOWN = ("x-gitlab-", "x-github-", "x-jira-", "x-atlassian-")
"""Headers of systems whose other mails (merge requests, comments) quote words of trouble without being alerts."""
_STATE_WORDS = re.compile(
    rf"{_FIRING.pattern}|{_RECOVERED.pattern}|\b(?:is|has|was|now|the|new|status)\b", re.IGNORECASE
)
_VALUES = re.compile(
    r"\([^()]{0,60}\)|(?<![\w-])\d[\d.,]{0,20}\s?(?:%|[kmgt]i?b\b|m?s\b|sec\w{0,4}|min\w{0,4}|h\b|hours?|days?|\u00b0\s?c?)"
    r"|\b\d{4}-\d\d-\d\d\b|\b\d\d?:\d\d(?::\d\d)?\b|(?<![\w.-])\d{1,12}\.\d{1,12}(?![\w.-])|[^\w\s./-]",
    re.IGNORECASE,
)
"""What changes from one mail of a problem to the next: measured values and times, and punctuation."""


def guess(mail: Mail) -> Alert | None:
    """Return the alert that a machine's mail seems to be; ``None`` where its subject speaks of no trouble."""
    if not _is_alerting(mail) or any(name.startswith(_KNOWN) for name in mail.headers):
        return None
    recovered = _RECOVERED.search(mail.subject)
    if not recovered and not _FIRING.search(mail.subject):
        return None
    return Alert(
        source=SOURCE,
        kind=MailKind.RECOVERED if recovered else MailKind.FIRING,
        title=mail.subject[:200],
        fingerprint=f"unknown|{mail.from_address}|{_topic(mail.subject)}",
        summary=next((line.strip()[:500] for line in mail.text[:4000].split("\n") if line.strip()), None),
        details={"confidence": "low"},
    )


def is_letter(mail: Mail) -> bool:
    """Tell whether a person wrote it about something else.

    That is: the sender's address is a person's, no header says that a machine or a list sent it, and neither the
    subject nor a forward speaks of trouble. People who do report trouble are shown, like whatever can't be told.
    """
    return bool(
        mail.from_address
        and mail.subject
        and mail.text.strip()
        and not mail.forwarded_by
        and not _is_automatic(mail)
        and not any(mail.header(name) for name in _BULK)
        and not _ROLE.fullmatch(mail.from_address.partition("@")[0])
        and not _TROUBLE.search(mail.subject)
        and not _FIRING.search(mail.subject)
        and mail.header("message-id")
    )


def _is_alerting(mail: Mail) -> bool:
    if mail.forwarded_by or not mail.from_address:
        return False
    return _is_automatic(mail) or bool(_ALERTING.fullmatch(mail.from_address.partition("@")[0]))


def _is_automatic(mail: Mail) -> bool:
    said = mail.header("auto-submitted").lower()
    return bool(said and said != "no") or any(mail.header(name) for name in _AUTOMATIC)


def _topic(subject: str) -> str:
    """Return a subject without the words of state and without values, so that repeats and the recovery meet.

    Bare numbers stay: ``nas-3`` and ``nas-4``, ``rack 2`` and ``rack 3`` are different things, and an alert that
    joined another's incident would be lost in it.
    """
    plain = _VALUES.sub(" ", _STATE_WORDS.sub(" ", subject.lower()))
    return " ".join(each.strip("-./") for each in plain.split() if each.strip("-./"))[:200]
