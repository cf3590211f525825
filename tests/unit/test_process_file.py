"""A mistake in a process file is told with its line."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.process_file import read_process_text

WILSON = (resources.files("models.processes") / "wilson.toml").read_text(encoding="utf-8")


def line_with(text: str, wanted: str, number: int = 1) -> int:
    found = [n for n, line in enumerate(text.splitlines(), 1) if wanted in line]
    return found[number - 1]


@pytest.mark.parametrize(
    ("old", "new", "wanted", "says"),
    [
        ('severity = "medium"', 'severity = "middling"', 'severity = "middling"', "it needs one of critical"),
        ('name = "Major Incident Process"', 'nam = "Major"', 'key = "major_incident"', "name is missing"),
        ('then = "decide"', "then = 3", "then = 3", "needs a text"),
        ("cycles = 3", 'cycles = "three"', 'cycles = "three"', "a whole number"),
        ('definition = "', 'definitely = "', "definitely", "definition is missing"),
        ('from = "09:00"', 'from = "nine"', 'from = "nine"', "it needs a time as 09:00"),
        ('name = "wilson"', "", "# Team Wilson's incident process", "name is missing; it needs a text"),
        (
            'title = "Investigate: {title}"',
            'title = "In: {titel}"',
            "{titel}",
            "holds '{titel}'; it may hold {title}",
        ),
        ("again on {due}", "again on {day}", "again on {day}", "draft holds '{day}'; it may hold {due}"),
        ('subject = "Your app {app}', 'subject = "Your {apps}', "{apps}", "it may hold {app}, {products}, {team}"),
        ('option = "major_incident"', 'option = "mim"', '"mim"', "it needs one of major_incident, internal"),
        ("after_days = 14", "after_days = -1", "after_days = -1", "it needs a whole number from 1"),
    ],
)
def test_the_line_is_named(old: str, new: str, wanted: str, says: str) -> None:
    text = WILSON.replace(old, new, 1)
    assert text != WILSON
    with pytest.raises(ProcessError, match=re.escape(says)) as caught:
        read_process_text(text, "ours.toml")
    line = int(str(caught.value).split(":")[1])
    if "is missing" in says and "definition" in says:
        assert line == 1  # what is not there stands nowhere
    elif "is missing" in says:
        assert abs(line - line_with(text, wanted)) <= 1
    else:
        assert line == line_with(text, wanted)


def test_a_slip_of_the_pen_is_named_with_its_line() -> None:
    text = WILSON.replace("[flapping]", "[flapping", 1)
    with pytest.raises(ProcessError, match="no valid TOML") as caught:
        read_process_text(text, "ours.toml")
    assert int(str(caught.value).split(":")[1]) == line_with(text, "[flapping")


def test_an_entry_that_is_not_known_is_named_with_its_line() -> None:
    text = WILSON.replace("cycles = 3", "cycles = 3\ncycels = 4", 1)
    with pytest.raises(ProcessError, match="no such entry as 'cycels'") as caught:
        read_process_text(text, "ours.toml")
    assert int(str(caught.value).split(":")[1]) == line_with(text, "cycels")


def mistakes_in(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ProcessError) as caught:
        read_process_text(text, "ours.toml")
    told = [each.split(":", 2) for each in caught.value.mistakes]
    assert {name for name, _, _ in told} == {"ours.toml"}
    return [(int(line), what.strip()) for _, line, what in told]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = WILSON
    for old, new in (
        ('severity = "medium"', 'severity = "middling"'),
        ('then = "decide"', "then = 3"),
        ("cycles = 3", 'cycles = "three"\ncycels = 4'),
        ('from = "09:00"', 'from = "nine"'),
        ("after_days = 14", "after_days = -1"),
        ('key = "major_incident"', 'key = "Major Incident"'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    found = mistakes_in(text)
    assert [line for line, _ in found] == sorted(line for line, _ in found)
    expected = {
        'severity = "middling"': "severity holds 'middling'; it needs one of critical, high, medium, low, unknown",
        "then = 3": "then holds 3; it needs a text",
        'cycles = "three"': "[flapping]: cycles holds 'three'; it needs a whole number",
        "cycels = 4": "[flapping]: there is no such entry as 'cycels'; did you mean 'cycles'?",
        'from = "nine"': "[working_hours]: from holds 'nine'; it needs a time as 09:00",
        "after_days = -1": "after_days holds -1; it needs a whole number from 1 to 400",
        'key = "Major Incident"': "key holds 'Major Incident'; it needs small letters, digits and _",
    }
    assert len(found) == len(expected)
    for wanted, says in expected.items():
        (told,) = [what for line, what in found if line == line_with(text, wanted)]
        assert told.endswith(says)


def test_what_names_an_entry_with_a_mistake_is_no_mistake_of_its_own() -> None:
    for key in ('key = "users"', 'key = "urgent"'):
        assert key in WILSON
        found = mistakes_in(WILSON.replace(key, "# no key", 1))
        assert [what.partition(": ")[2] for _, what in found] == ["key is missing; it needs a text"]
    found = mistakes_in(re.sub(r"\[\[questions\]\]", "[[askings]]", WILSON))
    assert [what.partition("; ")[0] for _, what in found] == [
        "questions is missing",
        "there is no such entry as 'askings'",
    ]


def test_a_rule_that_names_nothing_is_told_beside_a_question_that_is_wrong() -> None:
    text = WILSON.replace('kind = "number"', 'kind = "date"', 1)
    text = text.replace('urgency = "urgent"', 'urgency = "dire"', 1)
    said = [what for _, what in mistakes_in(text)]
    assert len(said) == 2
    assert any("kind holds 'date'" in what for what in said)
    assert any("urgency holds 'dire'; it needs one of" in what for what in said)


def test_two_of_one_key_are_told_where_the_second_stands() -> None:
    text = WILSON.replace('key = "major_incident"', 'key = "internal"', 1)
    ((line, what),) = mistakes_in(text)
    assert line == line_with(text, 'key = "internal"', 2)
    assert what.endswith("key holds 'internal', as another does; each needs its own")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[[known_isues]]", "known_issues"),
        ("[[servises]]", "services"),
        ("[fire_fre]", "fire_fire"),
        ("[chanel]", "channel"),
        (
            '[[known_issues]]\nkey = "a"\nname = "A"\nmatch = { title = "x" }\nclear_within_minutes',
            "clears_within_minutes",
        ),
    ],
)
def test_what_may_be_left_out_is_proposed_where_it_is_misspelt(written: str, meant: str) -> None:
    entry = " = 3\n" if not written.endswith("]") else '\nname = "A"\n'
    ((_, what),) = mistakes_in(f"{WILSON}\n{written}{entry}")
    assert what.endswith(f"did you mean {meant!r}?")


@pytest.mark.parametrize("written", ["09:00+02:00", "09:00Z", "9", "24:00", "09:60", "٠٩:٠٠"])
def test_what_is_no_time_of_day_is_told(written: str) -> None:
    ((_, what),) = mistakes_in(WILSON.replace('balance_at = "09:00"', f'balance_at = "{written}"', 1))
    assert what.endswith("it needs a time as 09:00")


def test_a_wrong_prefix_hides_no_other_mistake() -> None:
    text = WILSON.replace("cycles = 3", "cycles = 0", 1).replace(
        "[tracker]", '[tracker]\ntitle_prefix = "/close"', 1
    )
    assert len(mistakes_in(text)) == 2


def test_the_mark_that_editors_put_in_front_is_no_mistake() -> None:
    assert read_process_text(f"\ufeff{WILSON}", "ours.toml") == read_process_text(WILSON, "ours.toml")


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


@pytest.mark.parametrize("name", ["wilson", "tis", "twoi2c", "wellcome", "modernisation_platform"])
def test_whatever_stands_anywhere_is_taken_or_told(name: str) -> None:
    """Gathering mistakes goes on with stand-ins: none of them may end it in another way."""
    text = (resources.files("models.processes") / f"{name}.toml").read_text(encoding="utf-8")
    values = tomllib.loads(text)
    told: list[tuple[str, ...]] = []
    for path in places(values):
        for instead in (None, 3, "x", True, [], [1], [{"x": 1}], {}, {"x": 1}):
            changed = copy.copy(values)
            inner: Any = changed
            for step in path[:-1]:
                inner[step] = copy.copy(inner[step])
                inner = inner[step]
            if instead is None:
                del inner[path[-1]]
            else:
                inner[path[-1]] = instead
            try:
                read_process(changed, "x.toml")
            except ProcessError as error:
                told.append(error.mistakes)
    assert len(told) > 500
    assert all(mistakes and all(each.startswith("x.toml: ") for each in mistakes) for mistakes in told)


WELLCOME = (resources.files("models.processes") / "wellcome.toml").read_text(encoding="utf-8")


def test_that_nobody_is_informed_is_a_warning_with_its_line_and_no_mistake() -> None:
    (warning,) = read_process_text(WELLCOME, "ours.toml").warnings
    line = line_with(WELLCOME, 'informed = ""')
    assert warning.startswith(f"ours.toml:{line}: [[roles]] number 2: informed is empty: nobody is told")
    assert warning.endswith("the object id, login or name of whoever is Delivery manager")
    for instead in ('informed = "Cyd"', ""):
        assert read_process_text(WELLCOME.replace('informed = ""', instead), "ours.toml").warnings == ()


@pytest.mark.parametrize("name", ["wilson", "tis", "twoi2c", "modernisation_platform"])
def test_the_other_shipped_processes_need_no_warning(name: str) -> None:
    text = (resources.files("models.processes") / f"{name}.toml").read_text(encoding="utf-8")
    assert read_process_text(text, name).warnings == ()
