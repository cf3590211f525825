"""Reading "label: value" text, whichever of the usual ways it is laid out."""

from __future__ import annotations

import re
from collections.abc import Collection

_PAIR = re.compile(
    r"\s{0,20}[*\u2022-]?\s{0,3}([A-Za-z][A-Za-z0-9 /_()-]{0,40}?)\s{0,3}[:\uff1a]\s{0,20}(.{0,2000})$"
)


def sections(text: str, labels: Collection[str]) -> dict[str, str]:
    """Return what stands under each label: on its line after a colon, or on the lines below it.

    The first occurrence of a label wins, so that text further down can't forge another.

    Args:
        text: Line by line.
        labels: The labels that are looked for, in lower case; any of them ends the one before.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n")[:4000]:
        stripped = line.strip()
        bare = stripped.rstrip(":").strip("* ").lower()
        if bare in labels:
            current = [] if bare in found else found.setdefault(bare, [])
            continue
        pair = _PAIR.match(stripped) if ":" in stripped[:50] or "\uff1a" in stripped[:50] else None
        if pair and pair[1].strip().lower() in labels:
            name = pair[1].strip().lower()
            current = [] if name in found else found.setdefault(name, [])
            current.append(pair[2].strip())
            continue
        if current is not None:
            current.append(stripped)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def first_line(text: str | None) -> str | None:
    """Return the first line that holds something, or ``None``."""
    return next((line for line in (text or "").split("\n") if line.strip()), None)
