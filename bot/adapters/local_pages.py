"""Documents apart from issues: one Markdown file each, beside the folder of issues."""

from __future__ import annotations

import re
from pathlib import Path

from bot.adapters.local_files import LocalFiles, slug
from models.ports.errors import Permanent
from models.ports.tracker import IssueRef, Page

_KEY = re.compile(r"[0-9]{4}-[a-z0-9-]{1,60}\.md")


class LocalPages:
    """Keeps pages; the last line of each is its marker.

    Args:
        folder: Where they are.
        files: Writes them.
    """

    def __init__(self, folder: Path, files: LocalFiles) -> None:
        self._folder = folder
        self._files = files

    def find(self, marker: str) -> IssueRef | None:
        """See ``models.ports.tracker.IssueTracker.find_page``."""
        for file in self._pages():
            if file.read_bytes().rstrip().rpartition(b"\n")[2] == marker.encode():
                return IssueRef(file.name, file.as_uri())
        return None

    def create(self, page: Page) -> IssueRef:
        """See ``models.ports.tracker.IssueTracker.create_page``."""
        with self._files.writing():
            self._folder.mkdir(exist_ok=True)
            number = max((int(file.name[:4]) for file in self._pages()), default=0) + 1
            file = self._folder / f"{number:04d}-{slug(page.title)}.md"
            self._files.write(file, _text(page))
        return IssueRef(file.name, file.as_uri())

    def write(self, key: str, page: Page) -> None:
        """See ``models.ports.tracker.IssueTracker.write_page``."""
        with self._files.writing():
            file = self._folder / key
            if not _KEY.fullmatch(key) or not file.exists():
                raise Permanent(f"there is no page {key[:60]!r} in {self._folder}")
            self._files.write(file, _text(page))

    def _pages(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(file for file in self._folder.iterdir() if _KEY.fullmatch(file.name))


def _text(page: Page) -> bytes:
    return f"{page.body.strip()}\n\n{page.marker}\n".encode(errors="replace")
