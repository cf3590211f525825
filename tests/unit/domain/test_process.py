"""The process as data: the shipped ones load, and each mistake in a file is named."""

import copy
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.domain.decisions import Decision
from models.domain.people import Person
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.domain.requests import Assess, MarkPrivate, carry_out
from models.domain.resolving import TO_BE_PRIVATE, to_be_private
from models.domain.security_rules import Security
from tests.unit.domain.samples import ADA, LATER, OWNED, PROCESS, PROCESS_FILE

VALUES = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", sorted(PROCESS_FILE.parent.glob("*.toml")), ids=lambda file: file.stem)
def test_every_shipped_process_loads(file: Path) -> None:
    process = read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    assert process.name == file.stem
    assert process.title
    assert process.definition
    for key in [rule.urgency for rule in process.rules]:
        assert process.urgency(key) is not None


def test_team_wilsons_process_says_what_its_document_says() -> None:
    assert [level.key for level in PROCESS.urgencies] == ["not_urgent", "resolve_internally", "urgent"]
    assert [level.then for level in PROCESS.urgencies] == ["resolve", "continue", "decide"]
    assert PROCESS.incident_labels == ("workflow::In Progress",)
    assert PROCESS.review_labels == ("workflow::Review Required",)
    assert {"issuetype::Maintenance", "incident-remedial"} <= set(PROCESS.follow_up_labels)
    investigate = PROCESS.follow_up("investigate")
    assert investigate is not None
    assert investigate.labels == ("bug",)
    assert investigate.required_for == ("not_urgent", "self_resolved")
    assert [option.key for option in PROCESS.decision_options] == ["major_incident", "internal"]
    assert (PROCESS.flapping_cycles, PROCESS.flapping_window) == (3, timedelta(hours=1))


def test_what_is_not_there_is_none() -> None:
    assert PROCESS.urgency("dire") is None
    assert PROCESS.urgency(None) is None
    assert PROCESS.follow_up("holiday") is None
    assert PROCESS.decision("later") is None


def test_a_proposed_title_names_the_incident_and_nothing_else() -> None:
    kind = PROCESS.follow_up("investigate")
    assert kind is not None
    assert kind.title_for("Disk {0} {title} is full") == "Investigate: Disk {0} {title} is full"
    assert len(kind.title_for("x" * 500)) == 200


Change = Callable[[dict[str, Any]], object]

MISTAKES: list[tuple[str, Change, str]] = [
    ("no name", lambda v: v.pop("name"), "name is missing; it needs a text"),
    ("name is a number", lambda v: v.update(name=3), "name holds 3; it needs a text"),
    ("no title", lambda v: v.pop("title"), "title is missing"),
    ("no definition", lambda v: v.pop("definition"), "definition is missing"),
    ("unknown entry", lambda v: v.update(colour="red"), "there is no such entry as 'colour'"),
    ("tracker is a text", lambda v: v.update(tracker="gitlab"), "tracker holds 'gitlab'; it needs a table"),
    (
        "labels are a text",
        lambda v: v["tracker"].update(incident_labels="x"),
        "[tracker]: incident_labels holds 'x'",
    ),
    ("a label is a number", lambda v: v["tracker"].update(review_labels=[1]), "[tracker]: review_labels holds [1]"),
    ("unknown tracker entry", lambda v: v["tracker"].update(x=1), "[tracker]: there is no such entry as 'x'"),
    ("no questions", lambda v: v.update(questions=[]), "questions needs at least one [[questions]]"),
    ("questions are texts", lambda v: v.update(questions=["x"]), "questions needs at least one [[questions]]"),
    ("questions are a table", lambda v: v.update(questions={}), "questions holds {}; it needs tables"),
    ("question without key", lambda v: v["questions"][1].pop("key"), "[[questions]] number 2: key is missing"),
    ("question of no kind", lambda v: v["questions"][0].update(kind="date"), "number 1: kind holds 'date'"),
    (
        "unknown is missing",
        lambda v: v["questions"][0].pop("unknown"),
        "number 1: unknown holds None; it needs a whole",
    ),
    (
        "unknown number is a flag",
        lambda v: v["questions"][0].update(unknown=True),
        "unknown holds True; it needs a whole",
    ),
    (
        "unknown flag is a number",
        lambda v: v["questions"][1].update(unknown=1),
        "unknown holds 1; it needs true or false",
    ),
    ("unknown is a text", lambda v: v["questions"][1].update(unknown="yes"), "unknown holds 'yes'; it needs true"),
    ("question's extra", lambda v: v["questions"][2].update(x=1), "[[questions]] number 3: there is no such entry"),
    ("no urgencies", lambda v: v.pop("urgencies"), "urgencies is missing"),
    (
        "urgency that does nothing",
        lambda v: v["urgencies"][0].update({"then": "wait"}),
        "then holds 'wait'; it needs one of",
    ),
    (
        "no such severity",
        lambda v: v["urgencies"][0].update(severity="x"),
        "[[urgencies]] number 1: severity holds 'x'",
    ),
    ("urgency's extra", lambda v: v["urgencies"][1].update(x=1), "[[urgencies]] number 2: there is no such entry"),
    ("no rules", lambda v: v.pop("rules"), "rules is missing"),
    ("rule to nowhere", lambda v: v["rules"][0].update(urgency="dire"), "[[rules]] number 1: urgency holds 'dire'"),
    ("rule without reason", lambda v: v["rules"][0].pop("because"), "[[rules]] number 1: because is missing"),
    (
        "rule on no question",
        lambda v: v["rules"][0].update(moon=True),
        "number 1: moon = True is not true or false",
    ),
    ("rule wants a number", lambda v: v["rules"][0].update(workaround=1), "workaround = 1 is not true or false"),
    ("rule on users", lambda v: v["rules"][0].update(users=True), "users = True is not true or false"),
    (
        "users_above is a flag",
        lambda v: v["rules"][2].update(users_above=True),
        "users_above holds True; it needs a whole",
    ),
    ("no decision", lambda v: v.pop("decision"), "decision is missing"),
    ("no decision question", lambda v: v["decision"].pop("question"), "[decision]: question is missing"),
    ("no decision options", lambda v: v["decision"].update(options=[]), "[decision]: options needs at least one"),
    (
        "option without name",
        lambda v: v["decision"]["options"][0].pop("name"),
        "[[options]] number 1: name is missing",
    ),
    ("unknown decision entry", lambda v: v["decision"].update(x=1), "[decision]: there is no such entry as 'x'"),
    ("no follow-ups", lambda v: v.update(follow_ups=[]), "follow_ups needs at least one"),
    (
        "follow-up without title",
        lambda v: v["follow_ups"][0].pop("title"),
        "[[follow_ups]] number 1: title is missing",
    ),
    (
        "follow-up required for nothing known",
        lambda v: v["follow_ups"][1].update(required_for=["dire"]),
        "number 2: required_for holds 'dire'; it needs some of",
    ),
    (
        "cycles are none",
        lambda v: v["flapping"].update(cycles=0),
        "[flapping]: cycles holds 0; it needs a whole number from 1",
    ),
    (
        "cycles are a text",
        lambda v: v["flapping"].update(cycles="3"),
        "[flapping]: cycles holds '3'; it needs a whole",
    ),
    ("cycles are a flag", lambda v: v["flapping"].update(cycles=True), "[flapping]: cycles holds True"),
    ("window is negative", lambda v: v["flapping"].update(window_minutes=-1), "window_minutes holds -1"),
    ("no digest size", lambda v: v["digest"].update(cards_per_minute=0), "[digest]: cards_per_minute holds 0"),
]


@pytest.mark.parametrize(("change", "told"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_each_mistake_names_the_file_the_entry_and_the_need(change: Change, told: str) -> None:
    values = copy.deepcopy(VALUES)
    change(values)
    with pytest.raises(ProcessError) as caught:
        read_process(values, "ours.toml")
    text = str(caught.value)
    assert text.startswith("ours.toml: ")
    assert told in text
    assert "\n" not in text


@pytest.mark.parametrize("entry", ["channel_hint"])
def test_what_may_be_left_out_is_empty(entry: str) -> None:
    values = copy.deepcopy(VALUES)
    values.pop(entry)
    values["decision"].pop("meeting_url")
    values["tracker"].clear()
    process = read_process(values, "ours.toml")
    assert (process.channel_hint, process.meeting_url) == ("", "")
    assert process.incident_labels == ()


def test_a_process_may_have_no_follow_ups_no_labels_and_say_nothing_of_storms() -> None:
    values = {
        key: VALUES[key] for key in ("name", "title", "definition", "questions", "urgencies", "rules", "decision")
    }
    process = read_process(values, "ours.toml")
    assert process.follow_ups == ()
    assert (process.flapping_cycles, process.flapping_window, process.digest_cards_per_minute) == (
        3,
        timedelta(hours=1),
        20,
    )
    assert process.incident_labels == process.awaits_review == ()


def test_the_review_has_a_name_and_need_not_have_a_day() -> None:
    made = read_process(VALUES | {"review": {"name": "retro"}}, "x.toml").review
    assert (made.name, made.title, made.first) == ("retro", "Retro", None)
    assert made.next_meeting(datetime(2026, 11, 20, tzinfo=UTC), UTC) is None
    with pytest.raises(ProcessError, match=r"name holds .* at most 30 characters"):
        read_process(VALUES | {"review": {"name": "x" * 31}}, "x.toml")


def test_whom_security_is_reported_to_is_read_and_checked() -> None:
    head = {"name": "Jo", "contact": "jo@example.ac.uk", "person": "JO1"}
    made = read_process(
        VALUES | {"security": {"head": head, "report_url": "https://r.example/"}}, "x.toml"
    ).security
    assert (made.name, made.mail_address, made.report_url) == ("Jo", "jo@example.ac.uk", "https://r.example/")
    assert made.head_of([Person("a", "Ada"), Person("b", "Jo Head", username="jo1")]) == Person(
        "b", "Jo Head", username="jo1"
    )
    assert read_process({k: v for k, v in VALUES.items() if k != "security"}, "x.toml").security == Security()
    assert replace(made, contact="ext. 12345").mail_address == ""
    assert replace(made, contact="Jo <jo@example.ac.uk>").mail_address == ""
    for wrong in ({"report_url": "http://x"}, {"head": {"mail": "x"}}, {"boss": "x"}):
        with pytest.raises(ProcessError, match=r"\[security\]"):
            read_process(VALUES | {"security": wrong}, "x.toml")


def test_a_yes_to_a_question_about_security_asks_for_it_to_be_marked_until_it_is() -> None:
    process = read_process(VALUES | {"security": {"questions": ["critical"]}}, "x.toml")
    for answer, asked in ((True, True), (False, False), (None, False)):
        decision = carry_out(Assess({"users": 500, "critical": answer}), OWNED, ADA, process, at=LATER)
        assert isinstance(decision, Decision)
        assert (decision.notice == TO_BE_PRIVATE) is asked
        assert to_be_private(decision.incident, process) is asked
        marked = carry_out(MarkPrivate(), decision.incident, ADA, process, at=LATER)
        assert isinstance(marked, Decision)
        assert not to_be_private(marked.incident, process)
    for wrong in ("users", "nothing"):
        with pytest.raises(ProcessError, match="questions holds"):
            read_process(VALUES | {"security": {"questions": [wrong]}}, "x.toml")


@pytest.mark.parametrize("entry", [{}, {"name": "x" * 31}, {"name": "Fire", "colour": "red"}], ids=str)
def test_the_name_of_the_one_action_is_checked(entry: dict[str, str]) -> None:
    assert read_process(VALUES | {"fire_fire": {"name": "Fire"}}, "x.toml").fire_name == "Fire"
    with pytest.raises(ProcessError, match=r"\[fire_fire\]"):
        read_process(VALUES | {"fire_fire": entry}, "x.toml")


def test_urgencies_that_get_a_channel_are_checked() -> None:
    made = read_process(VALUES | {"channel": {"for": ["urgent"]}}, "x.toml")
    assert (made.channel_name, made.channel_for) == ("inc-{id}-{date}", ("urgent",))
    with pytest.raises(ProcessError, match=r"\[channel\]: for holds 'dire'"):
        read_process(VALUES | {"channel": {"for": ["dire"]}}, "x.toml")
