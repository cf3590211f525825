"""Who decides about a request for access, and how it is carried out at the gateway, whatever breaks."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from bot.adapters.unconfigured import NoGateway
from bot.places import Place
from cards.case_actions import encode_case
from models import queue, store
from models.domain.case_timeline import CaseVerb
from models.domain.cases import CaseState
from models.operations import cases
from tests.support.access_world import ADA, APPROVING, BEN, CARD, World, reading_all_due, text_of, told, world
from tests.support.apigee import Fault
from tests.support.botframework import TENANT
from tests.unit.cards.samples import PROCESS

__all__ = ["world"]


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
