"""The status page: what a person confirmed stands there once, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot import outbox as outbox_module
from bot.adapters.status_page import Statuspage, WebhookPage
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.posting import Channels
from fittings import page_of
from models import queue
from models.domain.requests import Claim, MarkPrivate, Request, SendUpdate
from models.ports.errors import Unauthorised
from models.settings import Settings, SettingsError, StatusPage
from models.sql import reading
from tests.integration.test_private import House, house, private, security
from tests.support.botframework import serving
from tests.support.handling import deliveries_of

__all__ = ["house", "private", "security"]
pytestmark = pytest.mark.usefixtures("connected")
FIRST = SendUpdate("Login is slow", "We are looking into it.", "investigating")
SECOND = SendUpdate("Login is slow", "A certificate has expired.", "identified")
LAST = SendUpdate("Login is slow", "It is over.", "resolved")


@dataclass
class Page:
    """Answers as Statuspage's documentation says, and as a webhook; or fails before or after it did it."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    hooked: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        if request.path == "/hook":
            self.hooked.append((request.headers["Idempotency-Key"], body))
            return web.Response(status=500 if self.faults and self.faults.pop(0) else 204)
        if request.headers.get("Authorization") != "OAuth key":
            return web.json_response({"error": "Could not authenticate"}, status=401)
        fault = self.faults.pop(0) if request.method != "GET" and self.faults else ""
        if fault == "before":
            return web.Response(status=502)
        told = self._told(request, body)
        if fault == "after" and request.transport is not None:
            request.transport.abort()
        return web.json_response(told, status=201 if request.method == "POST" else 200)

    def _told(self, request: web.Request, body: Any) -> Any:
        assert request.path.startswith("/v1/pages/p1/incidents")
        name = request.path.removeprefix("/v1/pages/p1/incidents").strip("/")
        if request.method == "POST":
            entry = dict(body["incident"]) | {"id": f"e{len(self.entries) + 1}", "incident_updates": []}
            self.entries.append(entry)
        elif name in ("", "unresolved"):
            return [each for each in self.entries if not name or each["status"] != "resolved"]
        else:
            entry = next(each for each in self.entries if each["id"] == name)
        if request.method != "GET":
            asked = body["incident"]
            entry |= {"name": asked["name"], "status": asked["status"]}
            entry["incident_updates"].insert(0, {"body": asked["body"], "status": asked["status"]})
        return entry

    @property
    def said(self) -> list[list[str]]:
        return [[each["body"] for each in reversed(entry["incident_updates"])] for entry in self.entries]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    made, app = Page(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with serving(app) as made.url:
        yield made


def settings(page: Page, key: str = "key") -> StatusPage:
    return StatusPage(
        kind="statuspage", base_url=page.url, page_id="p1", api_key=SecretStr(key),
        url=SecretStr(f"{page.url}/hook"), timeout_seconds=2,
    )  # fmt: skip


def outbox_of(house: House, adapter: Statuspage | WebhookPage) -> Outbox:
    pacer = Pacer(itertools.count(step=60.0).__next__)
    delivers = deliveries_of(
        house.teams, house.tracker, house.around, Channels("Devs", "Devs"), pacer, page=adapter
    )
    return Outbox(delivers.deliver, delivers.prepare)


async def tell(house: House, outbox: Outbox, *requests: Request) -> None:
    house.outbox = outbox
    for request in requests:
        done = await house.asks(request)
        assert done.refusal is None
    for _ in range(20):
        await outbox.drain()
        if not await queue.waiting():
            return
        await reading().run("UPDATE outbox SET due_ms = 0 WHERE state = 'waiting'")
        await asyncio.sleep(0.01)
    raise AssertionError([(item.kind, item.state, item.error) for item in await queue.waiting()])


FAULTS = [
    [],
    ["before"],
    ["after"],
    ["", "after"],
    ["", "before"],
    ["before", "after"],
    ["after", "after", "after"],
]


@pytest.mark.parametrize("faults", FAULTS, ids=str)
async def test_each_update_stands_there_once_whatever_breaks(
    house: House, page: Page, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    adapter = Statuspage(settings(page), lambda: datetime.now(UTC))
    page.faults = list(faults)
    await house.fires("Login")
    await tell(house, outbox_of(house, adapter), Claim(), FIRST, SECOND, FIRST, LAST)
    assert page.said == [[FIRST.text, SECOND.text, FIRST.text, LAST.text]]
    assert page.entries[0]["status"] == "resolved"
    await tell(house, outbox_of(house, adapter), FIRST)  # it is back: a new entry
    assert page.said[1:] == [[FIRST.text]]
    await adapter.close()


async def test_nothing_of_a_private_one_reaches_the_page(house: House, page: Page) -> None:
    adapter = Statuspage(settings(page), lambda: datetime.now(UTC))
    await house.fires("Login")
    await house.asks(Claim())
    number = await _without_delivery(house)
    await tell(house, outbox_of(house, adapter), MarkPrivate())
    assert number == 1
    assert page.entries == []
    await adapter.close()


async def _without_delivery(house: House) -> int:
    """Confirm an update that is not delivered before the incident becomes private."""
    from_before, house.outbox = house.outbox, _Nothing()  # type: ignore[assignment]
    await house.asks(FIRST)
    house.outbox = from_before
    return sum(item.kind == "ShowOnPage" for item in await queue.waiting())


class _Nothing:
    async def drain(self) -> None:
        return


async def test_a_webhook_gets_the_same_key_again_after_a_lost_answer(
    house: House, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    adapter = WebhookPage(settings(page, ""), lambda: datetime.now(UTC))
    page.faults = ["500"]
    await house.fires("Login")
    await tell(house, outbox_of(house, adapter), Claim(), FIRST, SECOND)
    keys = [key for key, _ in page.hooked]
    assert keys[0] == keys[1] != keys[2]
    assert [body["text"] for _, body in page.hooked] == [FIRST.text, FIRST.text, SECOND.text]
    await adapter.close()


async def test_a_wrong_key_is_said_by_the_doctor_and_waits_for_a_person(page: Page) -> None:
    adapter = Statuspage(settings(page, "wrong"), lambda: datetime.now(UTC))
    (finding,) = await adapter.check()
    assert finding.ok is False
    assert "api_key" in finding.text
    with pytest.raises(Unauthorised):
        await adapter.find("x")
    await adapter.close()
    right = Statuspage(settings(page), lambda: datetime.now(UTC))
    assert (await right.check())[0].ok
    await right.close()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"page_id": ""}, "page_id"),
        ({"api_key": SecretStr("")}, "api_key"),
        ({"base_url": "http://x.example"}, "TLS"),
        ({"kind": "webhook", "url": SecretStr("")}, "url"),
    ],
)
def test_what_is_missing_is_named(wrong: dict[str, Any], named: str) -> None:
    held = StatusPage(kind="statuspage", page_id="p", api_key=SecretStr("k"))
    with pytest.raises(SettingsError, match=named):
        page_of(Settings(status_page=held.model_copy(update=wrong)))
