"""Where a command may be given, whether it is one, and what the bot says where it is not."""

import pytest

from bot.command_types import Act, Chatter, Elsewhere, Misused, Show, Unknown
from cards.lists import help_text
from tests.unit.command_samples import AT_ADA, BOT, say
from tests.unit.domain.samples import ADA, PROCESS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("list", "list"),
        ("oncall", "oncall"),
        ("on call", "oncall"),
        ("on-call?", "oncall"),
        ("who", "oncall"),
        ("rota", "oncall"),
        ("who is on call today?", "oncall"),
        ("help", "help"),
        ("?", "help"),
        ("", "help"),
        ("hello", None),
    ],
)
@pytest.mark.parametrize("in_thread", [True, False])
def test_what_can_be_asked_everywhere(text: str, shown: str | None, in_thread: bool) -> None:
    command = say(f"{BOT} {text}", in_thread=in_thread)
    if shown is None:
        assert isinstance(command, Unknown)
    else:
        assert isinstance(command, Show)
        assert command.what == shown


def test_status_is_asked_in_a_thread() -> None:
    assert say(f"{BOT} status?") == Show("status")


@pytest.mark.parametrize("text", ["claim", "raise", "status", "note x", "resolve", f"assign {AT_ADA}", "merge 1"])
def test_a_command_for_a_thread_given_in_the_channel_says_where(text: str) -> None:
    command = say(f"{BOT} {text}", ADA, in_thread=False)
    assert isinstance(command, Elsewhere)
    assert "thread" in command.text


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("calim", "claim"),
        ("rezolve now", "resolve"),
        ("hand ovr", "hand over"),
        ("urgncy users=3", "urgency"),
        ("dissmiss", "dismiss"),
        ("folow-up", "follow-up"),
        ("staus", "status"),
    ],
)
def test_a_mistyped_command_gets_the_nearest_ones(text: str, nearest: str) -> None:
    command = say(f"{BOT} {text}")
    assert isinstance(command, Unknown)
    assert command.nearest[0] == nearest
    assert len(command.nearest) <= 3


def test_what_resembles_nothing_has_no_nearest() -> None:
    assert say("xyzzy 12345") == Unknown("xyzzy 12345", ())


@pytest.mark.parametrize(
    "text",
    [
        "claim",
        "take over",
        "raise",
        "note the disk is full",
        "resolve over=yes; cause: disk",
        "urgency users=150",
        "status",
        "list",
        "merge #12",
        "confirm 1",
        "dismiss a test",
        "decide internal with Ada",
    ],
)
def test_a_command_without_a_mention_is_understood_where_it_is_one(text: str) -> None:
    assert say(text, addressed=False) == say(text)
    assert isinstance(say(text), Act | Show)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "morning all",
        "calim",
        "I can have a look",
        "raise the limit to 5",
        "claim nothing yet",
        "who broke it?",
        "closed the window",
        "resolve this quickly, please, everyone",
        "urgency is low I think",
        "change of plan",
        "link above",
        "assign somebody?",
        "incident Login is slow",
        "help us, Ada",
        "list of hosts: a, b",
        "escalate?",
        "follow-up tomorrow",
        f"{AT_ADA} claim",
    ],
)
def test_people_talking_to_each_other_are_left_alone(text: str) -> None:
    assert say(text, ADA, addressed=False) == Chatter()
    assert say(text, ADA, addressed=False, in_thread=False) == Chatter()


@pytest.mark.parametrize("text", ["urgency users=many", "resolve over=perhaps"])
def test_what_has_the_form_of_a_command_is_told_what_is_wrong_even_without_a_mention(text: str) -> None:
    assert isinstance(say(text, addressed=False), Misused)


def test_every_command_that_help_tells_is_known() -> None:
    told = [line[3 : line.index("`", 3)] for line in help_text(PROCESS).splitlines() if line.startswith("- `")]
    assert len(told) > 15
    for form in told:
        verb = form.partition("<")[0].partition("[")[0].partition("@")[0].partition("users=")[0].strip()
        for in_thread in (True, False):
            assert not isinstance(say(verb, in_thread=in_thread), Unknown), form
