"""What a typed command may mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from models.domain.people import Person
from models.domain.process import Answer
from models.domain.requests import (
    Merge,
    Request,
)


@dataclass(frozen=True, slots=True)
class Act:
    """Do something to the thread's incident."""

    request: Request | Merge


@dataclass(frozen=True, slots=True)
class ShowForm:
    """Answer with the form that asks for the details; ``form`` is one of ``cards.actions.Form``."""

    form: str


@dataclass(frozen=True, slots=True)
class Declare:
    """Declare an incident that no mail announced; ``fire`` also makes channel and log page in the same action."""

    title: str
    description: str = ""
    urgency: str = ""
    reason: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    fire: bool = False
    service: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """Answer with something to read."""

    what: Literal[
        "status",
        "help",
        "list",
        "oncall",
        "review",
        "shift",
        "runbook",
        "story",
        "handoff",
        "vendors",
        "definition",
    ]


@dataclass(frozen=True, slots=True)
class AskReport:
    """Tell how some days went. ``None`` for the seven days before today; ``days`` counts from the last one."""

    first: date | None = None
    last: date | None = None
    days: int = 7


@dataclass(frozen=True, slots=True)
class AskService:
    """Tell what runs where; ``name`` is empty for the thread's services, or else all."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRota:
    """Change who is on call.

    Attributes:
        out: Whose shift; ``None`` for whoever's it is.
        into: Who takes it; ``None`` to take changes back.
        days: What was typed.
    """

    days: str
    into: Person | None = None
    out: Person | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a command; ``nearest`` are the ones that it resembles."""

    text: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misused:
    """A command that lacks something. ``text`` says how to use it; words of the person's may be in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A command that belongs somewhere else. ``text`` says where."""

    text: str


@dataclass(frozen=True, slots=True)
class Chatter:
    """People talking to each other: not meant for the bot, which stays silent."""


Command = (
    Act | ShowForm | Declare | Show | AskReport | AskService | ChangeRota | Unknown | Misused | Elsewhere | Chatter
)


class Wrong(Exception):
    """Used wrongly; the text becomes that of ``Misused``."""
