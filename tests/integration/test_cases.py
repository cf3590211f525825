"""Requests for access, from the mail to the gateway: joined, checked, decided once, carried out once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import mailroom
from bot.case_clock import GATEWAY
from bot.places import Place
from models import cases as rows
from models import directory, queue
from models.directory import CASE
from models.domain import access
from models.domain.case_effects import TellCase
from models.domain.case_timeline import CaseVerb
from models.domain.cases import App, CaseState
from models.domain.effects import Tell
from models.operations import cases
from models.ports.errors import Permanent
from models.settings import Settings
from tests.support.access_world import ADA, ALWAYS, CARD, World, clock_of, reading_all_due, text_of, told, world
from tests.support.apigee import Fault
from tests.support.botframework import TENANT
from tests.unit.cards.samples import PROCESS

__all__ = ["world"]


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
