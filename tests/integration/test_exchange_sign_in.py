"""Signing in to Exchange, and finding it: passwords, NTLM, tokens, autodiscover."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import Any

import pytest
from exchangelib import errors as ews
from exchangelib.autodiscover import cache, discovery

from mailwatcher.mailboxes.exchange import server as exchange_server
from models.ports.errors import Permanent, PortError, Temporary
from models.ports.mailbox import MailFolder
from tests.support.exchange import ADDRESS, Exchange
from tests.support.exchange_box import MAIL, Boxes, age, boxes, server
from tests.support.exchange_http import PASSWORD, USERNAME

__all__ = ["boxes", "server"]


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
