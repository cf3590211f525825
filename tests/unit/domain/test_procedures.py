"""Procedures as data: what the shipped file says, each mistake named, and who and what a rule speaks of."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from models.domain.access import looks_personal
from models.domain.people import Person
from models.domain.procedures import AccessProcess, Draft, ProductRule
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from tests.unit.domain.samples import PROCESS, PROCESS_FILE

VALUES = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))
ADA, BEN = Person("AAD-1", "Ada", "29:a", "ak1"), Person("aad-2", "Ben", "29:b")
Change = Callable[[dict[str, Any]], object]


def test_team_wilsons_procedures_say_what_their_document_says() -> None:
    access = PROCESS.procedures.access
    assert access.labels == ("issuetype::Support", "team::Identity")
    card = access.rule("University Card API")
    assert card is not None
    assert card.personal_information
    assert [each.name for each in card.lists] == ["CARD_READER"]
    drive, admins = PROCESS.procedures.support
    assert [step.after.days for step in drive.steps] == [0, 0, 0, 14, 0]
    requester = admins.step("requester")
    assert requester is not None
    assert requester.groups == ("User Administration",)
    assert "mar82" in requester.unknown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v["access"].update(approver=["x"]), "[access]: there is no such entry as 'approver'"),
        (lambda v: v["access"].update(approvers="x"), "approvers holds 'x'; it needs a list of texts"),
        (lambda v: v["access"].update(guide="http://x"), "guide holds 'http://x'; it needs an address"),
        (lambda v: v["access"].update(remind_after_hours=[0]), "remind_after_hours holds [0]"),
        (lambda v: v["access"].update(remind_after_hours=[True]), "remind_after_hours holds [True]"),
        (lambda v: v["access"].update(remind_after_hours=[24, 4]), "it needs growing hours"),
        (lambda v: v["support"][0].update(remind_after_hours=["soon"]), "remind_after_hours holds ['soon']"),
        (lambda v: v["support"][0].update(urgent="yes"), "urgent holds 'yes'"),
        (lambda v: v["access"]["ask_team"].pop("body"), "[ask_team]: body is missing"),
        (lambda v: v["access"]["products"][0].pop("products"), "[[products]] number 1: products is missing"),
        (lambda v: v["access"]["products"][0].update(second_person="yes"), "second_person holds 'yes'"),
        (lambda v: v["access"]["products"][0]["lists"][0].pop("name"), "name is missing"),
        (lambda v: v["support"][1].update(key="drive"), "key holds 'drive', as another does"),
        (lambda v: v["support"][0].update(steps=[]), "needs at least one [[steps]]"),
        (lambda v: v["support"][0]["steps"][0].update(key="A B"), "key holds 'A B'"),
        (lambda v: v["support"][0]["steps"][1].update(key="assigned"), "key holds 'assigned', as another does"),
        (lambda v: v["support"][0]["steps"][0].update(after_days=0), "after_days holds 0"),
        (lambda v: v["support"][0]["fields"][0].update(kind="date"), "kind holds 'date'"),
        (lambda v: v["support"][1]["fields"][1].pop("choices"), 'choices goes with kind = "choice"'),
    ],
)
def test_each_mistake_names_the_entry_and_the_need(change: Change, told: str) -> None:
    values = copy.deepcopy(VALUES)
    change(values)
    with pytest.raises(ProcessError) as error:
        read_process(values, "team.toml")
    assert str(error.value).startswith("team.toml: ")
    assert told in str(error.value)


def test_a_process_without_procedures_has_the_usual_ones() -> None:
    values = {key: value for key, value in VALUES.items() if key not in ("access", "support")}
    procedures = read_process(values, "x").procedures
    assert procedures.access == AccessProcess()
    assert procedures.support == ()


def test_who_may_decide() -> None:
    everybody, named = AccessProcess(), AccessProcess(approvers=("aad-1",))
    assert everybody.may_decide(ADA, [ADA, BEN])
    assert not everybody.may_decide(ADA, [BEN])
    assert not everybody.may_decide(Person("", "Ada"), [ADA])
    assert named.may_decide(ADA, [])
    assert not named.may_decide(BEN, [ADA, BEN])
    assert not named.may_decide(Person("", "aad-1"), [ADA])


@pytest.mark.parametrize("lead", ["aad-1", "AK1", "ada"])
def test_the_lead_is_known_by_id_login_or_name(lead: str) -> None:
    assert AccessProcess(lead=lead).lead_of([BEN, ADA]) == ADA
    assert AccessProcess().lead_of([BEN, ADA]) is None


def test_the_first_rule_that_speaks_of_a_product_counts() -> None:
    one, two = ProductRule(("Card*",), "one"), ProductRule(("*",), "two")
    process = AccessProcess(rules=(one, two))
    assert process.rule("card-v1") == one
    assert process.rule("x", "CARD") == one
    assert process.rule("x", "") == two
    assert replace(process, rules=()).rule("x") is None


def test_a_draft_is_filled_and_its_subject_stays_one_line() -> None:
    draft = Draft("About {app}\n{unknown}", "{app} wants {products}")
    filled = draft.filled({"app": "A\r\nBcc: x", "products": "{app}"})
    assert filled.subject == "About A Bcc: x {unknown}"
    assert filled.body == "A\r\nBcc: x wants {app}"


@pytest.mark.parametrize(
    ("team", "requester", "personal"),
    [
        ("Timetabling", "abc12@example.ac.uk", False),
        ("abc12", "xyz@example.ac.uk", True),
        ("team-abc12", "abc12@example.ac.uk", True),
        ("me@example.ac.uk", "", True),
        ("My test team", "abc12@example.ac.uk", True),
        ("test", "", True),
        ("latest-results", "", False),
        ("Metrology", "", False),
        ("uis2024", "", True),
    ],
)
def test_names_that_look_like_one_persons_are_flagged(team: str, requester: str, personal: bool) -> None:
    assert bool(looks_personal(team, requester)) is personal
