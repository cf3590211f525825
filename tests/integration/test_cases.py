"""Requests for access, from the mail to the gateway: joined, checked, decided once, carried out once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

import mailroom
from bot import outbox as outbox_module
from bot.adapters.apigee import ApigeeGateway
from bot.adapters.connector import TeamsMessenger
from bot.adapters.graph_people import NoPeople
from bot.adapters.halo import NoDesk
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import NoRota
from bot.adapters.unconfigured import NoGateway
from bot.case_clock import GATEWAY, CaseClock
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
from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models import cases as rows
from models import directory, mails, queue, store
from models.directory import CASE
from models.domain import access
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.case_timeline import CaseVerb
from models.domain.cases import App, Case, CaseDecision, CaseState
from models.domain.effects import Tell, TellCase
from models.domain.mail import Outcome
from models.domain.people import Person
from models.domain.process import Process
from models.domain.working_hours import WorkingHours
from models.operations import cases
from models.operations.alerts import record_mails
from models.ports import Ambiguous, Permanent, Temporary
from models.settings import Apigee as ApigeeSettings
from models.settings import Settings, Teams
from tests.support.apigee import ORGANIZATION, Apigee, Fault
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


# -- in ---------------------------------------------------------------------------------------------------


async def test_a_notice_becomes_one_card_with_what_the_gateway_knows(world: World) -> None:
    await world.asks("My Timetable", ("University Card V1",))
    await world.delivered()
    (case,) = await rows.unfinished()
    assert case.app is not None
    assert (case.app.app_id, case.app.team_title) == (world.server.apps[0]["appId"], "Timetabling")
    assert [(each.name, each.title) for each in case.app.products] == [(CARD, "University Card V1")]
    (card,) = await directory.cards_of(CASE, case.id)
    assert card.thread.conversation_id.startswith("19:gateway")
    assert "names, photographs and card numbers" in world.said()


async def test_mail_repeat_and_poll_are_one_request(world: World) -> None:
    clock = clock_of(world)
    await clock.look()
    await world.asks("My Timetable", ())
    await world.asks("my-timetable", (CARD,))
    await world.asks("My Timetable", ("University Card V1",), app_id=world.server.apps[0]["appId"])
    await world.delivered()
    await clock.look()
    await world.delivered()
    (case,) = await rows.unfinished()
    assert case.count == 4
    assert case.app is not None
    assert case.app.requester == "abc12@example.ac.uk"  # the gateway knows no person for a team's app
    assert len(await directory.cards_of(CASE, case.id)) == 1


async def test_what_a_mail_did_not_tell_is_found_to_be_the_same_later(world: World) -> None:
    first = await cases.open_access(App("My Timetable"), how="mail")
    told_by_id = App("Another name", world.server.apps[0]["appId"], products=(access.product_of(CARD),))
    second = await cases.open_access(told_by_id, how="mail")
    assert (first.id, second.id) == (1, 2)
    await world.delivered()
    states = [(await cases.load(number)).state for number in (1, 2)]
    assert sorted(states) == [CaseState.FOLDED, CaseState.OPEN]
    assert "the same request as number" in world.said()
    gone = 1 + states.index(CaseState.FOLDED)
    assert "Go on at number" in text_of(await world.press("case_take", case=gone))


async def reading_all_due() -> None:
    await queue.hasten([item.kind for item in await queue.waiting()], store.now_ms())


async def test_another_set_of_products_is_another_request(world: World) -> None:
    await world.asks()
    await world.delivered()
    world.server.apps[0]["credentials"][0]["apiProducts"].append({"apiproduct": "lookup-v1", "status": "pending"})
    world.server.products["lookup-v1"] = {"name": "lookup-v1", "displayName": "Lookup"}
    clock = clock_of(world)
    await clock.look()
    await world.delivered()
    found = await rows.unfinished()
    assert [[each.name for each in case.app.products] for case in found if case.app] == [[CARD], ["lookup-v1"]]


async def test_ten_replicas_open_one_case(world: World) -> None:
    app = App("Fresh", "fresh-id", products=(access.product_of(CARD),))
    opened = await asyncio.gather(*(cases.open_access(app, how="gateway") for _ in range(10)))
    assert len({case.id for case in opened}) == 1
    assert len(await rows.unfinished()) == 1


async def test_a_gateway_that_lets_nobody_in_is_told_once_and_so_is_its_return(world: World) -> None:
    world.server.faults = [Fault("GET apps list", 401, {}, 4)]
    await world.asks("One", ())
    await world.asks("Two", ())
    for _ in range(3):
        await world.outbox.drain()
        await reading_all_due()
    await world.delivered()
    assert world.said().count("The API gateway does not let me in") == 1
    assert world.said().count("The API gateway lets me in again") == 1
    assert len(await rows.unfinished()) == 2


async def test_a_gateway_that_may_not_be_looked_at_is_told_once_a_day(world: World) -> None:
    world.server.faults = [Fault("GET apps list", 403, {}, 9)]
    clock = clock_of(world)
    running = asyncio.create_task(clock.run())
    while not any(item.kind == "Tell" for item in await queue.waiting()):
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await clock._say_once_a_day(Permanent("again"), GATEWAY)
    await world.delivered()
    assert world.said().count("looked at for new requests") == 1


# -- decide and carry out ---------------------------------------------------------------------------------


async def test_from_the_notice_to_the_closed_issue(world: World) -> None:
    await world.asks()
    await world.delivered()
    shown = await world.press("case_approve")
    assert "Not yet" in text_of(shown)
    await world.ready()
    await world.press("case_note", text="looked at their page /close")
    await world.press("case_approve", BEN)
    await world.delivered()
    case = await cases.load(1)
    assert (case.state, case.decided_by) == (CaseState.DONE, BEN)
    assert world.server.approved == [("key/1", CARD)]
    (issue,) = world.issues()
    for line in ('state: "closed"', "issuetype::Support", "team::Identity", "abc12", world.server.apps[0]["appId"],
                 "Ben Builder approved access", "says that access is given", "looked at their page"):  # fmt: skip
        assert line in issue
    assert world.sent == []  # the gateway informs the requester itself
    assert [verb for verb in await told() if verb in (CaseVerb.APPROVED, CaseVerb.CARRIED_OUT)] == [
        CaseVerb.APPROVED,
        CaseVerb.CARRIED_OUT,
    ]


async def test_two_approvers_at_once_give_access_once(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.ready()
    await asyncio.gather(*(world.press("case_approve", who) for who in (ADA, BEN) * 4))
    await world.delivered()
    assert world.server.approved == [("key/1", CARD)]
    assert (await told()).count(CaseVerb.APPROVED) == 1
    assert (await told()).count(CaseVerb.CARRIED_OUT) == 1


async def test_approve_while_another_declines_has_one_end(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.ready()
    await asyncio.gather(world.press("case_approve", ADA), world.press("case_decline", BEN, text="no"))
    await world.delivered()
    case = await cases.load(1)
    assert case.state in (CaseState.DONE, CaseState.DECLINED)
    assert world.server.approved == ([("key/1", CARD)] if case.state is CaseState.DONE else [])
    assert sum(verb in (CaseVerb.APPROVED, CaseVerb.DECLINED) for verb in await told()) == 1


@pytest.mark.parametrize("kind", ["drop before", "drop after", 500, 502, 429, 401, 409, "garbage"])
@pytest.mark.parametrize("call", ["GET apps", "GET appgroups", APPROVING])
async def test_whatever_breaks_access_is_given_once_and_only_then_claimed(
    world: World, call: str, kind: str | int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.apigee_http.SLOW_DOWN_SECONDS", 0.0)
    monkeypatch.setattr("bot.adapters.apigee_http.RENEWAL_SECONDS", 0.0)
    await world.asks()
    await world.delivered()
    await world.ready()
    world.server.faults = [Fault(call, kind, {}, 2)]
    await world.press("case_approve")
    for _ in range(12):
        await world.outbox.drain()
        await reading_all_due()
    case = await cases.load(1)
    assert case.state is CaseState.DONE
    assert world.server.approved == [("key/1", CARD)]
    assert (await told()).count(CaseVerb.CARRIED_OUT) == 1


async def test_killed_between_the_click_and_the_gateway_it_is_carried_out_after_the_restart(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.ready()
    await world.press("case_approve")
    leased = await queue.lease(store.now_ms(), lease_ms=60_000, limit=9)
    assert "CarryOut" in [item.kind for item in leased]
    await world.gateway.approve((await world.gateway.app(name="my-timetable")), [CARD])  # type: ignore[arg-type]
    await queue.release_all()
    world.restart()
    await world.delivered()
    assert world.server.approved == [("key/1", CARD)]
    assert (await cases.load(1)).state is CaseState.DONE


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("deleted", "does not know the app any more"),
        ("revoked app", "the app is revoked"),
        ("revoked product", "is revoked"),
        ("not asked", "not asked for any more"),
        ("no permission", "apigee.appkeys.manage"),
    ],
)
async def test_what_can_not_be_carried_out_is_said_and_nothing_claimed(world: World, what: str, said: str) -> None:
    await world.asks()
    await world.delivered()
    await world.ready()
    app = world.server.apps[0]
    if what == "deleted":
        world.server.apps.clear()
    elif what == "revoked app":
        app["status"] = "revoked"
    elif what == "revoked product":
        app["credentials"][0]["apiProducts"][0]["status"] = "revoked"
    elif what == "not asked":
        app["credentials"][0]["apiProducts"].clear()
    else:
        world.server.may_approve = False
    await world.press("case_approve")
    await world.delivered()
    case = await cases.load(1)
    assert case.state is CaseState.OPEN
    assert said in case.trouble
    assert said in world.said()
    assert world.server.approved == []
    assert CaseVerb.CARRIED_OUT not in await told()
    assert 'state: "closed"' not in world.issues()[0]


async def test_what_was_approved_already_is_done(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.ready()
    world.server.apps[0]["credentials"][0]["apiProducts"][0]["status"] = "approved"
    await world.press("case_approve")
    await world.delivered()
    assert (await cases.load(1)).state is CaseState.DONE
    assert world.server.approved == []


async def test_without_a_gateway_a_person_says_when_it_is_done(world: World) -> None:
    world.gateway = NoGateway("my-org")
    world.restart()
    await world.asks("Thing", (CARD,), team="a-team")
    await world.delivered()
    await world.press("case_take")
    await world.press("case_steps", step_team="true", step_authorised="true", step_list_card_reader="true", text="")
    shown = await world.press("case_approve")
    assert "console.cloud.google.com" in text_of(shown)
    assert (await cases.load(1)).state is CaseState.APPROVED
    await world.press("case_tick", BEN, pick="approved")
    await world.delivered()
    assert (await cases.load(1)).state is CaseState.DONE
    assert "says that it is approved in the console" in world.said()


async def test_a_personal_app_can_not_be_ticked_away(world: World) -> None:
    world.server.add("one-man-show", [CARD], developer="abc12@example.ac.uk")
    await world.asks("One Man Show")
    await world.delivered()
    await world.press("case_take")
    shown = await world.press("case_steps", step_team="true", text="fine")
    assert "personal account" in text_of(shown)
    assert "Not yet" in text_of(await world.press("case_approve"))


async def test_some_products_need_a_second_person(world: World) -> None:
    rules = tuple(replace(each, second_person=True) for each in PROCESS.procedures.access.rules)
    rules_ = replace(PROCESS.procedures.access, rules=rules)
    world.around.process = replace(PROCESS, procedures=replace(PROCESS.procedures, access=rules_))
    await world.asks()
    await world.delivered()
    await world.ready()
    await world.press("case_approve", ADA)
    assert "a second person must" in text_of(await world.press("case_approve", ADA))
    await world.delivered()
    assert world.server.approved == []
    await world.press("case_approve", BEN)
    await world.delivered()
    assert world.server.approved == [("key/1", CARD)]


# -- who may ----------------------------------------------------------------------------------------------


async def test_only_those_who_are_named_decide(world: World, caplog: pytest.LogCaptureFixture) -> None:
    rules_ = replace(PROCESS.procedures.access, approvers=("AAD-ADA",))
    world.around.process = replace(PROCESS, procedures=replace(PROCESS.procedures, access=rules_))
    await world.asks()
    await world.delivered()
    await world.ready()
    assert "case_approve" not in text_of(await world.press("case_refresh", BEN))
    caplog.set_level(logging.WARNING)
    for do, more in (
        ("case_approve", {}), ("case_decline", {"text": "no"}), ("case_refer", {"text": "x"}), ("case_take", {}),
        ("case_steps", {"step_team": "true", "text": ""}), ("case_open", {"form": "ask_why"}),
        ("case_ask_why", {"subject": "s", "body": "b", "to": "x@example.org"}),
    ):  # fmt: skip
        before = await cases.load(1)
        shown = await world.press(do, BEN, **more)
        assert await cases.load(1) == before
        assert '"case_approve"' not in text_of(shown)
    assert caplog.text.count("aad-ben may not decide about case 1") == 7
    await world.type("approve", BEN)
    await world.type("decline because", BEN)
    assert (await cases.load(1)).state is CaseState.OPEN
    await world.press("case_approve", ADA)
    assert (await cases.load(1)).state is CaseState.APPROVED


async def test_a_referred_request_is_the_leads_to_decide(world: World) -> None:
    rules_ = replace(PROCESS.procedures.access, lead="aad-ben")
    world.around.process = replace(PROCESS, procedures=replace(PROCESS.procedures, access=rules_))
    await world.asks()
    await world.delivered()
    await world.ready()
    await world.press("case_refer", ADA, text="they seem to be right")
    await world.delivered()
    assert "<at>ben</at>" in world.said()
    assert "who decides" in text_of(await world.press("case_approve", ADA))
    await world.press("case_approve", BEN)
    await world.delivered()
    assert (await cases.load(1)).state is CaseState.DONE


async def test_a_button_of_another_card_or_of_none_does_nothing(world: World) -> None:
    await world.asks()
    await world.delivered()
    place = Place("x", "19:other@thread.tacv2", "999", "c", world.teams.url, TENANT)
    for data in (
        encode_case("case_take", case=1), encode_case("case_take", case=99), encode_case("case_bogus", case=1),
        {"wilson": 1, "do": "case_tick"}, {"wilson": 2, "do": "case_take"},
        {"do": "case_open", "wilson": 1, "form": "x"},
    ):  # fmt: skip
        shown = await world.clicks.press(data, ADA, place)
        assert shown.text
    assert (await cases.load(1)).owner is None


# -- letters ----------------------------------------------------------------------------------------------


async def asked(world: World) -> Case:
    await world.asks()
    await world.delivered()
    await world.ready()
    form = await world.press("case_open", form="ask_why")
    assert "abc12@example.ac.uk" in text_of(form)
    await world.press("case_ask_why", to="abc12@example.ac.uk", subject="Why?", body="Please tell us.\n.\nBye")
    return await cases.load(1)


def answer_to(raw: bytes, text: str) -> Reading:
    """Return what the mail watcher makes of an answer to a letter."""
    letter = message_from_bytes(raw, policy=policy.default)
    mail = (
        f"From: ABC <abc12@example.ac.uk>\r\nTo: {letter['From']}\r\nSubject: RE: {letter['Subject']}\r\n"
        f"Message-ID: <a-{hash(text)}@example.ac.uk>\r\nIn-Reply-To: {letter['Message-ID']}\r\n\r\n{text}\r\n\r\n"
        "On Friday, Team Wilson wrote:\r\n> Please tell us.\r\n"
    )
    return recognise(read_mail(mail.encode()))


async def test_a_letter_goes_out_once_and_the_answer_opens_the_decision_again(world: World) -> None:
    case = await asked(world)
    assert (case.state, world.sent) == (CaseState.ASKED, [])
    await world.delivered()
    (raw,) = world.sent
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["To"] == "abc12@example.ac.uk"
    assert letter.get_content().split() == ["Please", "tell", "us.", ".", "Bye"]
    assert "Team Wilson" in letter["From"]
    reading = answer_to(raw, "For the <at>All</at> turnstiles.")
    assert reading.kind is MailKind.INFORMATION
    await record_mails([(reading, datetime.now(UTC))] * 2, world.process)
    await world.delivered()
    case = await cases.load(1)
    assert case.state is CaseState.OPEN
    assert (await told()).count(CaseVerb.ANSWERED) == 1
    assert "turnstiles" in world.said()
    assert "<at>All</at>" not in world.said()
    assert "Please tell us" not in str((await rows.timeline(1))[-1].data.get("text"))
    assert (await mails.mails_of(reading.message_id))[0].outcome is Outcome.INFORMATION


async def test_a_copy_of_our_own_letter_is_no_answer(world: World) -> None:
    await asked(world)
    await world.delivered()
    assert recognise(read_mail(world.sent[0])).kind is MailKind.IGNORED


async def test_what_was_not_sent_is_tried_again(world: World) -> None:
    world.refuse = [Temporary("away"), Temporary("away")]
    await asked(world)
    await world.delivered()
    assert len(world.sent) == 1
    assert (await cases.load(1)).letters[0].state == "sent"


@pytest.mark.parametrize(
    ("error", "said"),
    [(Ambiguous("the answer was lost"), "not known whether"), (Permanent("not allowed"), "was not sent")],
)
async def test_a_letter_that_may_have_gone_out_is_held_and_shown(world: World, error: Exception, said: str) -> None:
    world.refuse = [error]
    await asked(world)
    await world.delivered()
    assert world.sent == []
    assert (await cases.load(1)).letters[0].state == "unknown"
    assert said in world.said()


async def test_killed_while_it_was_sent_a_letter_is_held(world: World) -> None:
    case = await asked(world)
    token = case.letters[0].token
    await cases.change(case, lambda before: CaseDecision(access.letter_is(before, token, "sending")))
    await world.delivered()
    assert world.sent == []
    assert "stopped while it was being sent" in world.said()


async def test_a_letter_needs_an_address(world: World) -> None:
    await world.asks("X", (CARD,), developer_email="")
    await world.delivered()
    await world.press("case_take")
    for to in ("", "nobody", "a@b, c@d", "a@b\nBcc: c@d"):
        await world.press("case_ask_team", to=to, subject="s", body="b")
        assert (await cases.load(1)).letters == ()


# -- commands, lists, reminders ---------------------------------------------------------------------------


async def test_the_thread_takes_the_same_requests_as_commands(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.type("have you seen this?", addressed=False)
    await world.type("take", addressed=False)
    await world.type("done authorised he is a computer officer")
    await world.type("done card reader")
    await world.type("done card_reader", addressed=False)
    await world.type("note the list is deployed")
    await world.type("ask whom")
    await world.type("ask why")
    await world.type("status")
    await world.type("aprove")
    await world.type("approve")
    await world.delivered()
    assert (await cases.load(1)).state is CaseState.DONE
    said = world.said()
    for part in ("Ask for what?", "Ask the requester why", "Did you mean approve", "Say what is done", "Number 1"):
        assert part in said
    await world.type("reopen they changed it")
    assert (await cases.load(1)).state is CaseState.OPEN
    await world.type("decline it was a test")
    assert (await cases.load(1)).state is CaseState.DECLINED


async def test_the_list_says_how_many_wait_and_how_long_it_takes(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.ready()
    await world.press("case_approve")
    await world.asks("Other", (CARD,))
    await world.delivered()
    place = Place("l", "19:gateway@thread.tacv2", "", "c", world.teams.url, TENANT)
    await world.speech.say("access list", [], ADA, place)
    await world.delivered()
    assert "1 requests for access wait" in world.said()
    assert "1 given, 0 declined" in world.said()


async def test_reminders_come_once_each_and_not_after_the_decision(world: World) -> None:
    await world.asks()
    await world.delivered()
    world.around.process = replace(PROCESS, hours=ALWAYS)
    clocks = [clock_of(world), clock_of(world)]
    now = datetime.now(UTC)
    for hours in (3, 5, 5, 23, 25, 25, 100):
        await asyncio.gather(*(clock.remind(now + timedelta(hours=hours)) for clock in clocks))
    assert (await told()).count(CaseVerb.REMINDED) == 2
    await world.delivered()
    assert "Nobody has decided about this for" in world.said()


async def test_a_decided_request_is_not_reminded_of(world: World) -> None:
    await world.asks()
    await world.delivered()
    await world.press("case_decline", text="no")
    world.around.process = replace(PROCESS, hours=ALWAYS)
    clock = clock_of(world)
    await clock.remind(datetime.now(UTC) + timedelta(days=9))
    assert CaseVerb.REMINDED not in await told()


@pytest.mark.parametrize(("count", "alone"), [(3, 3), (4, 0), (10, 0)])
async def test_many_that_wait_at_once_are_one_message_in_their_channel(
    world: World, count: int, alone: int
) -> None:
    for number in range(count):
        await world.asks(f"App {number}", ())
    await world.delivered()
    world.around.process = replace(PROCESS, hours=ALWAYS)
    later = datetime.now(UTC) + timedelta(hours=5)
    for clock in (clock_of(world), clock_of(world)):
        await clock.remind(later)
    effects = [item.effect for item in await queue.waiting()]
    assert sum(isinstance(each, TellCase) for each in effects) == alone
    digests = [each for each in effects if isinstance(each, Tell)]
    assert len(digests) == (0 if alone else 1)
    assert sum([(await told(number + 1)).count(CaseVerb.REMINDED) for number in range(count)]) == count
    await world.delivered()
    posted = [body for _, path, body, _ in world.teams.asked if "These wait for somebody" in str(body)]
    assert [body["channelData"]["channel"]["id"] for body in posted] == ["19:gateway@thread.tacv2"] * len(digests)


async def test_several_share_an_issue_which_is_closed_with_the_last(world: World) -> None:
    await world.asks()
    world.server.add("second-app", [CARD], team="timetable-team")
    await world.asks("Second App")
    await world.delivered()
    await world.press("case_take", case=1)
    await world.press("case_take", case=2, shares="1")
    await world.delivered()
    assert len(world.issues()) == 1
    await world.press("case_decline", case=1, text="no")
    await world.delivered()
    assert 'state: "closed"' not in world.issues()[0]
    await world.press("case_decline", case=2, text="no")
    await world.delivered()
    assert 'state: "closed"' in world.issues()[0]
    assert "Also here: number 2" in world.issues()[0]
    assert (await cases.load(2)).issue_key == (await cases.load(1)).issue_key


async def test_a_mailbox_that_is_set_wrongly_holds_up_nothing_but_the_letter() -> None:
    sender = mailroom.Sender(Settings.model_validate({"mailbox": {"kind": "graph"}}))
    with pytest.raises(Permanent, match=r"mailbox\.address"):
        await sender.send(b"")
    await sender.close()
