"""Alerts in groups, as Alertmanager and Grafana list them: several with labels, some firing and some resolved."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SUBJECT = re.compile(
    r"\[(?P<state>FIRING|RESOLVED)(?::\d{1,6})?(?:, ?RESOLVED:\d{1,6})?\]\s{0,5}(?P<rest>.{0,500})$"
)
_HEAD = re.compile(
    r"\s{0,10}(?:[\[(]\d{1,6}[\])]|\*\*)?\s{0,3}(?P<state>Firing|Resolved)(?:\*\*)?\s{0,10}$", re.IGNORECASE
)
_PAIR = re.compile(
    r"[ \t]{0,10}[-*\u2022]?\s{0,3}(?P<name>[A-Za-z_][A-Za-z0-9_]{0,80})\s{0,3}=\s{0,3}(?P<value>.{1,500})$"
)
_INLINE = re.compile(r"(?:^|, )(?P<name>[A-Za-z_][A-Za-z0-9_]{0,80})=")
_NOTE = re.compile(
    r"\s{0,10}(?P<name>Summary|Description|Message)\s{0,3}:\s{0,3}(?P<value>.{1,1000})$", re.IGNORECASE
)
LOOKED_AT = 3000


@dataclass(slots=True)
class Member:
    """One alert of a group."""

    firing: bool
    labels: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def first(self, *names: str) -> str:
        """Return the first of these labels that it has."""
        return next((self.labels[name] for name in names if self.labels.get(name)), "")


def members(text: str) -> list[Member]:
    """Return the alerts that a mail lists, in its order."""
    found: list[Member] = []
    firing: bool | None = None
    into: dict[str, str] | None = None
    for line in text.split("\n")[:LOOKED_AT]:
        if head := _HEAD.match(line):
            firing, into = head["state"].lower() == "firing", None
            continue
        if firing is None:
            continue
        bare = line.strip().rstrip(":").lower()
        if line.strip().lower().startswith("labels:") and "=" in line:
            found.append(Member(firing, inline(line.partition(":")[2])))
            into = None
        elif bare == "labels":
            found.append(Member(firing))
            into = found[-1].labels
        elif bare == "annotations" and found:
            into = found[-1].notes
        elif bare.startswith("source"):
            into = None
        elif found and (note := _NOTE.match(line)):
            found[-1].notes.setdefault(note["name"].lower(), note["value"].strip())
        elif into is not None and (pair := _PAIR.match(line)):
            into.setdefault(pair["name"], pair["value"].strip())
    return found


def inline(text: str) -> dict[str, str]:
    """Read ``a=b, c=d e``: a comma begins a new label only where a name and an equals sign follow."""
    text = text.strip()[:4000]
    starts = list(_INLINE.finditer(text))
    if not starts:
        return {}
    ends = [each.start() for each in starts[1:]] + [len(text)]
    return {each["name"]: text[each.end() : end].strip() for each, end in zip(starts, ends, strict=True)}


def joined(values: list[str]) -> str:
    """Return the values that are there, each once."""
    return ", ".join(dict.fromkeys(each for each in values if each))[:300]
