"""What every mailbox must do, whatever stands behind it.

An implementation's test inherits ``MailboxContract`` and gives the fixture ``box``: a mailbox that holds nothing,
with the means to look at it from outside.
"""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest

from models.ports.mailbox import Mailbox, MailFolder, StoredMail

RECENTLY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
HEAD = b"From: a@example.com\r\nTo: wilson@example.com\r\nSubject: %s\r\nMessage-ID: <%s@example.com>\r\n\r\n"
LATE_SECONDS = 2.0

BODIES = {
    "crlf": b"one\r\ntwo\r\n",
    "no end of line": b"one\r\ntwo",
    "lf": b"one\ntwo\n",
    "dots": b".\r\n..\r\n.x\r\n",
    "from at the start": b"From nobody\r\n>From nobody\r\n",
    "eight bits": "Störung: Карты 🚨\r\n".encode() + b"\xff\xfe\x80\r\n",
    "every octet but NUL": bytes(range(1, 256)) * 3,
    "no body": b"",
    "a long line": b"x" * 200_000,
    "braces": b'{5}\r\n)\r\n"quoted\\" (UID 1)\r\n',
}


def mail(name: str, body: bytes = b"Text.\r\n") -> bytes:
    return HEAD % (name.encode(), name.encode()) + body


def names(mails: list[StoredMail] | list[bytes]) -> list[str]:
    raws = [each.raw if isinstance(each, StoredMail) else each for each in mails]
    return [str(message_from_bytes(raw)["Subject"]) for raw in raws]


def crlf(raw: bytes) -> bytes:
    """Return a mail with all its line ends as they are on the way, where some servers mend lone ones."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw)


class Box(ABC):
    """A mailbox and its store.

    Attributes:
        mailbox: What is tested.
        exact: Whether the store keeps line ends as they come.
        knows_since: Whether ``open`` can leave out what is older.
    """

    mailbox: Mailbox
    exact: bool = False
    knows_since: bool = True

    @abstractmethod
    async def deliver(self, raw: bytes, received_at: datetime | None = None) -> None:
        """Put a mail into the inbox, as received then or just now."""

    @abstractmethod
    async def held(self, folder: MailFolder | None) -> list[bytes]:
        """Return the mails of a folder, of the inbox for ``None``, looked up without the mailbox."""

    @abstractmethod
    def open(self, since: datetime | None = None) -> Mailbox:
        """Open the same store once more. The test closes it."""

    async def close(self) -> None:
        """Close ``mailbox``, and whatever the box itself has open."""
        await self.mailbox.close()

    async def names(self, folder: MailFolder | None) -> list[str]:
        """Return the subjects of a folder's mails, sorted."""
        return sorted(names(await self.held(folder)))


class MailboxContract:
    @pytest.fixture
    async def box(self) -> Box:
        raise AssertionError("the implementation's test gives this fixture")

    # -- fetch --

    async def test_an_empty_inbox_holds_nothing(self, box: Box) -> None:
        assert list(await box.mailbox.fetch(10)) == []

    async def test_mails_stay_until_they_are_filed(self, box: Box) -> None:
        await box.deliver(mail("one"), RECENTLY)
        await box.deliver(mail("two"), RECENTLY + timedelta(seconds=5))
        first = list(await box.mailbox.fetch(10))
        assert names(first) == ["one", "two"]
        assert list(await box.mailbox.fetch(10)) == first
        assert await box.names(None) == ["one", "two"]

    async def test_the_oldest_comes_first(self, box: Box) -> None:
        for name, hours in (("third", 3), ("first", 1), ("fourth", 30), ("second", 2)):
            await box.deliver(mail(name), RECENTLY + timedelta(hours=hours))
        mails = list(await box.mailbox.fetch(10))
        assert names(mails) == ["first", "second", "third", "fourth"]
        assert [each.received_at for each in mails] == [
            RECENTLY + timedelta(hours=hours) for hours in (1, 2, 3, 30)
        ]
        assert all(each.received_at.tzinfo is not None for each in mails)

    async def test_a_mail_of_now_was_received_now(self, box: Box) -> None:
        await box.deliver(mail("one"))
        (found,) = await box.mailbox.fetch(10)
        assert abs(datetime.now(UTC) - found.received_at) < timedelta(minutes=1)

    async def test_no_more_than_the_limit_and_the_oldest_of_them(self, box: Box) -> None:
        for number in range(5):
            await box.deliver(mail(f"no {number}"), RECENTLY - timedelta(minutes=number))
        assert names(list(await box.mailbox.fetch(2))) == ["no 4", "no 3"]
        assert names(list(await box.mailbox.fetch(2))) == ["no 4", "no 3"]
        assert names(list(await box.mailbox.fetch(4))) == ["no 4", "no 3", "no 2", "no 1"]

    @pytest.mark.parametrize("kind", BODIES)
    async def test_bytes_come_back_as_they_came(self, box: Box, kind: str) -> None:
        raw = mail("one", BODIES[kind])
        await box.deliver(raw)
        (found,) = await box.mailbox.fetch(10)
        assert found.raw == raw if box.exact else crlf(found.raw) == crlf(raw)
        await box.mailbox.file_away(found.ref, MailFolder.UNREADABLE)
        (held,) = await box.held(MailFolder.UNREADABLE)
        assert crlf(held) == crlf(raw)

    async def test_what_is_no_mail_is_given_all_the_same(self, box: Box) -> None:
        await box.deliver(b"\xff\xd8\xff not a mail at all")
        (found,) = await box.mailbox.fetch(10)
        assert found.raw.startswith(b"\xff\xd8\xff not")

    async def test_nothing_older_than_since(self, box: Box) -> None:
        if not box.knows_since:
            pytest.skip("this mailbox reads everything")
        for name, seconds in (("long before", -200_000), ("before", -1), ("at", 0), ("after", 1)):
            await box.deliver(mail(name), RECENTLY + timedelta(seconds=seconds))
        later = box.open(since=RECENTLY)
        try:
            mails = list(await later.fetch(10))
            assert names(mails) == ["at", "after"]
            for each in mails:
                await later.file_away(each.ref, MailFolder.PROCESSED)
            assert list(await later.fetch(10)) == []
        finally:
            await later.close()
        assert await box.names(None) == ["before", "long before"]

    # -- file_away --

    @pytest.mark.parametrize("folder", list(MailFolder))
    async def test_a_mail_is_filed_into_each_folder(self, box: Box, folder: MailFolder) -> None:
        await box.deliver(mail("one"), RECENTLY)
        await box.deliver(mail("two"))
        first, second = await box.mailbox.fetch(10)
        await box.mailbox.file_away(first.ref, folder)
        assert await box.names(folder) == ["one"]
        assert list(await box.mailbox.fetch(10)) == [second]
        for other in set(MailFolder) - {folder}:
            assert await box.names(other) == []

    async def test_filing_twice_is_no_error(self, box: Box) -> None:
        await box.deliver(mail("one"))
        (found,) = await box.mailbox.fetch(10)
        await box.mailbox.file_away(found.ref, MailFolder.PROCESSED)
        await box.mailbox.file_away(found.ref, MailFolder.PROCESSED)
        await box.mailbox.file_away(found.ref, MailFolder.UNREADABLE)
        assert await box.names(MailFolder.PROCESSED) == ["one"]
        assert await box.names(MailFolder.UNREADABLE) == []

    async def test_a_mail_that_never_was_is_no_error(self, box: Box) -> None:
        await box.deliver(mail("one"))
        (found,) = await box.mailbox.fetch(10)
        for ref in (f"{found.ref}0", f"9{found.ref}", "nothing of the kind"):
            await box.mailbox.file_away(ref, MailFolder.PROCESSED)
        assert await box.names(None) == ["one"]
        assert await box.names(MailFolder.PROCESSED) == []

    async def test_nothing_is_lost_and_nothing_comes_twice(self, box: Box) -> None:
        every = [f"no {number:02}" for number in range(23)]
        for number, name in enumerate(every):
            await box.deliver(mail(name), RECENTLY + timedelta(seconds=number))
        seen: list[str] = []
        folders = list(MailFolder)
        while mails := list(await box.mailbox.fetch(7)):
            assert len(mails) <= 7
            for each in mails:
                await box.mailbox.file_away(each.ref, folders[len(seen) % 3])
                seen += names([each])
        assert seen == every
        filed = [name for folder in folders for name in await box.names(folder)]
        assert sorted(filed) == every
        assert await box.names(None) == []

    async def test_mail_that_arrives_between_is_found(self, box: Box) -> None:
        await box.deliver(mail("one"), RECENTLY)
        (first,) = await box.mailbox.fetch(10)
        await box.deliver(mail("two"))
        await box.mailbox.file_away(first.ref, MailFolder.PROCESSED)
        assert names(list(await box.mailbox.fetch(10))) == ["two"]

    # -- two at once --

    async def test_two_watchers_do_not_harm_each_other(self, box: Box) -> None:
        for number in range(6):
            await box.deliver(mail(f"no {number}"), RECENTLY + timedelta(seconds=number))
        other = box.open()
        try:
            mine, theirs = list(await box.mailbox.fetch(10)), list(await other.fetch(10))
            assert names(mine) == names(theirs) == [f"no {number}" for number in range(6)]
            await asyncio.gather(
                *(box.mailbox.file_away(each.ref, MailFolder.PROCESSED) for each in mine[:3]),
                *(other.file_away(each.ref, MailFolder.UNRECOGNISED) for each in theirs[3:]),
            )
            for each in theirs:
                await other.file_away(each.ref, MailFolder.UNREADABLE)
            assert list(await box.mailbox.fetch(10)) == list(await other.fetch(10)) == []
        finally:
            await other.close()
        assert await box.names(MailFolder.PROCESSED) == ["no 0", "no 1", "no 2"]
        assert await box.names(MailFolder.UNRECOGNISED) == ["no 3", "no 4", "no 5"]
        assert await box.names(MailFolder.UNREADABLE) == []

    async def test_another_start_finds_what_was_left(self, box: Box) -> None:
        await box.deliver(mail("one"))
        mails = list(await box.mailbox.fetch(10))
        await box.mailbox.close()
        again = box.open()
        try:
            assert list(await again.fetch(10)) == mails
        finally:
            await again.close()

    # -- the rest --

    async def test_a_wait_ends_in_time(self, box: Box) -> None:
        await box.mailbox.fetch(10)
        for seconds in (0.0, 0.4, 0.4):
            began = time.monotonic()
            await box.mailbox.wait(seconds)
            assert time.monotonic() - began < seconds + LATE_SECONDS

    async def test_a_wait_can_be_broken_off(self, box: Box) -> None:
        await box.deliver(mail("one"))
        await box.mailbox.fetch(10)
        waiting = asyncio.create_task(box.mailbox.wait(60))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert names(list(await box.mailbox.fetch(10))) == ["one"]
        assert time.monotonic() - began < LATE_SECONDS

    async def test_the_doctor_finds_it_well_and_changes_nothing(self, box: Box) -> None:
        await box.deliver(mail("one"))
        findings = await box.mailbox.check()
        assert findings
        assert all(finding.ok and finding.subject == "mailbox" and finding.text for finding in findings)
        assert not any(finding.advice for finding in findings)
        assert names(list(await box.mailbox.fetch(10))) == ["one"]

    async def test_closing_twice_is_no_error(self, box: Box) -> None:
        await box.mailbox.fetch(1)
        await box.mailbox.close()
        await box.mailbox.close()
