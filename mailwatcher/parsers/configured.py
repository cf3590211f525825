"""Sources that a team describes in its settings (``[[source]]``) instead of in code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mailwatcher.envelope import Mail
from mailwatcher.texts import one_line
from models.domain.alerts import Alert, MailKind, UnreadableAlert

LOOKED_AT = 20_000
"""Characters of a text that the team's patterns see: nobody proves that those take little time."""


@dataclass(frozen=True, slots=True)
class ConfiguredSource:
    """A sender that a team taught Wilson.

    Attributes:
        name: What its alerts' source is called.
        sender, subject: What the address and the subject must look like, with ``*`` and ``?``; empty for any.
        headers: The same for other headers, by name.
        firing, recovered, ignored: Patterns (regular expressions); the subject is looked at first, then the text.
        fields: Patterns by field; a field's value is the group ``value``, else the first group, else all of it.
        fingerprint: The fields that tell one problem from another; without any, the title.
    """

    name: str
    firing: str
    sender: str = ""
    subject: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    recovered: str = ""
    ignored: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    fingerprint: tuple[str, ...] = ()

    def parse(self, mail: Mail) -> Alert | None:
        """Read a mail, as a parser does."""
        if not self._matches(mail):
            return None
        subject, text = mail.subject[:LOOKED_AT], mail.text[:LOOKED_AT]
        kind = self._kind((subject, text))
        if kind is None:
            raise UnreadableAlert(self.name, "neither its pattern for firing nor that for recovered fits")
        found = {key: _value(pattern, subject, text) for key, pattern in self.fields.items()}
        title = found.get("title") or mail.subject or "(no subject)"
        found["title"] = title
        keys = self.fingerprint or ("title",)
        return Alert(
            self.name,
            kind,
            title[:200],
            "|".join((self.name, *(found.get(key) or "" for key in keys))),
            severity=(found.get("severity") or "").lower()[:40] or None,
            project=found.get("project"),
            resource=found.get("resource"),
            condition=found.get("condition"),
            incident_id=found.get("incident_id"),
            incident_url=found.get("incident_url"),
            started_at=mail.sent_at if kind is MailKind.FIRING else None,
            ended_at=mail.sent_at if kind is MailKind.RECOVERED else None,
            summary=found.get("summary"),
        )

    def _matches(self, mail: Mail) -> bool:
        wanted = [(self.sender, mail.from_address), (self.subject, mail.subject)]
        wanted += [(pattern, mail.header(name)) for name, pattern in self.headers.items()]
        return all(fnmatchcase(value.casefold(), pattern.casefold()) for pattern, value in wanted if pattern)

    def _kind(self, texts: Sequence[str]) -> MailKind | None:
        for text in texts:
            for pattern, kind in (
                (self.ignored, MailKind.IGNORED),
                (self.recovered, MailKind.RECOVERED),
                (self.firing, MailKind.FIRING),
            ):
                if pattern and re.search(pattern, text, re.MULTILINE):
                    return kind
        return None


def _value(pattern: str, subject: str, text: str) -> str | None:
    found = re.search(pattern, subject, re.MULTILINE) or re.search(pattern, text, re.MULTILINE)
    if found is None:
        return None
    value = found["value"] if "value" in found.re.groupindex else found[1 if found.re.groups else 0]
    return one_line(value or "")[:500] or None
