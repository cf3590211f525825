"""Commands with answers in them: urgency, decide, resolve, and the tests of an incident."""

import pytest

from bot.command_types import Act, Command, Misused, Show
from bot.commands import parse
from cards.lists import help_text
from cards.payload import SHORT
from models.domain.requests import Assess, Decide, Raise, Resolve
from models.domain.resolving import ResolveAnswers
from tests.unit.command_samples import AT_ADA, AT_BEN, BOT, misused, say
from tests.unit.domain.samples import ADA, BEN, PROCESS
from tests.unit.domain.test_judging import HUB, PLATFORM


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (
            "urgency users=150 critical=no workaround=unknown self_resolved=no development_blocked=no",
            Assess(
                {
                    "users": 150,
                    "critical": False,
                    "workaround": None,
                    "self_resolved": False,
                    "development_blocked": False,
                }
            ),
        ),
        ("urgency users: 150, critical: no", Assess({"users": 150, "critical": False})),
        ("urgency: Users = 1; Critical = Y.", Assess({"users": 1, "critical": True})),
        ("urgency self resolved: yes", Assess({"self_resolved": True})),
        ("urgency critical=no self-resolved=n", Assess({"critical": False, "self_resolved": False})),
        ("urgency users=?", Assess({"users": None})),
        ("urgency urgent because payroll stands", Assess({}, "urgent", "payroll stands")),
        ("urgency is Urgent reason: payroll", Assess({}, "urgent", "payroll")),
        ("urgency Resolve internally because x", Assess({}, "resolve_internally", "x")),
        ("urgency not-urgent because x", Assess({}, "not_urgent", "x")),
        ("urgency users=3 urgent because critical=yes", Assess({"users": 3}, "urgent", "critical=yes")),
        ("urgency urgent", Assess({}, "urgent")),
    ],
)
def test_urgency_takes_answers_a_level_or_both(text: str, request_: Assess) -> None:
    assert say(f"{BOT} {text}") == Act(request_)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("urgency low", "not_urgent, resolve_internally, urgent"),
        ("urgency users=many", "whole number"),
        ("urgency users=-1", "whole number"),
        ("urgency users=99999999999", "whole number"),
        ("urgency critical=perhaps", "yes, no or unknown"),
        ("urgency user=3", "users, critical"),
        ("urgency because it is", "urgency users="),
        ("urgency urgent because " + "x" * (SHORT + 1), str(SHORT)),
    ],
)
def test_urgency_used_wrongly_says_what_it_needs(text: str, named: str) -> None:
    assert named in misused(f"{BOT} {text}")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("decide major_incident with Ada, Ben", Decide("major_incident", "Ada, Ben")),
        ("decide major with Ada", Decide("major_incident", "Ada")),
        ("decide Major Incident Process with Ada", Decide("major_incident", "Ada")),
        ("decide internal with Ada", Decide("internal", "Ada")),
        ("decided: resolve internally, with Ada", Decide("internal", "Ada")),
        ("decide internal", Decide("internal", "")),
    ],
)
def test_decide_names_the_option_and_who_took_part(text: str, request_: Decide) -> None:
    assert say(f"{BOT} {text}") == Act(request_)


@pytest.mark.parametrize("text", [f"with {AT_ADA} and {AT_BEN}", f"{AT_ADA} {AT_BEN}", f"with {AT_ADA}, {AT_BEN}"])
def test_who_took_part_may_be_mentioned(text: str) -> None:
    assert say(f"{BOT} decide internal {text}", ADA, BEN) == Act(Decide("internal", "Ada Lovelace, Ben Okri"))


@pytest.mark.parametrize("text", ["decide", "decide with Ada", "decide in", "decide later with Ada"])
def test_a_decision_is_never_guessed(text: str) -> None:
    assert not isinstance(say(f"{BOT} {text}"), Act)


def test_resolve_takes_everything_in_one_message() -> None:
    text = (
        "resolve over=yes; cause: disk: full; limit=no; rolled back: repo-a, group/repo-b; safe=yes;"
        " follow-up long_term: buy a disk; follow-up investigate"
    )
    answers = ResolveAnswers(
        over=True,
        cause="disk: full",
        limit_reached=False,
        rolled_back=True,
        repositories=("repo-a", "group/repo-b"),
        safe=True,
        follow_ups={"long_term": "buy a disk", "investigate": ""},
    )
    assert say(f"{BOT} {text}") == Act(Resolve(answers))
    assert say(f"{BOT} {text.replace(';', '<br>')}") == Act(Resolve(answers))


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("over", ResolveAnswers(over=True)),
        ("over=no", ResolveAnswers(over=False)),
        ("over=unknown", ResolveAnswers()),
        ("no longer occurs: yes", ResolveAnswers(over=True)),
        ("limit reached", ResolveAnswers(limit_reached=True)),
        ("limit of understanding reached=yes", ResolveAnswers(limit_reached=True)),
        ("rolled back: none", ResolveAnswers(rolled_back=False)),
        ("rolled_back=no", ResolveAnswers(rolled_back=False)),
        ("rollbacks: nothing.", ResolveAnswers(rolled_back=False)),
        ("rolled back: yes", ResolveAnswers(rolled_back=True)),
        ("rolled back: unknown", ResolveAnswers()),
        ("rolled back: a and b", ResolveAnswers(rolled_back=True, repositories=("a", "b"))),
        ("rolled back: a; safe=no", ResolveAnswers(rolled_back=True, repositories=("a",), safe=False)),
        ("rolled back: a; not safe", ResolveAnswers(rolled_back=True, repositories=("a",), safe=False)),
        ("rolled back: a; safe", ResolveAnswers(rolled_back=True, repositories=("a",), safe=True)),
        ("none: a one-off", ResolveAnswers(none_reason="a one-off")),
        ("none needed: a one-off", ResolveAnswers(none_reason="a one-off")),
        ("no follow-up: a one-off", ResolveAnswers(none_reason="a one-off")),
        ("follow-up: alerting: too loud", ResolveAnswers(follow_ups={"alerting": "too loud"})),
        ("without them: it is obvious", ResolveAnswers(past_reason="it is obvious")),
        ("without her because it is obvious", ResolveAnswers(past_reason="because it is obvious")),
    ],
)
def test_each_clause_of_resolve_is_one_answer(text: str, answers: ResolveAnswers) -> None:
    assert say(f"{BOT} resolve {text}") == Act(Resolve(answers))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("resolve saef=yes", "saef"),
        ("resolve over=perhaps", "over"),
        ("resolve safe=perhaps", "safe"),
        ("resolve follow-up holiday", "long_term"),
        ("resolve quickly", "quickly"),
        ("resolve none: " + "x" * (SHORT + 1), str(SHORT)),
    ],
)
def test_resolve_used_wrongly_says_which_clause(text: str, named: str) -> None:
    assert named in misused(f"{BOT} {text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise login=yes", Act(Raise({"login": True}))),
        (
            "raise: login=no server=no, workers=unknown",
            Act(Raise({"login": False, "server": False, "workers": None})),
        ),
        ("raise login=no anyway", Act(Raise({"login": False}, anyway=True))),
        ("raise login=no all the same.", Act(Raise({"login": False}, anyway=True))),
        ("raise", Act(Raise())),
        ("definition", Show("definition")),
        ("what is an incident", Show("definition")),
    ],
)
def test_the_tests_of_an_incident_are_answered_by_command(text: str, expected: Command) -> None:
    assert parse(text, (), HUB, in_thread=True) == expected


def test_raise_takes_nothing_else() -> None:
    assert isinstance(parse("raise limit=5", (), HUB, in_thread=True), Misused)
    assert "raise [login=yes/no server=yes/no workers=yes/no]" in help_text(HUB)
    assert "raise [" not in help_text(PROCESS)


def test_the_urgency_takes_the_answers_to_the_tests_of_an_incident() -> None:
    command = parse("urgency planned=no users=yes all_down=yes", [], PLATFORM, in_thread=True, addressed=True)
    assert command == Act(Assess({"planned": False, "users": True, "all_down": True}))
