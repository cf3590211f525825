r"""An issue tracker that is a folder: one Markdown file an issue, to read, search, edit and commit.

::

    <path>/issues/0007-card-workers-cpu-saturated.md   the issue; its number is the key, the rest may be renamed
    <path>/templates/Incident.md                       issue templates; this one is written when it is missing
    <path>/pages/0001-log-of-incident-7.md             documents apart from issues; the last line is our marker
    <path>/iterations.toml                             the team's iterations, if it has any (below)
    <path>/.counter, .lock, .tmp/                      the last number given, the lock, files being written

A file is a head (see ``frontmatter``), the body, and one section a comment::

    ### wilson · 2026-11-20 22:15 UTC <!-- note {"author": "wilson", "at": "…", "marker": "…"} -->

A foreign line that looks like such a heading is stored with a ``\`` in front. Whatever a person adds by hand
stays: a change rewrites the lines of the head that it changes, and a comment is appended.

``iterations.toml`` holds ``[[iterations]]`` tables with ``name``, ``from`` and ``to`` (dates, both included). On a
day that none covers, and without the file, the iteration is a fortnight counted from Monday 5 January 2026, and its
name is its first and last day.

Every write goes to a new file which then takes the old one's place, under a lock that all processes share: a
reader, and a crash, see the old or the new text and never a half.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import re
import time
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from bot.adapters import frontmatter
from bot.adapters.frontmatter import FrontMatter, FrontMatterError
from bot.adapters.local_pages import LocalPages
from models.domain.hearing import IssueAct, IssueNews
from models.domain.incidents import IssueSeen, MergeRequest
from models.domain.people import Person
from models.ports import (
    Ambiguous,
    Finding,
    Issue,
    IssueChange,
    IssueKind,
    IssueRef,
    Iteration,
    NewIssue,
    Note,
    Page,
    Permanent,
    Temporary,
)

AUTHOR = "wilson"
LOCK_SECONDS = 10.0
DEFAULT_TEMPLATE = """\
## What happened

## Who and what is affected

## What was done

## Resolved when

- [ ] The cause is understood, or an issue to find it is raised
- [ ] The service is back to normal for its users
- [ ] Follow-ups are raised and linked
"""

_DEFAULT_TEMPLATE_NAME = "Incident"
_FIRST_FORTNIGHT = date(2026, 1, 5)
_PASSING = {
    errno.EAGAIN, errno.EBUSY, errno.EDQUOT, errno.EINTR, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
    errno.ENOSPC, errno.ESTALE, errno.ETIMEDOUT,
}  # fmt: skip
_NUMBER = re.compile(r"(\d+)(?:-.*)?\.md")
_NOTE = re.compile(r"### .*<!-- note (\{.*\}) -->\s*")
_LIKE_NOTE = re.compile(r"\\*### .*<!-- note ")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(slots=True)
class _Document:
    file: Path
    head: FrontMatter
    text: str
    head_lines: int

    def dump(self) -> bytes:
        return (self.head.dump() + self.text).encode()


class LocalTracker:
    """Keeps issues as files.

    Args:
        path: The folder; made when it is first written to.
        project: What the issues belong to; each file says it.
        clock: Tells the time, aware.
    """

    def __init__(self, path: Path, project: str, clock: Callable[[], datetime]) -> None:
        self._path = path.absolute()
        self._issues = self._path / "issues"
        self._project = project
        self._clock = clock
        self._pages = LocalPages(self._path / "pages", self._writing, self._write, _slug)

    async def create(self, issue: NewIssue) -> IssueRef:
        return await asyncio.to_thread(self._create, issue)

    async def find_by_marker(self, marker: str, since: datetime) -> IssueRef | None:
        return await asyncio.to_thread(self._find_by_marker, marker, since)

    async def get(self, key: str) -> Issue:
        return await asyncio.to_thread(self._get, key)

    async def change(self, key: str, change: IssueChange) -> None:
        await asyncio.to_thread(self._change, key, change)

    async def comment(self, key: str, body: str, marker: str) -> None:
        await asyncio.to_thread(self._comment, key, body, marker)

    async def link(self, key: str, other: str) -> None:
        await asyncio.to_thread(self._link, key, other)

    async def event(self, key: str, text: str, at: datetime) -> bool:
        """See ``models.ports.IssueTracker``: a file's comments are its timeline."""
        return False

    async def news(self, key: str, known: str = "") -> IssueNews | None:
        """See ``models.ports.IssueTracker``: people may edit the files by hand."""
        try:
            issue = await self.get(key)
        except Permanent:
            return IssueNews(None)
        comments = [
            IssueAct("commented", note.author, note.at, f"{number:06d}")
            for number, note in enumerate(issue.notes)
            if not note.marker
        ]
        by_hand = IssueAct("assigned", "", self._clock())  # a file does not say who wrote in it, nor when
        seen = IssueSeen(
            closed=issue.closed,
            labels=issue.labels,
            assignee=issue.assignee or "",
            severity=issue.severity or "",
            last_comment=comments[-1].id if comments else "",
        )
        return IssueNews(seen, (*comments, by_hand))

    async def resource(self, key: str, text: str, url: str) -> bool:
        """See ``models.ports.IssueTracker``: a file's comments hold its links."""
        return False

    async def find_page(self, marker: str) -> IssueRef | None:
        """See ``models.ports.IssueTracker``."""
        return await asyncio.to_thread(self._find_page, marker)

    async def create_page(self, page: Page) -> IssueRef:
        """See ``models.ports.IssueTracker``."""
        return await asyncio.to_thread(self._create_page, page)

    async def write_page(self, key: str, page: Page) -> None:
        """See ``models.ports.IssueTracker``."""
        await asyncio.to_thread(self._write_page, key, page)

    async def discard(self, key: str) -> bool:
        """See ``models.ports.IssueTracker``."""
        return await asyncio.to_thread(self._discard, key)

    def merge_request_of(self, url: str) -> str | None:
        """See ``models.ports.IssueTracker``: files have none."""
        return None

    async def merge_request(self, url: str) -> tuple[MergeRequest, str] | None:
        """See ``models.ports.IssueTracker``."""
        return None

    async def changed_since(self, at: datetime) -> Sequence[str]:
        """See ``models.ports.IssueTracker``."""
        return await asyncio.to_thread(self._changed_since, at)

    async def labelled(self, labels: Sequence[str]) -> Sequence[tuple[IssueRef, str]]:
        """See ``models.ports.IssueTracker``."""
        return await asyncio.to_thread(self._labelled, labels) if labels else []

    async def username_of(self, person: Person) -> str | None:
        """See ``models.ports.IssueTracker``: files may name anybody."""
        return person.username or person.name

    def how_to_map(self, person: Person) -> str:
        """See ``models.ports.IssueTracker``."""
        return f"give {person.name} a name"

    async def close(self) -> None:
        """Nothing is kept open."""

    async def check(self) -> Sequence[Finding]:
        return await asyncio.to_thread(self._check)

    # -- the verbs, each in a thread of its own ------------------------------------------------------------

    def _create(self, issue: NewIssue) -> IssueRef:
        with self._writing():
            title = " ".join(_clean(issue.title).split()) or "(no title)"
            body = _clean(issue.body).strip("\n")
            if issue.template is not None:
                body = f"{body}\n\n{self._template(issue.template)}".strip("\n")
            now = self._clock()
            number = self._next_number()
            head = FrontMatter()
            head.set("title", title)
            head.set("kind", issue.kind.value)
            head.set("state", "opened")
            head.set("project", self._project)
            head.set("labels", list(dict.fromkeys(issue.labels)))
            head.set("assignee", issue.assignee or None)
            head.set("iteration", self._iteration(now) if issue.iteration is Iteration.CURRENT else None)
            head.set("severity", issue.severity)
            head.set("confidential", issue.confidential)
            head.set("links", [])
            head.set("marker", issue.marker)
            head.set("created_at", now.isoformat())
            head.set("updated_at", now.isoformat())
            file = self._issues / f"{number:04d}-{_slug(title)}.md"
            self._write(file, (head.dump() + "\n" + _escape(body) + "\n").encode())
            return IssueRef(str(number), file.as_uri())

    def _find_by_marker(self, marker: str, since: datetime) -> IssueRef | None:
        needles = {marker.encode(errors="replace"), frontmatter.quote(marker)[1:-1].encode()}
        with _told(self._issues):
            for number, file in sorted(self._files()):
                data = file.read_bytes()
                if not any(needle in data for needle in needles):
                    continue  # also so that a broken file of another issue is no hindrance
                document = _read(file)
                if document.head.get("marker") == marker and _created(document) >= since:
                    return IssueRef(str(number), file.as_uri())
        return None

    def _find_page(self, marker: str) -> IssueRef | None:
        with _told(self._path):
            return self._pages.find(marker)

    def _create_page(self, page: Page) -> IssueRef:
        with _told(self._path):
            return self._pages.create(page)

    def _write_page(self, key: str, page: Page) -> None:
        with _told(self._path):
            self._pages.write(key, page)

    def _changed_since(self, at: datetime) -> list[str]:
        with _told(self._issues):
            return [str(number) for number, file in self._files() if file.stat().st_mtime >= at.timestamp()]

    def _labelled(self, labels: Sequence[str]) -> list[tuple[IssueRef, str]]:
        found = []
        for number, _ in self._files():
            issue = self._get(str(number))
            if not issue.closed and not issue.confidential and set(labels) <= set(issue.labels):
                found.append((issue.ref, issue.title))
        return found

    def _get(self, key: str) -> Issue:
        with _told(self._issues):
            return _issue(key, self._open(key))

    def _discard(self, key: str) -> bool:
        with self._writing():
            self._open(key).file.unlink()
        return True

    def _change(self, key: str, change: IssueChange) -> None:
        with self._writing():
            document = self._open(key)
            head = document.head
            labels = list(dict.fromkeys([*_texts(head.get("labels")), *change.add_labels]))
            wanted: dict[str, frontmatter.Value] = {
                "labels": [label for label in labels if label not in change.remove_labels]
            }
            if change.title is not None:
                wanted["title"] = " ".join(_clean(change.title).split()) or "(no title)"
            if change.assignee is not None:
                wanted["assignee"] = change.assignee or None
            if change.iteration is not None:
                current = change.iteration is Iteration.CURRENT
                wanted["iteration"] = self._iteration(self._clock()) if current else None
            if change.severity is not None:
                wanted["severity"] = change.severity
            if change.closed is not None:
                wanted["state"] = "closed" if change.closed else "opened"
            if change.confidential is not None:
                wanted["confidential"] = change.confidential
            changed = [head.set(name, value) for name, value in wanted.items() if head.get(name) or value]
            if any(changed):
                self._update(document)

    def _comment(self, key: str, body: str, marker: str) -> None:
        with self._writing():
            document = self._open(key)
            if any(note.marker == marker for note in _sections(document)[1]):
                return
            now = self._clock()
            told = json.dumps({"author": AUTHOR, "at": now.isoformat(), "marker": marker}, ensure_ascii=True)
            told = told.replace("<", "\\u003c").replace(">", "\\u003e")
            heading = f"### {AUTHOR} · {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC <!-- note {told} -->"
            text = _escape(_clean(body).strip("\n"))
            document.text = f"{document.text.rstrip()}\n\n{heading}\n\n{text}\n"
            self._update(document)

    def _link(self, key: str, other: str) -> None:
        if key == other:
            raise Permanent(f"issue {key} can't be linked to itself")
        with self._writing():
            for document, linked in ((self._open(key), other), (self._open(other), key)):
                links = _texts(document.head.get("links"))
                if linked not in links:
                    document.head.set("links", [*links, linked])
                    self._update(document)

    def _check(self) -> list[Finding]:
        existing = next(folder for folder in (self._path, *self._path.parents) if folder.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            advice = "give Wilson's user the right to write there, or set tracker.path"
            return [Finding("tracker", False, f"can't write to {existing}", advice)]
        findings = [Finding("tracker", True, f"issues of {self._project} are files under {self._issues}")]
        template = self._path / "templates" / f"{_DEFAULT_TEMPLATE_NAME}.md"
        text = f"{template}" if template.exists() else f"{template} will be written with the first incident"
        findings.append(Finding("tracker template", True, text))
        try:
            with _told(self._path):
                findings.append(Finding("tracker iteration", True, self._iteration(self._clock())))
        except (Permanent, Temporary) as error:
            findings.append(Finding("tracker iteration", False, str(error), "correct the file"))
        for _, file in sorted(self._files()):
            try:
                with _told(file):
                    _issue("", _read(file))
            except (Permanent, Temporary) as error:
                findings.append(Finding("tracker issues", False, str(error), "correct the file, or move it away"))
        return findings

    # -- files ---------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock that every writer of every process takes."""
        with _told(self._path):
            for folder in (self._issues, self._path / ".tmp", self._path / "templates"):
                folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                deadline = time.monotonic() + LOCK_SECONDS
                while True:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() > deadline:
                            held = f"{self._path / '.lock'}: another process has held it for {LOCK_SECONDS:.0f} s"
                            raise Temporary(held) from None
                        time.sleep(0.005)
                yield
            finally:
                os.close(lock)

    def _write(self, file: Path, data: bytes) -> None:
        scratch = self._path / ".tmp"
        for left in scratch.iterdir():  # we hold the lock, so whoever began it is dead
            left.unlink()
        made = scratch / uuid4().hex
        with made.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        made.replace(file)
        try:
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Ambiguous(f"{file}: written, but perhaps not to last ({error.strerror})") from error

    def _update(self, document: _Document) -> None:
        document.head.set("updated_at", self._clock().isoformat())
        self._write(document.file, document.dump())

    def _files(self) -> list[tuple[int, Path]]:
        if not self._issues.is_dir():
            return []
        return [(int(found[1]), file) for file in self._issues.iterdir() if (found := _NUMBER.fullmatch(file.name))]

    def _open(self, key: str) -> _Document:
        files = [file for number, file in self._files() if str(number) == key]
        if not files:
            raise Permanent(f"there is no issue {key[:40]!r} in {self._issues}")
        if len(files) > 1:
            raise Permanent(f"issue {key} stands in two files: {files[0].name} and {files[1].name}")
        return _read(files[0])

    def _next_number(self) -> int:
        counter = self._path / ".counter"
        last = counter.read_text(encoding="utf-8", errors="replace").strip() if counter.exists() else "0"
        if not re.fullmatch(r"[0-9]{1,9}", last):
            raise Permanent(
                f"{counter}:1: needs the last number given, held {last[:40]!r}; remove it to count anew"
            )
        number = max([int(last), *(number for number, _ in self._files())]) + 1
        self._write(counter, f"{number}\n".encode())
        return number

    def _template(self, name: str) -> str:
        folder = self._path / "templates"
        if not name or name.startswith(".") or not name.isprintable() or set(name) & set("/\\"):
            raise Permanent(f"the template's name {name[:40]!r} is not a file's name")
        file = folder / f"{name}.md"
        if not file.exists():
            if name != _DEFAULT_TEMPLATE_NAME:
                known = ", ".join(sorted(other.stem for other in folder.glob("*.md"))) or "none"
                raise Permanent(f"{file}: there is no such issue template (there are: {known})")
            self._write(file, DEFAULT_TEMPLATE.encode())
        return _decode(file).lstrip("\ufeff").replace("\r\n", "\n").strip("\n")

    def _iteration(self, now: datetime) -> str:
        today = now.astimezone(UTC).date()
        file = self._path / "iterations.toml"
        for name, first, last in _iterations(file) if file.exists() else ():
            if first <= today <= last:
                return name
        first = today - timedelta(days=(today - _FIRST_FORTNIGHT).days % 14)
        return f"{first} to {first + timedelta(days=13)}"


@contextmanager
def _told(about: Path) -> Iterator[None]:
    """Say what went wrong with files in the port's words."""
    try:
        yield
    except OSError as error:
        kind = Temporary if error.errno in _PASSING else Permanent
        raise kind(f"{error.filename or about}: {error.strerror or error}") from error


def _decode(file: Path) -> str:
    data = file.read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Permanent(f"{file}:{line}: is not UTF-8 ({error.reason})") from None


def _read(file: Path) -> _Document:
    text = _decode(file).removeprefix("\ufeff")
    try:
        document = _Document(file, *frontmatter.split(text))
        for key in ("title", "kind", "state", "assignee", "iteration", "severity", "labels", "links", "marker"):
            document.head.get(key)
    except FrontMatterError as error:
        raise Permanent(f"{file}:{error.line}: {error}") from None
    return document


def _issue(key: str, document: _Document) -> Issue:
    head = document.head
    kind, state = head.get("kind") or IssueKind.ISSUE.value, head.get("state") or "opened"
    if kind not in set(IssueKind):
        raise Permanent(f"{document.file}:{head.line('kind')}: kind: needs incident or issue, held {kind!r}")
    if state not in ("opened", "closed"):
        raise Permanent(f"{document.file}:{head.line('state')}: state: needs opened or closed, held {state!r}")
    body, notes = _sections(document)
    return Issue(
        ref=IssueRef(key, document.file.as_uri()),
        kind=IssueKind(str(kind)),
        title=_text(head.get("title")) or "(no title)",
        body=body,
        closed=state == "closed",
        labels=tuple(_texts(head.get("labels"))),
        assignee=_text(head.get("assignee")),
        iteration=_text(head.get("iteration")),
        severity=_text(head.get("severity")),
        notes=notes,
        links=tuple(_texts(head.get("links"))),
        confidential=head.get("confidential") is True,
    )


def _sections(document: _Document) -> tuple[str, tuple[Note, ...]]:
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
            at=_aware(datetime.fromisoformat(str(told["at"]))) if "at" in told else _created(document),
            marker=str(told.get("marker", "")),
        )
        for told, lines in sections[1:]
    )
    return "\n".join(sections[0][1]).strip("\n"), notes


def _iterations(file: Path) -> list[tuple[str, date, date]]:
    try:
        entries = tomllib.loads(_decode(file)).get("iterations", [])
    except tomllib.TOMLDecodeError as error:
        raise Permanent(f"{file}: is not valid TOML: {error}") from None
    found: list[tuple[str, date, date]] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [None], start=1):
        told = entry if isinstance(entry, dict) else {}
        name, first, last = told.get("name"), told.get("from"), told.get("to")
        if not (isinstance(name, str) and name and type(first) is date and type(last) is date and first <= last):
            raise Permanent(
                f"{file}: [[iterations]] number {number}: needs name, from and to (dates such as 2026-11-16)"
            )
        found.append((name, first, last))
    return found


def _created(document: _Document) -> datetime:
    try:
        return _aware(datetime.fromisoformat(_text(document.head.get("created_at")) or "1970-01-01"))
    except ValueError as error:
        line = document.head.line("created_at")
        raise Permanent(f"{document.file}:{line}: created_at: {error}") from None


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _text(value: frontmatter.Value) -> str | None:
    return None if value is None else str(value)


def _texts(value: frontmatter.Value) -> list[str]:
    if isinstance(value, list):
        return value
    return [] if value is None else [str(value)]


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _escape(text: str) -> str:
    return "\n".join("\\" + line if _LIKE_NOTE.match(line) else line for line in text.split("\n"))


def _slug(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60].rstrip("-") or "issue"
