"""What Exchange refuses, loses or puts off, in reading and in sending."""

from __future__ import annotations

import base64
import logging
import time
from typing import Any

import pytest

from mailwatcher.mailboxes.exchange import server as exchange_server
from models.ports.errors import Ambiguous, Permanent, Temporary
from models.ports.mailbox import MailFolder
from tests.support.exchange import Exchange
from tests.support.exchange_box import MAIL, Boxes, age, boxes, server
from tests.support.exchange_http import USERNAME

__all__ = ["boxes", "server"]


# -- sending ----------------------------------------------------------------------------------------------


async def test_a_mail_is_sent_as_it_is_and_a_copy_kept(server: Exchange, boxes: Boxes) -> None:
    await boxes().send(MAIL)
    assert server.sent == [MAIL]
    assert server.names("sent items") == [MAIL]


async def test_a_mail_whose_answer_is_lost_is_in_doubt(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    server.drop()
    with pytest.raises(Ambiguous, match="can't be reached"):
        await box.send(MAIL)
    server.refuse(502)
    with pytest.raises(Ambiguous, match="502"):
        await box.send(MAIL)
    server.refuse(200, body=b"<html>a proxy</html>")
    with pytest.raises(Ambiguous):
        await box.send(MAIL)


async def test_a_mail_that_surely_did_not_leave_may_be_sent_again(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    server.fault("ErrorServerBusy", 1500)
    with pytest.raises(Temporary) as caught:
        await box.send(MAIL)
    assert caught.value.retry_after == 1.5
    server.stop()
    with pytest.raises(Temporary):
        await box.send(MAIL)
    server.start()
    await box.send(MAIL)
    assert server.sent == [MAIL]


@pytest.mark.parametrize("code", ["ErrorSendAsDenied", "ErrorInvalidRecipients", "ErrorMessageSizeExceeded"])
async def test_a_mail_that_is_refused_is_not_sent(server: Exchange, boxes: Boxes, code: str) -> None:
    server.error(code)
    with pytest.raises(Permanent, match=code):
        await boxes().send(MAIL)


# -- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("milliseconds", [45000, 250])
async def test_a_busy_server_says_how_long_to_wait(server: Exchange, boxes: Boxes, milliseconds: int) -> None:
    box = boxes()
    server.fault("ErrorServerBusy", milliseconds)
    begun = time.monotonic()
    with pytest.raises(Temporary) as caught:
        await box.fetch(10)
    assert caught.value.retry_after == milliseconds / 1000
    assert time.monotonic() - begun < 5
    assert await box.fetch(10) == []


@pytest.mark.parametrize("status", [429, 503])
async def test_so_does_whoever_stands_before_it(server: Exchange, boxes: Boxes, status: int) -> None:
    box = boxes()
    server.refuse(status, {"Retry-After": "17"})
    with pytest.raises(Temporary) as caught:
        await box.fetch(10)
    assert caught.value.retry_after == 17
    assert await box.fetch(10) == []


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_other_failures_of_a_server_pass(server: Exchange, boxes: Boxes, status: int) -> None:
    server.refuse(status, body=b"oops")
    box = boxes()
    with pytest.raises(Temporary, match=str(status)):
        await box.fetch(10)
    assert await box.fetch(10) == []


async def test_a_server_that_is_away_and_comes_back(server: Exchange, boxes: Boxes) -> None:
    server.deliver(b"one", age(1))
    box = boxes()
    (mail,) = await box.fetch(10)
    server.stop()
    for _ in range(3):
        with pytest.raises(Temporary, match="can't be reached"):
            await box.fetch(10)
        with pytest.raises(Temporary):
            await box.file_away(mail.ref, MailFolder.PROCESSED)
    server.start()
    server.drop()
    with pytest.raises(Temporary):
        await box.fetch(10)
    assert await box.fetch(10) == [mail]
    server.drop()
    with pytest.raises(Temporary):
        await box.file_away(mail.ref, MailFolder.PROCESSED)
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    assert server.names("processed") == [b"one"]


async def test_a_server_that_does_not_answer(
    server: Exchange, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_server._Protocol, "TIMEOUT", 0.2)
    server.queue.append(lambda _: time.sleep(1))
    with pytest.raises(Temporary, match="Timeout"):
        await boxes().fetch(10)


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("ErrorAccessDenied", "mailbox.access"),
        ("ErrorImpersonateUserDenied", "mailbox.access"),
        ("ErrorNonExistentMailbox", "mailbox.address"),
        ("ErrorAccountDisabled", "mailbox.username"),
    ],
)
@pytest.mark.parametrize("fault", [False, True])
async def test_what_needs_a_person_names_the_setting(
    server: Exchange, boxes: Boxes, code: str, setting: str, fault: bool
) -> None:
    (server.fault if fault else server.error)(code)
    with pytest.raises(Permanent, match=f"{code}.*{setting}"):
        await boxes().fetch(10)


@pytest.mark.parametrize(
    ("status", "setting"), [(403, "mailbox.access"), (404, "mailbox.ews_url"), (302, "mailbox.ews_url")]
)
async def test_so_does_a_plain_status(server: Exchange, boxes: Boxes, status: int, setting: str) -> None:
    server.refuse(status, {"Location": "/owa"})
    with pytest.raises(Permanent, match=f"{status}.*{setting}"):
        await boxes().fetch(10)


async def test_a_wrong_password_is_told_without_it(server: Exchange, boxes: Boxes, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    box = boxes(password="mistaken")
    for _ in range(2):
        with pytest.raises(Permanent, match=r"401.*mailbox\.username and password") as caught:
            await box.fetch(10)
        assert "mistaken" not in str(caught.value)
    shown = base64.b64encode(f"{USERNAME}:mistaken".encode()).decode()
    assert "mistaken" not in caplog.text
    assert shown not in caplog.text


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"address": "nobody"}, "mailbox.address"),
        ({"ews_url": "http://mail.example.com/EWS/Exchange.asmx"}, "mailbox.ews_url"),
        ({"ews_url": "mail.example.com"}, "mailbox.ews_url"),
    ],
)
async def test_a_setting_that_can_not_be_is_told(boxes: Boxes, more: dict[str, str], setting: str) -> None:
    box = boxes(**more)
    with pytest.raises(Permanent, match=setting):
        await box.fetch(10)
    (finding,) = await box.check()
    assert finding.ok is False
    assert setting in finding.text
