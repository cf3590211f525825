"""The prefix of incidents' titles in the tracker (U12)."""

import tomllib
from dataclasses import replace

import pytest

from bot import issues
from bot.issue_text import TITLE_LENGTH
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from tests.unit.domain.samples import OWNED, PROCESS, PROCESS_FILE
from tests.unit.domain.test_judging import HUB

PREFIXED = "[Incident] Disk is full"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Disk is full", PREFIXED),
        (PREFIXED, PREFIXED),
        ("[incident]  disk is full", "[incident] disk is full"),
        ("/close it", "[Incident] /close it"),
        ("@all must", "[Incident] @\u2060all must"),
        ("x" * 300, f"[Incident] {'x' * (TITLE_LENGTH - 12)}…"),
    ],
)
def test_it_stands_there_once(name: str, expected: str) -> None:
    assert issues.issue_title(name, HUB) == expected
    assert issues.issue_title(expected, HUB) == expected


def test_creating_and_changing_say_the_same() -> None:
    account = issues.Account("ada")
    made = issues.incident_issue(OWNED, HUB, "", (), "", "x", account)
    assert made.title == issues.issue_change(OWNED, HUB, account).title == PREFIXED
    assert issues.issue_change(OWNED, PROCESS, account).title == OWNED.title


def test_a_follow_up_has_none() -> None:
    kind = HUB.follow_up("prevent")
    assert kind is not None
    assert kind.title_for(OWNED.title) == "Prevent: Disk is full"


@pytest.mark.parametrize("prefix", ["x" * 41, "one\ntwo", "/close"])
def test_a_prefix_that_does_not_fit_is_told(prefix: str) -> None:
    values = tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8"))
    values["tracker"] = dict(values["tracker"], title_prefix=prefix)
    with pytest.raises(ProcessError, match="title_prefix"):
        read_process(values, "ours.toml")


def test_blanks_around_it_are_no_part_of_it() -> None:
    assert issues.issue_title("Disk", replace(HUB, title_prefix="[I]")) == "[I] Disk"
