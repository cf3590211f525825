"""Folders as mailboxes: nothing is lost, nothing is deleted, nothing half-written is read."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from mailwatcher.mailboxes import folder as module
from mailwatcher.mailboxes.folder import FolderMailbox
from models.ports.errors import Temporary
from models.ports.mailbox import MailFolder


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


async def test_a_mail_stays_until_it_is_filed_away(tmp_path: Path) -> None:
    put(tmp_path / "inbox" / "a.eml", "x", 10)
    assert [mail.raw for mail in await mailbox(tmp_path).fetch(10)] == [b"x"]
    assert [mail.raw for mail in await mailbox(tmp_path).fetch(10)] == [b"x"]


async def test_a_mail_that_changed_after_it_was_read_is_read_again(tmp_path: Path) -> None:
    put(tmp_path / "inbox" / "a.eml", "one", 20)
    box = mailbox(tmp_path)
    (mail,) = await box.fetch(10)
    put(tmp_path / "inbox" / "a.eml", "another", 10)
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    (mail,) = await box.fetch(10)
    assert mail.raw == b"another"
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert (tmp_path / "processed" / "a.eml").read_text() == "another"


async def test_new_alone_makes_a_maildir(tmp_path: Path) -> None:
    put(tmp_path / "inbox" / "new" / "1.host", "x", 10)
    assert [mail.raw for mail in await mailbox(tmp_path).fetch(10)] == [b"x"]


async def test_a_directory_may_be_called_new(tmp_path: Path) -> None:
    put(tmp_path / "new" / "a.eml", "x", 10)
    box = mailbox(tmp_path / "new")
    (mail,) = await box.fetch(10)
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert (tmp_path / "new" / "processed" / "a.eml").read_text() == "x"


async def test_a_hidden_file_does_not_make_its_folder_the_inbox(tmp_path: Path) -> None:
    put(tmp_path / ".a.eml", "hidden", 10)
    put(tmp_path / "inbox" / "b.EML", "x", 10)
    assert [mail.raw for mail in await mailbox(tmp_path).fetch(10)] == [b"x"]


async def test_a_mail_that_can_not_be_read_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "inbox" / "a.eml", "secret", 20)
    put(tmp_path / "inbox" / "b.eml", "x", 10)
    plain = Path.open

    def refuse(
        self: Path, *args: Any, **more: Any
    ) -> Any:  # root may read what it likes: a mode does not refuse it
        if self.name == "a.eml":
            raise PermissionError(13, "Permission denied")
        return plain(self, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    box = mailbox(tmp_path)
    for _ in range(2):
        assert [mail.raw for mail in await box.fetch(1)] == [b"x"]
    assert len(caplog.records) == 1


async def test_a_huge_mail_is_read_up_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE_LIMIT", 4)
    put(tmp_path / "inbox" / "a.eml", "123456", 10)
    assert [mail.raw for mail in await mailbox(tmp_path).fetch(10)] == [b"1234"]


async def test_a_mail_that_can_not_be_filed_away_stays(tmp_path: Path) -> None:
    put(tmp_path / "inbox" / "a.eml", "x", 10)
    put(tmp_path / "processed", "a file where a folder should be")
    box = mailbox(tmp_path)
    (mail,) = await box.fetch(10)
    with pytest.raises(Temporary, match=r"a\.eml"):
        await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert len(await box.fetch(10)) == 1


async def test_the_doctor_changes_nothing_and_tells_of_two_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finding,) = await mailbox(tmp_path / "mail").check()
    assert finding.ok
    assert list(tmp_path.iterdir()) == []
    put(tmp_path / "inbox" / "a.eml", "x", 10)
    (tmp_path / "processed").mkdir()
    plain = Path.stat

    def elsewhere(self: Path, **more: Any) -> os.stat_result:
        held = plain(self, **more)
        return os.stat_result((*held[:2], held.st_dev + 1, *held[3:])) if self.name == "processed" else held

    monkeypatch.setattr(Path, "stat", elsewhere)
    (finding,) = await mailbox(tmp_path).check()
    assert finding.ok is False
    assert "file systems" in finding.text
