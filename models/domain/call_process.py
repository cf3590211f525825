"""How a team judges support calls, as data: what a call may be, and when it may be closed (W78-W100)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from models.domain.process_reader import Reader, each_its_own

Then = Literal["answer", "ask_user", "ask_team", "pass_on", "lead", "incident", "procedure"]
"""What follows an outcome.

``answer``: whoever judged it answers. ``ask_user``: they ask, and wait. ``ask_team``: the thread is asked who
knows. ``pass_on``: it is somebody else's, which ends it here. ``lead``: it is given to the team lead. ``incident``:
the incident process begins. ``procedure``: a standard procedure is begun.
"""

UNTAKEN_TIMES = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
"""After how long people are reminded of a call that nobody has taken, where the process does not say otherwise."""
SILENCE = timedelta(days=10)
"""For how long a user may be silent before their call may be closed (W98)."""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What a call may turn out to be.

    Attributes:
        key: What people type: ``triage information``.
        about: When it is that, in a sentence.
        why: Whether it must be said why, or what is asked.
        teams: To whom it can be passed on; empty where that is written freely, or where it is not passed on.
        draft: A text to copy into the service desk; ``{requester}`` stands for who asked.
    """

    key: str
    name: str
    then: Then
    about: str = ""
    why: bool = False
    teams: tuple[str, ...] = ()
    draft: str = ""


@dataclass(frozen=True, slots=True)
class CallEnding:
    """A reason for which a call may be closed (W97-W99)."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class CallProcess:
    """How the team handles support calls.

    Attributes:
        outcomes: What a call may be; without any, calls are not handled here.
        courtesy: What whoever writes to a user is reminded of.
        remind_after: How long after it came an untaken call is reminded of.
        silence: For how long the user may be silent.
    """

    outcomes: tuple[CallOutcome, ...] = ()
    endings: tuple[CallEnding, ...] = ()
    courtesy: str = ""
    remind_after: tuple[timedelta, ...] = UNTAKEN_TIMES
    silence: timedelta = SILENCE

    def outcome(self, key: str) -> CallOutcome | None:
        """Return the outcome of that key."""
        return next((each for each in self.outcomes if each.key == key), None)

    def ending(self, key: str) -> CallEnding | None:
        """Return the ending of that key."""
        return next((each for each in self.endings if each.key == key), None)


def read_calls(reader: Reader) -> CallProcess:
    """Read ``[calls]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    outcomes, endings = reader.tables("outcomes"), reader.tables("endings")
    days = reader.number("close_after_days", 400) if reader.has("close_after_days") else SILENCE.days
    process = CallProcess(
        tuple(_outcome(each) for each in outcomes),
        tuple(_ending(each) for each in endings),
        reader.text("courtesy", ""),
        reader.hours("remind_after_hours", UNTAKEN_TIMES),
        timedelta(days=days),
    )
    reader.done()
    each_its_own(outcomes, [each.key for each in process.outcomes])
    each_its_own(endings, [each.key for each in process.endings])
    return process


def _outcome(reader: Reader) -> CallOutcome:
    outcome = CallOutcome(
        reader.key(),
        reader.text("name"),
        reader.one_of("then", get_args(Then)),
        reader.text("about", ""),
        reader.flag("why", default=False),
        reader.texts("teams"),
        reader.template("draft", ["requester", "note"], ""),
    )
    if outcome.teams and outcome.then != "pass_on":
        reader.wrong('teams goes with then = "pass_on"')
    reader.done()
    return outcome


def _ending(reader: Reader) -> CallEnding:
    ending = CallEnding(reader.key(), reader.text("name"))
    reader.done()
    return ending
