"""The payload of Wilson's buttons: what they send, and what is believed of it.

A payload is one flat JSON object: ``{"wilson": 1, "do": <verb>, "incident": 42, "once": "…", …}`` with the form's
inputs merged in by Teams. All of it comes from the client and none of it is trusted: verbs, forms and choices are
looked up in closed sets, people in the team, and the incident only hints at what the clicked message tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from cards.blocks import clean
from models.domain import requests
from models.domain.incidents import NoteKind
from models.domain.people import Person
from models.domain.process import Answer
from models.domain.resolving import ResolveAnswers

VERSION = 1
TITLE, SHORT, LONG, NOTE, URL, REPOSITORIES = 200, 600, 1500, 4000, 2000, 400
"""How many characters an input may hold, by what it is for."""

COMPUTED = "computed"
"""The choice of an urgency that leaves it to the answers."""

MAX_ID = 2**53
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
_ONCE = re.compile(r"[A-Za-z0-9_.:-]{0,64}", re.ASCII)
_OURS = frozenset({"wilson", "do", "incident", "once", "form", "mail", "number", "take_over"})
_MANY = 60

E = TypeVar("E", bound=StrEnum)


class Form(StrEnum):
    """The forms that a button can open in place of the card."""

    ASSESS = "assess"
    RESOLVE = "resolve"
    NOTE = "note"
    LINK = "link"
    ASSIGN = "assign"
    HAND_OVER = "hand_over"
    DECIDE = "decide"
    CHANGE = "change"
    DISMISS = "dismiss"
    MERGE = "merge"
    REOPEN = "reopen"
    FOLLOW_UP = "follow_up"
    TAKE_OVER = "take_over"
    DECLARE = "declare"


class BadAction(Exception):
    """A payload that no button of ours sends. The text is for the person who pressed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Do:
    """Do something to the incident.

    Attributes:
        once: Names one filled-in form, so that a repeated delivery is noticed; empty where repeating is harmless.
        hint: The incident that the card claims to be about. Not to be trusted.
    """

    request: requests.Request | requests.Merge
    once: str = ""
    hint: int | None = None


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Show a form in place of the card."""

    form: Form
    once: str = ""
    hint: int | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """Show the card as it is now."""

    hint: int | None = None


@dataclass(frozen=True, slots=True)
class ShowCard:
    """Show the card of an incident that a digest listed."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class AdoptMail:
    """Make a candidate of a mail that nothing recognised."""

    mail_id: int


@dataclass(frozen=True, slots=True)
class SetMailAside:
    """Say that a mail is not ours."""

    mail_id: int


@dataclass(frozen=True, slots=True)
class DeclareIncident:
    """Declare an incident that no mail announced."""

    title: str
    description: str = ""
    urgency: str = ""
    reason: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    once: str = ""


Button = Do | OpenForm | Refresh | ShowCard | AdoptMail | SetMailAside | DeclareIncident


def encode(do: str, *, incident: int | None = None, once: str = "", **more: str | int | bool) -> dict[str, object]:
    """Return a button's payload.

    Args:
        do: A verb that ``decode`` knows: ``refresh``, ``open`` (with ``form``), ``show_card``, ``adopt_mail`` and
            ``set_mail_aside`` (with ``mail``), ``declare``, or one of the requests.
        incident: The incident that the card is about, as a hint.
        once: Names one filled-in form.
        more: What the verb needs besides, for example ``number`` for ``confirm``.
    """
    data: dict[str, object] = {"wilson": VERSION, "do": do}
    if incident is not None:
        data["incident"] = incident
    if once:
        data["once"] = once
    return data | more


def decode(data: object, actor: Person, team: Sequence[Person]) -> Button:
    """Return what was pressed.

    Args:
        data: The payload, as the client sent it.
        actor: Who pressed, from the verified token.
        team: Whom something can be given to.

    Raises:
        BadAction: It is nothing that a button of ours sends.
    """
    reader = _Reader.of(data)
    do = reader.word("do")
    match do:
        case "refresh":
            return Refresh(reader.hint())
        case "open":
            return OpenForm(reader.one_of("form", Form), reader.once(), reader.hint())
        case "show_card":
            return ShowCard(reader.number("pick"))
        case "adopt_mail":
            return AdoptMail(reader.number("mail"))
        case "set_mail_aside":
            return SetMailAside(reader.number("mail"))
        case "declare":
            return _declare(reader)
    build = _REQUESTS.get(do)
    if build is None:
        raise BadAction("This button is not known. Refresh the card.")
    return Do(build(reader, (*team, actor)), reader.once(), reader.hint())


def decode_values(data: object) -> dict[str, str]:
    """Return what was entered into a form, cleaned, to show the form again. Never raises."""
    if not isinstance(data, Mapping):
        return {}
    values: dict[str, str] = {}
    for key, value in list(data.items())[:_MANY]:
        if not isinstance(key, str) or key in _OURS or not _KEY.fullmatch(key):
            continue
        if isinstance(value, bool):
            values[key] = "true" if value else "false"
        elif isinstance(value, int) and abs(value) <= MAX_ID:
            values[key] = str(value)
        elif isinstance(value, float) and value.is_integer() and abs(value) <= MAX_ID:
            values[key] = str(int(value))
        elif isinstance(value, str):
            values[key] = clean(value, NOTE, lines=True)
    return values


class _Reader:
    """Reads typed values out of a payload; whatever does not fit becomes ``BadAction``."""

    def __init__(self, data: Mapping[object, Any]) -> None:
        self.data = data

    @classmethod
    def of(cls, data: object) -> _Reader:
        if not isinstance(data, Mapping) or len(data) > _MANY:
            raise BadAction("This button sent nothing that Wilson knows.")
        version = data.get("wilson")
        if isinstance(version, bool) or version != VERSION:
            raise BadAction("This button is of another version. Refresh the card.")
        return cls(data)

    def word(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not _KEY.fullmatch(value):
            raise BadAction(f"The button's “{key}” is not known.")
        return value

    def one_of(self, key: str, kind: type[E]) -> E:
        value = self.data.get(key)
        try:
            return kind(value) if isinstance(value, str) else kind("")
        except ValueError:
            raise BadAction(f"The answer to “{key}” is none of the choices.") from None

    def text(self, key: str, limit: int, *, lines: bool = False) -> str:
        value = self.data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise BadAction(f"“{key}” is not a text.")
        if len(value) > limit:
            raise BadAction(f"“{key}” is longer than {limit} characters.")
        return clean(value, limit, lines=lines)

    def key(self, key: str) -> str:
        value = self.text(key, 60)
        if value and not _KEY.fullmatch(value):
            raise BadAction(f"The answer to “{key}” is none of the choices.")
        return value

    def number(self, key: str) -> int:
        value = _whole(self.data.get(key))
        if value is None or not 0 < value <= MAX_ID:
            raise BadAction(f"“{key}” is not a number from 1.")
        return value

    def flag(self, key: str) -> bool:
        return bool(self.yes_no(key))

    def yes_no(self, key: str) -> bool | None:
        return _yes_no(key, self.data.get(key))

    def person(self, people: Sequence[Person]) -> Person:
        value = self.text("person", 200)
        for each in people:
            if value and value in (each.id, each.teams_id):
                return each
        raise BadAction("Choose somebody of the team." if not value else "That person is not in the team.")

    def answers(self) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for key, value in self.data.items():
            if isinstance(key, str) and key.startswith("q_") and _KEY.fullmatch(key):
                found[key[2:]] = _answer(key, value)
        return found

    def once(self) -> str:
        value = self.data.get("once", "")
        if not isinstance(value, str) or not _ONCE.fullmatch(value):
            raise BadAction("This button is not known. Refresh the card.")
        return value

    def hint(self) -> int | None:
        value = self.data.get("incident")
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID:
            return value
        return None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_ID:
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value)
    return None


def _yes_no(key: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("yes", "no", "true", "false", "unknown", ""):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value)
    raise BadAction(f"“{key}” is neither yes nor no.")


def _answer(key: str, value: object) -> Answer:
    number = _whole(value)
    if number is None:
        return _yes_no(key, value)
    if not 0 <= number <= 10_000_000:
        raise BadAction(f"“{key}” is no sensible number.")
    return number


def _level(reader: _Reader) -> str:
    key = reader.key("urgency")
    return "" if key == COMPUTED else key


def _declare(reader: _Reader) -> DeclareIncident:
    return DeclareIncident(
        title=reader.text("title", TITLE),
        description=reader.text("description", LONG, lines=True),
        urgency=_level(reader),
        reason=reader.text("reason", SHORT),
        answers=reader.answers(),
        once=reader.once(),
    )


def _assess(reader: _Reader) -> requests.Assess:
    return requests.Assess(
        reader.answers(),
        _level(reader),
        reader.text("reason", SHORT),
        reader.text("follow_up_title", TITLE),
    )


def _resolve(reader: _Reader) -> requests.Resolve:
    chosen = [
        key.removeprefix("follow_")
        for key in reader.data
        if isinstance(key, str) and key.startswith("follow_") and _KEY.fullmatch(key) and reader.flag(key)
    ]
    names = re.split(r"[,\n;]", reader.text("repositories", REPOSITORIES, lines=True))
    answers = ResolveAnswers(
        over=reader.yes_no("over"),
        cause=reader.text("cause", LONG, lines=True),
        limit_reached=reader.flag("limit_reached"),
        rolled_back=reader.yes_no("rolled_back"),
        repositories=tuple(name.strip() for name in names if name.strip()),
        safe=reader.yes_no("safe"),
        follow_ups={key: reader.text(f"title_{key}", TITLE) for key in chosen},
        none_reason=reader.text("none_reason", SHORT),
    )
    return requests.Resolve(answers)


_Build = Callable[[_Reader, Sequence[Person]], requests.Request | requests.Merge]

_REQUESTS: Mapping[str, _Build] = {
    "raise": lambda read, team: requests.Raise(),
    "claim": lambda read, team: requests.Claim(read.flag("take_over")),
    "assign": lambda read, team: requests.Assign(read.person(team), read.flag("take_over")),
    "hand_over": lambda read, team: requests.HandOver(read.person(team), read.flag("take_over")),
    "assess": lambda read, team: _assess(read),
    "decide": lambda read, team: requests.Decide(read.key("option"), read.text("present", REPOSITORIES)),
    "note": lambda read, team: requests.AddNote(
        read.text("text", NOTE, lines=True),
        read.one_of("kind", NoteKind) if read.key("kind") else NoteKind.OBSERVATION,
    ),
    "link": lambda read, team: requests.AddLink(read.text("url", URL), read.text("label", TITLE)),
    "change": lambda read, team: requests.ProposeChange(read.text("what", SHORT), read.text("why", SHORT)),
    "confirm": lambda read, team: requests.ConfirmChange(read.number("number")),
    "resolve": lambda read, team: _resolve(read),
    "follow_up": lambda read, team: requests.AddFollowUp(read.key("kind"), read.text("title", TITLE)),
    "reopen": lambda read, team: requests.Reopen(read.text("reason", SHORT)),
    "dismiss": lambda read, team: requests.Dismiss(read.text("reason", SHORT), read.flag("improve")),
    "merge": lambda read, team: requests.Merge(read.number("into")),
}

VERBS = frozenset(_REQUESTS) | {"refresh", "open", "show_card", "adopt_mail", "set_mail_aside", "declare"}
"""Every verb that ``decode`` knows."""
