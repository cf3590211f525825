"""Sites that StatusCake saw go down or come up."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.evidence import is_from
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "statuscake"
_SUBJECT = re.compile(r"Website (?P<state>Down|Up)\b!?(?P<rest>.{0,500})$", re.IGNORECASE)
_SITE = re.compile(r"\b[Yy]our site (?P<host>[^\s()]{1,253})(?: \((?P<url>https?://[^\s()]{3,500})\))?")
_STATUS = re.compile(r"Status Code: ?(?P<code>\d{3})")


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject)
    if subject is None or not (is_from(mail, "statuscake.com") or mail.forwarded_by or "StatusCake" in mail.text):
        return None
    site = _SITE.search(mail.text) or _SITE.search(subject["rest"])
    if site is None:
        raise UnreadableAlert(SOURCE, "it names no site")
    host = site["host"].rstrip(".,")
    url = site["url"] or next((each for each in mail.links if host in each), None) or f"https://{host}"
    code = _STATUS.search(mail.text)
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if subject["state"].lower() == "down" else MailKind.RECOVERED,
        title=host[:200],
        fingerprint=f"statuscake|{url}",
        resource=url,
        summary=f"Status code {code['code']}" if code else None,
    )
