"""Whether something is an incident at all, by the tests of the team's written process (P4, U7-U10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.domain.people import Person
from models.domain.process_reader import Reader, all_known, each_its_own

Answers = Mapping[str, int | bool | None]
"""By the keys of tests and questions; a test takes yes, no, or ``None`` for not known."""

ASK = "not_an_incident"
"""What a refusal asks for where the tests say that it is none: dismiss it, or say that it is one all the same."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Who answered the tests how, when it was judged.

    Attributes:
        against: Whether it was held to be an incident although the tests say that it is none.
    """

    answers: dict[str, bool | None]
    by: Person
    at: datetime
    against: bool = False


@dataclass(frozen=True, slots=True)
class DefinitionTest:
    """One of the tests that decide whether it is an incident.

    Attributes:
        key: That of a question of the process, which then is asked once for both; or its own.
        text: What is asked, to be answered with yes or no.
        holds: The answer with which the test holds.
        required: Whether it must hold, whatever else does.
    """

    key: str
    text: str
    holds: bool = True
    required: bool = False


@dataclass(frozen=True, slots=True)
class Judging:
    """The tests, in their order, and what is done about what is no incident.

    Attributes:
        instead: What the process says to do then.
        follow_up: The kind of follow-up that does it; empty for none.
    """

    tests: tuple[DefinitionTest, ...] = ()
    instead: str = ""
    follow_up: str = ""

    def answered(self, answers: Answers) -> dict[str, bool | None]:
        """Return the answers to the tests alone."""
        found: dict[str, bool | None] = {}
        for test in self.tests:
            if test.key in answers:
                value = answers[test.key]
                found[test.key] = value if isinstance(value, bool) else None
        return found

    def verdict(self, answers: Answers) -> bool | None:
        """Tell whether it is an incident: each required test holds, and one of the others.

        Returns:
            ``None`` where too little is known. It is then held to be one: better raised than ignored (W10).
        """
        known = self.answered(answers)
        holds = {
            test: None if known.get(test.key) is None else known[test.key] is test.holds for test in self.tests
        }
        required = [holds[test] for test in self.tests if test.required]
        others = [holds[test] for test in self.tests if not test.required]
        if False in required:
            return False
        if True in others:
            return True
        if None in others or None in required or not self.tests:
            return None
        return not others

    def judged(self, answers: Answers, by: Person, at: datetime) -> Judged | None:
        """Return what the answers say of the tests; ``None`` where none of them was answered with yes or no."""
        answered = self.answered(answers)
        if all(value is None for value in answered.values()):
            return None
        return Judged(answered, by, at, self.verdict(answers) is False)

    def why_not(self, answers: Answers) -> str:
        """Return why it is no incident, and what to do instead, in one or two sentences."""
        known = self.answered(answers)
        against = [
            test
            for test in self.tests
            if test.required and known.get(test.key) is not None and known[test.key] is not test.holds
        ]
        because = self.in_words({against[0].key: known[against[0].key]}) if against else "none of its tests holds"
        return f"By the process this is not an incident: {because.rstrip('.')}. {self.instead}".strip()

    def in_words(self, answers: Answers) -> str:
        """Return the tests and how they were answered: ``Can't users log in? Yes.``; empty without answers."""
        known = self.answered(answers)
        said = {True: "Yes", False: "No", None: "Not known"}
        return " ".join(f"{test.text} {said[known[test.key]]}." for test in self.tests if test.key in known)


def read_judging(
    reader: Reader, questions: Mapping[str, str], numbers: Collection[str], follow_ups: Sequence[str]
) -> Judging:
    """Read ``[judging]``.

    Args:
        questions: The texts of the process's questions that take yes or no, by their keys.
        numbers: The keys of those that take a number, which no test can be.
        follow_ups: The keys of its follow-ups.

    Raises:
        ProcessError: An entry does not fit.
    """
    readers = reader.tables("tests")
    tests = tuple(_test(each, questions, numbers) for each in readers)
    each_its_own(readers, [test.key for test in tests])
    made = Judging(tests, reader.text("instead"), reader.text("follow_up", ""))
    if made.follow_up and all_known(follow_ups) and made.follow_up not in follow_ups:
        reader.wrong(f"follow_up holds {made.follow_up!r}; it needs one of {', '.join(follow_ups)}")
    reader.done()
    return made


def _test(reader: Reader, questions: Mapping[str, str], numbers: Collection[str]) -> DefinitionTest:
    key = reader.key()
    if key in numbers:
        reader.wrong(f"key holds {key!r}, a question that takes a number; a test takes yes or no")
    text = reader.text("text", questions.get(key))
    made = DefinitionTest(key, text, reader.flag("holds", True), reader.flag("required", False))
    reader.done()
    return made


def asked(tests: Sequence[DefinitionTest], questions: Collection[str]) -> tuple[DefinitionTest, ...]:
    """Return the tests that no question of the process asks."""
    return tuple(test for test in tests if test.key not in questions)
