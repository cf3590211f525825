"""How the local tracker writes: under one lock, and each file as a whole.

Every write goes to a new file which then takes the old one's place, under a lock that all processes share: a
reader, and a crash, see the old or the new text and never a half.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from models.ports.errors import Ambiguous, Permanent, Temporary

LOCK_SECONDS = 10.0
_PASSING = {
    errno.EAGAIN, errno.EBUSY, errno.EDQUOT, errno.EINTR, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
    errno.ENOSPC, errno.ESTALE, errno.ETIMEDOUT,
}  # fmt: skip


class LocalFiles:
    """Writes files below one folder.

    Args:
        path: The folder; made when it is first written to.
        folders: The names of those that are to be in it.
    """

    def __init__(self, path: Path, folders: tuple[str, ...]) -> None:
        self._path = path
        self._folders = folders

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock that every writer of every process takes."""
        with told(self._path):
            for folder in (*self._folders, ".tmp"):
                (self._path / folder).mkdir(parents=True, exist_ok=True)
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

    def write(self, file: Path, data: bytes) -> None:
        """Put a whole file in the old one's place. The lock is held."""
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


@contextmanager
def told(about: Path) -> Iterator[None]:
    """Say what went wrong with files in the port's words."""
    try:
        yield
    except OSError as error:
        kind = Temporary if error.errno in _PASSING else Permanent
        raise kind(f"{error.filename or about}: {error.strerror or error}") from error


def decode(file: Path) -> str:
    """Return a file's text. Raises ``Permanent`` where it is not UTF-8."""
    data = file.read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Permanent(f"{file}:{line}: is not UTF-8 ({error.reason})") from None


def slug(title: str) -> str:
    """Return a part of a file's name for a title: letters, digits and hyphens, at most 60."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60].rstrip("-") or "issue"
