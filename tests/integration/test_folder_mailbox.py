"""Folders as mailboxes: nothing is lost, nothing is deleted, nothing half-written is read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mailwatcher.mailboxes.folder import FolderMailbox
from models.ports import MailFolder, Temporary


def mailbox(path: Path) -> FolderMailbox:
    return FolderMailbox(path, "inbox", "processed", "unrecognised", "unreadable")


def maildir(path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    return path


def put(file: Path, text: str, age: float = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    at = time.time() - age
    os.utime(file, (at, at))


async def test_a_directory_is_read_oldest_first_and_filed(tmp_path: Path) -> None:
    put(tmp_path / "inbox" / "b.eml", "older", 20)
    put(tmp_path / "inbox" / "a.eml", "newer", 10)
    put(tmp_path / "inbox" / "c.tmp", "unfinished", 30)
    put(tmp_path / "inbox" / ".d.eml", "hidden", 30)
    box = mailbox(tmp_path)
    mails = await box.fetch(10)
    assert [mail.raw for mail in mails] == [b"older", b"newer"]
    assert [mail.raw for mail in await box.fetch(1)] == [b"older"]
    await box.file_away(mails[0].ref, MailFolder.PROCESSED)
    await box.file_away(mails[1].ref, MailFolder.UNREADABLE)
    assert (tmp_path / "processed" / "b.eml").read_text() == "older"
    assert (tmp_path / "unreadable" / "a.eml").read_text() == "newer"
    assert await box.fetch(10) == []


async def test_a_maildir_is_read_from_new_and_cur_and_filed_as_one(tmp_path: Path) -> None:
    maildir(tmp_path / "inbox")
    put(tmp_path / "inbox" / "new" / "1.host", "new", 10)
    put(tmp_path / "inbox" / "cur" / "0.host:2,S", "seen", 20)
    put(tmp_path / "inbox" / "tmp" / "2.host", "half", 5)
    box = mailbox(tmp_path)
    mails = await box.fetch(10)
    assert [mail.raw for mail in mails] == [b"seen", b"new"]
    for mail in mails:
        await box.file_away(mail.ref, MailFolder.UNRECOGNISED)
    assert len(list((tmp_path / "unrecognised" / "cur").iterdir())) == 2


async def test_the_path_itself_may_be_the_inbox(tmp_path: Path) -> None:
    maildir(tmp_path)
    put(tmp_path / "new" / "1", "x", 10)
    box = mailbox(tmp_path)
    (mail,) = await box.fetch(10)
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert (tmp_path / "processed" / "cur" / "1").exists()


async def test_names_that_clash_are_both_kept(tmp_path: Path) -> None:
    box = mailbox(tmp_path)
    for text in ("one", "two", "three"):
        put(tmp_path / "inbox" / "a.eml", text, 10)
        (mail,) = await box.fetch(10)
        await box.file_away(mail.ref, MailFolder.PROCESSED)
    held = sorted(file.read_text() for file in (tmp_path / "processed").iterdir())
    assert held == ["one", "three", "two"]


async def test_a_mail_that_is_gone_is_no_error(tmp_path: Path) -> None:
    put(tmp_path / "inbox" / "a.eml", "x", 10)
    box = mailbox(tmp_path)
    (mail,) = await box.fetch(10)
    (tmp_path / "inbox" / "a.eml").unlink()
    await box.file_away(mail.ref, MailFolder.PROCESSED)


async def test_a_file_that_grows_is_left_for_the_next_look(tmp_path: Path) -> None:
    box = mailbox(tmp_path)
    put(tmp_path / "inbox" / "a.eml", "ha")
    await box.fetch(10)
    put(tmp_path / "inbox" / "a.eml", "half")
    assert await box.fetch(10) == []
    assert [mail.raw for mail in await box.fetch(10)] == [b"half"]


async def test_a_folder_that_can_not_be_is_temporary_and_told_by_the_doctor(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    box = mailbox(tmp_path / "file")
    with pytest.raises(Temporary):
        await box.fetch(10)
    (finding,) = await box.check()
    assert finding.ok is False
    assert (await mailbox(tmp_path / "fine").check())[0].ok is True
