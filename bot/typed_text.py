"""What people type in Teams: a plain text of what was sent, and who and how much stands in it."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence

from bot.command_types import (
    Wrong,
)
from cards.blocks import clean
from cards.payload import SHORT
from models.domain.people import Person

LONGEST = 30_000
"""Characters of a message that are looked at; Teams itself sends no more than 28 KB."""


# Somebody's mention within a text: their name between two signs that mean nothing to anybody else.
_FROM, _TO = "\ue000", "\ue001"
_SIGNS = re.compile(r"[\ue000\ue001]|&#(?:x0{0,6}e00[01]|0{0,6}5734[45]);?", re.IGNORECASE)

PERSON = re.compile(r"\ue000([^\ue000\ue001]*)\ue001")

_AT = re.compile(r"<at\b[^<>]{0,200}>([^<>]{0,200})</at\s{0,3}>", re.IGNORECASE)

_ANCHOR = re.compile(r"""<a\b[^<>]{0,2000}?href=["'](https?://[^"'<>\s]{1,2000})["'][^<>]{0,200}>""", re.IGNORECASE)

_BREAK = re.compile(r"<br\s{0,3}/?>|</(?:p|div|li|tr|h[1-6]|blockquote|pre)\s{0,3}>", re.IGNORECASE)

_TAG = re.compile(
    r"</?(?:at|a|p|div|span|br|b|i|u|s|em|strong|strike|code|pre|ul|ol|li|h[1-6]|blockquote|font|table|tbody|thead|tr"
    r"|td|th|img|emoji|attachment|hr)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)

_NOTHING = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"
)

_LINES = re.compile("\r\n?|[\x85\u2028\u2029]")

_FILLER = re.compile(
    r"(?:[\s.,!?:;-]|\b(?:it|this|that|one|the|an|incident|now|please|pls|thanks|thank\syou|for\sme|me|again|today)"
    r"\b)*",
    re.IGNORECASE,
)


def strip_mention(text: str, bot_names: Collection[str]) -> str:
    """Return what was typed, without the bot's mention, mark-up, entities and invisible characters.

    Other people's mentions stay, between signs that only ``parse`` knows.

    Args:
        text: As Teams sent it.
        bot_names: What the bot is called in its mention.
    """
    names = {folded(name) for name in bot_names}

    def said(match: re.Match[str]) -> str:
        name = folded(match[1])
        return " " if name in names else f" {_FROM}{' '.join(match[1].split())}{_TO} "

    text = _SIGNS.sub("", _LINES.sub("\n", text[:LONGEST]))
    text = _ANCHOR.sub(r"\1 ", text)
    text = _TAG.sub(" ", _AT.sub(said, _BREAK.sub("\n", text)))
    text = _NOTHING.sub("", _LINES.sub("\n", html.unescape(text)))
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def folded(name: str) -> str:
    """Return a name as it is compared."""
    return " ".join(html.unescape(name).split()).removeprefix("@").casefold()


def end_of(pattern: re.Pattern[str], text: str) -> int:
    """Return where a pattern's match at the beginning ends; 0 where it does not match."""
    found = pattern.match(text)
    return found.end() if found else 0


def only_filler(text: str) -> bool:
    """Tell whether a text says nothing more, such as ``it, please``."""
    return end_of(_FILLER, text[:SHORT]) == len(text)


def kept_text(text: str, limit: int, what: str, *, lines: bool = False) -> str:
    """Return a text as it may be stored. What does not fit is refused, not cut: nothing typed gets lost."""
    whole = text.strip()
    if len(whole) > limit:
        raise Wrong(f"{what} is longer than {limit} characters: shorten it, or write it into the issue.")
    return clean(whole, limit, lines=lines)


def named(text: str, mentioned: Sequence[Person]) -> list[Person]:
    """Return the people mentioned in a text; all that came with the message where names don't tell."""
    names = [folded(name) for name in PERSON.findall(text)]
    found = [person for name in names for person in mentioned if folded(person.name) == name]
    return found or list(mentioned)


def number_in(text: str, how: str) -> int:
    """Return the number that a text begins with; ``how`` says in the refusal how it is said."""
    found = re.match(
        r"(?:into|with|to|the|in|change|incident|number|no\.?|[#\s]){0,8}(\d{1,9})(?![\w-])", text, re.I | re.A
    )
    if found is None or int(found[1]) < 1 or not only_filler(text[found.end() :]):
        raise Wrong(how)
    return int(found[1])
