"""The hand-over's card as data: what it lists, withholds, and offers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cards.blocks import MAX_BYTES, size
from cards.payload import BadAction
from cards.shift import days_end_card, shift_card
from cards.shift_actions import ShiftButton, decode_shift, encode_shift
from models.domain.incident_parts import Parked
from models.domain.people import Person
from models.domain.reports import Repeat
from models.domain.shifts import Shift, ShiftView, Timer
from tests.unit.cards.samples import ALEX, CANDIDATE, MEGAN, NOW, OWNED, PRIVATE, PROCESS

SHIFT = Shift(29_000_000, NOW, (MEGAN,), (ALEX,))
EMPTY = ShiftView(SHIFT, (), (), (), (), (), 0, 0, PROCESS)
HOSTILE = "‮<at>All</at> [x](https://evil.example) {{DATE(2026-01-01T00:00:00Z)}}"


def titles(card: dict[str, object]) -> list[str]:
    return [action["title"] for action in card["actions"]]  # type: ignore[attr-defined]


def test_everything_that_is_handed_over_is_listed() -> None:
    parked = replace(OWNED, id=7, parked=Parked(NOW + timedelta(days=1), "the vendor's answer", MEGAN, NOW))
    view = replace(
        EMPTY,
        incidents=(CANDIDATE, replace(PRIVATE, title="Signing key published")),
        parked=(parked,),
        timers=(Timer("Drive of ab123: delete it", NOW - timedelta(hours=1)), Timer("Later", NOW + timedelta(1))),
        noise=(Repeat("Disk", 3, 9, 4, 2, True),),
        mails=1,
        calls=2,
    )
    card = shift_card(view, now=NOW)
    text = json.dumps(card)
    for part in (
        "From Megan Bowen to <at>Alex Wilber</at>.",
        "Open (2)",
        "NOBODY owns it",
        "Put off (1)",
        "the vendor's answer",
        "overdue since",
        "reported 9 times in the last week, no incident twice",
        "1 mail waits for somebody",
        "2 mails about support calls",
    ):
        assert part in text, part
    assert "Signing key" not in text
    assert titles(card) == ["Taken over", "Refresh"]


def test_nothing_open_is_said() -> None:
    assert "Nothing is open." in json.dumps(shift_card(EMPTY, now=NOW))
    nobody = replace(EMPTY, shift=replace(SHIFT, out=(), into=()))
    assert "For nobody: the rota names nobody." in json.dumps(shift_card(nobody, now=NOW))


def test_once_taken_over_it_can_not_be_taken_again_and_calls_nobody() -> None:
    card = shift_card(replace(EMPTY, shift=replace(SHIFT, taken_by=ALEX, taken_at=NOW)), now=NOW)
    assert titles(card) == ["Refresh"]
    assert "**Alex Wilber** took over" in json.dumps(card)
    assert "<at>" not in json.dumps(card)


def test_a_full_one_fits_and_no_foreign_text_acts() -> None:
    long = HOSTILE + "W" * 900
    many = tuple(replace(CANDIDATE, id=n, title=long) for n in range(1, 90))
    view = replace(
        EMPTY,
        shift=replace(SHIFT, out=tuple(Person(str(n), long) for n in range(30)), into=(Person("1", long, "29:x"),)),
        incidents=many,
        parked=tuple(replace(each, parked=Parked(NOW, long, MEGAN, NOW)) for each in many),
        timers=tuple(Timer(long, NOW) for _ in many),
        noise=tuple(Repeat(long, n, 9, 4, 2, True) for n in range(50)),
        notice=long,
    )
    card = shift_card(view, now=NOW)
    assert size(card) <= MAX_BYTES
    text = json.dumps(card, ensure_ascii=False)
    assert "and 81 more" in text
    assert "‮" not in text
    assert "{{DATE(2026-01-01" not in text
    assert "<at>All</at>" not in text


def test_the_owner_is_asked_and_called() -> None:
    card = days_end_card(OWNED, MEGAN, [MEGAN, ALEX])
    text = json.dumps(card)
    assert "<at>Megan Bowen</at>, the working day ends." in text
    assert "On call: Alex Wilber." in text
    assert titles(card) == ["Hand over", "Put off"]


@pytest.mark.parametrize(("do", "take"), [("shift_take", True), ("shift_show", False)])
def test_a_payload_is_read(do: str, take: bool) -> None:
    assert decode_shift(encode_shift(do, 29_000_000)) == ShiftButton(take, 29_000_000)


@pytest.mark.parametrize("data", [None, {"wilson": 1, "do": "shift_all"}, {"wilson": 9, "do": "shift_take"}])
def test_what_no_button_sends_is_refused(data: object) -> None:
    with pytest.raises(BadAction):
        decode_shift(data)
