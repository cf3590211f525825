r"""The one door through which foreign text (mails, people's notes) comes into an issue.

A tracker acts on text: GitLab runs a line that starts with ``/close``, writes to everybody for ``@all``, and notes
a cross-reference for ``#1``. None of that may happen because a mail or a note said so. What is used here:

* GitLab looks for quick actions in the raw lines that start with ``/`` (after deleting every ``\r``), so no line
  of foreign text is let out with a ``/`` in front;
* a mention or a reference is a sign and what follows it directly, so an invisible word joiner (U+2060) between the
  two makes it plain text, in prose, in HTML attributes and in code alike. Unlike a code span it needs no knowledge
  of where in the Markdown it stands;
* what a fence holds is never prose, as long as the fence is longer than any run inside.

Every function returns text without control characters, so it can be stored and logged as it is.
Commit ids and Jira-like keys still become links; they reach nobody.
"""

from __future__ import annotations

import re

TITLE_LENGTH = 255
"""Characters that a title may have; GitLab refuses more."""

FENCE_LENGTH = 100_000
"""Characters of foreign text that a fence keeps; GitLab's limit for a whole description is 1,048,576."""

_JOINER = "\u2060"
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]")
_LONE = re.compile("[\ud800-\udfff]")
_MARKER = re.compile(r"<!--(?=\s*wilson)", re.IGNORECASE)
_RUNS = re.compile(r"`+|~+")
_MARKER_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[^\s\u2060])")
# Each alternative is a sign that GitLab gives a meaning when the look-ahead follows it.
_ACTIVE = re.compile(
    r"""
      (?<![A-Za-z0-9])@(?=[^\s\u2060])   # @all; an address such as a@b.c is left alone
    | [#!$&](?=\d)                       # #1 !1 $1 &1, also group/project#1 and ^alert#1
    | &(?=\#|[A-Za-z][A-Za-z0-9]*;)      # &#64;all is @all after decoding
    | ~(?=[\w"?.&-])                     # ~label ~"two words"
    | %(?=[^\s%\u2060])                  # %milestone
    | \[(?=[A-Za-z_]+:)                  # [vulnerability:1] [cadence:1]
    | \*(?=iteration:)
    | \bGL-(?=\d)
    | <(?=[A-Za-z/!?])                   # tags and comments, our own marker among them
    | (?m:^[ \t\\]*:(?=\\*:))              # ::include{file=...}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![^\s(<\[])https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d+)?(?:/[\w./?=&%#+:,;~-]*)?", re.ASCII
)
_ENTITY = re.compile(r"&(?:#|[A-Za-z][A-Za-z0-9]*;)")
_LEADING_SLASH = re.compile(r"^([ \t]*)(?=/)", re.MULTILINE)
_OPENS_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")

_PUNCTUATION = re.compile(r"[\\`*_{}\[\]<>()|~$#!@%^&]")
_LEADING = re.compile(r"^([-+=:/]|\d{1,9}(?=[.)]))")
_SAFE_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&'*+,;=%-]*)?")


def clean(text: str) -> str:
    r"""Return ``text`` with ``\n`` as the only line break and without control characters.

    Gone are C0 and C1 (but the tab), zero-width spaces and what turns the reading direction round; half a
    surrogate pair becomes U+FFFD.
    """
    return _LONE.sub("\ufffd", _CONTROLS.sub("", _BREAKS.sub("\n", text)))


def one_line(text: str) -> str:
    """Return ``text`` cleaned, on one line, with single spaces. Not yet fit for Markdown."""
    return " ".join(clean(text).split())


def fence(text: str, *, limit: int = FENCE_LENGTH) -> str:
    """Return foreign text as a code block.

    Each line is moved in by one space, so that none starts with ``/`` or with a fence even for a reader of lines
    that knows no Markdown. The block must stand between empty lines: see ``blocks``.

    Args:
        text: Anything.
        limit: Characters to keep; a last line says how many were left out.
    """
    text = _MARKER.sub(f"<!{_JOINER}--", clean(text)).strip("\n")
    left_out = len(text) - limit
    if left_out > 0:
        text = f"{text[:limit]}\n… ({left_out} more characters were left out)"
    longest = max((len(run) for run in _RUNS.findall(text)), default=0)
    ticks = "`" * max(3, longest + 1)
    lines = "\n".join(f" {line}" if line.strip() else "" for line in text.split("\n"))
    return f"{ticks}text\n{lines}\n{ticks}"


def quote_line(text: str) -> str:
    """Return foreign text as a code span on one line, the letters as they came; empty for nothing.

    Not for a table, whose cells end at a ``|`` even in code: there use ``plain``.
    """
    text = _MARKER.sub(f"<!{_JOINER}--", one_line(text))
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def plain(text: str) -> str:
    """Return foreign text as prose on one line: nothing in it is Markdown, a mention, a reference or a link."""
    text = one_line(text)
    text = re.sub(r"(?<=[A-Za-z]):(?=//)", f":{_JOINER}", text)
    text = re.sub(r"(?i)\bwww(?=\.)", lambda found: found[0] + _JOINER, text)
    text = text.replace("@", f"@{_JOINER}")
    text = _ACTIVE.sub(lambda found: found[0] + _JOINER, text)
    text = _PUNCTUATION.sub(r"\\\g<0>", text)
    return _LEADING.sub(lambda found: found[0] + "\\" if found[0].isdigit() else "\\" + found[0], text)


def link(text: str, url: str) -> str:
    """Return a link with a foreign text and a foreign address.

    An address that is not plain ``https`` is shown, not linked.
    """
    url = one_line(url)
    if not _SAFE_URL.fullmatch(url):
        return " ".join(part for part in (plain(text), quote_line(url)) if part)
    return f"[{plain(text) or 'link'}](<{url.replace('@', '%40')}>)"


def title(text: str) -> str:
    """Return ``text`` as an issue's title: one line of at most 255 characters, mentioning nobody, never empty."""
    text = _MENTION.sub(f"@{_JOINER}", one_line(text).lstrip("/ "))
    if len(text) > TITLE_LENGTH:
        text = text[: TITLE_LENGTH - 1].rstrip() + "…"
    return text or "(no title)"


def note_text(text: str) -> str:
    r"""Return what a person typed in Teams for a comment: lines and Markdown stay, nothing in it acts.

    A ``/`` in front of a line becomes ``\/``, which reads the same. Mentions, references, HTML and entities get a
    word joiner after their sign. Web addresses stay links. A fence that was left open is closed.
    """
    text = clean(text).strip("\n")
    parts: list[str] = []
    end = 0
    for address in _ADDRESS.finditer(text):
        kept = _quieten(address[0]) if _ENTITY.search(address[0]) else address[0]
        parts += [_quieten(text[end : address.start()]), kept]
        end = address.end()
    text = "".join([*parts, _quieten(text[end:])])
    return _close_fence(_LEADING_SLASH.sub(r"\1\\", text))


def marker(prefix: str, unique: str) -> str:
    """Return our hidden text by which an issue or a comment is found again.

    Args:
        prefix: What it marks, for example ``incident``.
        unique: What tells it from all others of that prefix, for example the effect's id.

    Raises:
        ValueError: A part holds something other than letters, digits, ``.``, ``_`` and ``-``.
    """
    for part in (prefix, unique):
        if not _MARKER_PART.fullmatch(part) or "--" in part:
            raise ValueError(f"a marker's part needs letters, digits, . _ or single -, but it is {part!r}")
    return f"<!-- wilson:{prefix}:{unique} -->"


def blocks(*parts: str) -> str:
    """Join paragraphs, fences and markers with an empty line between them, leaving out empty ones."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _quieten(text: str) -> str:
    return _ACTIVE.sub(lambda found: found[0] + _JOINER, text)


def _close_fence(text: str) -> str:
    opened = ""
    for line in text.split("\n"):
        if opened:
            if re.fullmatch(rf" {{0,3}}{opened[0]}{{{len(opened)},}}[ \t]*", line):
                opened = ""
        elif found := _OPENS_FENCE.match(line):
            opened = found[1]
    return f"{text}\n{opened}" if opened else text
