"""Exchange as a mailbox: exchangelib itself, against a stand-in that holds every message to Microsoft's schemas."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta

import pytest
from exchangelib.protocol import CachingProtocol

from mailwatcher.mailboxes.exchange import calls, mailbox
from models.ports.errors import Permanent
from models.ports.mailbox import MailFolder
from tests.support.exchange import Exchange
from tests.support.exchange_box import MAIL, Bookmarks, Boxes, age, boxes, server, until
from tests.support.exchange_soap import message, schema

__all__ = ["boxes", "server"]


# -- reading and filing -----------------------------------------------------------------------------------


async def test_mails_come_oldest_first_byte_for_byte_and_stay_until_filed(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"newest", age(1))
    server.deliver(MAIL, age(3))
    server.deliver(b"", age(2))
    box = boxes()
    mails = await box.fetch(10)
    assert [(mail.raw, mail.received_at) for mail in mails] == [(MAIL, age(3)), (b"", age(2)), (b"newest", age(1))]
    assert await box.fetch(10) == mails
    assert await box.fetch(2) == mails[:2]
    assert len(server.names("inbox")) == 3


async def test_each_mail_is_filed_beside_the_inbox_in_a_folder_made_when_needed(
    server: Exchange, boxes: Boxes
) -> None:
    server.add_folder("Unreadable")
    for number, name in enumerate((b"one", b"two", b"three", b"four")):
        server.deliver(name, age(9 - number))
    box = boxes()
    mails = await box.fetch(10)
    await box.file_away(mails[0].ref, MailFolder.PROCESSED)
    await box.file_away(mails[1].ref, MailFolder.UNRECOGNISED)
    await box.file_away(mails[2].ref, MailFolder.UNREADABLE)
    await box.file_away(mails[3].ref, MailFolder.PROCESSED)
    assert server.names("processed") == [b"one", b"four"]
    assert server.names("unrecognised") == [b"two"]
    assert server.names("unreadable") == [b"three"]
    assert await box.fetch(10) == []
    assert len(server.asked("CreateFolder")) == 2


async def test_filing_twice_or_after_somebody_else_did_is_no_error(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"one", age(2))
    other = server.deliver(b"two", age(1))
    box = boxes()
    mails = await box.fetch(10)
    server.move(other, "sent items")
    for mail in (*mails, *mails):
        await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert server.names("processed") == [b"one"]
    assert await box.fetch(10) == []


async def test_a_folder_deleted_meanwhile_is_made_again(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"one", age(2))
    server.deliver(b"two", age(1))
    box = boxes()
    mails = await box.fetch(10)
    await box.file_away(mails[0].ref, MailFolder.PROCESSED)
    del server.folders[server.folder_id("processed")]
    await box.file_away(mails[1].ref, MailFolder.PROCESSED)
    assert server.names("processed") == [b"two"]


async def test_a_folder_that_another_replica_makes_first_is_used(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"one", age(1))
    box = boxes()
    (mail,) = await box.fetch(10)

    def quicker(operation: str) -> None:
        if operation == "CreateFolder":
            server.add_folder("processed")

    server.queue += [quicker, quicker]
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert server.names("processed") == [b"one"]


async def test_many_mails_come_in_pages_and_batches(server: Exchange, boxes: Boxes) -> None:
    server.page = 7
    for number in range(50):
        server.deliver(f"mail {number}".encode(), age(60 - number))
    box = boxes()
    assert [mail.raw for mail in await box.fetch(45)] == [f"mail {number}".encode() for number in range(45)]
    assert len(server.asked("SyncFolderItems")) == 8
    assert [len(envelope.findall(".//{*}ItemIds/*")) for _, _, envelope in server.asked("GetItem")] == [20, 20, 5]


async def test_a_path_may_name_the_inbox(server: Exchange, boxes: Boxes) -> None:
    inbox = server.folder_id("inbox")
    server.add_folder("Alerts", inbox)
    server.deliver(b"elsewhere", age(2))
    server.deliver(b"here", age(1), "inbox/alerts")
    box = boxes(inbox="Inbox/alerts")
    (mail,) = await box.fetch(10)
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert server.names("inbox/processed") == [b"here"]
    server.add_folder("Own")
    server.deliver(b"own", age(1), "own")
    (mail,) = await boxes(inbox="own").fetch(10)
    assert mail.raw == b"own"
    with pytest.raises(Permanent, match=r"no folder 'nowhere'.*mailbox\.inbox"):
        await boxes(inbox="nowhere").fetch(10)


async def test_a_mail_that_is_too_large_is_cut_and_comes_alone(
    server: Exchange, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "SIZE_LIMIT", 1000)
    monkeypatch.setattr(mailbox, "BATCH_SIZE", 1000)
    large = os.urandom(5000)
    server.deliver(b"small", age(3))
    server.deliver(large, age(2))
    server.deliver(b"after", age(1))
    assert [mail.raw for mail in await boxes().fetch(10)] == [b"small", large[:1000], b"after"]
    assert len(server.asked("GetItem")) == 3


async def test_a_mail_of_thirty_megabytes_is_read(server: Exchange, boxes: Boxes) -> None:
    raw = b"Subject: large\r\n\r\n" + b"x" * (30 * 1024 * 1024)
    server.deliver(raw, age(1))
    (mail,) = await boxes().fetch(10)
    assert mail.raw == raw[: 25 * 1024 * 1024]


async def test_items_of_other_kinds_and_broken_ones_hold_nothing_up(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"invitation", age(5), tag="MeetingRequest")
    server.deliver(b"network", age(4), tag="Network")
    server.deliver(b"broken", age(3), error="ErrorMimeContentConversionFailed")
    server.deliver(b"sick", age(2), error="ErrorInternalServerError")
    server.deliver(b"sound", age(1))
    box = boxes()
    mails = await box.fetch(10)
    assert [mail.raw for mail in mails] == [b"invitation", b"network", b"", b"sound"]
    await box.file_away(mails[2].ref, MailFolder.UNREADABLE)
    assert server.names("unreadable") == [b"broken"]


async def test_a_mail_deleted_between_the_look_and_the_reading_is_passed_over(
    server: Exchange, boxes: Boxes
) -> None:
    gone = server.deliver(b"gone", age(2))
    server.deliver(b"here", age(1))
    box = boxes()

    def at_reading(operation: str) -> None:
        server.move(gone, "sent items")

    server.queue += [lambda _: None, lambda _: None, at_reading]
    assert [mail.raw for mail in await box.fetch(10)] == [b"here"]
    assert [mail.raw for mail in await box.fetch(10)] == [b"here"]


# -- since, and the state ---------------------------------------------------------------------------------


async def test_only_mail_from_then_on_is_read(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"before", age(10))
    server.deliver(b"that second", age(5))
    server.deliver(b"after", age(1))
    mails = await boxes(since=age(5) + timedelta(milliseconds=600)).fetch(10)
    assert [mail.raw for mail in mails] == [b"that second", b"after"]


async def test_a_restart_reads_what_came_meanwhile(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"before", age(10))
    bookmark = Bookmarks()
    assert await boxes(bookmark, age(5)).fetch(10) == []
    server.deliver(b"while away", age(4))
    server.deliver(b"old, moved here by hand", age(20))
    assert [mail.raw for mail in await boxes(bookmark, age(5)).fetch(10)] == [b"while away"]
    assert bookmark.saves == 1


async def test_a_look_that_finds_nothing_writes_nothing(server: Exchange, boxes: Boxes) -> None:
    bookmark = Bookmarks()
    box = boxes(bookmark)
    for _ in range(3):
        await box.fetch(10)
    assert bookmark.saves == 1


async def test_what_was_read_before_a_refusal_is_given(server: Exchange, boxes: Boxes) -> None:
    for number in range(30):
        server.deliver(b"%d" % number, age(60 - number))
    box = boxes()

    def busy(_: str) -> None:
        server.fault("ErrorServerBusy", 100)

    server.queue += [lambda _: None, lambda _: None, busy]
    assert [mail.raw for mail in await box.fetch(100)] == [b"%d" % number for number in range(20)]
    assert len(await box.fetch(100)) == 30


async def test_the_state_is_kept_only_once_all_that_it_covers_is_filed(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"one", age(2))
    server.deliver(b"two", age(1))
    bookmark = Bookmarks()
    box = boxes(bookmark)
    mails = await box.fetch(10)
    assert bookmark.text == ""
    await box.file_away(mails[0].ref, MailFolder.PROCESSED)
    assert bookmark.text == ""
    assert [mail.raw for mail in await boxes(bookmark).fetch(10)] == [b"two"]
    await box.file_away(mails[1].ref, MailFolder.PROCESSED)
    assert bookmark.text
    before = len(server.asked("SyncFolderItems"))
    server.deliver(b"three", age(0))
    assert [mail.raw for mail in await boxes(bookmark).fetch(10)] == [b"three"]
    ((_, _, envelope),) = server.asked("SyncFolderItems")[before:]
    assert envelope.findtext(".//{*}SyncState") == bookmark.text


@pytest.mark.parametrize("fault", [False, True])
async def test_an_invalid_state_reads_the_inbox_anew(
    server: Exchange, boxes: Boxes, caplog: pytest.LogCaptureFixture, fault: bool
) -> None:
    bookmark = Bookmarks()
    box = boxes(bookmark, age(60))
    server.deliver(b"old", age(100))
    assert await box.fetch(10) == []
    assert bookmark.text
    server.deliver(b"one", age(1))
    if fault:
        server.fault("ErrorInvalidSyncStateData")
    else:
        server.forget_states()
    again = boxes(bookmark, age(60)) if not fault else box
    assert [mail.raw for mail in await again.fetch(10)] == [b"one"]
    assert "is refused" in caplog.text


@pytest.mark.parametrize("text", ["not a state", "WzFd", "https://graph.microsoft.com/v1.0/delta"])
async def test_a_bookmark_that_is_none_of_its_begins_anew(server: Exchange, boxes: Boxes, text: str) -> None:
    server.deliver(b"one", age(1))
    assert len(await boxes(Bookmarks(text)).fetch(10)) == 1


# -- the rest ---------------------------------------------------------------------------------------------


async def test_the_check_tells_what_is_there_and_changes_nothing(server: Exchange, boxes: Boxes) -> None:
    server.add_folder("processed")
    server.deliver(b"one", age(1))
    (finding,) = await boxes().check()
    assert finding.ok
    assert finding.text == (
        "alerts@example.com: 1 mails in 'Inbox'; unrecognised, unreadable will be made when first needed"
    )
    assert server.asked("CreateFolder") == []


async def test_the_check_raises_nothing(server: Exchange, boxes: Boxes) -> None:
    server.stop()
    (finding,) = await boxes().check()
    assert finding.ok is False
    assert "can't be reached" in finding.text
    assert finding.advice


async def test_closing_lets_connections_go_and_leaves_nothing_behind(server: Exchange, boxes: Boxes) -> None:
    first, second = boxes(), boxes()
    await first.fetch(10)
    await second.fetch(10)
    assert CachingProtocol._protocol_cache == {}
    assert first._account.protocol is not second._account.protocol
    pool = first._account.protocol._session_pool
    await first.close()
    assert pool.empty()
    await first.close()
    assert await first.fetch(10) == []
    assert await second.fetch(10) == []


async def test_a_cancelled_look_does_no_harm(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"one", age(1))
    box = boxes()
    server.queue.append(lambda _: time.sleep(0.3))
    looking = asyncio.create_task(box.fetch(10))
    await asyncio.sleep(0.1)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert [mail.raw for mail in await box.fetch(10)] == [b"one"]


async def test_every_request_and_answer_fits_the_schemas(server: Exchange, boxes: Boxes) -> None:
    if schema() is None:
        pytest.skip("Microsoft's schemas are not at hand (../shared/contracts/ews)")
    server.page = 1
    server.deliver(b"one", age(2))
    server.deliver(b"two", age(1))
    box = boxes()
    for mail in await box.fetch(10):
        await box.file_away(mail.ref, MailFolder.PROCESSED)
        await box.file_away(mail.ref, MailFolder.PROCESSED)
    await box.fetch(10)
    await box.wait(0.05)
    await until(lambda: server.streams)
    server.deliver(b"three", age(0))
    await box.wait(5)
    server.forget_states()
    await box.fetch(10)
    await box.send(MAIL)
    await box.check()
    await box.close()
    await until(lambda: server.asked("Unsubscribe"))
    assert {operation for operation, _, _ in server.requests} == {
        "GetFolder",
        "FindFolder",
        "CreateFolder",
        "SyncFolderItems",
        "GetItem",
        "MoveItem",
        "CreateItem",
        "Subscribe",
        "GetStreamingEvents",
        "Unsubscribe",
    }
    assert server.violations == []


async def test_the_stand_in_notices_what_does_not_fit(server: Exchange) -> None:
    if schema() is None:
        pytest.skip("Microsoft's schemas are not at hand (../shared/contracts/ews)")
    server.envelope("GetItem", [message("GetItem", "<m:Nonsense/>")])
    assert len(server.violations) == 1
    server.violations.clear()
