"""A mailbox of Exchange Online: against a stand-in that holds every request against Microsoft's schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from mailwatcher.mailboxes.graph import GraphMailbox
from models.ports.errors import Ambiguous, Permanent, Temporary
from models.ports.mailbox import MailFolder
from models.settings import Mailbox
from tests.support.graph import SCHEMA, Fault, Graph, check_request

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Memory:
    """A bookmark that outlives its mailbox."""

    def __init__(self) -> None:
        self.text = ""
        self.saves = 0

    async def load(self) -> str:
        return self.text

    async def save(self, text: str) -> None:
        self.text, self.saves = text, self.saves + 1


def mail(number: int) -> bytes:
    return f"Message-ID: <{number}@x>\r\nSubject: mail {number}\r\n\r\nB\xf6dy {number}\r\n".encode("latin-1")


@asynccontextmanager
async def opened(
    graph: Graph, memory: Memory | None = None, since: datetime | None = None, **changes: object
) -> AsyncIterator[GraphMailbox]:
    settings = Mailbox(
        kind="graph",
        address=graph.address,
        base_url=graph.url,
        login_url=graph.url,
        tenant_id="t",
        client_id="c",
        client_secret=SecretStr("s3cret"),
    ).model_copy(update=changes)
    mailbox = GraphMailbox(settings, memory or Memory(), since)
    try:
        yield mailbox
    finally:
        await mailbox.close()


async def subjects(mailbox: GraphMailbox, limit: int = 100) -> list[str]:
    return [each.raw.split(b"\r\n")[1].decode() for each in await mailbox.fetch(limit)]


async def test_mails_come_oldest_first_and_stay_until_they_are_filed() -> None:
    async with Graph() as graph, opened(graph) as mailbox:
        for number in (3, 1, 2, 5, 4, 0, 7, 6):
            graph.deliver(mail(number), NOW + timedelta(minutes=number))
        assert await subjects(mailbox) == [f"Subject: mail {number}" for number in range(8)]
        assert await subjects(mailbox, 2) == ["Subject: mail 0", "Subject: mail 1"]
        (first, *_) = await mailbox.fetch(1)
        assert first.raw == mail(0)
        assert first.received_at == NOW
        await mailbox.file_away(first.ref, MailFolder.PROCESSED)
        await mailbox.file_away(first.ref, MailFolder.PROCESSED)
        assert len(await subjects(mailbox)) == 7
        assert graph.names("processed") == [mail(0)]
        for each, folder in zip(
            await mailbox.fetch(2), (MailFolder.UNRECOGNISED, MailFolder.UNREADABLE), strict=True
        ):
            await mailbox.file_away(each.ref, folder)
        assert (graph.names("unrecognised"), graph.names("unreadable")) == ([mail(1)], [mail(2)])
        assert len(graph.messages) == 8  # nothing is deleted
        assert graph.busiest <= 4
        assert all('IdType="ImmutableId"' in prefer for _, _, prefer in graph.requests)
        assert len(graph.token_requests) == 1


async def test_the_link_is_kept_only_once_all_that_it_covers_is_filed() -> None:
    memory = Memory()
    async with Graph() as graph:
        for number in range(5):
            graph.deliver(mail(number), NOW + timedelta(minutes=number))
        async with opened(graph, memory) as mailbox:
            first, *rest = await mailbox.fetch(100)
            await mailbox.file_away(first.ref, MailFolder.PROCESSED)
            assert memory.text == ""
        async with opened(graph, memory) as mailbox:  # after a crash the others are there again
            assert [each.ref for each in await mailbox.fetch(100)] == [each.ref for each in rest]
            for each in rest:
                await mailbox.file_away(each.ref, MailFolder.PROCESSED)
            assert "$deltatoken" in memory.text
        graph.deliver(mail(9))
        before = len(graph.requests)
        async with opened(graph, memory) as mailbox:
            assert await subjects(mailbox) == ["Subject: mail 9"]
        assert "$deltatoken" in graph.requests[before][1]  # it went on where it was


async def test_an_expired_link_is_a_look_through_everything_that_is_left() -> None:
    memory = Memory()
    async with Graph() as graph:
        graph.deliver(mail(1))
        async with opened(graph, memory) as mailbox:
            (only,) = await mailbox.fetch(5)
            await mailbox.file_away(only.ref, MailFolder.PROCESSED)
            graph.expired = graph.changes
            graph.deliver(mail(2))
            assert await subjects(mailbox) == ["Subject: mail 2"]


async def test_only_what_is_newer_is_read() -> None:
    async with Graph() as graph, opened(graph, since=NOW) as mailbox:
        graph.deliver(mail(1), NOW - timedelta(seconds=1))
        graph.deliver(mail(2), NOW)
        assert await subjects(mailbox) == ["Subject: mail 2"]
        assert "receivedDateTime%20ge%202026-11-20T09:00:00Z" in graph.requests[0][1]


async def test_a_mail_that_somebody_moved_or_deleted_is_left_out() -> None:
    async with Graph() as graph, opened(graph) as mailbox:
        one, two = graph.deliver(mail(1)), graph.deliver(mail(2))
        graph.deliver(mail(3))
        assert len(await mailbox.fetch(9)) == 3
        del graph.messages[one]
        graph.messages[two].folder = "elsewhere"
        graph.changes += 1
        graph.messages[two].change = graph.changes
        assert await subjects(mailbox) == ["Subject: mail 3"]


async def test_two_replicas_may_file_the_same_mail() -> None:
    async with Graph() as graph, opened(graph) as one, opened(graph) as two:
        graph.deliver(mail(1))
        (mine,), (theirs,) = await one.fetch(5), await two.fetch(5)
        await one.file_away(mine.ref, MailFolder.PROCESSED)
        await two.file_away(theirs.ref, MailFolder.PROCESSED)
        assert (await one.fetch(5), await two.fetch(5)) == ([], [])
        assert graph.names("processed") == [mail(1)]
        assert list(graph.folders.values()).count("processed") == 1


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault(429, {"Retry-After": "17"}, "ApplicationThrottled"), Temporary, "429"),
        (Fault(503, {"Retry-After": "17"}), Temporary, "503"),
        (Fault(500), Temporary, "500"),
        (Fault(0), Temporary, "did not answer"),
        (Fault(403, code="ErrorAccessDenied"), Permanent, "Mail.ReadWrite"),
    ],
)
@pytest.mark.parametrize("where", ["delta", "value", "move"])
async def test_what_goes_wrong_is_said_and_loses_nothing(
    fault: Fault, error: type[Exception], said: str, where: str
) -> None:
    async with Graph() as graph, opened(graph) as mailbox:
        graph.deliver(mail(1))
        if where != "move":
            graph.faults.extend([(where, fault)] * (1 if fault.status else 2))  # aiohttp tries a lost GET once more
            with pytest.raises(error, match=said) as raised:
                await mailbox.fetch(5)
            graph.faults.clear()
        (only,) = await mailbox.fetch(5)
        if where == "move":
            graph.faults.append((where, fault))
            with pytest.raises(error, match=said) as raised:
                await mailbox.file_away(only.ref, MailFolder.PROCESSED)
            assert len(await mailbox.fetch(5)) == 1
        await mailbox.file_away(only.ref, MailFolder.PROCESSED)
        assert graph.names("processed") == [mail(1)]
        if "Retry-After" in fault.headers:
            assert getattr(raised.value, "retry_after", None) == 17


async def test_a_move_whose_answer_was_lost_moved_once() -> None:
    async with Graph() as graph, opened(graph) as mailbox:
        graph.deliver(mail(1))
        (only,) = await mailbox.fetch(5)
        graph.faults.append(("move", Fault(0, after=True)))
        with pytest.raises(Temporary):
            await mailbox.file_away(only.ref, MailFolder.PROCESSED)
        assert await mailbox.fetch(5) == []
        assert graph.names("processed") == [mail(1)]


async def test_one_mail_that_cannot_be_read_holds_up_no_other() -> None:
    async with Graph() as graph, opened(graph) as mailbox:
        poison = graph.deliver(mail(1), NOW)
        graph.deliver(mail(2), NOW + timedelta(minutes=1))
        graph.faults.extend([("value", Fault(500))])
        assert len(await mailbox.fetch(5)) == 1
        assert poison in {each.ref for each in await mailbox.fetch(5)}  # and it is asked for again


async def test_a_token_that_was_refused_is_renewed_once() -> None:
    async with Graph() as graph, opened(graph) as mailbox:
        graph.deliver(mail(1))
        assert len(await mailbox.fetch(5)) == 1
        graph.tokens = {"newer"}
        assert len(await mailbox.fetch(5)) == 1
        assert len(graph.token_requests) == 2


async def test_wrong_settings_are_named_and_no_secret_is_told() -> None:
    async with Graph() as graph:
        async with opened(graph, client_secret=SecretStr("wr0ng")) as mailbox:
            with pytest.raises(Permanent, match=r"mailbox\.client_id, tenant_id") as raised:
                await mailbox.fetch(5)
            assert "wr0ng" not in str(raised.value)
            (finding,) = await mailbox.check()
            assert finding.ok is False
        async with opened(graph, address="nobody@example.org") as mailbox:
            with pytest.raises(Permanent, match="no such user"):
                await mailbox.fetch(5)
        async with opened(graph, inbox="Alerts") as mailbox:
            with pytest.raises(Permanent, match=r"no folder 'Alerts': see mailbox\.inbox"):
                await mailbox.fetch(5)
        async with opened(graph, base_url="http://graph.example.org") as mailbox:
            with pytest.raises(Permanent, match="needs https"):
                await mailbox.fetch(5)


async def test_a_link_to_another_server_is_not_followed() -> None:
    memory = Memory()
    memory.text = "https://evil.example/v1.0/users/x/mailFolders/inbox/messages/delta?$deltatoken=1"
    async with Graph() as graph, opened(graph, memory) as mailbox:
        graph.deliver(mail(1))
        assert len(await mailbox.fetch(5)) == 1


async def test_a_folder_of_its_own_is_watched_by_its_name() -> None:
    async with Graph() as graph, opened(graph, inbox="Alerts'") as mailbox:
        graph.folders["AQ1="] = "Alerts'"
        graph.deliver(mail(1))
        graph.deliver(mail(2), folder="AQ1=")
        assert await subjects(mailbox) == ["Subject: mail 2"]
        (finding,) = await mailbox.check()
        assert finding.ok, finding.text


async def test_sending_is_not_repeated_blindly() -> None:
    raw = b"To: Ada <ada@x.example>\r\nSubject: hello\r\nX-Wilson-Selftest: 1\r\n\r\nText\r\n"
    async with Graph() as graph, opened(graph) as mailbox:
        await mailbox.send(raw)
        (sent,) = graph.sent
        assert sent["message"]["toRecipients"][0]["emailAddress"]["address"] == "ada@x.example"
        assert sent["message"]["internetMessageHeaders"] == [{"name": "X-Wilson-Selftest", "value": "1"}]
        graph.faults.append(("sendMail", Fault(0, after=True)))
        with pytest.raises(Ambiguous):
            await mailbox.send(raw)


@pytest.mark.skipif(not SCHEMA.exists(), reason="Microsoft's schema is not there")
def test_the_schema_refuses_what_graph_would() -> None:
    user = "/v1.0/users/a@b.example"
    assert "not in the schema" in check_request("GET", f"{user}/mailFolder", "", "")
    assert "takes no" in check_request("GET", f"{user}/mailFolders", "$filtre=x", "")
    assert "takes no" in check_request("POST", f"{user}/messages/1/move", "", '{"destination": "x"}')
    assert check_request("POST", f"{user}/messages/1/move", "", '{"destinationId": 7}')
    assert check_request("POST", f"{user}/mailFolders", "", '{"displayName": 7}')
    assert not check_request("POST", f"{user}/mailFolders", "", '{"displayName": "x"}')
