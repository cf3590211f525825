"""The payload of the buttons of the incident review's card: what they send, and what is believed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cards.payload import LONG, TITLE, VERSION, BadAction, PayloadReader
from models.domain import requests


@dataclass(frozen=True, slots=True)
class ShowReview:
    """Show the list as it is now."""

    hint: int | None = None


@dataclass(frozen=True, slots=True)
class Discuss:
    """Show one incident of the list, to be talked about.

    Attributes:
        follow_up: Whether a follow-up is to be raised.
    """

    incident: int
    follow_up: bool = False
    hint: int | None = None


@dataclass(frozen=True, slots=True)
class DoInReview:
    """Do something to an incident of the list.

    Attributes:
        stays: Whether the incident is talked about further.
    """

    incident: int
    request: requests.Request
    stays: bool
    once: str = ""
    hint: int | None = None


ReviewButton = ShowReview | Discuss | DoInReview


def encode_review(do: str, review: int, *, incident: int | None = None, once: str = "") -> dict[str, object]:
    """Return a button's payload; ``do`` is one of ``REVIEW_VERBS``."""
    data: dict[str, object] = {"wilson": VERSION, "do": do, "review": review}
    if incident is not None:
        data["incident"] = incident
    return data | {"once": once} if once else data


REVIEW_VERBS = frozenset(
    {
        "review_show",
        "review_discuss",
        "review_ask_follow_up",
        "review_close",
        "review_keep",
        "review_concern",
        "review_follow_up",
    }
)


def is_about_the_review(data: object) -> bool:
    """Tell whether a payload is one of this module's."""
    return isinstance(data, Mapping) and str(data.get("do")).startswith("review_")


def decode_review(data: object) -> ReviewButton:
    """Return what was pressed.

    Raises:
        BadAction: It is nothing that a button of ours sends.
    """
    read = PayloadReader.of(data)
    do, hint = read.word("do"), read.hint("review")
    match do:
        case "review_show":
            return ShowReview(hint)
        case "review_discuss":
            return Discuss(read.number("incident"), hint=hint)
        case "review_ask_follow_up":
            return Discuss(read.number("incident"), follow_up=True, hint=hint)
        case "review_close":
            request: requests.Request = requests.Close(read.text("text", LONG, lines=True))
        case "review_keep":
            request = requests.Keep(read.text("text", LONG, lines=True))
        case "review_concern":
            request = requests.AddNote(read.text("text", LONG, lines=True))
        case "review_follow_up":
            request = requests.AddFollowUp(read.key("kind"), read.text("title", TITLE))
        case _:
            raise BadAction("This button is not known. Refresh the card.")
    stays = do in ("review_concern", "review_follow_up")
    return DoInReview(read.number("incident"), request, stays, read.once(), hint)
