"""A mistake in a process file is told with its line."""

from __future__ import annotations

import re
from importlib import resources

import pytest

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
