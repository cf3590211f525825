"""An issue tracker that is a folder: one Markdown file an issue, to read, search, edit and commit.

::

    <path>/issues/0007-card-workers-cpu-saturated.md   the issue; its number is the key, the rest may be renamed
    <path>/templates/Incident.md                       issue templates; this one is written when it is missing
    <path>/pages/0001-log-of-incident-7.md             documents apart from issues; the last line is our marker
    <path>/iterations.toml                             the team's iterations, if it has any
    <path>/.counter, .lock, .tmp/                      the last number given, the lock, files being written

``local_issues`` tells what is in an issue's file, ``local_iterations`` what is in that of the iterations, and
``local_files`` how files are written.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from bot.adapters import frontmatter
from bot.adapters.frontmatter import FrontMatter
from bot.adapters.local_files import LocalFiles, decode, slug, told
from bot.adapters.local_issues import (
    Document,
    add_note,
    clean,
    created_at,
    escape,
    issue_of,
    read_document,
    sections_of,
    texts,
)
from bot.adapters.local_iterations import iteration_of
from bot.adapters.local_pages import LocalPages
from models.domain.hearing import IssueAct, IssueNews
from models.domain.incident_parts import IssueSeen, MergeRequest
from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Permanent, Temporary
from models.ports.tracker import Issue, IssueChange, IssueRef, Iteration, NewIssue, Page

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
_NUMBER = re.compile(r"(\d+)(?:-.*)?\.md")


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
        self._iterations = self._path / "iterations.toml"
        self._files = LocalFiles(self._path, ("issues", "templates"))
        self._project = project
        self._clock = clock
        self._pages = LocalPages(self._path / "pages", self._files)

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
        """See ``models.ports.tracker.IssueTracker``: a file's comments are its timeline."""
        return False

    async def news(self, key: str, known: str = "") -> IssueNews | None:
        """See ``models.ports.tracker.IssueTracker``: people may edit the files by hand."""
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
        """See ``models.ports.tracker.IssueTracker``: a file's comments hold its links."""
        return False

    async def find_page(self, marker: str) -> IssueRef | None:
        """See ``models.ports.tracker.IssueTracker``."""
        return await asyncio.to_thread(self._find_page, marker)

    async def create_page(self, page: Page) -> IssueRef:
        """See ``models.ports.tracker.IssueTracker``."""
        return await asyncio.to_thread(self._create_page, page)

    async def write_page(self, key: str, page: Page) -> None:
        """See ``models.ports.tracker.IssueTracker``."""
        await asyncio.to_thread(self._write_page, key, page)

    async def discard(self, key: str) -> bool:
        """See ``models.ports.tracker.IssueTracker``."""
        return await asyncio.to_thread(self._discard, key)

    def merge_request_of(self, url: str) -> str | None:
        """See ``models.ports.tracker.IssueTracker``: files have none."""
        return None

    async def merge_request(self, url: str) -> tuple[MergeRequest, str] | None:
        """See ``models.ports.tracker.IssueTracker``."""
        return None

    async def changed_since(self, at: datetime) -> Sequence[str]:
        """See ``models.ports.tracker.IssueTracker``."""
        return await asyncio.to_thread(self._changed_since, at)

    async def labelled(self, labels: Sequence[str]) -> Sequence[tuple[IssueRef, str]]:
        """See ``models.ports.tracker.IssueTracker``."""
        return await asyncio.to_thread(self._labelled, labels) if labels else []

    async def username_of(self, person: Person) -> str | None:
        """See ``models.ports.tracker.IssueTracker``: files may name anybody."""
        return person.username or person.name

    def how_to_map(self, person: Person) -> str:
        """See ``models.ports.tracker.IssueTracker``."""
        return f"give {person.name} a name"

    async def close(self) -> None:
        """Nothing is kept open."""

    async def check(self) -> Sequence[Finding]:
        return await asyncio.to_thread(self._check)

    # -- the verbs, each in a thread of its own ------------------------------------------------------------

    def _create(self, issue: NewIssue) -> IssueRef:
        with self._files.writing():
            title = " ".join(clean(issue.title).split()) or "(no title)"
            body = clean(issue.body).strip("\n")
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
            head.set(
                "iteration", iteration_of(self._iterations, now) if issue.iteration is Iteration.CURRENT else None
            )
            head.set("severity", issue.severity)
            head.set("confidential", issue.confidential)
            head.set("links", [])
            head.set("marker", issue.marker)
            head.set("created_at", now.isoformat())
            head.set("updated_at", now.isoformat())
            file = self._issues / f"{number:04d}-{slug(title)}.md"
            self._files.write(file, (head.dump() + "\n" + escape(body) + "\n").encode())
            return IssueRef(str(number), file.as_uri())

    def _find_by_marker(self, marker: str, since: datetime) -> IssueRef | None:
        needles = {marker.encode(errors="replace"), frontmatter.quote(marker)[1:-1].encode()}
        with told(self._issues):
            for number, file in sorted(self._numbered()):
                data = file.read_bytes()
                if not any(needle in data for needle in needles):
                    continue  # also so that a broken file of another issue is no hindrance
                document = read_document(file)
                if document.head.get("marker") == marker and created_at(document) >= since:
                    return IssueRef(str(number), file.as_uri())
        return None

    def _find_page(self, marker: str) -> IssueRef | None:
        with told(self._path):
            return self._pages.find(marker)

    def _create_page(self, page: Page) -> IssueRef:
        with told(self._path):
            return self._pages.create(page)

    def _write_page(self, key: str, page: Page) -> None:
        with told(self._path):
            self._pages.write(key, page)

    def _changed_since(self, at: datetime) -> list[str]:
        with told(self._issues):
            return [str(number) for number, file in self._numbered() if file.stat().st_mtime >= at.timestamp()]

    def _labelled(self, labels: Sequence[str]) -> list[tuple[IssueRef, str]]:
        found = []
        for number, _ in self._numbered():
            issue = self._get(str(number))
            if not issue.closed and not issue.confidential and set(labels) <= set(issue.labels):
                found.append((issue.ref, issue.title))
        return found

    def _get(self, key: str) -> Issue:
        with told(self._issues):
            return issue_of(key, self._open(key))

    def _discard(self, key: str) -> bool:
        with self._files.writing():
            self._open(key).file.unlink()
        return True

    def _change(self, key: str, change: IssueChange) -> None:
        with self._files.writing():
            document = self._open(key)
            head = document.head
            labels = list(dict.fromkeys([*texts(head.get("labels")), *change.add_labels]))
            wanted: dict[str, frontmatter.Value] = {
                "labels": [label for label in labels if label not in change.remove_labels]
            }
            if change.title is not None:
                wanted["title"] = " ".join(clean(change.title).split()) or "(no title)"
            if change.assignee is not None:
                wanted["assignee"] = change.assignee or None
            if change.iteration is not None:
                current = change.iteration is Iteration.CURRENT
                wanted["iteration"] = iteration_of(self._iterations, self._clock()) if current else None
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
        with self._files.writing():
            document = self._open(key)
            if any(note.marker == marker for note in sections_of(document)[1]):
                return
            add_note(document, body, marker, self._clock())
            self._update(document)

    def _link(self, key: str, other: str) -> None:
        if key == other:
            raise Permanent(f"issue {key} can't be linked to itself")
        with self._files.writing():
            for document, linked in ((self._open(key), other), (self._open(other), key)):
                links = texts(document.head.get("links"))
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
            with told(self._path):
                findings.append(Finding("tracker iteration", True, iteration_of(self._iterations, self._clock())))
        except (Permanent, Temporary) as error:
            findings.append(Finding("tracker iteration", False, str(error), "correct the file"))
        for _, file in sorted(self._numbered()):
            try:
                with told(file):
                    issue_of("", read_document(file))
            except (Permanent, Temporary) as error:
                findings.append(Finding("tracker issues", False, str(error), "correct the file, or move it away"))
        return findings

    # -- files ---------------------------------------------------------------------------------------------

    def _update(self, document: Document) -> None:
        document.head.set("updated_at", self._clock().isoformat())
        self._files.write(document.file, document.dump())

    def _numbered(self) -> list[tuple[int, Path]]:
        if not self._issues.is_dir():
            return []
        return [(int(found[1]), file) for file in self._issues.iterdir() if (found := _NUMBER.fullmatch(file.name))]

    def _open(self, key: str) -> Document:
        files = [file for number, file in self._numbered() if str(number) == key]
        if not files:
            raise Permanent(f"there is no issue {key[:40]!r} in {self._issues}")
        if len(files) > 1:
            raise Permanent(f"issue {key} stands in two files: {files[0].name} and {files[1].name}")
        return read_document(files[0])

    def _next_number(self) -> int:
        counter = self._path / ".counter"
        last = counter.read_text(encoding="utf-8", errors="replace").strip() if counter.exists() else "0"
        if not re.fullmatch(r"[0-9]{1,9}", last):
            raise Permanent(
                f"{counter}:1: needs the last number given, held {last[:40]!r}; remove it to count anew"
            )
        number = max([int(last), *(number for number, _ in self._numbered())]) + 1
        self._files.write(counter, f"{number}\n".encode())
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
            self._files.write(file, DEFAULT_TEMPLATE.encode())
        return decode(file).lstrip("\ufeff").replace("\r\n", "\n").strip("\n")
