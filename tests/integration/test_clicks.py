"""Buttons, from the payload to the answered card, on a real database."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.rota_file import NoRota
from bot.clicks import Clicks, Place, Shown
from bot.surroundings import Surroundings
from cards.actions import encode
from models import directory, queue, store
from models.directory import INCIDENT
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.incidents import State
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.operations import incidents
from models.operations.alerts import record_mails
from models.ports.messenger import ThreadAddress
from tests.support.handling import clicks_of

ADA = Person("aad-ada", "Ada Example", "29:ada")
BEN = Person("aad-ben", "Ben Sample", "29:ben")
ROOT = "19:devs@thread.tacv2;messageid=100"
pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture
def process() -> Process:
    file = Path("models/processes/wilson.toml")
    return read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name)


def place(activity: str, message: str = "100", conversation: str = ROOT) -> Place:
    return Place(activity, conversation, message, "19:devs@thread.tacv2", "http://localhost/x", "tenant")


@pytest.fixture
async def clicks(process: Process) -> Clicks:
    around = Surroundings(process, NoRota())
    await directory.remember_people([ADA, BEN])
    await around.refresh()
    return clicks_of(around)


async def posted(process: Process, fingerprint: str = "a", message: str = "100") -> int:
    alert = Alert("gcp_monitoring", MailKind.FIRING, f"CPU {fingerprint}", fingerprint, severity="critical")
    reading = Reading(MailKind.FIRING, alert.source, "", "s", "x@y.example", f"<{fingerprint}>", "0", alert=alert)
    await record_mails([(reading, datetime.now(UTC))], process)
    number = (await incidents.unfinished())[0].id
    thread = ThreadAddress("http://localhost/x", "tenant", f"19:devs@thread.tacv2;messageid={message}", message)
    await directory.remember_card(INCIDENT, number, thread)
    return number


def buttons(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if card.get("type") in ("Action.Execute", "Action.Submit"):
        yield card
    for key, value in card.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and key != "fallback":
                yield from buttons(each)


def button(shown: Shown, title: str) -> dict[str, Any]:
    assert shown.card is not None
    found = {each["title"]: each["data"] for each in buttons(shown.card)}
    assert title in found, f"no {title!r} among {sorted(found)}"
    return dict(found[title])


async def test_claim_answers_with_the_card_of_the_new_state(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    shown = await clicks.press(encode("claim", incident=number), ADA, place("1"))
    assert "Ada Example" in json.dumps(shown.card)
    after = await incidents.load(number)
    assert (after.state, after.owner) == (State.OPEN, ADA)


async def test_of_two_who_press_at_once_the_second_is_told_who(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    shown = await asyncio.gather(
        clicks.press(encode("claim", incident=number), ADA, place("1")),
        clicks.press(encode("claim", incident=number), BEN, place("2")),
    )
    owner = (await incidents.load(number)).owner
    assert owner is not None
    assert all(owner.name in json.dumps(each.card) for each in shown)
    claimed = [entry for entry in await store.timeline(number) if entry.verb == "claimed"]
    assert len(claimed) == 1


async def test_the_whole_way_by_buttons(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    shown = await clicks.press({"wilson": 1, "do": "claim"}, ADA, place("1"))
    shown = await clicks.press(button(shown, "Urgency"), ADA, place("2"))
    form = button(shown, "Set the urgency")
    answers = {"q_users": "5", "q_critical": "no", "q_workaround": "no", "q_self_resolved": "no"}
    shown = await clicks.press(form | answers | {"q_development_blocked": "no"}, ADA, place("3"))
    assert (await incidents.load(number)).urgency == "resolve_internally"
    shown = await clicks.press(button(shown, "Resolve"), ADA, place("4"))
    form = button(shown, "Resolve")
    shown = await clicks.press(form | {"over": "yes"}, ADA, place("5"))
    assert (await incidents.load(number)).state is State.OPEN
    filled = {"over": "yes", "cause": "disk was full", "rolled_back": "no", "none_reason": "all done"}
    shown = await clicks.press(button(shown, "Resolve") | filled, ADA, place("6"))
    after = await incidents.load(number)
    assert after.state is State.RESOLVED
    assert "Ada Example" in json.dumps(shown.card)


async def test_what_the_payload_claims_is_not_believed(clicks: Clicks, process: Process) -> None:
    first = await posted(process, "a", "100")
    second = await posted(process, "b", "200")
    await clicks.press(encode("claim", incident=second), ADA, place("1", "100"))
    assert (await incidents.load(first)).owner == ADA
    assert (await incidents.load(second)).owner is None


@pytest.mark.parametrize(
    "data",
    [None, [], "claim", {}, {"wilson": 1}, {"wilson": 2, "do": "claim"}, {"wilson": 1, "do": "delete"}],
    ids=str,
)
async def test_a_payload_of_no_button_changes_nothing(clicks: Clicks, process: Process, data: object) -> None:
    number = await posted(process)
    before = await incidents.load(number)
    shown = await clicks.press(data, ADA, place("1"))
    assert shown.text
    assert await incidents.load(number) == before


async def test_a_click_on_an_unknown_message_changes_nothing(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    elsewhere = "19:other@thread.tacv2;messageid=7"
    shown = await clicks.press(encode("claim", incident=number), ADA, place("1", "7", elsewhere))
    assert shown.text
    assert (await incidents.load(number)).owner is None


async def test_a_twin_is_recognised_by_its_first_click(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    await directory.maybe_twin(number)
    twin = "19:devs@thread.tacv2;messageid=101"
    await clicks.press(encode("claim", incident=number), ADA, place("1", "101", twin))
    assert (await incidents.load(number)).owner == ADA
    assert len(await directory.cards_of(INCIDENT, number)) == 2


async def test_the_same_invoke_four_times_is_one_note(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    await clicks.press(encode("raise", incident=number), ADA, place("1"))
    shown = await clicks.press(encode("open", incident=number, form="note"), ADA, place("2"))
    form = button(shown, "Note it") | {"kind": "observation", "text": "disk is full"}
    for activity in ("3", "3", "4", "5"):
        again = await clicks.press(form, ADA, place(activity))
        assert again.card is not None
    noted = [entry for entry in await store.timeline(number) if entry.verb == "noted"]
    assert len(noted) == 1


async def test_taking_over_asks_first_and_tells_the_old_owner(clicks: Clicks, process: Process) -> None:
    number = await posted(process)
    await clicks.press(encode("claim", incident=number), ADA, place("1"))
    asked = await clicks.press(encode("claim", incident=number), BEN, place("2"))
    assert (await incidents.load(number)).owner == ADA
    await clicks.press(button(asked, "Take over"), BEN, place("3"))
    assert (await incidents.load(number)).owner == BEN
    told = [item.effect for item in await queue.waiting() if item.kind == "Announce"]
    assert told[-1].mentions == (ADA,)  # type: ignore[union-attr]


async def test_the_story_is_shown_to_be_copied(clicks: Clicks, process: Process) -> None:
    await posted(process)
    await clicks.press(encode("claim"), ADA, place("c1"))
    shown = await clicks.press(encode("story"), BEN, place("c2"))
    assert shown.card is not None
    (box,) = [each for each in shown.card["body"] if each["type"] == "Input.Text"]
    assert "# Incident 1: CPU a" in box["value"]
    assert "Ada Example owns this now" in box["value"]


@pytest.fixture
async def judging() -> Clicks:
    """Return what answers buttons in a team whose process has tests of an incident."""
    file = Path("models/processes/twoi2c.toml")
    around = Surroundings(read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name), NoRota())
    await directory.remember_people([ADA, BEN])
    await around.refresh()
    return clicks_of(around)


NONE = {"q_login": "no", "q_server": "no", "q_workers": "no"}


async def test_raising_asks_the_tests_and_suggests_that_it_is_none(judging: Clicks, process: Process) -> None:
    number = await posted(process)
    card = await judging.press({"wilson": 1, "do": "refresh"}, ADA, place("0"))
    form = await judging.press(button(card, "Raise"), ADA, place("1"))
    again = await judging.press(button(form, "Raise") | NONE, ADA, place("2"))
    assert (await incidents.load(number)).state is State.CANDIDATE
    assert "support ticket" in json.dumps(again.card)
    shown = await judging.press(button(again, "Not an incident") | NONE | {"instead": "true"}, ADA, place("3"))
    assert "Not an incident" in json.dumps(shown.card)
    after = await incidents.load(number)
    assert (after.state, [each.kind for each in after.follow_ups]) == (State.DISMISSED, ["ticket"])
    (entry,) = [each for each in await store.timeline(number) if each.verb == "dismissed"]
    assert "log in to the hub? No." in str(entry.data["tests"])


async def test_it_is_raised_all_the_same_once(judging: Clicks, process: Process) -> None:
    number = await posted(process)
    form = await judging.press(encode("open", incident=number, form="judge"), ADA, place("1"))
    again = await judging.press(button(form, "Raise") | NONE, ADA, place("2"))
    data = button(again, "Raise all the same") | NONE
    for activity in ("3", "3", "4"):
        await judging.press(data, ADA, place(activity))
    assert (await incidents.load(number)).state is State.OPEN
    (entry,) = [each for each in await store.timeline(number) if each.verb == "raised"]
    assert entry.data["against"] is True


async def test_declaring_what_is_none_is_asked_back(judging: Clicks, process: Process) -> None:
    await posted(process)
    declare = encode("declare", once="f1") | {"title": "A wish", "q_degraded": ""} | NONE
    again = await judging.press(declare, ADA, place("1"))
    assert len(await incidents.unfinished()) == 1
    assert "A wish" in json.dumps(again.card)
    done = await judging.press(button(again, "Declare all the same") | {"title": "A wish"} | NONE, ADA, place("2"))
    assert "Declared as incident 2" in json.dumps(done.card)
    made = await incidents.load(2)
    assert made.judged is not None
    assert made.judged.against
    assert made.urgency is None


async def test_an_answer_that_makes_it_an_incident_declares_and_assesses(judging: Clicks) -> None:
    declare = encode("declare", once="f1") | {"title": "No logins", "q_login": "yes"}
    await judging.press(declare, ADA, place("1"))
    made = await incidents.load(1)
    assert made.urgency == "incident"
    assert made.judged is not None
    assert made.judged.answers == {"login": True}


async def test_declaring_without_answers_leaves_the_urgency_for_later(judging: Clicks) -> None:
    empty = {"q_login": "", "q_server": "", "q_workers": "", "q_degraded": "", "urgency": "computed"}
    await judging.press(encode("declare", once="f1") | {"title": "No logins"} | empty, ADA, place("1"))
    made = await incidents.load(1)
    assert (made.urgency, made.judged) == (None, None)
