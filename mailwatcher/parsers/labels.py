"""Reading "label: value" text, whichever of the usual ways it is laid out."""

from __future__ import annotations

import re
from collections.abc import Collection

_PAIR = re.compile(
    r"\s{0,20}[*\u2022-]?\s{0,3}([A-Za-z][A-Za-z0-9 /_()-]{0,40}?)\s{0,3}[:\uff1a]\s{0,20}(.{0,2000})$"
)


def sections(text: str, labels: Collection[str], rows: Collection[str] = ()) -> dict[str, str]:
    """Return what stands under each label: on its line after a colon, or on the lines below it.

    The first occurrence of a label wins, so that text further down can't forge another.

    Args:
        text: Line by line.
        labels: The labels that are looked for, in lower case; any of them ends the one before.
        rows: Those among them that a table repeats for each of its rows: their values are joined, until another
            label ends the table.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    in_table = False
    for line in text.split("\n")[:4000]:
        stripped = line.strip()
        name, value = _label(stripped, labels)
        if name:
            in_table = name in rows and (in_table or not any(row in found for row in rows))
            current = found.setdefault(name, []) if in_table or name not in found else []
        if current is not None and (value or not name):
            current.append(value)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def _label(line: str, labels: Collection[str]) -> tuple[str, str]:
    """Return the label that a line is or begins with, and what follows it on the line."""
    bare = line.rstrip(":").strip("* ").lower()
    if bare in labels:
        return bare, ""
    pair = _PAIR.match(line) if ":" in line[:50] or "\uff1a" in line[:50] else None
    name = pair[1].strip().lower() if pair else ""
    return (name, pair[2].strip()) if pair and name in labels else ("", line)


def first_line(text: str | None) -> str | None:
    """Return the first line that holds something, or ``None``."""
    return next((line for line in (text or "").split("\n") if line.strip()), None)
