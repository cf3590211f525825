"""A mailbox at a real IMAP server, beyond what the contract says: reading, filing, waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from imapclient import DELETED

from mailwatcher.mailboxes import imap
from mailwatcher.mailboxes.imap import SIZE_LIMIT, ImapMailbox
from models.ports.errors import Temporary
from models.ports.mailbox import MailFolder
from tests.support.dovecot import WITHOUT_MOVE, Dovecot
from tests.support.imap_box import PROCESSED, mail, opened, took

# -- reading --


async def test_reading_marks_nothing_as_read(imap_server: Dovecot) -> None:
    account = imap_server.account()
    account.deliver(mail("one"))
    async with opened(account) as box:
        (found,) = await box.fetch(10)
        assert [set(flags) - {b"\\Recent"} for flags in account.flags()] == [set()]
        await box.file_away(found.ref, PROCESSED)
    assert [set(flags) - {b"\\Recent"} for flags in account.flags("processed")] == [set()]


async def test_since_counts_seconds_of_any_time_zone(imap_server: Dovecot) -> None:
    account = imap_server.account()
    since = datetime(2026, 3, 1, 0, 30, 0, 500_000, tzinfo=UTC)
    for name, seconds in (("before", -1), ("that second", 0), ("after", 1)):
        account.deliver(mail(name), since.replace(microsecond=0) + timedelta(seconds=seconds))
    async with opened(account, since.astimezone()) as box:
        assert [found.raw for found in await box.fetch(10)] == [mail("that second"), mail("after")]


async def test_mails_that_somebody_deleted_are_not_read(imap_server: Dovecot) -> None:
    account = imap_server.account()
    account.deliver(mail("one"))
    account.deliver(mail("two"))
    with account.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [DELETED])
    async with opened(account) as box:
        assert [found.raw for found in await box.fetch(10)] == [mail("two")]


async def test_a_mail_that_vanishes_while_it_is_read_is_left_out(
    imap_server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = imap_server.account()
    for name in ("one", "two", "three"):
        account.deliver(mail(name))
    read = ImapMailbox._listed

    def listed(self: ImapMailbox, client: Any) -> Any:
        found = read(self, client)
        with account.client() as other:
            other.select_folder("INBOX")
            other.add_flags([2], [DELETED])
            other.uid_expunge([2])
        return found

    monkeypatch.setattr(ImapMailbox, "_listed", listed)
    async with opened(account) as box:
        assert [found.raw for found in await box.fetch(10)] == [mail("one"), mail("three")]
        assert [found.raw for found in await box.fetch(10)] == [mail("one"), mail("three")]


async def test_a_huge_mail_is_read_in_part_and_filed_whole(imap_server: Dovecot) -> None:
    account = imap_server.account()
    huge = mail("huge") + (b"x" * 998 + b"\r\n") * 30_000
    account.deliver(huge)
    account.deliver(mail("small"))
    async with opened(account) as box:
        assert await took(box.fetch(10)) < 20
        first, second = await box.fetch(10)
        assert len(first.raw) == SIZE_LIMIT
        assert huge.startswith(first.raw)
        assert second.raw == mail("small")
        await box.file_away(first.ref, PROCESSED)
    assert account.held("processed") == [huge]


async def test_a_batch_holds_no_more_than_memory_should(
    imap_server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "BATCH_BYTES", 2000)
    monkeypatch.setattr(imap, "CHUNK_BYTES", 1500)
    account = imap_server.account()
    for number in range(5):
        account.deliver(mail(f"no {number}") + b"x" * 1000)
    async with opened(account) as box:
        assert len(await box.fetch(10)) == 2
        assert len(await box.fetch(1)) == 1


# -- filing --


async def test_folders_are_made_where_they_are_missing(imap_server: Dovecot, poor_imap_server: Dovecot) -> None:
    names = {"processed": "Wilson/Erledigt & Größe", "unreadable": "Нечитаемо"}
    for server in (imap_server, poor_imap_server):
        account = server.account()
        for name in ("one", "two", "three"):
            account.deliver(mail(name))
        async with opened(account, **names) as box:
            assert "will be made" in (await box.check())[1].text
            first, second, third = await box.fetch(10)
            await box.file_away(first.ref, PROCESSED)
            await box.file_away(second.ref, MailFolder.UNREADABLE)
            assert "Größe" in (await box.check())[1].text
            with account.client() as client:
                client.delete_folder(account.place(names["processed"]))
            await box.file_away(third.ref, PROCESSED)
        assert account.held(names["processed"]) == [mail("three")]
        assert account.held(names["unreadable"]) == [mail("two")]
        with account.client() as client:
            subscribed = [name for _, _, name in client.list_sub_folders()]
        assert account.place(names["unreadable"]) in subscribed


async def test_the_inbox_may_be_another_folder(imap_server: Dovecot, poor_imap_server: Dovecot) -> None:
    for server in (imap_server, poor_imap_server):
        account = server.account()
        with account.client() as client:
            client.create_folder(account.place("Alarme/für uns"))
        account.deliver(mail("one"), folder=account.place("Alarme/für uns"))
        account.deliver(mail("other"))
        async with opened(account, inbox="Alarme/für uns") as box:
            (found,) = await box.fetch(10)
            await box.file_away(found.ref, PROCESSED)
        assert account.held("processed") == [mail("one")]
        assert account.held() == [mail("other")]


async def test_without_move_nothing_of_others_is_expunged(poor_imap_server: Dovecot) -> None:
    account = poor_imap_server.account()
    for name in ("one", "two"):
        account.deliver(mail(name))
    async with opened(account) as box:
        first, _ = await box.fetch(10)
        with account.client() as client:
            client.select_folder("INBOX")
            client.add_flags([2], [DELETED])
        await box.file_away(first.ref, PROCESSED)
        assert "by a copy" in (await box.check())[0].text
    assert account.held("processed") == [mail("one")]
    assert [DELETED in flags for flags in account.flags()] == [True]


@pytest.mark.usefixtures("imap_server")  # skips where there is none
async def test_without_uidplus_a_filed_mail_is_left_marked() -> None:
    plain = Dovecot(WITHOUT_MOVE.replace(" UIDPLUS", ""))
    try:
        plain.start()
        account = plain.account()
        account.deliver(mail("one"))
        account.deliver(mail("two"))
        async with opened(account) as box:
            first, second = await box.fetch(10)
            await box.file_away(first.ref, PROCESSED)
            await box.file_away(first.ref, PROCESSED)
            assert await box.fetch(10) == [second]
        assert account.held("processed")[:1] == [mail("one")]
        assert [DELETED in flags for flags in account.flags()] == [True, False]
    finally:
        plain.close()


async def test_two_watchers_filing_the_same_mails_keep_them_all(
    imap_server: Dovecot, poor_imap_server: Dovecot
) -> None:
    for server in (imap_server, poor_imap_server):
        account = server.account()
        every = {mail(f"no {number}") for number in range(10)}
        for raw in sorted(every):
            account.deliver(raw)
        async with opened(account) as one, opened(account) as two:
            mails = await one.fetch(10)
            assert await two.fetch(10) == mails
            await asyncio.gather(
                *(box.file_away(found.ref, PROCESSED) for found in mails for box in (one, two)),
            )
            assert await one.fetch(10) == await two.fetch(10) == []
        assert set(account.held("processed")) == every  # a server may copy twice what two move at once


# -- waiting --


async def test_a_wait_ends_when_mail_arrives(imap_server: Dovecot) -> None:
    account = imap_server.account()
    async with opened(account) as box:
        assert await box.fetch(10) == []
        for number in range(2):
            waiting = asyncio.create_task(took(box.wait(30)))
            await asyncio.sleep(1.5)
            assert not waiting.done()
            await asyncio.to_thread(account.deliver, mail(f"no {number}"))
            assert await waiting < 1.5 + 2.5
            (found,) = await box.fetch(10)
            await box.file_away(found.ref, PROCESSED)
            await box.wait(1)  # what arrived and left is told at most once more
            assert await took(box.wait(1.5)) > 1.4


async def test_mail_that_came_before_the_first_wait_ends_it_at_once(imap_server: Dovecot) -> None:
    account = imap_server.account()
    async with opened(account) as box:
        assert await box.fetch(10) == []
        account.deliver(mail("one"))
        assert await took(box.wait(30)) < 2


async def test_waiting_and_reading_do_not_block_each_other(imap_server: Dovecot) -> None:
    account = imap_server.account()
    account.deliver(mail("one"))
    async with opened(account) as box:
        await box.fetch(10)
        waiting = asyncio.create_task(box.wait(20))
        await asyncio.sleep(0.5)
        assert await took(box.fetch(10)) < 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await took(box.close()) < 2.5


async def test_idle_is_begun_again_before_the_server_gives_up(
    imap_server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "IDLE_AGAIN_SECONDS", 0.5)
    account = imap_server.account()
    async with opened(account) as box:
        await box.fetch(10)
        assert await took(box.wait(3)) > 2.9
        waiting = asyncio.create_task(took(box.wait(20)))
        await asyncio.sleep(1)
        await asyncio.to_thread(account.deliver, mail("one"))
        assert await waiting < 4


async def test_a_wait_without_idle_is_a_sleep(poor_imap_server: Dovecot) -> None:
    async with opened(poor_imap_server.account()) as box:
        assert 0.9 < await took(box.wait(1)) < 2
        await box.fetch(10)
        assert 0.9 < await took(box.wait(1)) < 2
        assert "no IDLE" in (await box.check())[0].text


async def test_a_wait_outlives_the_server(own_imap_server: Dovecot) -> None:
    account = own_imap_server.account()
    async with opened(account) as box:
        await box.fetch(10)
        await box.wait(0.5)
        waiting = asyncio.create_task(took(box.wait(3)))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_imap_server.kill)
        assert 2.9 < await waiting < 4.5
        assert 0.9 < await took(box.wait(1)) < 3
        own_imap_server.start()
        with pytest.raises(Temporary):
            await box.fetch(10)
        await box.fetch(10)
        waiting = asyncio.create_task(took(box.wait(20)))
        await asyncio.sleep(1)
        await asyncio.to_thread(account.deliver, mail("one"))
        assert await waiting < 4
