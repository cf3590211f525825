"""A mailbox at a real IMAP server: what the contract does not say, and all that goes wrong on the way."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient import DELETED

from mailwatcher.mailboxes import imap, imap_session
from mailwatcher.mailboxes.imap import SIZE_LIMIT, ImapMailbox
from mailwatcher.mailboxes.tokens import Tokens
from models.ports import MailFolder, Permanent, PortError, Temporary
from models.settings import Mailbox, SettingsError
from tests.support.dovecot import OAUTH_USER, PASSWORD, TOKEN, WITHOUT_MOVE, Account, Dovecot, NoBookmark

PROCESSED = MailFolder.PROCESSED


def mail(name: str) -> bytes:
    return f"Subject: {name}\r\n\r\nText of {name}.\r\n".encode()


@asynccontextmanager
async def opened(account: Account, since: datetime | None = None, **changed: Any) -> AsyncIterator[ImapMailbox]:
    box = account.mailbox(since, **changed)
    try:
        yield box
    finally:
        await box.close()


async def took(awaitable: Awaitable[object]) -> float:
    began = time.monotonic()
    await awaitable
    return time.monotonic() - began


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


# -- when things go wrong --


async def test_a_server_that_comes_back_is_used_again(own_imap_server: Dovecot) -> None:
    account = own_imap_server.account()
    account.deliver(mail("one"))
    async with opened(account) as box:
        (found,) = await box.fetch(10)
        own_imap_server.kill()
        for _ in range(2):
            with pytest.raises(Temporary):
                await box.fetch(10)
            with pytest.raises(Temporary):
                await box.file_away(found.ref, PROCESSED)
        assert (await box.check())[0].ok is False
        own_imap_server.start()
        await box.file_away(found.ref, PROCESSED)
        assert await box.fetch(10) == []
        assert account.held("processed") == [mail("one")]


def renumber(account: Account) -> None:
    """Number the inbox afresh, as after a restore: UIDs as before, another UIDVALIDITY."""
    maildir = account.server.maildir(account.user)
    listed = maildir / "dovecot-uidlist"
    text = listed.read_text()
    match = re.search(r"V(\d+)", text)
    assert match
    for index in maildir.glob("dovecot.index*"):
        index.unlink()
    listed.write_text(text.replace(match[0], f"V{int(match[1]) + 7}", 1))


async def test_an_inbox_numbered_afresh_is_read_afresh(imap_server: Dovecot) -> None:
    account = imap_server.account()
    account.deliver(mail("one"))
    account.deliver(mail("two"))
    async with opened(account) as box:
        before = await box.fetch(10)
        await box.close()
        renumber(account)
        await box.file_away(before[0].ref, PROCESSED)
        assert account.held("processed") == []
        after = await box.fetch(10)
        assert [found.raw for found in after] == [found.raw for found in before]
        assert not {found.ref for found in after} & {found.ref for found in before}
        await box.file_away(before[0].ref, PROCESSED)
        await box.file_away(after[0].ref, PROCESSED)
    assert account.held("processed") == [mail("one")]
    assert account.held() == [mail("two")]


async def test_an_inbox_that_is_replaced_under_way_loses_nothing(imap_server: Dovecot) -> None:
    account = imap_server.account()
    with account.client() as client:
        client.create_folder("alerts")
    account.deliver(mail("old"), folder="alerts")
    async with opened(account, inbox="alerts") as box:
        (old,) = await box.fetch(10)
        with account.client() as client:
            client.delete_folder("alerts")
        with pytest.raises((Temporary, Permanent)):
            await box.fetch(10)
        with account.client() as client:
            client.create_folder("alerts")
        account.deliver(mail("new"), folder="alerts")
        for _ in range(2):
            try:
                await box.file_away(old.ref, PROCESSED)
            except Temporary:
                continue
        try:
            (new,) = await box.fetch(10)
        except Temporary:
            (new,) = await box.fetch(10)
        assert new.raw == mail("new")
        assert account.held("processed") == []


async def test_a_wrong_password_is_told_and_not_shown(
    imap_server: Dovecot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(imap_server.account(), password="hunter2-wrong") as box:
        with pytest.raises(Permanent, match=r"mailbox\.username") as caught:
            await box.fetch(10)
        (finding,) = await box.check()
        await box.wait(0.3)
    assert finding.ok is False
    assert finding.advice
    assert "hunter2" not in f"{caught.value} {finding} {caplog.text}"
    assert "aHVudGVyMi13cm9uZw" not in caplog.text


async def test_a_password_is_not_logged_either(imap_server: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(imap_server.account()) as box:
        await box.fetch(10)
    assert PASSWORD not in caplog.text
    assert "AUTHENTICATE" not in caplog.text


async def test_a_missing_inbox_is_told(imap_server: Dovecot) -> None:
    account = imap_server.account()
    async with opened(account, inbox="alerts") as box:
        with pytest.raises(Permanent, match=r"mailbox\.inbox"):
            await box.fetch(10)
        (finding,) = await box.check()
        assert finding.ok is False
        assert "alerts" in finding.text
        with account.client() as client:
            client.create_folder("alerts")
        assert await box.fetch(10) == []


async def test_a_server_that_is_not_there_is_temporary(imap_server: Dovecot) -> None:
    async with opened(imap_server.account(), server="127.0.0.1:9") as box:
        with pytest.raises(Temporary, match=r"127\.0\.0\.1:9"):
            await box.fetch(10)
        assert await took(box.wait(0.5)) < 2
        assert (await box.check())[0].ok is False


@asynccontextmanager
async def scripted(*answers: Callable[[str], str]) -> AsyncIterator[str]:
    """Start a server that greets with the first answer, and answers each further line with the next."""
    writers: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        line = b"x "
        for answer in answers:
            said = answer(line.decode().split()[0] if line.split() else "")
            writer.write(said.encode())
            line = await reader.readline()
            if not line:
                break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()


def greeting(_: str) -> str:
    return "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n"


def capability(tag: str) -> str:
    return f"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\r\n{tag} OK done\r\n"


def challenge(_: str) -> str:
    return "+ \r\n"


def says(text: str) -> Callable[[str], str]:
    return lambda tag: text.replace("TAG", tag)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([says("* BYE too many of you\r\n")], Temporary),
        ([says("HTTP/1.1 400 Bad Request\r\n\r\n")], Temporary),
        ([says("")], Temporary),
        ([greeting, says("TAG BAD no hunter2\r\n")], Temporary),
        ([greeting, capability, challenge, says("A1 NO [UNAVAILABLE] hunter2\r\n")], Temporary),
        ([greeting, capability, challenge, says("* BYE hunter2\r\n")], Temporary),
        ([greeting, capability, challenge, says("")], Temporary),
    ],
)
async def test_a_server_that_misbehaves_is_temporary(
    imap_server: Dovecot,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[Callable[[str], str]],
    kind: type[PortError],
) -> None:
    monkeypatch.setattr(imap_session, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(imap, "READ_SECONDS", 1.0)
    async with scripted(*answers) as server, opened(imap_server.account(), server=server) as box:
        with pytest.raises(kind) as caught:
            await asyncio.wait_for(box.fetch(10), 10)
        assert PASSWORD not in str(caught.value)


# -- TLS --


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    imap_server: Dovecot, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    port = imap_server.tls_port if tls == "tls" else imap_server.port
    account = imap_server.account()
    account.deliver(mail("one"))
    settings = {"server": f"127.0.0.1:{port}", "tls": tls}
    async with opened(account, **settings) as box:
        with pytest.raises(Permanent, match="certificate"):
            await box.fetch(10)
        assert (await box.check())[0].ok is False
        monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.certificate))
        (found,) = await box.fetch(10)
        assert found.raw == mail("one")
        waiting = asyncio.create_task(took(box.wait(20)))
        await asyncio.sleep(1)
        await asyncio.to_thread(account.deliver, mail("two"))
        assert await waiting < 4


async def test_a_certificate_of_another_host_is_refused(
    imap_server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.certificate))
    server = f"localhost:{imap_server.tls_port}"
    async with opened(imap_server.account(), server=server, tls="tls") as box:
        with pytest.raises(Permanent, match="certificate"):
            await box.fetch(10)


async def test_starttls_is_not_given_up(imap_server: Dovecot) -> None:
    answers = [greeting, capability, capability]
    async with scripted(*answers) as server, opened(imap_server.account(), server=server, tls="starttls") as box:
        with pytest.raises(Permanent, match="STARTTLS"):
            await box.fetch(10)


# -- tokens --


async def test_an_application_signs_in_with_its_token(
    imap_server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["an old one", TOKEN]
    monkeypatch.setattr(Tokens, "_ask", lambda _: {"access_token": given.pop(0), "expires_in": 3600})
    account = imap_server.account(OAUTH_USER)
    account.deliver(mail("one"))
    registered = {"auth": "oauth", "tenant_id": "tenant", "client_id": "app", "client_secret": "hush"}
    async with opened(account, **registered) as box:
        with pytest.raises(Permanent, match=r"mailbox\.username") as caught:
            await box.fetch(10)
        assert "an old one" not in str(caught.value)
        (found,) = await box.fetch(10)
        await box.wait(0.3)
        await box.file_away(found.ref, PROCESSED)
    assert given == []


# -- settings --


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"server": ""}, r"mailbox\.server held ''"),
        ({"server": "mail.example.com"}, r"mailbox\.tls held 'none' with mailbox\.server 'mail\.example\.com'"),
        ({"smtp_server": "mail.example.com:25"}, r"mailbox\.tls held 'none' with mailbox\.smtp_server"),
        ({"smtp_server": "smtp://here"}, r"mailbox\.smtp_server held"),
        ({"address": ""}, r"mailbox\.username"),
        ({"auth": "ntlm"}, r"mailbox\.auth held 'ntlm'"),
        ({"password": ""}, r"mailbox\.password"),
        ({"auth": "oauth"}, r"mailbox\.tenant_id"),
        ({"processed": "INBOX"}, r"mailbox\.processed held 'INBOX'"),
        ({"unreadable": ""}, r"mailbox\.unreadable held ''"),
    ],
)
def test_settings_that_do_not_fit_are_told_at_the_start(changed: dict[str, str], named: str) -> None:
    held = {"server": "127.0.0.1", "tls": "none", "auth": "password", "address": "w@example.com", "password": "x"}
    with pytest.raises(SettingsError, match=named):
        ImapMailbox(Mailbox(**{**held, **changed}), NoBookmark(), None)  # type: ignore[arg-type]


async def test_without_a_server_for_it_nothing_is_sent(imap_server: Dovecot, tmp_path: Path) -> None:
    async with opened(imap_server.account()) as box:
        with pytest.raises(Permanent, match=r"mailbox\.smtp_server"):
            await box.send(b"To: a@example.com\r\n\r\nText")
