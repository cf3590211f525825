"""Exchange as a mailbox: exchangelib itself, against a stand-in that holds every message to Microsoft's schemas."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from exchangelib import errors as ews
from exchangelib.autodiscover import cache, discovery
from exchangelib.protocol import CachingProtocol

from mailwatcher.mailboxes.exchange import calls, mailbox
from mailwatcher.mailboxes.exchange import server as exchange_server
from mailwatcher.mailboxes.exchange.mailbox import ExchangeMailbox
from models.ports import Ambiguous, MailFolder, Permanent, PortError, Temporary
from models.settings import Mailbox
from tests.support.exchange import ADDRESS, Exchange
from tests.support.exchange_http import PASSWORD, USERNAME
from tests.support.exchange_soap import message, schema

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MAIL = b"From: a@example.com\r\nSubject: \xc3\xa4 \xff\x00\r\n\r\nbare\nline & <tags>\r\n.\r\n"


class Bookmarks:
    def __init__(self, text: str = "") -> None:
        self.text = text
        self.saves = 0

    async def load(self) -> str:
        return self.text

    async def save(self, text: str) -> None:
        self.text = text
        self.saves += 1


@pytest.fixture
def server() -> Iterator[Exchange]:
    exchange = Exchange().start()
    yield exchange
    exchange.stop()
    assert exchange.violations == [], "\n".join(exchange.violations)


Boxes = Callable[..., ExchangeMailbox]


@pytest.fixture
async def boxes(server: Exchange) -> AsyncIterator[Boxes]:
    made: list[ExchangeMailbox] = []

    def make(bookmark: Bookmarks | None = None, since: datetime | None = None, **more: Any) -> ExchangeMailbox:
        made.append(ExchangeMailbox(settings(server, **more), bookmark or Bookmarks(), since))
        return made[-1]

    yield make
    for box in made:
        await box.close()


def settings(exchange: Exchange, **more: Any) -> Mailbox:
    given: dict[str, Any] = {
        "kind": "exchange",
        "address": ADDRESS,
        "ews_url": exchange.ews_url,
        "auth": "password",
        "username": USERNAME,
        "password": PASSWORD,
    }
    return Mailbox.model_validate(given | more)


def age(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


async def until(met: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


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


# -- waiting ----------------------------------------------------------------------------------------------


async def test_new_mail_ends_the_waiting(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    assert await box.fetch(10) == []
    waiting = asyncio.create_task(box.wait(30))
    await until(lambda: server.streams)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    server.deliver(b"one", age(1))
    async with asyncio.timeout(5):
        await waiting
    assert [mail.raw for mail in await box.fetch(10)] == [b"one"]
    begun = time.monotonic()
    await box.close()
    assert time.monotonic() - begun < 2
    await until(lambda: not server.streams and not server.subscriptions)


async def test_waiting_ends_in_time_and_can_be_cancelled(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    await box.fetch(10)
    begun = time.monotonic()
    await box.wait(0.3)
    assert 0.2 < time.monotonic() - begun < 2
    waiting = asyncio.create_task(box.wait(30))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_waiting_before_the_first_look_only_waits(server: Exchange, boxes: Boxes) -> None:
    await boxes().wait(0.01)
    assert server.requests == []


@pytest.mark.parametrize("gone", [False, True])
async def test_where_nothing_is_announced_mail_is_looked_for(server: Exchange, boxes: Boxes, gone: bool) -> None:
    server.streaming = False
    box = boxes()
    await box.fetch(10)
    if gone:
        server.stop()
    await box.wait(0.3)
    await box.wait(0.1)
    if gone:
        server.start()
    assert len(server.asked("Subscribe")) == (0 if gone else 1)
    server.deliver(b"one", age(1))
    assert len(await box.fetch(10)) == 1


async def test_a_stream_that_breaks_is_taken_up_again(
    server: Exchange, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "STREAM_PAUSE_SECONDS", 0)
    box = boxes()
    await box.fetch(10)
    await box.wait(0.1)
    await until(lambda: server.streams)
    server.stop()
    await until(lambda: not server.streams)
    await box.wait(0.1)
    server.start()
    deadline = time.monotonic() + 10
    while not server.streams and time.monotonic() < deadline:
        await box.wait(0.1)
    waiting = asyncio.create_task(box.wait(30))
    server.deliver(b"one", age(1))
    async with asyncio.timeout(5):
        await waiting


async def test_reading_goes_on_beside_an_open_stream(server: Exchange, boxes: Boxes) -> None:
    box = boxes()
    await box.fetch(10)
    await box.wait(0.05)
    await until(lambda: server.streams)
    server.fault("ErrorServerBusy", 10)
    with pytest.raises(Temporary):
        await box.fetch(10)
    async with asyncio.timeout(5):
        assert await box.fetch(10) == []


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


# -- signing in -------------------------------------------------------------------------------------------


async def test_impersonation_says_whose_mailbox_is_meant(server: Exchange, boxes: Boxes) -> None:
    await boxes().fetch(10)
    for _, headers, envelope in server.requests:
        assert envelope.findtext(".//{*}ConnectingSID/{*}PrimarySmtpAddress") == ADDRESS
        assert headers["X-AnchorMailbox"] == ADDRESS


async def test_a_delegate_says_it_by_the_folder(server: Exchange, boxes: Boxes) -> None:
    server.impersonated = False
    server.deliver(b"one", age(1))
    box = boxes(access="delegate")
    (mail,) = await box.fetch(10)
    await box.file_away(mail.ref, MailFolder.PROCESSED)
    await box.send(MAIL)
    assert not any(envelope.findall(".//{*}ExchangeImpersonation") for _, _, envelope in server.requests)
    assert server.requests[0][2].findtext(".//{*}DistinguishedFolderId/{*}Mailbox/{*}EmailAddress") == ADDRESS


async def test_a_password_is_shown_as_basic(server: Exchange, boxes: Boxes) -> None:
    await boxes().fetch(10)
    shown = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode("latin-1")).decode()
    assert {headers["Authorization"] for _, headers, _ in server.requests} == {f"Basic {shown}"}


async def test_ntlm_is_negotiated_once_per_connection(server: Exchange, boxes: Boxes) -> None:
    server.auth = "ntlm"
    server.deliver(b"one", age(1))
    box = boxes(auth="ntlm", username=f"EXAMPLE\\{USERNAME}")
    assert [mail.raw for mail in await box.fetch(10)] == [b"one"]
    kinds = [operation for operation, _, _ in server.requests]
    assert kinds[:3] == ["NTLM 1", "NTLM 3", "GetFolder"]
    assert base64.b64decode(server.requests[0][1]["Authorization"].split()[1])[:9] == b"NTLMSSP\0\x01"
    with pytest.raises(Permanent, match="401"):
        await boxes(auth="ntlm", username="EXAMPLE\\other").fetch(10)


OAUTH: dict[str, Any] = {"auth": "oauth", "tenant_id": "tenant", "client_id": "app", "client_secret": "hush"}


async def test_an_application_shows_a_token_for_the_server(server: Exchange, boxes: Boxes) -> None:
    server.auth = "bearer"
    server.deliver(b"one", age(1))
    box = boxes(**OAUTH, login_url=server.url)
    assert len(await box.fetch(10)) == 1
    await box.fetch(10)
    (form,) = server.forms
    assert form["path"] == "/tenant/oauth2/v2.0/token"
    assert (form["grant_type"], form["client_id"], form["client_secret"]) == ("client_credentials", "app", "hush")
    assert form["scope"] == "https://127.0.0.1/.default"
    assert {headers["Authorization"] for _, headers, _ in server.requests} == {"Bearer token-1"}


async def test_a_token_that_is_refused_is_replaced_once(server: Exchange, boxes: Boxes) -> None:
    server.auth = "bearer"
    box = boxes(**OAUTH, login_url=server.url)
    await box.fetch(10)
    server.tokens.clear()
    await box.fetch(10)
    assert [headers["Authorization"] for _, headers, _ in server.requests][-1] == "Bearer token-2"
    server.auth = "basic"
    with pytest.raises(Permanent, match=r"401.*mailbox\.tenant_id, client_id"):
        await box.fetch(10)
    assert len(server.forms) == 3


async def test_a_login_server_that_is_away_blocks_nothing(server: Exchange, boxes: Boxes) -> None:
    server.auth = "bearer"
    box = boxes(**OAUTH, login_url=server.url)
    server.stop()
    for _ in range(3):
        async with asyncio.timeout(5):
            with pytest.raises(Temporary, match="token"):
                await box.fetch(10)
    server.start()
    await box.fetch(10)
    server.drop()
    with pytest.raises(Temporary):
        await box.fetch(10)
    async with asyncio.timeout(5):
        assert await box.fetch(10) == []


# -- Exchange Online, autodiscover ------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{"server": "outlook.office365.com"}, OAUTH | {"login_url": "http://127.0.0.1:9"}])
async def test_exchange_online_is_warned_of_once(
    boxes: Boxes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing leaves this machine
    box = boxes(ews_url="", **more)
    for _ in range(2):
        with suppress(PortError):
            await box.fetch(10)
    assert caplog.text.count("ends on 2027-04-01") == 1
    findings = await box.check()
    assert [finding.ok for finding in findings] == [False, False]
    assert 'mailbox.kind = "graph"' in findings[1].advice
    assert box._server is not None
    assert box._server._tokens is None or box._server._tokens._scope == "https://outlook.office365.com/.default"


async def test_autodiscover_names_the_server_and_writes_no_file(
    server: Exchange, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def discover(self: Any) -> Any:
        with discovery.autodiscover_cache:
            key = self._cache_key
            assert key not in discovery.autodiscover_cache
            discovery.autodiscover_cache[key] = None
            del discovery.autodiscover_cache[key]
        found = type("Found", (), {"ews_url": server.ews_url, "version": None})()
        found.autodiscover_smtp_address = ADDRESS
        return self._build_response(found)

    monkeypatch.setattr(exchange_server.Autodiscovery, "discover", discover)
    before = cache.AUTODISCOVER_PERSISTENT_STORAGE.exists()
    server.deliver(b"one", age(1))
    assert len(await boxes(ews_url="", address="alias@example.com").fetch(10)) == 1
    assert cache.AUTODISCOVER_PERSISTENT_STORAGE.exists() is before


async def test_autodiscover_that_finds_nothing_says_what_to_set(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def discover(self: Any) -> Any:
        raise ews.AutoDiscoverFailed("nothing there")

    monkeypatch.setattr(exchange_server.Autodiscovery, "discover", discover)
    with pytest.raises(Temporary, match=r"mailbox\.server or mailbox\.ews_url"):
        await boxes(ews_url="").fetch(10)


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
