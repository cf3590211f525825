"""The head of an issue file: ``key: value`` lines between two ``---``.

What is written is YAML of the plainest kind (JSON scalars, flow lists), so that any tool can read it. What is read
is that, and what a person types in an editor: bare and single-quoted words, ``[a, b]``, lists with ``- `` below the
key, comments. Keys that nobody asks for may hold any YAML; they are kept as they stand.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

Value = str | bool | list[str] | None

_FENCE = "---"
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?:[ \t]+(.*))?")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
_FLOW = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,\[\]{}"'#][^,\[\]{}"']*)\s*(,|$)""")
_SINGLE = re.compile(r"'((?:[^']|'')*)'\s*(?:#.*)?")
# What YAML refuses unescaped, or takes for a line break.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LONE = re.compile("[\ud800-\udfff]")


class FrontMatterError(ValueError):
    """A line of the head can't be understood. ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class _Entry:
    key: str | None  # None for comments and empty lines
    lines: list[str]
    number: int


class FrontMatter:
    """The entries of a head, in their order. Entries that are not set again keep their letters."""

    def __init__(self, entries: list[_Entry] | None = None) -> None:
        self._entries = entries or []

    def get(self, key: str) -> Value:
        """Return a value; ``None`` where the key is missing or null.

        Raises:
            FrontMatterError: The value is of a kind that this reader doesn't know.
        """
        entry = self._find(key)
        return _value(entry) if entry else None

    def line(self, key: str) -> int:
        """Return the number of the line on which ``key`` stands, 1 where it is missing."""
        entry = self._find(key)
        return entry.number if entry else 1

    def set(self, key: str, value: Value) -> bool:
        """Put a value in its place, or at the end. Returns whether anything changed."""
        entry = self._find(key)
        if entry and _value(entry) == value:
            return False
        line = f"{key}: {_dump(value)}"
        if entry:
            entry.lines = [line]
        else:
            self._entries.append(_Entry(key, [line], 0))
        return True

    def dump(self) -> str:
        """Return the head with both fences, ending in a line break."""
        lines = [line for entry in self._entries for line in entry.lines]
        return "\n".join([_FENCE, *lines, _FENCE, ""])

    def _find(self, key: str) -> _Entry | None:
        return next((entry for entry in self._entries if entry.key == key), None)


def split(text: str) -> tuple[FrontMatter, str, int]:
    """Take a file apart.

    Returns:
        The head, the text after it as it stands, and the number of lines before that text.

    Raises:
        FrontMatterError: There is no head, or a line of it can't be understood.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise FrontMatterError(1, f"the file must begin with a line {_FENCE!r}")
    entries: list[_Entry] = []
    for number, raw in enumerate(lines[1:], start=2):
        line = raw.rstrip("\r")
        if line.rstrip() == _FENCE:
            return FrontMatter(entries), "\n".join(lines[number:]), number
        if not line.strip() or line.startswith("#"):
            entries.append(_Entry(None, [line], number))
        elif line[0] in " \t" or line == "-" or line.startswith("- "):
            if not entries or entries[-1].key is None:
                raise FrontMatterError(number, "an indented line belongs under a key")
            entries[-1].lines.append(line)
        elif found := _KEY.fullmatch(line):
            if any(entry.key == found[1] for entry in entries):
                raise FrontMatterError(number, f"the key {found[1]!r} stands here a second time")
            entries.append(_Entry(found[1], [line], number))
        else:
            raise FrontMatterError(number, f"expected 'key: value', found {line[:60]!r}")
    raise FrontMatterError(len(lines), f"the head doesn't end: a line {_FENCE!r} is missing")


def quote(text: str) -> str:
    """Return ``text`` as a JSON string on one line that is YAML too."""
    text = _LONE.sub("\ufffd", text)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _dump(value: Value) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return f"[{', '.join(quote(item) for item in value)}]"
    return json.dumps(value)


def _value(entry: _Entry) -> Value:
    try:
        return _parse(entry)
    except ValueError as error:
        raise FrontMatterError(entry.number, f"{entry.key}: {error}") from None


def _parse(entry: _Entry) -> Value:
    found = _KEY.fullmatch(entry.lines[0])
    first = (found[2] or "").strip() if found else ""
    below = [line for line in entry.lines[1:] if line.strip() and not line.strip().startswith("#")]
    if first.startswith("["):
        return _flow(" ".join([first, *(line.strip() for line in below)]))
    if not below:
        return _scalar(first)
    if first and not first.startswith("#"):
        raise ValueError("a text may not go on over several lines; put it in double quotes on one")
    items = [_ITEM.fullmatch(line) for line in below]
    if not all(items):
        raise ValueError("the lines below must each begin with '- '")
    return [_text(item[1]) for item in items if item]


def _flow(text: str) -> list[str]:
    inner = re.fullmatch(r"\[(.*)\]\s*(?:#.*)?", text)
    if not inner:
        raise ValueError("the list doesn't end with ']'")
    items: list[str] = []
    position = 0
    while inner[1][position:].strip():
        found = _FLOW.match(inner[1], position)
        if not found:
            raise ValueError(f"can't read the list from {inner[1][position : position + 40]!r} on; quote its items")
        items.append(_text(found[1].strip()))
        position = found.end()
    return items


def _text(text: str) -> str:
    value = _scalar(text.strip())
    return value if isinstance(value, str) else text.strip()


def _scalar(text: str) -> str | bool | None:
    if text.startswith('"'):
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"the text in double quotes is broken ({error.msg})") from None
        if text[end:].strip() and not text[end:].lstrip().startswith("#"):
            raise ValueError(f"something follows the closing quote: {text[end:][:40]!r}")
        return str(value)
    if text.startswith("'"):
        found = _SINGLE.fullmatch(text)
        if not found:
            raise ValueError("the text in single quotes is broken")
        return found[1].replace("''", "'")
    text = "" if text.startswith("#") else re.split(r"\s#", text, maxsplit=1)[0].strip()
    if text[:1] in set("|>&*!%@`{}],"):
        raise ValueError(f"a text that begins with {text[0]!r} needs double quotes")
    bare: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
    return bare.get(text, text)
