"""The payload of Wilson's buttons: what they send, and what is believed of it.

Verbs, forms and choices are looked up in closed sets, people in the team, and the incident only hints at what the
clicked message tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cards.payload import (
    KEY,
    LONG,
    NOTE,
    REPOSITORIES,
    SHORT,
    TITLE,
    URL,
    VERSION,
    BadAction,
    PayloadReader,
)
from models.domain import requests
from models.domain.people import Person
from models.domain.process import Answer
from models.domain.resolving import ResolveAnswers
from models.domain.timeline import NoteKind

COMPUTED = "computed"
"""The choice of an urgency that leaves it to the answers."""


class Form(StrEnum):
    """The forms that a button can open in place of the card."""

    JUDGE = "judge"
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
    LESSON = "lesson"
    ROLE = "role"
    SECURITY = "security"
    UPDATE = "update"
    PARK = "park"
    DECLARE = "declare"


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
class TellStory:
    """Show the incident's story, to be copied."""

    hint: int | None = None


@dataclass(frozen=True, slots=True)
class TellHandOff:
    """Show the facts for the Major Incident Process, to be copied."""

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
    """Declare an incident that no mail announced.

    Attributes:
        anyway: Whether it is one although the tests of the process say that it is none.
    """

    title: str
    description: str = ""
    urgency: str = ""
    reason: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    once: str = ""
    anyway: bool = False
    service: str = ""


Button = Do | OpenForm | Refresh | TellStory | TellHandOff | ShowCard | AdoptMail | SetMailAside | DeclareIncident


def encode(do: str, *, incident: int | None = None, once: str = "", **more: str | int | bool) -> dict[str, object]:
    """Return a button's payload.

    Args:
        do: A verb that ``decode`` knows: ``refresh``, ``story``, ``handoff``, ``open`` (with ``form``),
            ``show_card``, ``adopt_mail`` and ``set_mail_aside`` (with ``mail``), ``declare``, or a request.
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
    reader = PayloadReader.of(data)
    do = reader.word("do")
    match do:
        case "refresh":
            return Refresh(reader.hint())
        case "story":
            return TellStory(reader.hint())
        case "handoff":
            return TellHandOff(reader.hint())
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


def _level(reader: PayloadReader) -> str:
    key = reader.key("urgency")
    return "" if key == COMPUTED else key


def _declare(reader: PayloadReader) -> DeclareIncident:
    return DeclareIncident(
        title=reader.text("title", TITLE),
        description=reader.text("description", LONG, lines=True),
        urgency=_level(reader),
        reason=reader.text("reason", SHORT),
        answers=reader.given(),
        once=reader.once(),
        anyway=reader.flag("anyway"),
        service=reader.text("service", SHORT),
    )


def _assess(reader: PayloadReader) -> requests.Assess:
    return requests.Assess(
        reader.answers(),
        _level(reader),
        reader.text("reason", SHORT),
        reader.text("follow_up_title", TITLE),
    )


def _resolve(reader: PayloadReader) -> requests.Resolve:
    chosen = [
        key.removeprefix("follow_")
        for key in reader.data
        if isinstance(key, str) and key.startswith("follow_") and KEY.fullmatch(key) and reader.flag(key)
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
        past_reason=reader.text("past_reason", SHORT),
    )
    return requests.Resolve(answers)


_Build = Callable[[PayloadReader, Sequence[Person]], requests.Request | requests.Merge]

_REQUESTS: Mapping[str, _Build] = {
    "raise": lambda read, team: requests.Raise(read.given(), read.flag("anyway")),
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
    "role": lambda read, team: requests.GiveRole(read.key("role"), read.person(team)),
    "join": lambda read, team: requests.Join(),
    "me_too": lambda read, team: requests.MeToo(),
    "lesson": lambda read, team: requests.AddLesson(read.text("text", SHORT, lines=True), read.key("lesson")),
    "improve": lambda read, team: requests.Improve(not read.flag("keep")),
    "park": lambda read, team: requests.Park(read.text("when", SHORT), read.text("reason", SHORT)),
    "unpark": lambda read, team: requests.Unpark(),
    "post_mortem": lambda read, team: requests.PostMortem(),
    "close": lambda read, team: requests.Close(read.text("text", LONG, lines=True)),
    "reopen": lambda read, team: requests.Reopen(read.text("reason", SHORT)),
    "dismiss": lambda read, team: requests.Dismiss(
        read.text("reason", SHORT), read.flag("improve"), read.given(), read.flag("instead")
    ),
    "vendor": lambda read, team: requests.AddVendor(
        read.text("name", SHORT), read.text("ref", SHORT), read.text("url", URL), read.flag("closed")
    ),
    "update": lambda read, team: requests.SendUpdate(
        read.text("headline", TITLE), read.text("text", LONG, lines=True), read.key("stage")
    ),
    "no_updates": lambda read, team: requests.NoUpdates(),
    "channel": lambda read, team: requests.MakeChannel(),
    "fire": lambda read, team: requests.FireFire(),
    "security": lambda read, team: requests.MarkPrivate(read.text("reason", SHORT)),
    "security_told": lambda read, team: requests.TellSecurity(read.text("whom", SHORT)),
    "merge": lambda read, team: requests.Merge(read.number("into")),
}

VERBS = frozenset(_REQUESTS) | {
    "refresh",
    "story",
    "handoff",
    "open",
    "show_card",
    "adopt_mail",
    "set_mail_aside",
    "declare",
}
"""Every verb that ``decode`` knows."""
