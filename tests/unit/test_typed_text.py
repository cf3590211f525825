"""What people type, as Teams sends it; no text may break the bot or take it long."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.command_types import Act, Elsewhere, Misused, Unknown
from bot.commands import parse
from bot.typed_text import LONGEST, strip_mention
from models.domain.people import Person
from models.domain.requests import Claim
from tests.unit.command_samples import BOT, say
from tests.unit.domain.samples import ADA, BEN, PROCESS


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        (f"{BOT} claim", "claim"),
        (f"{BOT}&nbsp;claim&nbsp;", "claim"),
        ('<at id="0">Wilson</at> claim', "claim"),
        ("<AT>WILSON</AT>claim", "claim"),
        ("<at>wil&#115;on</at> claim", "claim"),
        (f"claim {BOT}", "claim"),
        (f"{BOT} {BOT} claim", "claim"),
        (f"<p>{BOT}\xa0note  a   b</p>", "note a b"),
        (f"{BOT} note a<br>b<br/>c", "note a\nb\nc"),
        (f"{BOT} note a\r\nb\rc\u2028d", "note a\nb\nc\nd"),
        ("cl\u200baim\ufeff", "claim"),
        ("note 3 &lt; 5 &amp;&amp; 6 &gt; 5", "note 3 < 5 && 6 > 5"),
        ("note List<String> x", "note List<String> x"),
        ("note &amp;lt;", "note &lt;"),
        ('link <a href="https://example.com/x">https://example.com/x</a>', None),
        ("", ""),
    ],
)
def test_what_was_typed_is_found_in_what_teams_sends(sent: str, typed: str | None) -> None:
    found = strip_mention(sent, ["Wilson"])
    if typed is None:
        assert found.startswith("link https://example.com/x ")
    else:
        assert found == typed


def test_the_bot_is_known_by_each_of_its_names() -> None:
    assert strip_mention("<at>Wilson Test</at> claim", ["wilson test", "Wilson"]) == "claim"


def test_a_mention_of_the_bot_under_another_name_does_not_hide_the_command() -> None:
    assert say("<at>Incident bot</at> claim") == Act(Claim())


def test_nobody_can_type_the_signs_of_a_mention() -> None:
    typed = strip_mention("assign \ue000Ada Lovelace\ue001 &#xE000;Ada&#57345;", ["Wilson"])
    assert typed == "assign Ada Lovelace Ada"


# fmt: off
WORDS = st.sampled_from([
    "raise", "claim", "assign", "urgency", "decide", "note", "link", "change", "confirm", "resolve", "reopen",
    "dismiss", "merge", "incident", "take over", "hand over", "follow-up", "users=", "critical: ", "because",
    "with", ";", "\n", "=", ":", "#", "<at>", "</at>", "<at>Ada Lovelace</at>", BOT, "&nbsp;", "&#xe000;", "\ue000",
    "\ue001", "\u200b", "\x00", "over", "safe", "none", "rolled back", "follow-up investigate", "12", "²", "İ",
    "\ud800", "https://x",
])
# fmt: on


TYPED = st.one_of(st.text(max_size=200), st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=20).map(" ".join))


@given(TYPED, st.booleans(), st.booleans(), st.lists(st.sampled_from([ADA, BEN]), max_size=3))
@example("urgency users=\u0663", True, True, [])
@example("confirm \u0663", True, True, [])
@example("İncident x", False, True, [])
def test_no_text_makes_it_fail(text: str, in_thread: bool, addressed: bool, mentioned: list[Person]) -> None:
    typed = strip_mention(text, ["Wilson"])
    for each in (typed, text):
        parse(each, mentioned, PROCESS, in_thread=in_thread, addressed=addressed)


@given(TYPED)
def test_nothing_that_is_kept_holds_the_signs_of_a_mention(text: str) -> None:
    for in_thread in (True, False):
        assert not {"\ue000", "\ue001", "\u202e"} & set(repr(say(text, ADA, in_thread=in_thread)))


@pytest.mark.parametrize(
    "piece",
    [
        "<at ",
        "<a href=",
        "&#",
        "<",
        "<br ",
        "users = ",
        "and improve alerting ",
        "please ",
        "\ue000",
        "over;",
        "follow-up ",
        "- ",
        "it ",
        "because ",
        "with ",
        "users",
        "a",
    ],
)
@pytest.mark.parametrize(
    "verb", ["", "note ", "urgency ", "resolve ", "dismiss ", "decide ", "change ", "incident "]
)
def test_the_longest_message_takes_no_time_to_speak_of(verb: str, piece: str) -> None:
    text = (verb + piece * LONGEST)[: LONGEST * 2]
    began = time.process_time()
    say(text)
    say(text, in_thread=False, addressed=False)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "misuse",
        "urgency <b>",
        "urgency " + "[a](https://evil.example) " * 20,
        "resolve " + "\u202e<at>x</at>",
        "follow-up " + "`x`",
    ],
)
def test_an_answer_is_one_line(text: str) -> None:
    command = say(text)
    if isinstance(command, Misused | Elsewhere | Unknown):
        assert "\n" not in command.text
        assert len(command.text) < 600
