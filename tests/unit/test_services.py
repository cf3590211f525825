"""What runs where: the table, which incident concerns what, and what is shown of it (T18, P11)."""

import json
import tomllib
from dataclasses import replace
from typing import Any

import pytest

from bot import issues
from bot.command_types import Act, AskService, Chatter, Declare, Misused
from bot.commands import parse
from cards.actions import DeclareIncident, decode, encode
from cards.declare_form import declare_form
from cards.incident import incident_card
from cards.lists import help_text
from cards.services import service_text, services_text
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.domain.service_rules import Service
from models.domain.services import find_service, services_of
from tests.unit.cards.samples import ALEX, CANDIDATE, NOW, PROCESS, PROCESS_FILE, TEAM, process_named, view

LOOKUP = Service(
    "Lookup database",
    (("title", ("*lookup-db*",)),),
    "Cloud SQL in europe-west2",
    ("Ada", "Ben"),
    (("Runbook", "https://guide.example/lookup"), ("Dashboard", "https://dash.example/lookup")),
)
SIGN_IN = Service("Sign-in", (("project", ("*login*", "*raven*")),), "GKE")
DESK = Service("Service desk")
OURS = replace(PROCESS, services=(SIGN_IN, LOOKUP, DESK))


def test_an_incident_concerns_what_matches_and_what_a_person_chose() -> None:
    assert [each.service for each in services_of(CANDIDATE, OURS.services)] == [LOOKUP]
    chosen = replace(CANDIDATE, service="service DESK")
    assert [(each.service, each.chosen) for each in services_of(chosen, OURS.services)] == [
        (DESK, True),
        (LOOKUP, False),
    ]
    again = replace(CANDIDATE, service="Lookup database")
    assert [each.service for each in services_of(again, OURS.services)] == [LOOKUP]
    assert services_of(replace(CANDIDATE, service="gone", title="x"), OURS.services) == ()


def test_what_has_no_patterns_matches_nothing_by_itself() -> None:
    assert services_of(CANDIDATE, (DESK,)) == ()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("lookup database", LOOKUP),
        ("Lookup", LOOKUP),
        ("database", LOOKUP),
        ("sign-in", SIGN_IN),
        ("", None),
        ("base", None),
        ("nothing", None),
    ],
)
def test_a_service_is_found_by_what_people_call_it(said: str, found: Service | None) -> None:
    assert find_service(said, OURS.services) is found


def test_a_name_that_several_share_finds_none() -> None:
    assert find_service("Modernisation", process_named("modernisation_platform").services) is None


def test_the_card_says_where_it_runs_and_whom_to_ask() -> None:
    card = json.dumps(incident_card(replace(view(CANDIDATE), process=OURS), now=NOW))
    for word in ("Lookup database", "Cloud SQL in europe-west2", "Ada, Ben", "https://guide.example/lookup"):
        assert word in card
    assert "Sign-in" not in card
    assert "Service desk" not in card


def test_more_than_two_are_named_by_command() -> None:
    many = tuple(Service(f"S{n}", (("title", ("*",)),)) for n in range(5))
    card = json.dumps(incident_card(replace(view(CANDIDATE), process=replace(PROCESS, services=many)), now=NOW))
    assert "and 3 more" in card


def test_commands_answer_with_one_or_all() -> None:
    every = services_text(OURS)
    for each in OURS.services:
        assert each.name in every
    assert "Cloud SQL" in service_text("lookup", OURS)
    assert "There is no service" in service_text("mail", OURS)
    assert service_text("", OURS, CANDIDATE) == service_text("lookup", OURS)
    assert service_text("", OURS) == every
    assert "names no services" in services_text(PROCESS)


def test_foreign_names_do_not_act() -> None:
    evil = replace(PROCESS, services=(Service("**x** <at>All</at>", (), "[y](https://evil.example)"),))
    assert "<at>" not in services_text(evil)
    assert "](https://evil" not in services_text(evil)


def test_what_is_typed() -> None:
    assert parse("services", (), OURS, in_thread=False) == AskService()
    assert parse("what runs where?", (), OURS, in_thread=True, addressed=False) == AskService()
    assert parse("service lookup", (), OURS, in_thread=True) == AskService("lookup")
    assert parse("service is down again", (), OURS, in_thread=True, addressed=False) == Chatter()
    note = parse("note service status: it is slow", (), OURS, in_thread=True)
    assert isinstance(note, Act)
    assert "service <name>" in help_text(OURS)
    assert "service <name>" not in help_text(PROCESS)


def test_declaring_says_which_service() -> None:
    assert parse("incident It is slow; service: lookup", (), OURS, in_thread=False) == Declare(
        "It is slow", service="Lookup database"
    )
    wrong = parse("incident It is slow; service: mail", (), OURS, in_thread=False)
    assert isinstance(wrong, Misused)
    assert "Sign-in" in wrong.text
    plain = parse("incident It is slow; service: mail", (), PROCESS, in_thread=False)
    assert plain == Declare("It is slow", "service: mail")


def test_the_form_offers_the_services() -> None:
    body = declare_form(OURS, once="o")["body"]
    (asked,) = [each for each in body if each.get("id") == "service"]
    assert [each["title"] for each in asked["choices"]][:3] == ["Sign-in", "Lookup database", "Service desk"]
    assert not [each for each in declare_form(PROCESS, once="o")["body"] if each.get("id") == "service"]
    pressed = decode(encode("declare", once="o") | {"title": "x", "service": "Sign-in"}, ALEX, TEAM)
    assert isinstance(pressed, DeclareIncident)
    assert pressed.service == "Sign-in"


def test_the_issue_names_it() -> None:
    made = issues.incident_issue(CANDIDATE, OURS, "", (), "", "x", issues.Account())
    assert "**Service:** Lookup database" in made.body


def test_the_shipped_processes_name_theirs() -> None:
    assert len(process_named("modernisation_platform").services) == 3
    incident = replace(CANDIDATE, title="PersonPlacementTrainingBodyTrustJob fails to start")
    assert [each.service.name for each in services_of(incident, process_named("tis").services)] == ["NIMDTA Sync"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({}, "name is missing"),
        ({"name": "x", "match": {}}, "names no pattern"),
        ({"name": "x", "match": {"colour": "red"}}, "is not a pattern"),
        ({"name": "x", "links": {"Runbook": "http://x"}}, "https://"),
        ({"name": "x", "links": ["https://x"]}, "a table"),
        ({"name": "x", "host": "y"}, "no such entry"),
        ({"name": " SIGN-IN "}, "another has"),
    ],
)
def test_a_mistake_is_told(entry: dict[str, Any], told: str) -> None:
    values = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))
    with pytest.raises(ProcessError, match=told):
        read_process(values | {"services": [{"name": "Sign-in"}, entry]}, "ours.toml")
