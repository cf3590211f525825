"""The incident review's card: called up, gone through by several people, and always saying how it stands."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.places import Place, Shown
from cards.review_actions import encode_review
from models import directory, store
from models.directory import REVIEW
from models.domain.effects import PostReview
from models.domain.incidents import State
from models.domain.notice_rules import review_of
from models.domain.people import Person
from models.domain.requests import AddFollowUp, Assess, Claim, MarkPrivate, Reopen, Resolve
from models.domain.resolving import ResolveAnswers
from models.operations import incidents, reviews
from models.ports.errors import Ambiguous
from models.ports.messenger import ChannelAddress, Message, ThreadAddress
from models.ports.tracker import IssueChange, IssueKind, NewIssue
from models.sql import reading
from tests.integration.test_private import ADA, BEN, DEVS, SECRET, House, house, private, security
from tests.unit.cards.samples import PROCESS

__all__ = ["house", "private", "security"]
pytestmark = pytest.mark.usefixtures("connected")
OVER = ResolveAnswers(True, "a log ran full", rolled_back=False, none_reason="nothing is left")
TODAY = review_of(datetime.now(UTC).date())


async def resolved(house: House, title: str) -> int:
    number = (await house.fires(title)).id
    for request in (Claim(), Assess({}, PROCESS.urgencies[1].key, "a few people"), Resolve(OVER)):
        done = await house.asks(request, number=number)
        assert done.refusal is None
    return number


async def call_up(house: House) -> str:
    place = Place(f"review:{datetime.now(UTC)}", DEVS, "", DEVS, "http://x", "tenant", "review")
    await house.speech.say("review", [], ADA, place)
    await house.outbox.drain()
    return await card(house)


async def card(house: House, review: int = TODAY) -> str:
    """Return what everyone sees of the review's newest card."""
    thread = (await directory.cards_of(REVIEW, review))[-1].thread
    return json.dumps(house.teams.shows[thread.conversation_id].card)


async def press(house: House, do: str, number: int | None = None, by: Person = BEN, **more: Any) -> Shown:
    thread = (await directory.cards_of(REVIEW, TODAY))[-1].thread
    data = encode_review(do, TODAY, incident=number, once=more.pop("once", "")) | more
    unique = f"{do}{number}{more}{by.id}"
    place = Place(unique, thread.conversation_id, thread.activity_id, DEVS, "http://x", "tenant", data)
    shown = await house.clicks.press(data, by, place)
    await house.outbox.drain()
    return shown


async def test_each_incident_is_discussed_and_closed_with_what_was_learnt(house: House) -> None:
    first, second = await resolved(house, "Disk full"), await resolved(house, "Log ran full")
    listed = await call_up(house)
    assert "2 await the incident review" in listed
    assert listed.index("Disk full") < listed.index("Log ran full")
    shown = json.dumps((await press(house, "review_discuss", first)).card)
    for word in ("Disk full", "a log ran full", "resolved this", "no lesson noted", "Keep for the next"):
        assert word in shown
    shown = json.dumps((await press(house, "review_close", first, text="watch the disk", once="a1")).card)
    assert "1 awaits the incident review; 1 done" in shown
    assert (await incidents.load(first)).state is State.CLOSED
    assert "1 awaits the incident review; 1 done" in await card(house)  # everyone's card
    (issue, _) = [await house.tracker.get((await incidents.load(each)).issue_key) for each in (first, second)]
    assert issue.closed
    assert "workflow::Done" in issue.labels
    assert "workflow::Review Required" not in issue.labels
    await press(house, "review_close", second, once="a2")
    assert "All are done" in await card(house)
    await house.asks(Reopen("it is back"), number=first)
    assert "open again" in await card(house)
    assert "workflow::Done" not in (await house.tracker.get((await incidents.load(first)).issue_key)).labels


async def test_what_is_kept_stays_for_the_next_review(house: House) -> None:
    number = await resolved(house, "Disk full")
    await call_up(house)
    shown = json.dumps((await press(house, "review_keep", number, once="k0")).card)
    assert "Say what it waits for" in shown
    await press(house, "review_keep", number, text="the vendor answers", once="k1")
    assert "kept for the next one: the vendor answers" in await card(house)
    assert "All are done" in await card(house)
    assert (await incidents.load(number)).state is State.RESOLVED
    later = review_of((datetime.now(UTC) + timedelta(days=14)).date())
    await store.leave([PostReview(later)])
    await house.outbox.drain()
    assert "1 awaits the incident review." in await card(house, later)


async def test_a_follow_up_is_raised_from_it_and_a_concern_noted(house: House) -> None:
    number = await resolved(house, "Disk full")
    await call_up(house)
    shown = json.dumps((await press(house, "review_ask_follow_up", number)).card)
    assert "What is wanted?" in shown
    kind = PROCESS.follow_ups[0].key
    shown = json.dumps((await press(house, "review_follow_up", number, kind=kind, title="Grow it", once="f1")).card)
    assert "Grow it" in shown
    await press(house, "review_concern", number, text="the alert came late", once="c1")
    incident = await incidents.load(number)
    assert [each.title for each in incident.follow_ups] == ["Grow it"]
    assert incident.follow_ups[0].key
    assert any("alert came late" in str(entry.data) for entry in await store.timeline(number))
    assert "1 follow-up" in await card(house)


async def test_it_says_which_follow_ups_are_open(house: House) -> None:
    number = await resolved(house, "Disk full")
    for title in ("Grow it", "Shrink it"):
        await house.asks(AddFollowUp(PROCESS.follow_ups[0].key, title), number=number)
    done = (await incidents.load(number)).follow_ups[0]
    await house.tracker.change(done.key, IssueChange(closed=True))
    assert "2 follow-ups (1 open)" in await call_up(house)


async def test_two_who_close_at_once_close_it_once(house: House) -> None:
    number = await resolved(house, "Disk full")
    await call_up(house)
    both = await asyncio.gather(
        press(house, "review_close", number, ADA, text="a", once="one"),
        press(house, "review_close", number, BEN, text="b", once="two"),
    )
    assert all(each.card is not None for each in both)
    verbs = [entry.verb.value for entry in await store.timeline(number)]
    assert verbs.count("closed") == 1


async def test_one_of_security_is_withheld_and_gone_through_elsewhere(house: House) -> None:
    number = await resolved(house, SECRET)
    await house.asks(MarkPrivate("a key is out"), number=number)
    listed = await call_up(house)
    assert SECRET not in listed
    assert "handled in private" in listed
    for do in ("review_discuss", "review_close", "review_keep", "review_follow_up", "review_concern"):
        shown = await press(house, do, number, text="x", kind="bug", once=f"{do[-6:]}1")
        assert "handled in private" in shown.text
        assert SECRET not in json.dumps(shown.card)
    assert (await incidents.load(number)).state is State.RESOLVED


async def test_what_is_not_on_the_list_is_not_touched(house: House) -> None:
    await resolved(house, "Disk full")
    await call_up(house)
    other = await resolved(house, "Log ran full")
    shown = await press(house, "review_close", other, once="x1")
    assert "not one that I know" in shown.text
    assert (await incidents.load(other)).state is State.RESOLVED
    assert "Log ran full" in await call_up(house)  # called up again, it is


async def test_a_button_of_another_card_is_refused(house: House) -> None:
    number = await resolved(house, "Disk full")
    await call_up(house)
    data = encode_review("review_close", TODAY, incident=number, once="x1")
    place = Place("1", f"{DEVS};messageid=1", "1", DEVS, "http://x", "tenant", data)
    assert "not one that I know" in (await house.clicks.press(data, ADA, place)).text
    assert (await incidents.load(number)).state is State.RESOLVED


async def test_a_card_whose_posting_was_not_confirmed_works_at_its_first_click(house: House) -> None:
    number = await resolved(house, "Disk full")
    posted: list[ThreadAddress] = []
    inner = house.teams.post

    async def lost(channel: ChannelAddress, message: Message) -> ThreadAddress:
        posted.append(await inner(channel, message))
        if len(posted) == 1:
            raise Ambiguous("the answer was lost")
        return posted[-1]

    house.teams.post = lost  # type: ignore[method-assign]
    await store.leave([PostReview(TODAY)])
    await house.outbox.drain()
    await reading().run("UPDATE outbox SET due_ms = 0")
    await house.outbox.drain()
    assert len(posted) == 2
    first = posted[0]
    data = encode_review("review_close", TODAY, incident=number, once="x1")
    place = Place("1", first.conversation_id, first.activity_id, DEVS, "http://x", "tenant", data)
    shown = await house.clicks.press(data, ADA, place)
    assert "All are done" in json.dumps(shown.card)
    await house.outbox.drain()
    for each in posted:
        assert "All are done" in json.dumps(house.teams.shows[each.conversation_id].card)


async def test_nothing_awaits_it(house: House) -> None:
    place = Place("1", DEVS, "", DEVS, "http://x", "tenant", "review")
    await house.speech.say("review", [], ADA, place)
    await house.outbox.drain()
    assert "Nothing awaits the incident review" in house.teams.seen(DEVS)
    assert await directory.cards_of(REVIEW, TODAY) == []
    assert await reviews.listed(TODAY) == []


async def test_a_message_delivered_twice_calls_it_up_once(house: House) -> None:
    await resolved(house, "Disk full")
    place = Place("1", DEVS, "", DEVS, "http://x", "tenant", "review")
    for _ in range(2):
        await house.speech.say("review", [], ADA, place)
        await house.outbox.drain()
    assert len(await directory.cards_of(REVIEW, TODAY)) == 1


async def test_its_thread_command_keeps(house: House) -> None:
    number = await resolved(house, "Disk full")
    await house.asks(Claim(), number=number)
    place = replace(await house.place("incident", "k", number), message_id="")
    await house.speech.say("keep for the next review: the vendor answers", [], ADA, place, addressed=True)
    kept = (await incidents.load(number)).kept
    assert kept is not None
    assert kept.reason == "the vendor answers"


async def test_it_says_where_the_tracker_has_another_list(house: House) -> None:
    kept, lost = await resolved(house, "Disk full"), await resolved(house, "Log ran full")
    key = (await incidents.load(lost)).issue_key
    await house.tracker.change(key, IssueChange(remove_labels=PROCESS.review_labels))
    stray = NewIssue(IssueKind.INCIDENT, "An old one", "", "<!-- x -->", labels=PROCESS.review_labels)
    await house.tracker.create(stray)
    text = await call_up(house)
    assert "not resolved here" in text
    assert "An old one" in text
    assert text.count("not labelled for the review") == 1
    assert kept != lost
    await press(house, "review_close", kept, once="c1")
    assert "An old one" in await card(house)
