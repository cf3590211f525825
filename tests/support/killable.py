"""Runs Wilson and kills it with SIGKILL at its n-th step.

A step is each write to the database, each commit, each reading and filing of mail, each call of Teams and of the
tracker, counted before and after. New ones join the count by themselves.

Usage: ``python -m tests.support.killable N CONFIG``; N = 0 never kills.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tortoise.backends.sqlite.client import SqliteTransactionWrapper

import wilson
from bot.adapters.connector import TeamsMessenger
from bot.adapters.local_tracker import LocalTracker
from mailwatcher.mailboxes.folder import FolderMailbox
from mailwatcher.reader import MailReader
from models.sql import Database

count = 0
kill_at = int(sys.argv[1])


def step(name: str) -> None:
    global count
    count += 1
    if count == kill_at:
        sys.stderr.write(f"killed at step {count}: {name}\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def watched(owner: type, name: str, counts: Callable[..., bool] = lambda *_: True) -> None:
    inner = getattr(owner, name)

    @functools.wraps(inner)
    async def outer(self: Any, *args: Any, **kwargs: Any) -> Any:
        telling = counts(*args)
        if telling:
            step(f"before {owner.__name__}.{name}")
        result = await inner(self, *args, **kwargs)
        if telling and not (name == "fetch" and not result):
            step(f"after {owner.__name__}.{name}")
        return result

    setattr(owner, name, outer)


def is_work(statement: str, *_: Any) -> bool:
    """Leave out what an idle process writes: it would never come to an end."""
    return not any(table in statement for table in ("facts", "DELETE FROM seen"))


for method in ("run", "many", "insert"):
    watched(Database, method, is_work)
watched(SqliteTransactionWrapper, "commit")
watched(MailReader, "read")
watched(FolderMailbox, "file_away")
watched(TeamsMessenger, "_call")
for method in ("create", "change", "comment", "link", "find_page", "create_page", "write_page"):
    watched(LocalTracker, method)

if __name__ == "__main__":
    sys.exit(wilson.main(["--config", sys.argv[2], "run"]))
