"""All that goes wrong on the way to a real IMAP server: connections, passwords, certificates, settings."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailwatcher.mailboxes import imap, imap_session
from mailwatcher.mailboxes.imap import ImapMailbox
from mailwatcher.mailboxes.tokens import Tokens
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Mailbox, SettingsError
from tests.support.dovecot import OAUTH_USER, PASSWORD, TOKEN, Account, Dovecot, NoBookmark
from tests.support.imap_box import PROCESSED, mail, opened, took

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
