"""What a pressed button sends, read with care.

A payload is one flat JSON object: ``{"wilson": 1, "do": <verb>, "once": "…", …}`` with the form's inputs merged in
by Teams. All of it comes from the client and none of it is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from cards.blocks import clean
from models.domain.people import Person
from models.domain.process import Answer

VERSION = 1
TITLE, SHORT, LONG, NOTE, URL, REPOSITORIES = 200, 600, 1500, 4000, 2000, 400
"""How many characters an input may hold, by what it is for."""

MAX_ID = 2**53
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
_ONCE = re.compile(r"[A-Za-z0-9_.:-]{0,64}", re.ASCII)
_OURS = frozenset({"wilson", "do", "incident", "once", "form", "mail", "number", "take_over", "case", "anyway"})
_MANY = 60

E = TypeVar("E", bound=StrEnum)


class BadAction(Exception):
    """A payload that no button of ours sends. The text is for the person who pressed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def decode_values(data: object) -> dict[str, str]:
    """Return what was entered into a form, cleaned, to show the form again. Never raises."""
    if not isinstance(data, Mapping):
        return {}
    values: dict[str, str] = {}
    for key, value in list(data.items())[:_MANY]:
        if not isinstance(key, str) or key in _OURS or not KEY.fullmatch(key):
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


class PayloadReader:
    """Reads typed values out of a payload; whatever does not fit becomes ``BadAction``."""

    def __init__(self, data: Mapping[object, Any]) -> None:
        self.data = data

    @classmethod
    def of(cls, data: object) -> PayloadReader:
        if not isinstance(data, Mapping) or len(data) > _MANY:
            raise BadAction("This button sent nothing that Wilson knows.")
        version = data.get("wilson")
        if isinstance(version, bool) or version != VERSION:
            raise BadAction("This button is of another version. Refresh the card.")
        return cls(data)

    def word(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not KEY.fullmatch(value):
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
        if value and not KEY.fullmatch(value):
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
            if isinstance(key, str) and key.startswith("q_") and KEY.fullmatch(key):
                found[key[2:]] = _answer(key, value)
        return found

    def given(self) -> dict[str, Answer]:
        """Return what was answered, without what was left empty."""
        return {key: value for key, value in self.answers().items() if self.data.get(f"q_{key}") not in (None, "")}

    def once(self) -> str:
        value = self.data.get("once", "")
        if not isinstance(value, str) or not _ONCE.fullmatch(value):
            raise BadAction("This button is not known. Refresh the card.")
        return value

    def chosen(self, key: str) -> bool:
        """Tell whether a choice that may be left out was made."""
        return self.data.get(key) not in (None, "", "0")

    def hint(self, key: str = "incident") -> int | None:
        value = self.data.get(key)
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
