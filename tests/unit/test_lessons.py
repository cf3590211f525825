"""What lessons are about: the process file, the command, the form, the post-mortem (T14, P54, L40)."""

import json
import re
from dataclasses import replace
from importlib import resources

import pytest

from bot.command_types import Act
from bot.commands import parse
from bot.issue_text import plain
from cards.actions import Do, Form, decode, encode
from cards.forms import form_card
from cards.lists import help_text
from cards.story import post_mortem
from cards.timeline import sentence
from models.codec import incident_from_text, incident_to_text
from models.domain.decisions import Decision, Refusal
from models.domain.incident_parts import Lesson
from models.domain.lesson_rules import USUAL, LessonKind
from models.domain.process_reader import ProcessError
from models.domain.requests import AddLesson, carry_out
from models.domain.timeline import Entry, Verb
from models.process_file import read_process_text
from tests.unit.cards.samples import ALEX, AT, NOW, PROCESS, RESOLVED, TEAM, process_named, view

OURS = replace(
    PROCESS,
    lessons=(LessonKind("causes", "The causes", ("cause",)), LessonKind("to_do", "What is to change", ("change",))),
)
FILE = (resources.files("models.processes") / "twoi2c.toml").read_text(encoding="utf-8")
KINDS = '[[lessons]]\nkey = "causes"\nname = "The causes"\nwords = ["cause"]\n\n'


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        ("lesson cause: the cache", "causes", "the cache"),
        ("lesson the causes: the cache", "causes", "the cache"),
        ("lesson: Causes - the cache", "causes", "the cache"),
        ("lesson to-do: watch it", "to_do", "watch it"),
        ("lesson causes are many", "", "causes are many"),
        ("lesson cause-and-effect was not seen", "", "cause-and-effect was not seen"),
        ("lesson well: it was quick", "", "well: it was quick"),
    ],
)
def test_the_command_takes_key_name_and_words(said: str, kind: str, text: str) -> None:
    assert parse(said, (), OURS, in_thread=True) == Act(AddLesson(text, kind))


def test_without_a_word_it_is_about_the_last() -> None:
    done = carry_out(AddLesson("watch it"), RESOLVED, ALEX, OURS, at=NOW)
    assert isinstance(done, Decision)
    assert [each.kind for each in done.incident.lessons] == ["to_do"]
    assert sentence(done.entries[0]) == f"{ALEX.name} noted a lesson, “What is to change”: watch it."


def test_a_kind_that_the_process_does_not_name_is_refused() -> None:
    done = carry_out(AddLesson("watch it", "well"), RESOLVED, ALEX, OURS, at=NOW)
    assert isinstance(done, Refusal)
    assert done.text == "There is no kind of lesson 'well'; it is one of causes, to_do."
    assert done.fields == ("lesson",)


def test_the_form_offers_them_and_sends_the_key() -> None:
    card = form_card(replace(view(RESOLVED), process=OURS), Form.LESSON, once="a1", now=NOW)
    (choice,) = [each for each in card["body"] if each.get("id") == "lesson"]
    assert [(each["title"], each["value"]) for each in choice["choices"]] == [
        ("The causes", "causes"),
        ("What is to change", "to_do"),
    ]
    assert choice["value"] == "to_do"
    pressed = decode(encode("lesson", text="the cache", lesson="causes"), ALEX, TEAM)
    assert pressed == Do(AddLesson("the cache", "causes"))
    assert "lesson [causes: | to_do:] <text>" in help_text(OURS)


def test_what_was_kept_before_stays_readable() -> None:
    body = incident_to_text(replace(RESOLVED, lessons=(Lesson("badly", "nobody saw it", ALEX, AT),)))
    assert json.loads(body)["lessons"][0]["kind"] == "badly"
    told = post_mortem(incident_from_text(body), (), OURS, plain)
    heads = re.findall("^### (.*)$", told, re.MULTILINE)
    assert heads == ["The causes", "What is to change", "What went badly"]
    assert told.index("What went badly") < told.index("nobody saw it")
    old = Entry(AT, Verb.LESSON, ALEX, {"kind": "badly", "text": "nobody saw it"})
    assert sentence(old) == f"{ALEX.name} noted a lesson, “What went badly”: nobody saw it."


def test_a_process_that_names_none_has_the_usual_ones() -> None:
    assert read_process_text(FILE, "ours.toml").lessons == USUAL
    assert PROCESS.lessons == USUAL
    assert [each.key for each in process_named("wellcome").lessons] == ["timeline", "causes", "actions"]
    assert read_process_text(FILE + KINDS, "ours.toml").lessons == (LessonKind("causes", "The causes", ("cause",)),)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (KINDS, "'cause' names another, too; each needs words of its own"),
        ('[[lessons]]\nkey = "cause"\nname = "x"\n', "'cause' names another, too; each needs words of its own"),
        ('[[lessons]]\nkey = "x"\nname = "y"\nwords = [" "]\n', "words holds [' ']; each needs 1 to 40 characters"),
        (f'[[lessons]]\nkey = "x"\nname = "{"y" * 81}"\n', "it needs at most 80 characters"),
        (
            "".join(f'[[lessons]]\nkey = "x{n}"\nname = "y{n}"\n' for n in range(12)),
            "this is one of 13; at most 12",
        ),
    ],
)
def test_a_mistake_is_told(more: str, says: str) -> None:
    with pytest.raises(ProcessError, match=re.escape(says)):
        read_process_text(FILE + KINDS + more, "ours.toml")
