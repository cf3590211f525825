"""Paging: about what, when, how often, and what the pager must be told."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.domain.incident_effects import Announce, TellPager
from models.domain.incident_parts import Assessment, Paged, Parked
from models.domain.incidents import Incident, State
from models.domain.paging import Word, concerns_pager, free_since, heard, may_be_due, page, to_tell
from models.domain.paging_rules import PagingRules, read_paging
from models.domain.people import Person
from models.domain.process_reader import ProcessError, Reader
from models.domain.timeline import Entry, Verb
from tests.unit.domain.samples import ADA, AT, CANDIDATE, DISMISSED, OPEN, OWNED, PROCESS, PROCESS_FILE, RESOLVED

RULES = PagingRules((timedelta(minutes=10), timedelta(minutes=30)))
PAGING = replace(PROCESS, paging=RULES)
ALSO = replace(PROCESS, paging=replace(RULES, urgencies=("resolve_internally",)))
URGENT = replace(OPEN, alerting=False, urgency="urgent", assessment=Assessment({}, "urgent", "x", at=AT))
INTERNAL = replace(URGENT, urgency="resolve_internally")


def at(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("incident", "paged"),
    [
        (CANDIDATE, True),
        (OPEN, True),
        (URGENT, True),
        (replace(CANDIDATE, severity="warning"), False),
        (replace(CANDIDATE, alerting=False), False),
        (INTERNAL, False),
        (OWNED, False),
        (DISMISSED, False),
        (RESOLVED, False),
    ],
)
def test_what_is_urgent_and_nobody_owns_is_paged(incident: Incident, paged: bool) -> None:
    assert (page(incident, (), PAGING, at(10)) is not None) is paged
    assert may_be_due(incident, PAGING, at(10)) is paged
    assert page(incident, (), PROCESS, at(10_000)) is None  # the shipped process has nobody paged
    assert not may_be_due(incident, PROCESS, at(10_000))


def test_the_process_may_name_further_urgencies() -> None:
    assert page(INTERNAL, (), ALSO, at(10)) is not None
    assert page(CANDIDATE, (), ALSO, at(10)) is not None


def test_what_was_put_off_is_not_paged_before_its_time() -> None:
    parked = replace(OPEN, parked=Parked(at(100), "the vendor", ADA, AT))
    assert page(parked, (), PAGING, at(99)) is None
    assert page(parked, (), PAGING, at(100)) is not None


def paged(incident: Incident, minutes: float, *timeline: Entry) -> Incident:
    decision = page(incident, timeline, PAGING, at(minutes))
    assert decision is not None
    assert decision.effects == (TellPager(incident.id),)
    assert not decision.entries  # that is written down once it was sent
    assert to_tell(decision.incident, PAGING, at(minutes), tried=False) is Word.TRIGGER
    return heard(decision.incident, Word.TRIGGER, decision.incident.paged.asked, "P", at=at(minutes)).incident  # type: ignore[union-attr]


def test_each_time_once_and_at_its_distance() -> None:
    assert page(CANDIDATE, (), PAGING, at(9.9)) is None
    first = paged(CANDIDATE, 100)  # nothing ran before
    assert page(first, (), PAGING, at(119)) is None
    second = paged(first, 120)
    assert page(second, (), PAGING, at(9999)) is None
    assert not may_be_due(second, PAGING, at(9999))


def test_it_is_counted_from_what_made_it_wait() -> None:
    assert free_since(replace(OPEN, raised_at=at(3))) == at(3)
    assert free_since(replace(URGENT, assessment=Assessment({}, "urgent", "x", at=at(5)))) == at(5)
    tom = Person("", "Tom")
    said = [
        Entry(at(20), Verb.HEARD, tom, {"what": "assigned", "to": None}),
        Entry(at(30), Verb.HEARD, tom, {"what": "assigned", "to": "Ada"}),
        Entry(at(40), Verb.HEARD, tom, {"what": "commented"}),
        Entry(at(50), Verb.NOTED, ADA),
    ]
    assert free_since(OPEN, said) == at(20)
    assert free_since(OPEN, [Entry(at(60), Verb.REOPENED, ADA)]) == at(60)
    assert free_since(OPEN, [Entry(at(60), Verb.HEARD, tom, {"what": "reopened"})]) == at(60)


def test_what_nobody_owns_any_more_is_paged_anew_once_the_pager_has_heard_of_it() -> None:
    first = paged(OPEN, 10)
    owned = heard(replace(first, owner=ADA), Word.ACKNOWLEDGE, 1, "P", at=at(12)).incident
    freed = Entry(at(60), Verb.HEARD, Person("", "Tom"), {"what": "assigned", "to": None})
    free = replace(owned, owner=None)
    assert page(free, [freed], PAGING, at(80)) is None
    assert to_tell(free, PAGING, at(80), tried=False) is Word.RESOLVE
    free = heard(free, Word.RESOLVE, 1, "P", at=at(80)).incident
    assert page(free, [freed], PAGING, at(69)) is None
    assert may_be_due(free, PAGING, at(70))
    again = paged(free, 70, freed)
    assert again.paged is not None
    assert (again.paged.since, again.paged.asked, again.paged.told) == (at(60), 1, Word.TRIGGER)


RUNG = Paged(AT, 1, AT, 1, Word.TRIGGER)
TAKEN, ENDED = replace(RUNG, told=Word.ACKNOWLEDGE), replace(RUNG, told=Word.RESOLVE)
ASKED = Paged(AT, 1, AT)


@pytest.mark.parametrize(
    ("incident", "held", "tried", "word"),
    [
        (OPEN, None, False, None),
        (OPEN, ASKED, False, Word.TRIGGER),
        (OPEN, ASKED, True, Word.TRIGGER),
        (OPEN, RUNG, True, None),
        (OPEN, TAKEN, False, Word.RESOLVE),
        (OPEN, ENDED, False, None),
        (replace(OPEN, severity="low"), ASKED, False, None),
        (OWNED, ASKED, False, None),  # somebody took it before the page left
        (OWNED, ASKED, True, Word.ACKNOWLEDGE),  # it may have left, and its answer was lost
        (OWNED, RUNG, False, Word.ACKNOWLEDGE),
        (OWNED, TAKEN, True, None),
        (DISMISSED, ASKED, False, None),
        (DISMISSED, ASKED, True, Word.RESOLVE),
        (DISMISSED, RUNG, False, Word.RESOLVE),
        (RESOLVED, TAKEN, False, Word.RESOLVE),
        (RESOLVED, ENDED, True, None),
    ],
)
def test_the_pager_is_told_what_it_does_not_know(
    incident: Incident, held: Paged | None, tried: bool, word: Word | None
) -> None:
    assert to_tell(replace(incident, paged=held), PAGING, at(10), tried=tried) is word


def test_a_page_that_is_not_needed_any_more_is_written_down_as_such() -> None:
    taken = heard(replace(OWNED, paged=ASKED), None, 1, "P", at=at(11))
    assert taken.incident.paged is not None
    assert not taken.incident.paged.waits
    assert (taken.entries, taken.effects) == ((), ())


def test_the_thread_hears_that_somebody_was_paged_and_nothing_else() -> None:
    asked = replace(OPEN, paged=replace(ASKED, at=at(12)))
    decision = heard(asked, Word.TRIGGER, 1, "PagerDuty", at=at(13))
    assert [(each.verb, each.data) for each in decision.entries] == [
        (Verb.PAGED, {"through": "PagerDuty", "minutes": 12})
    ]
    assert sum(isinstance(each, Announce) for each in decision.effects) == 1
    for word in (Word.ACKNOWLEDGE, Word.RESOLVE):
        assert heard(asked, word, 1, "PagerDuty", at=at(13)).effects == ()


def test_only_what_the_pager_must_hear_of_concerns_it() -> None:
    for held, told in ((RUNG, True), (None, False)):
        before = replace(OPEN, paged=held)
        for after in (OWNED, RESOLVED, DISMISSED):
            assert concerns_pager(before, replace(after, paged=held)) is told
        assert not concerns_pager(before, replace(before, state=State.CANDIDATE))
        assert not concerns_pager(before, replace(before, title="New"))


def rules(text: str) -> PagingRules:
    reader = Reader(tomllib.loads(text), "ours.toml: [paging]")
    return read_paging(reader, ["low", "high"])


def test_the_section_is_read() -> None:
    assert rules('after_minutes = [10, 30]\nfor = ["high"]') == replace(RULES, urgencies=("high",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "after_minutes is missing or empty"),
        ("after_minutes = []", "after_minutes is missing or empty"),
        ("after_minutes = [30, 10]", "growing minutes"),
        ("after_minutes = [0]", "growing minutes"),
        ("after_minutes = 10", "a list of minutes"),
        ('after_minutes = [10]\nfor = ["graver"]', "it needs some of low, high"),
        ("after_minute = [10]", "after_minutes"),
    ],
)
def test_a_mistake_is_told(text: str, says: str) -> None:
    with pytest.raises(ProcessError, match=says):
        rules(text)


def test_the_example_of_the_shipped_process_is_one_that_works() -> None:
    text = PROCESS_FILE.with_name("twoi2c.toml").read_text(encoding="utf-8")
    _, _, rest = text.partition("# [paging]\n")
    lines = [line.removeprefix("# ") for line in rest.split("\n\n")[0].splitlines()]
    held: dict[str, Any] = tomllib.loads("\n".join(lines))
    made = read_paging(Reader(held, "twoi2c.toml"), ["incident"])
    assert made == PagingRules((timedelta(minutes=10),), ("incident",))
    assert "paging" not in tomllib.loads(text)
