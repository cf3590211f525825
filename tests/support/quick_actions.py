"""What GitLab does with a text: a port of its quick-action extractor, and of who and what is referred to.

The extractor deletes every ``\\r``, and takes a line of a paragraph that starts with ``/`` for a command, but not
in code blocks, HTML blocks and quote blocks.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_HTML = re.compile(r"<(?:[A-Za-z][A-Za-z0-9-]*[\s/>]|/[A-Za-z]|[A-Za-z][A-Za-z0-9-]*$)")
_COMMAND = re.compile(r"/([A-Za-z_]+)\b[ \t]*(.*)")


def split(text: str) -> tuple[str, list[tuple[str, str]], list[str]]:
    """Return a text without its commands, the commands, and the lines outside all blocks."""
    kept: list[str] = []
    commands: list[tuple[str, str]] = []
    prose: list[str] = []
    ends = None
    for line in text.replace("\r", "").split("\n"):
        if ends is not None:
            kept.append(line)
            if ends.fullmatch(line):
                ends = None
        elif found := _FENCE.match(line):
            ends = re.compile(rf" {{0,3}}{re.escape(found[1][0])}{{{len(found[1])},}}[ \t]*")
            kept.append(line)
        elif line.strip() == ">>>":
            ends = re.compile(r">>>[ \t]*")
            kept.append(line)
        elif _HTML.match(line):
            ends = re.compile(r"[ \t]*")
            kept.append(line)
        elif found := _COMMAND.match(line):
            commands.append((found[1].lower(), found[2].strip()))
            prose.append(line)
        else:
            kept.append(line)
            prose.append(line)
    return "\n".join(kept), commands, prose


def commands(text: str) -> list[str]:
    """Return the names of the commands that GitLab would run."""
    return [name for name, _ in split(text)[1]]


def mentions(text: str) -> list[str]:
    """Return whom GitLab would notify: ``@name`` outside code."""
    prose = re.sub(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", "\n".join(split(text)[2]))
    return re.findall(r"(?<![A-Za-z0-9`])@([A-Za-z0-9_][A-Za-z0-9_./-]*)", prose)
