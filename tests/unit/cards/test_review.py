"""The incident review's card as data: its size, its buttons, and what it withholds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cards.blocks import MAX_BYTES, size
from cards.payload import BadAction
from cards.review import discussed_card, follow_up_card, gaps, review_card
from cards.review_actions import REVIEW_VERBS, Discuss, DoInReview, ShowReview, decode_review, encode_review
from models.domain.incident_parts import FollowUp, Kept
from models.domain.incidents import State
from models.domain.requests import AddFollowUp, AddNote, Close, Keep
from models.domain.timeline import Entry, Verb
from models.domain.views import ReviewView
from tests.unit.cards.samples import CLOSED, MEGAN, NOW, PRIVATE, PROCESS, RESOLVED

LONG = "W" * 900 + "‮{{DATE(2026-01-01T00:00:00Z)}}"


def view(*incidents: object) -> ReviewView:
    return ReviewView(20261126, incidents, PROCESS)  # type: ignore[arg-type]


def buttons(card: object) -> list[str]:
    found = []
    if isinstance(card, dict):
        if card.get("type") == "Action.Execute":
            found.append(card["title"])
        for key, each in card.items():
            found += buttons(each) if key != "fallback" else []
    elif isinstance(card, list):
        for each in card:
            found += buttons(each)
    return found


def test_what_waits_has_its_buttons_and_what_is_done_has_none() -> None:
    kept = replace(RESOLVED, id=3, kept=Kept(MEGAN, datetime(2026, 11, 26, 10, tzinfo=UTC), "the vendor"))
    card = review_card(view(RESOLVED, replace(CLOSED, id=2), kept), now=NOW)
    assert buttons(card) == ["Discuss", "Raise follow-up", "Close", "Refresh"]
    text = json.dumps(card)
    assert "kept for the next one: the vendor" in text
    assert "closed" in text


def test_what_an_earlier_review_kept_waits_again() -> None:
    kept = replace(RESOLVED, kept=Kept(MEGAN, datetime(2026, 11, 12, 10, tzinfo=UTC), "the vendor"))
    assert "Discuss" in buttons(review_card(view(kept), now=NOW))


def test_many_long_ones_fit_and_the_rest_is_counted() -> None:
    follow_ups = tuple(FollowUp(str(n), "bug", LONG, "1", "https://x.example/" + "a" * 500) for n in range(9))
    many = [replace(RESOLVED, id=n, title=LONG, follow_ups=follow_ups) for n in range(1, 200)]
    card = review_card(view(*many), now=NOW)
    assert size(card) <= MAX_BYTES
    assert buttons(card).count("Discuss") >= 3
    assert "more, once these are done" in json.dumps(card)
    timeline = [Entry(NOW, Verb.NOTED, MEGAN, {"kind": "action", "text": LONG})] * 60
    one = discussed_card(view(many[0]), many[0], timeline, once="a", now=NOW)
    assert size(one) <= MAX_BYTES
    assert size(follow_up_card(view(many[0]), many[0], once="a")) <= MAX_BYTES
    assert "{{DATE" not in json.dumps([card, one])
    assert "‮" not in json.dumps([card, one], ensure_ascii=False)


def test_a_private_one_shows_number_and_owner_alone() -> None:
    private = replace(PRIVATE, state=State.RESOLVED, follow_ups=(FollowUp("1", "bug", PRIVATE.title),))
    card = review_card(view(private), now=NOW)
    assert PRIVATE.title not in json.dumps(card)
    assert buttons(card) == ["Refresh"]


def test_gaps_name_what_nobody_has_said() -> None:
    assert "no lesson noted" in gaps(RESOLVED)
    bare = replace(RESOLVED, resolution=None, follow_ups=(), not_safe=("iam/sync",))
    assert gaps(bare) == [
        "the cause is not understood",
        "the trunk may not be safe to deploy",
        "no follow-up, and no reason for none",
        "no lesson noted",
    ]


@pytest.mark.parametrize(
    ("do", "more", "button"),
    [
        ("review_show", {}, ShowReview(20261126)),
        ("review_discuss", {}, Discuss(4, hint=20261126)),
        ("review_ask_follow_up", {}, Discuss(4, follow_up=True, hint=20261126)),
        ("review_close", {"text": "x"}, DoInReview(4, Close("x"), False, "a1", 20261126)),
        ("review_keep", {"text": "x"}, DoInReview(4, Keep("x"), False, "a1", 20261126)),
        ("review_concern", {"text": "x"}, DoInReview(4, AddNote("x"), True, "a1", 20261126)),
        (
            "review_follow_up",
            {"kind": "bug", "title": "t"},
            DoInReview(4, AddFollowUp("bug", "t"), True, "a1", 20261126),
        ),
    ],
)
def test_a_payload_is_read(do: str, more: dict[str, object], button: object) -> None:
    assert decode_review(encode_review(do, 20261126, incident=4, once="a1") | more) == button
    assert do in REVIEW_VERBS


@pytest.mark.parametrize(
    "data",
    [
        {"wilson": 1, "do": "review_nothing", "incident": 4},
        {"wilson": 1, "do": "review_close"},
        {"wilson": 1, "do": "review_close", "incident": -1},
        {"wilson": 1, "do": "review_close", "incident": True},
        {"wilson": 1, "do": "review_close", "incident": 4, "text": ["x"]},
        {"wilson": 1, "do": "review_close", "incident": 4, "text": "x" * 2000},
        {"wilson": 1, "do": "review_follow_up", "incident": 4, "kind": "no such"},
        {"wilson": 2, "do": "review_close", "incident": 4},
        None,
    ],
)
def test_what_no_button_sends_is_refused(data: object) -> None:
    with pytest.raises(BadAction):
        decode_review(data)
