"""What Wilson adds to texts in GitLab, and takes out of them."""

from __future__ import annotations

import re

from bot.issue_text import clean

_MARKER_LINE = re.compile(r"<!-- wilson:[A-Za-z0-9._:-]+ -->")
_COMMAND = re.compile(r"[ \t]*/[A-Za-z_]+\b")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")


def with_marker(text: str, marker: str) -> str:
    """Return the text with our marker on a line of its own at its end, where no foreign text comes after it."""
    return f"{clean(text)}\n\n{marker}".strip("\n")


def split_marker(text: str) -> tuple[str, str]:
    """Return a text of ours without its marker, and the marker; the text as it is and nothing where there is none.

    Only the last marker on a line of its own counts. What people write under it does not hide it.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].strip()
        if _MARKER_LINE.fullmatch(line):
            rest = lines[:number] + lines[number + 1 :]
            return "\n".join(rest).strip("\n"), line
    return text, ""


def without_quick_actions(template: str) -> str:
    """Return an issue template without the lines that GitLab would run as commands of ours.

    In a code block they are moved in by a space, for readers who take the block for something else.
    """
    kept: list[str] = []
    fence = ""
    for line in clean(template).removeprefix("\ufeff").split("\n"):
        if fence:
            if re.fullmatch(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*", line):
                fence = ""
            elif line.startswith("/"):
                line = f" {line}"
        elif found := _FENCE.match(line):
            fence = found[1]
        elif _COMMAND.match(line):
            continue
        kept.append(line)
    return "\n".join(kept).strip("\n")
