"""A folder as a mailbox: a Maildir, or a plain directory of ``.eml`` files.

Nothing is ever deleted: filing a mail away is a rename into another folder of the same kind. The rename need not
survive a power cut: the mail would be read again, and be found recorded.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.ports.checks import Finding
from models.ports.errors import Temporary
from models.ports.mailbox import MailFolder, StoredMail

log = logging.getLogger(__name__)

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of a mail that are read."""
SETTLED_SECONDS = 1.0
"""A plain file that changed within this time, and between two looks, may still be being written."""
UNFINISHED = (".tmp", ".part", ".partial", ".crdownload")


class FolderMailbox:
    """Reads mails from a folder.

    Whoever delivers into a plain directory should write under another name and rename; a file that is still
    growing is left for the next look. A file that changed after it was read stays, and is read again: filed away it
    would hide what nobody has read.

    Args:
        path: A Maildir, a directory of ``.eml`` files, or the folder that holds the inbox and the others.
        inbox, processed, unrecognised, unreadable: The folders' names.
        since: Files that changed before are left alone; ``None`` reads all.
    """

    def __init__(
        self,
        path: Path,
        inbox: str,
        processed: str,
        unrecognised: str,
        unreadable: str,
        *,
        since: datetime | None = None,
    ) -> None:
        self._since = since.timestamp() if since else 0.0
        self._path = path
        self._inbox_name = inbox
        self._names = {
            MailFolder.PROCESSED: processed,
            MailFolder.UNRECOGNISED: unrecognised,
            MailFolder.UNREADABLE: unreadable,
        }
        self._sizes: dict[Path, int] = {}
        self._read: dict[Path, tuple[int, int, int]] = {}
        self._complained: set[Path] = set()

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """See ``models.ports.mailbox.Mailbox``."""
        return await asyncio.to_thread(self._fetch, limit)

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.to_thread(self._file_away, Path(ref), folder)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return await asyncio.to_thread(self._check)

    async def wait(self, seconds: float) -> None:
        """See ``models.ports.mailbox.Mailbox``."""
        await asyncio.sleep(seconds)

    async def send(self, raw: bytes) -> None:
        """Drop a mail into the inbox, which is where mail to a folder arrives."""
        await asyncio.to_thread(self._send, raw)

    async def close(self) -> None:
        """See ``models.ports.mailbox.Mailbox``."""

    def _send(self, raw: bytes) -> None:
        inbox = self._inbox()
        unfinished = (inbox / "tmp" if _is_maildir(inbox) else inbox) / f"{uuid.uuid4().hex}.part"
        target = inbox / "new" / unfinished.stem if _is_maildir(inbox) else unfinished.with_suffix(".eml")
        try:
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(raw)
            unfinished.rename(target)
        except OSError as error:
            raise Temporary(f"the folder {inbox} can't be written: {error.strerror}") from None

    def _inbox(self) -> Path:
        if _is_maildir(self._path) or _holds_mail(self._path):
            return self._path
        return self._path / self._inbox_name

    def _fetch(self, limit: int) -> list[StoredMail]:
        try:
            inbox = self._inbox()
            inbox.mkdir(parents=True, exist_ok=True)
            found = sorted(self._files(inbox))
        except OSError as error:
            raise Temporary(f"the folder {self._path} can't be read: {error.strerror}") from None
        self._forget_all_but({file for _, _, file in found})
        mails: list[StoredMail] = []
        for changed, _, file in found:
            if len(mails) == limit:
                break
            try:
                with file.open("rb") as opened:
                    self._read[file] = _state(os.fstat(opened.fileno()))
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
            with os.scandir(folder) as entries:
                present = list(entries)
            for entry in present:
                if not _is_mail(entry, plain=not maildir):
                    continue
                try:
                    held = entry.stat()
                except FileNotFoundError:  # another watcher filed it meanwhile
                    continue
                file = Path(entry.path)
                if held.st_mtime < self._since:
                    continue
                sizes[file] = held.st_size
                fresh = now - held.st_mtime < SETTLED_SECONDS
                if not maildir and fresh and self._sizes.get(file) not in (None, held.st_size):
                    continue
                if not maildir and held.st_size == 0 and fresh:
                    continue
                yield held.st_mtime, entry.name, file
        self._sizes = sizes

    def _forget_all_but(self, found: Collection[Path]) -> None:
        self._complained.intersection_update(found)
        self._read = {file: state for file, state in self._read.items() if file in found}

    def _file_away(self, file: Path, folder: MailFolder) -> None:
        try:
            held = _state(file.stat())
            if self._read.pop(file, held) != held:
                log.warning("the mail %s changed after it was read; it stays and is read again", file)
                return
            self._move(file, folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Temporary(f"the mail {file} can't be filed away: {error.strerror}") from None

    def _move(self, file: Path, folder: MailFolder) -> None:
        inbox = self._inbox_of(file)
        root = inbox if inbox == self._path else self._path
        target = root / self._names[folder]
        if _is_maildir(inbox):
            for name in ("cur", "new", "tmp"):
                (target / name).mkdir(parents=True, exist_ok=True)
            target /= "cur"
        target.mkdir(parents=True, exist_ok=True)
        file.rename(_free_name(target, file.name))

    def _inbox_of(self, file: Path) -> Path:
        if file.parent in (self._path, self._path / self._inbox_name):
            return file.parent
        return file.parent.parent if file.parent.name in ("new", "cur") else file.parent

    def _check(self) -> list[Finding]:
        try:
            return [self._finding()]
        except OSError as error:
            advice = "See mailbox.path."
            return [Finding("mailbox", False, f"{self._path} can't be used: {error.strerror}", advice)]

    def _finding(self) -> Finding:
        inbox = self._inbox()
        maildir = _is_maildir(inbox)
        sources = [inbox / "new", inbox / "cur"] if maildir else [inbox]
        targets = [self._path / name / "cur" if maildir else self._path / name for name in self._names.values()]
        devices: set[int] = set()
        for folder in (*sources, *targets):
            there = _nearest(folder)
            if not there.is_dir():
                return Finding("mailbox", False, f"{there} is not a directory", "See mailbox.path.")
            if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
                advice = "Give Wilson's user the right to read and write it."
                return Finding("mailbox", False, f"{there} can't be written", advice)
            devices.add(there.stat().st_dev)
        if len(devices) > 1:
            advice = "Put the inbox and the other folders on one: mails are filed away by renaming them."
            return Finding("mailbox", False, f"the folders of {self._path} are on several file systems", advice)
        kind = "Maildir" if maildir else "directory of .eml files"
        state = f"is a {kind}" if inbox.is_dir() else "will be made at the first look"
        return Finding("mailbox", True, f"{inbox} {state}")


def _is_maildir(path: Path) -> bool:
    return (path / "new").is_dir()


def _is_mail(entry: os.DirEntry[str], *, plain: bool) -> bool:
    if entry.name.startswith(".") or entry.name.endswith(UNFINISHED) or not entry.is_file():
        return False
    return not plain or entry.name.lower().endswith(".eml")


def _holds_mail(path: Path) -> bool:
    try:
        with os.scandir(path) as entries:
            return any(_is_mail(entry, plain=True) for entry in entries)
    except FileNotFoundError:
        return False


def _state(held: os.stat_result) -> tuple[int, int, int]:
    return held.st_ino, held.st_size, held.st_mtime_ns


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there: where it would be made."""
    return next((path for path in (folder, *folder.absolute().parents) if path.exists()), folder)


def _free_name(folder: Path, name: str) -> Path:
    stem, dot, end = name.partition(".")
    path, number = folder / name, 1
    while path.exists():
        path = folder / f"{stem}-{number}{dot}{end}"
        number += 1
    return path
