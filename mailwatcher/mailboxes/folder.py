"""A folder as a mailbox: a Maildir, or a plain directory of ``.eml`` files.

Nothing is ever deleted: filing a mail away is a rename into another folder of the same kind. The rename need not
survive a power cut: the mail would be read again, and be found recorded.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.ports import Finding, MailFolder, StoredMail, Temporary

log = logging.getLogger(__name__)

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of a mail that are read."""
SETTLED_SECONDS = 1.0
"""A plain file that changed within this time, and between two looks, may still be being written."""
UNFINISHED = (".tmp", ".part", ".partial", ".crdownload")


class FolderMailbox:
    """Reads mails from a folder.

    Whoever delivers into a plain directory should write under another name and rename; a file that is still
    growing is left for the next look.

    Args:
        path: A Maildir, a directory of ``.eml`` files, or the folder that holds the inbox and the others.
        inbox, processed, unrecognised, unreadable: The folders' names.
    """

    def __init__(self, path: Path, inbox: str, processed: str, unrecognised: str, unreadable: str) -> None:
        self._path = path
        self._inbox_name = inbox
        self._names = {
            MailFolder.PROCESSED: processed,
            MailFolder.UNRECOGNISED: unrecognised,
            MailFolder.UNREADABLE: unreadable,
        }
        self._sizes: dict[Path, int] = {}
        self._complained: set[Path] = set()

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """See ``models.ports.Mailbox``."""
        return await asyncio.to_thread(self._fetch, limit)

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """See ``models.ports.Mailbox``."""
        await asyncio.to_thread(self._file_away, Path(ref), folder)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        return await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """See ``models.ports.Mailbox``."""

    def _inbox(self) -> Path:
        if _is_maildir(self._path) or any(self._path.glob("*.eml")):
            return self._path
        return self._path / self._inbox_name

    def _fetch(self, limit: int) -> list[StoredMail]:
        try:
            inbox = self._inbox()
            inbox.mkdir(parents=True, exist_ok=True)
            found = sorted(self._files(inbox))
        except OSError as error:
            raise Temporary(f"the folder {self._path} can't be read: {error.strerror}") from None
        mails: list[StoredMail] = []
        for changed, _, file in found:
            if len(mails) == limit:
                break
            try:
                with file.open("rb") as opened:
                    raw = opened.read(SIZE_LIMIT)
            except FileNotFoundError:
                continue
            except OSError as error:
                if file not in self._complained:
                    log.error("the mail %s can't be read, and is left where it is: %s", file, error.strerror)
                    self._complained.add(file)
                continue
            mails.append(StoredMail(str(file), raw, datetime.fromtimestamp(changed, UTC)))
        return mails

    def _files(self, inbox: Path) -> Iterator[tuple[float, str, Path]]:
        """Yield what is there and complete: when it changed, its name, and where it is."""
        maildir = _is_maildir(inbox)
        now = datetime.now(UTC).timestamp()
        sizes: dict[Path, int] = {}
        for folder in (inbox / "new", inbox / "cur") if maildir else (inbox,):
            if not folder.is_dir():
                continue
            for entry in os.scandir(folder):
                if entry.name.startswith(".") or entry.name.endswith(UNFINISHED) or not entry.is_file():
                    continue
                if not maildir and not entry.name.lower().endswith(".eml"):
                    continue
                held = entry.stat()
                file = Path(entry.path)
                sizes[file] = held.st_size
                fresh = now - held.st_mtime < SETTLED_SECONDS
                if not maildir and fresh and self._sizes.get(file) not in (None, held.st_size):
                    continue
                if not maildir and held.st_size == 0 and fresh:
                    continue
                yield held.st_mtime, entry.name, file
        self._sizes = sizes

    def _file_away(self, file: Path, folder: MailFolder) -> None:
        inbox = self._inbox_of(file)
        root = inbox if inbox == self._path else self._path
        target = root / self._names[folder]
        if _is_maildir(inbox):
            for name in ("cur", "new", "tmp"):
                (target / name).mkdir(parents=True, exist_ok=True)
            target /= "cur"
        target.mkdir(parents=True, exist_ok=True)
        try:
            file.rename(_free_name(target, file.name))
        except FileNotFoundError:
            return

    def _inbox_of(self, file: Path) -> Path:
        return file.parent.parent if file.parent.name in ("new", "cur") else file.parent

    def _check(self) -> list[Finding]:
        inbox = self._inbox()
        try:
            for folder in (inbox, *(self._path / name for name in self._names.values())):
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    advice = "Give Wilson's user the right to read and write it."
                    return [Finding("mailbox", False, f"{folder} can't be written", advice)]
        except OSError as error:
            advice = "See mailbox.path."
            return [Finding("mailbox", False, f"{self._path} can't be used: {error.strerror}", advice)]
        kind = "Maildir" if _is_maildir(inbox) else "directory of .eml files"
        return [Finding("mailbox", True, f"{inbox} is a {kind}")]


def _is_maildir(path: Path) -> bool:
    return (path / "new").is_dir() and (path / "cur").is_dir()


def _free_name(folder: Path, name: str) -> Path:
    stem, dot, end = name.partition(".")
    path, number = folder / name, 1
    while path.exists():
        path = folder / f"{stem}-{number}{dot}{end}"
        number += 1
    return path
