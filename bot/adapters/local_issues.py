r"""The file of an issue: what it says, and how a comment stands in it.

A file is a head (see ``frontmatter``), the body, and one section a comment::

    ### wilson · 2026-11-20 22:15 UTC <!-- note {"author": "wilson", "at": "…", "marker": "…"} -->

A foreign line that looks like such a heading is stored with a ``\`` in front. Whatever a person adds by hand
stays: a change rewrites the lines of the head that it changes, and a comment is appended.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters import frontmatter
from bot.adapters.frontmatter import FrontMatter, FrontMatterError
from bot.adapters.local_files import decode
from models.ports.errors import Permanent
from models.ports.tracker import Issue, IssueKind, IssueRef, Note

AUTHOR = "wilson"
_NOTE = re.compile(r"### .*<!-- note (\{.*\}) -->\s*")
_LIKE_NOTE = re.compile(r"\\*### .*<!-- note ")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(slots=True)
class Document:
    """An issue's file. ``text`` is what follows the head."""

    file: Path
    head: FrontMatter
    text: str
    head_lines: int

    def dump(self) -> bytes:
        """Return it as it is written."""
        return (self.head.dump() + self.text).encode()


def read_document(file: Path) -> Document:
    """Read an issue's file. Raises ``Permanent`` where its head is broken."""
    text = decode(file).removeprefix("\ufeff")
    try:
        document = Document(file, *frontmatter.split(text))
        for key in ("title", "kind", "state", "assignee", "iteration", "severity", "labels", "links", "marker"):
            document.head.get(key)
    except FrontMatterError as error:
        raise Permanent(f"{file}:{error.line}: {error}") from None
    return document


def issue_of(key: str, document: Document) -> Issue:
    """Return what an issue's file says. Raises ``Permanent`` where that is none of ours."""
    head = document.head
    kind, state = head.get("kind") or IssueKind.ISSUE.value, head.get("state") or "opened"
    if kind not in set(IssueKind):
        raise Permanent(f"{document.file}:{head.line('kind')}: kind: needs incident or issue, held {kind!r}")
    if state not in ("opened", "closed"):
        raise Permanent(f"{document.file}:{head.line('state')}: state: needs opened or closed, held {state!r}")
    body, notes = sections_of(document)
    return Issue(
        ref=IssueRef(key, document.file.as_uri()),
        kind=IssueKind(str(kind)),
        title=_text(head.get("title")) or "(no title)",
        body=body,
        closed=state == "closed",
        labels=tuple(texts(head.get("labels"))),
        assignee=_text(head.get("assignee")),
        iteration=_text(head.get("iteration")),
        severity=_text(head.get("severity")),
        notes=notes,
        links=tuple(texts(head.get("links"))),
        confidential=head.get("confidential") is True,
    )


def sections_of(document: Document) -> tuple[str, tuple[Note, ...]]:
    """Return an issue's body, and its comments."""
    sections: list[tuple[dict[str, object], list[str]]] = [({}, [])]
    for number, raw in enumerate(document.text.split("\n"), start=document.head_lines + 1):
        line = raw.rstrip("\r")
        if found := _NOTE.fullmatch(line):
            try:
                told = json.loads(found[1])
                datetime.fromisoformat(str(told.get("at", "2026-01-01")))
            except ValueError as error:
                raise Permanent(f"{document.file}:{number}: a comment's heading is broken ({error})") from None
            sections.append((told, []))
        else:
            sections[-1][1].append(line[1:] if line.startswith("\\") and _LIKE_NOTE.match(line) else line)
    notes = tuple(
        Note(
            author=str(told.get("author", "")),
            body="\n".join(lines).strip("\n"),
            at=_aware(datetime.fromisoformat(str(told["at"]))) if "at" in told else created_at(document),
            marker=str(told.get("marker", "")),
        )
        for told, lines in sections[1:]
    )
    return "\n".join(sections[0][1]).strip("\n"), notes


def created_at(document: Document) -> datetime:
    """Return when an issue was created; long ago where its file does not say."""
    try:
        return _aware(datetime.fromisoformat(_text(document.head.get("created_at")) or "1970-01-01"))
    except ValueError as error:
        line = document.head.line("created_at")
        raise Permanent(f"{document.file}:{line}: created_at: {error}") from None


def add_note(document: Document, body: str, marker: str, now: datetime) -> None:
    """Append a comment of Wilson's."""
    told = json.dumps({"author": AUTHOR, "at": now.isoformat(), "marker": marker}, ensure_ascii=True)
    told = told.replace("<", "\\u003c").replace(">", "\\u003e")
    heading = f"### {AUTHOR} · {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC <!-- note {told} -->"
    text = escape(clean(body).strip("\n"))
    document.text = f"{document.text.rstrip()}\n\n{heading}\n\n{text}\n"


def texts(value: frontmatter.Value) -> list[str]:
    """Return a value of the head as a list."""
    if isinstance(value, list):
        return value
    return [] if value is None else [str(value)]


def clean(text: str) -> str:
    """Return a text with plain line ends, and without control characters."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """Return a text in which no line is taken for a comment's heading."""
    return "\n".join("\\" + line if _LIKE_NOTE.match(line) else line for line in text.split("\n"))


def _text(value: frontmatter.Value) -> str | None:
    return None if value is None else str(value)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
