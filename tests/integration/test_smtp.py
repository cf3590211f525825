"""Sending mail for an IMAP mailbox: to all recipients or to none, and never guessing what became of it."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mailwatcher.mailboxes.imap import ImapMailbox
from mailwatcher.mailboxes.smtp import recipients_of, without_bcc
from mailwatcher.mailboxes.tokens import Tokens
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary
from models.settings import Mailbox
from tests.support.dovecot import NoBookmark, self_signed

RAW = (
    b"From: Wilson <w@example.com>\r\nTo: Ann <a@example.com>, b@example.com\r\nCc: a@example.com\r\n"
    b"Bcc: hidden@example.com,\r\n\tother@example.com\r\nSubject: x\r\n\r\n.dot\nbare\r\nBcc: stays\r\n"
)
SENT = (
    b"From: Wilson <w@example.com>\r\nTo: Ann <a@example.com>, b@example.com\r\nCc: a@example.com\r\n"
    b"Subject: x\r\n\r\n.dot\r\nbare\r\nBcc: stays\r\n"
)
EVERYBODY = ["a@example.com", "b@example.com", "hidden@example.com", "other@example.com"]


class Server:
    """A small SMTP server.

    Args:
        answers: What to say instead of yes to a command's first word; an empty text hangs up.
        features: What ``EHLO`` tells.
        context: For STARTTLS.
    """

    def __init__(self, answers: dict[str, str], features: tuple[str, ...], context: ssl.SSLContext | None) -> None:
        self.answers = answers
        self.features = features
        self.context = context
        self.commands: list[str] = []
        self.mails: list[bytes] = []
        self.address = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            word = line.split()[0].upper()
            said = self.answers.get(line, self.answers.get(word))
            if said == "":
                return
            if said:
                writer.write(f"{said}\r\n".encode())
            elif word == "EHLO":
                told = ["250-here", *(f"250-{feature}" for feature in self.features), "250 OK"]
                writer.write("".join(f"{each}\r\n" for each in told).encode())
            elif word == "AUTH":
                writer.write(b"235 welcome\r\n")
            elif word == "STARTTLS":
                writer.write(b"220 go ahead\r\n")
                await writer.start_tls(self.context)  # type: ignore[arg-type]
            elif word == "DATA":
                writer.write(b"354 go ahead\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                if self.answers.get("end") == "":
                    return
                writer.write(f"{self.answers.get('end', '250 taken')}\r\n".encode())
                self.mails.append(text[:-3].replace(b"\r\n..", b"\r\n."))
            else:
                writer.write(b"250 OK\r\n")


@asynccontextmanager
async def serving(
    answers: dict[str, str] | None = None,
    features: tuple[str, ...] = ("AUTH PLAIN XOAUTH2", "8BITMIME"),
    context: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
) -> AsyncIterator[Server]:
    server = Server(answers or {}, features, context)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=context if implicit else None)
    server.address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


def mailbox(address: str, **changed: Any) -> ImapMailbox:
    held = {
        "server": "127.0.0.1",
        "tls": "none",
        "auth": "password",
        "address": "w@example.com",
        "password": "hunter2",
        "smtp_server": address,
    }
    return ImapMailbox(Mailbox(**{**held, **changed}), NoBookmark(), None)


async def test_a_mail_goes_to_all_and_tells_nobody_of_blind_copies() -> None:
    async with serving() as server:
        await mailbox(server.address).send(RAW)
    assert server.mails == [SENT]
    assert [line[9:-1] for line in server.commands if line.startswith("rcpt TO:")] == EVERYBODY
    assert "mail FROM:<w@example.com>" in server.commands
    proof = base64.b64encode(b"\0w@example.com\0hunter2").decode()
    assert f"AUTH PLAIN {proof}" in server.commands


async def test_eight_bits_are_announced() -> None:
    raw = "To: a@example.com\r\n\r\nGrüße\r\n".encode()
    async with serving() as server:
        await mailbox(server.address).send(raw)
    assert server.mails == [raw]
    assert "mail FROM:<w@example.com> BODY=8BITMIME" in server.commands


async def test_a_relay_that_asks_for_no_login_gets_none() -> None:
    async with serving(features=()) as server:
        await mailbox(server.address).send(RAW)
    assert server.mails == [SENT]
    assert not any(line.startswith("AUTH") for line in server.commands)


async def test_an_application_sends_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "_ask", lambda _: {"access_token": "the-token", "expires_in": 3600})
    registered = {"auth": "oauth", "tenant_id": "tenant", "client_id": "app", "client_secret": "hush"}
    async with serving() as server:
        await mailbox(server.address, **registered).send(RAW)
    proof = base64.b64encode(b"user=w@example.com\1auth=Bearer the-token\1\1").decode()
    assert f"AUTH XOAUTH2 {proof}" in server.commands
    assert server.mails == [SENT]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"AUTH": "535 no hunter2"}, Permanent),
        ({"AUTH": "454 not now"}, Temporary),
        ({"AUTH": ""}, Temporary),
        ({"EHLO": ""}, Temporary),
        ({"MAIL": "550 not you"}, Permanent),
        ({"MAIL": "451 not now"}, Temporary),
        ({"RCPT": "550 nobody here"}, Permanent),
        ({"rcpt TO:<b@example.com>": "550 nobody here"}, Permanent),
        ({"RCPT": "450 full"}, Temporary),
        ({"RCPT": ""}, Temporary),
        ({"DATA": "554 no"}, Permanent),
        ({"DATA": ""}, Temporary),
        ({"end": ""}, Ambiguous),
        ({"end": "552 too much"}, Permanent),
        ({"end": "451 try later"}, Temporary),
    ],
)
async def test_what_went_wrong_is_told_apart(answers: dict[str, str], kind: type[PortError]) -> None:
    async with serving(answers) as server:
        with pytest.raises(PortError) as caught:
            await mailbox(server.address).send(RAW)
    assert type(caught.value) is kind
    assert "hunter2" not in str(caught.value)
    assert server.mails == [] or "end" in answers


async def test_a_server_that_is_not_there_is_temporary() -> None:
    with pytest.raises(Temporary):
        await mailbox("127.0.0.1:9").send(RAW)


async def test_a_mail_to_nobody_is_refused() -> None:
    with pytest.raises(Permanent, match="recipient"):
        await mailbox("127.0.0.1:9").send(b"Subject: x\r\n\r\nText")


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_only_a_certificate_that_is_vouched_for_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    self_signed(tmp_path / "cert.pem", tmp_path / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    features = ("AUTH PLAIN", "STARTTLS") if tls == "starttls" else ("AUTH PLAIN",)
    async with serving(features=features, context=context, implicit=tls == "tls") as server:
        box = mailbox(server.address, tls=tls)
        with pytest.raises(Permanent, match="certificate"):
            await box.send(RAW)
        assert not any(line.startswith("AUTH") for line in server.commands)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        await box.send(RAW)
    assert server.mails == [SENT]


async def test_starttls_is_not_given_up() -> None:
    async with serving() as server:
        with pytest.raises(Permanent, match="STARTTLS"):
            await mailbox(server.address, tls="starttls").send(RAW)
    assert not any(line.startswith("AUTH") for line in server.commands)


def test_addresses_are_read_as_they_are_written() -> None:
    odd = (
        b"To: =?utf-8?q?Ann_=C3=9C?= <a@example.com>, team: b@example.com, <c@example.com>;\nBCC: d@example.com\n\n"
    )
    assert recipients_of(odd) == [f"{name}@example.com" for name in "abcd"]
    assert recipients_of(b"To: undisclosed-recipients:;\r\n\r\n") == []
    assert without_bcc(b"Bcc: a@example.com\nTo: b@example.com") == b"To: b@example.com\r\n\r\n"
    assert without_bcc(b"X: 1\nBCC : a@example.com\n b\nY: 2\n\nx") == b"X: 1\r\nY: 2\r\n\r\nx\r\n"
