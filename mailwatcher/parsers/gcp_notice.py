"""Google Cloud's letters to customers, and its budget alerts (FORMATS 2.3)."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from models.domain.alerts import Alert, Link, MailKind, UnreadableAlert

SOURCE = "gcp_notice"
_SENDERS = ("cloudplatform-noreply@google.com", "google-cloud-compliance@google.com", "billing-noreply@google.com")
_TAG = re.compile(
    r"\[(?P<tag>Product Update|Product Announcement|Legal Update|Reminder|Newsletter|Service Update|Survey|"
    r"Action Advised|Action Required|Important)\]\s{0,3}(?P<rest>.{1,500})$",
    re.IGNORECASE,
)
_BUDGET = re.compile(
    r"(?:\[Google Cloud\]\s{0,3})?(?P<title>Budget alert: [\"\u201c](?P<name>.{1,200})[\"\u201d] has exceeded "
    r"(?P<share>\d{1,4}(?:\.\d{1,3})?%) of (?P<amount>.{1,80}))$",
    re.IGNORECASE,
)
_PAGE = re.compile(r"https://console\.cloud\.google\.com/billing/")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``. A letter that asks for nothing is ignored."""
    theirs = mail.from_address in _SENDERS
    budget = _BUDGET.match(mail.subject)
    page = next((each for each in mail.links if _PAGE.match(each)), None)
    if budget and (theirs or page):
        share = budget["share"]
        return Alert(
            source=SOURCE,
            kind=MailKind.INFORMATION,
            title=budget["title"][:200],
            fingerprint=f"gcp|budget|{budget['name']}|{share}",
            severity="warning",
            resource=budget["name"],
            condition=f"{share} of {budget['amount'].strip()}",
            links=(Link("Budget", page),) if page else (),
        )
    if theirs and "budget alert" in mail.subject.lower():
        raise UnreadableAlert(SOURCE, "it does not tell which budget was exceeded by how much")
    tag = _TAG.match(mail.subject)
    if not (
        tag
        and (theirs or (mail.sender.lower().startswith(("google cloud", '"google cloud')) and mail.header("from")))
    ):
        return None
    asks = tag["tag"].lower() in ("action advised", "action required", "important")
    return Alert(
        source=SOURCE,
        kind=MailKind.INFORMATION if asks else MailKind.IGNORED,
        title=tag["rest"].strip()[:200],
        fingerprint=f"gcp|notice|{tag['rest'].strip()}",
    )
