"""Answers of requesters to letters that Wilson sent them."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from models.domain.alerts import Alert, MailKind

SOURCE = "requester"
LETTER = "X-Wilson-Letter"
"""The header of Wilson's own letters."""
LONGEST = 1500

_TOKEN = re.compile(r"\[Wilson (?P<case>[1-9][0-9]{0,8})-(?P<token>[0-9a-f]{16})\]", re.IGNORECASE)
_QUOTED = re.compile(
    r"^(?:>|_{10,}|-{2,20} ?(?:Original Message|Urspr\u00fcngliche Nachricht|Message d'origine)|"
    r"(?:On|Am|Le|El) .{5,200}(?:wrote|schrieb|\u00e9crit|escribi\u00f3).{0,20}:\s*$|"
    r"(?:From|Von):\s.{1,200}$)",
    re.IGNORECASE,
)


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``: known by what stands in the subject, which only the requester was sent."""
    found = _TOKEN.search(mail.original_subject)
    if found is None:
        return None
    case, token = int(found["case"]), found["token"].lower()
    ours = bool(mail.header(LETTER))
    return Alert(
        source=SOURCE,
        kind=MailKind.IGNORED if ours else MailKind.INFORMATION,
        title=mail.subject[:200] or "An answer",
        fingerprint=f"answer|{case}|{token}",
        summary=_above(mail.text),
        details={"case": case, "token": token},
    )


def _above(text: str) -> str:
    """Return what was written above the quoted letter."""
    lines = []
    for line in text.split("\n"):
        if _QUOTED.match(line.strip()[:300]):
            break
        lines.append(line.rstrip())
    return "\n".join(lines).strip()[:LONGEST]
