"""Declaring an incident by a command."""

import pytest

from bot.command_types import Act, Chatter, Declare, Elsewhere, ShowForm
from cards.actions import Form
from cards.payload import TITLE
from models.domain.requests import FireFire
from tests.unit.command_samples import AT_ADA, BOT, misused, say
from tests.unit.domain.samples import ADA


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("incident Login is slow", Declare("Login is slow")),
        ("declare an incident: Login is slow", Declare("Login is slow")),
        ("Incident: “Login is slow”", Declare("Login is slow")),
        ("incident Login; description: since noon", Declare("Login", "since noon")),
        ("incident Login<br>since noon<br>and slow", Declare("Login", "since noon\nand slow")),
        ("incident Login; urgency: urgent because exams", Declare("Login", "", "urgent", "exams")),
        ("incident Login; users=20; critical=no", Declare("Login", answers={"users": 20, "critical": False})),
        (
            "incident Login; urgency: users=20 critical=no",
            Declare("Login", answers={"users": 20, "critical": False}),
        ),
        (
            "incident Login; description: slow; urgency: urgent because exams; users=20",
            Declare("Login", "slow", "urgent", "exams", {"users": 20}),
        ),
        ("incident Login; seen by users=20", Declare("Login", "seen by users=20", answers={"users": 20})),
        (f"incident {AT_ADA} cannot log in", Declare("Ada Lovelace cannot log in")),
    ],
)
def test_an_incident_is_declared_in_the_channel(text: str, declared: Declare) -> None:
    assert say(f"{BOT} {text}", ADA, in_thread=False) == declared


def test_a_title_that_is_too_long_is_kept_whole_in_the_description() -> None:
    said = "x" * (TITLE + 1)
    command = say(f"incident {said}", in_thread=False)
    assert isinstance(command, Declare)
    assert len(command.title) <= TITLE
    assert command.description == said


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("incident ; urgency: urgent", "what is wrong"),
        ("incident Login; urgncy: urgent", "urgency"),
        ("incident Login; urgency: dire", "not_urgent"),
        ("incident Login; users=some", "whole number"),
    ],
)
def test_an_incident_declared_wrongly_says_what_is_wrong(text: str, named: str) -> None:
    assert named in misused(text, in_thread=False)


@pytest.mark.parametrize("text", ["incident", "incident Login is slow"])
def test_an_incident_declared_in_a_thread_says_where(text: str) -> None:
    command = say(f"{BOT} {text}")
    assert isinstance(command, Elsewhere)
    assert "channel" in command.text


def test_a_bare_incident_shows_its_form() -> None:
    assert say(f"{BOT} incident", in_thread=False) == ShowForm(Form.DECLARE.value)


@pytest.mark.parametrize("text", [f"{said} Nobody can log in" for said in ("fire-fire", "/fire-fire", "firefire:")])
def test_one_word_declares_with_all_that_is_needed(text: str) -> None:
    assert say(text, in_thread=False) == Declare("Nobody can log in", fire=True)


def test_one_word_under_a_card_is_about_that_incident() -> None:
    assert say("fire-fire") == Act(FireFire())
    assert "what is wrong" in misused("fire-fire", in_thread=False)
    assert isinstance(say("fire fire everywhere", addressed=False), Chatter)
