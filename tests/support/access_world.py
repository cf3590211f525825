"""What handles requests for access, with stand-ins for Teams, the gateway and the mail server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from bot import outbox as outbox_module
from bot.adapters.apigee import ApigeeGateway
from bot.adapters.connector import TeamsMessenger
from bot.adapters.graph_people import NoPeople
from bot.adapters.halo import NoDesk
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import NoRota
from bot.adapters.unconfigured import NoGateway
from bot.case_clock import CaseClock
from bot.case_lookup import Lookup
from bot.case_surroundings import CaseSurroundings
from bot.clicks import Clicks
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.places import Place, Shown
from bot.posting import Channels
from bot.speech import Speech
from bot.surroundings import Surroundings
from bot.tracker_health import TrackerHealth
from cards.case_actions import encode_case
from models import cases as rows
from models import directory, queue, store
from models.directory import CASE
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.case_timeline import CaseVerb
from models.domain.people import Person
from models.domain.process import Process
from models.domain.working_hours import WorkingHours
from models.operations.alerts import record_mails
from models.settings import Apigee as ApigeeSettings
from models.settings import Teams
from tests.support.apigee import ORGANIZATION, Apigee
from tests.support.botframework import TENANT, Connector
from tests.support.handling import clicks_of, deliveries_of, speech_of
from tests.unit.cards.samples import PROCESS

ADA = Person("aad-ada", "Ada Example", "29:ada", "ak101")
BEN = Person("aad-ben", "Ben Builder", "29:ben", "bb202")
EVE = Person("aad-eve", "Eve Guest", "29:eve")
ALWAYS = WorkingHours(frozenset(range(7)), time(0), time(23, 59))
CARD = "university-card-v1"
APPROVING = "POST appgroups/apps/keys/apiproducts"


class Rooms(Connector):
    """A team with both channels, in which each post is a thread of its own."""

    posts = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/v3/conversations"):
            body = await request.json()
            self.asked.append((request.method, request.raw_path, body, dict(request.headers)))
            self.posts += 1
            channel = body["channelData"]["channel"]["id"]
            thread = f"{channel};messageid={self.posts}"
            return web.json_response({"id": thread, "activityId": str(self.posts)})
        if "/v3/teams/" in request.path:
            named = [("19:team", None), ("19:devs@thread.tacv2", "Devs"), ("19:gateway@thread.tacv2", "Gateway")]
            return web.json_response({"conversations": [{"id": each, "name": name} for each, name in named]})
        return await super().answer(request)


@dataclass
class World:
    """All that handles requests, with stand-ins for Teams, Apigee and the mail server."""

    process: Process
    server: Apigee
    gateway: ApigeeGateway | NoGateway
    teams: Connector
    folder: Path
    around: Surroundings
    outbox: Outbox = field(init=False)
    clicks: Clicks = field(init=False)
    speech: Speech = field(init=False)
    tracker: LocalTracker = field(init=False)
    sent: list[bytes] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)
    messengers: list[TeamsMessenger] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.tracker = LocalTracker(self.folder, "iam/admin", lambda: datetime.now(UTC))
        self.restart()

    def restart(self) -> None:
        """Put everything together anew, as after a restart."""
        messenger = TeamsMessenger(Teams(auth="disabled"))
        self.messengers.append(messenger)
        unhurried = iter(range(0, 10**9, 60)).__next__
        deliveries = deliveries_of(
            messenger,
            self.tracker,
            self.around,
            Channels("Devs", "Gateway"),
            Pacer(unhurried),
            gateway=self.gateway,
            send=self.send,
        )
        health = TrackerHealth(self.tracker, ZoneInfo("Europe/London"))
        self.outbox = Outbox(deliveries.deliver, deliveries.prepare, health=health)
        self.clicks, self.speech = clicks_of(self.around, self.gateway), speech_of(self.around, self.gateway)

    async def send(self, raw: bytes) -> None:
        if self.refuse:
            raise self.refuse.pop(0)
        self.sent.append(raw)

    async def asks(self, app: str = "My Timetable", products: tuple[str, ...] = (CARD,), **details: Any) -> None:
        """Let a notice of the gateway arrive."""
        self.number += 1
        told = {"app_display_name": app, "api_products": list(products), "developer_email": "abc12@example.ac.uk"}
        alert = Alert("api_gateway", MailKind.ACCESS_REQUEST, app, f"f{self.number}", details=told | details)
        reading = Reading(alert.kind, alert.source, "", app, "gw@example", f"<{self.number}>", "0", alert=alert)
        await record_mails([(reading, datetime.now(UTC))], self.process)

    async def delivered(self) -> None:
        for _ in range(40):
            await self.outbox.drain()
            waiting = [item for item in await queue.waiting() if item.state != "parked"]
            if not waiting:
                return
            await asyncio.sleep(0.01)
            await queue.hasten([item.kind for item in waiting], store.now_ms())
        raise AssertionError([(item.kind, item.error) for item in await queue.waiting()])

    async def press(self, do: str, by: Person = ADA, case: int = 1, **more: Any) -> Shown:
        """Press a button on a case's card."""
        (card, *_) = await directory.cards_of(CASE, case)
        self.number += 1
        place = Place(
            f"i{self.number}", card.thread.conversation_id, card.thread.activity_id, "c", self.teams.url, TENANT
        )
        return await self.clicks.press(encode_case(do, case=case, **more), by, place)

    async def type(self, text: str, by: Person = ADA, case: int = 1, *, addressed: bool = True) -> None:
        """Say something in a case's thread."""
        (card, *_) = await directory.cards_of(CASE, case)
        self.number += 1
        place = Place(f"i{self.number}", card.thread.conversation_id, "", "c", self.teams.url, TENANT, text)
        await self.speech.say(text, [], by, place, addressed=addressed)

    async def ready(self, case: int = 1) -> None:
        """Take a request and tick its checks."""
        await self.press("case_take", case=case)
        await self.press(
            "case_steps", case=case, step_authorised="true", step_list_card_reader="true", text="asked"
        )
        await self.delivered()

    def issues(self) -> list[str]:
        return [file.read_text() for file in sorted((self.folder / "issues").glob("*.md"))]

    def said(self) -> str:
        return json.dumps([body for _, _, body, _ in self.teams.asked], ensure_ascii=False)


@pytest.fixture
async def world(tmp_path: Path, connected: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    async with Rooms().running() as teams, Apigee().running() as server:
        server.groups["timetable-team"] = {"name": "timetable-team", "displayName": "Timetabling"}
        server.add("my-timetable", [CARD], team="timetable-team")
        gateway = ApigeeGateway(
            ApigeeSettings(base_url=server.url, organization=ORGANIZATION, credentials=server.credentials(tmp_path))
        )
        around = Surroundings(PROCESS, NoRota())
        await directory.remember_people([ADA, BEN])
        await around.refresh()
        made = World(PROCESS, server, gateway, teams, tmp_path / "issues", around)
        await directory.remember_installation("19:team", TENANT, teams.url, "Wilson")
        await made.outbox.drain()
        yield made
        await gateway.close()
        for messenger in made.messengers:
            await messenger.close()
        assert server.violations == []


async def told(case: int = 1) -> list[CaseVerb]:
    return [entry.verb for entry in await rows.timeline(case)]


def clock_of(world: World) -> CaseClock:
    lookup = Lookup(world.gateway, NoDesk(), NoPeople())
    return CaseClock(CaseSurroundings(world.around, world.gateway), lookup, 300, lambda: None)


def text_of(shown: Shown) -> str:
    return json.dumps(shown.card, ensure_ascii=False)


async def reading_all_due() -> None:
    await queue.hasten([item.kind for item in await queue.waiting()], store.now_ms())
