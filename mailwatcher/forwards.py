"""Mails that a person forwarded inline: the inner mail's subject and text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SUBJECT = re.compile(r"\s{0,20}(?:fwd?|wg|tr|rv|i)\s?[:\uff1a]", re.IGNORECASE)
_RULE = re.compile(
    r"^[ \t>]{0,10}(?:_{10,}|-{2,20} ?(?:Original Message|Forwarded message|Urspr\u00fcngliche Nachricht|"
    r"Weitergeleitete Nachricht|Message transf\u00e9r\u00e9) ?-{2,20}|Begin forwarded message:)[ \t]{0,10}$",
    re.IGNORECASE | re.MULTILINE,
)
_LINE = re.compile(r"^[ \t>*]{0,10}(From|Von|De|Sent|Gesendet|Date|Datum|To|An|Cc|Subject|Betreff|Objet|Reply-To)\*?\s?:\s?(.{0,1000})$", re.I)  # fmt: skip  # noqa: E501
_SUBJECTS = ("subject", "betreff", "objet")
LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Inner:
    """What was forwarded."""

    subject: str
    sender: str
    text: str


def is_forward(subject: str) -> bool:
    """Tell whether a subject says that a person forwarded the mail."""
    return bool(_SUBJECT.match(subject))


def unfold(text: str) -> Inner | None:
    """Return the mail that was forwarded inline; ``None`` where the text does not look like it."""
    rule = _RULE.search(text)
    lines = text[rule.end() if rule else 0 :].split("\n")
    fields: dict[str, str] = {}
    last = -1
    for number, line in enumerate(lines[: LOOKED_AT * 3]):
        found = _LINE.match(line.strip())
        if found:
            fields.setdefault(found[1].lower(), found[2].strip(" *"))
            last = number
        elif (fields and line.strip() and number - last > 2) or (not fields and number > LOOKED_AT):
            break
    inner = next((fields[name] for name in _SUBJECTS if name in fields), "")
    if len(fields) < 2 or last < 0:
        return None
    sender = fields.get("from") or fields.get("von") or fields.get("de") or ""
    return Inner(inner, sender, _unquoted(lines[last + 1 :]))


def _unquoted(lines: list[str]) -> str:
    """Take one level of quoting off, as some programs forward, where nearly every line has it."""
    held = [line for line in lines if line.strip()]
    if held and sum(line.startswith(">") for line in held) * 10 >= len(held) * 8:
        lines = [line[1:].removeprefix(" ") if line.startswith(">") else line for line in lines]
    return "\n".join(lines)
