"""Cards and messages as text, where there is no Teams."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.messenger import ChannelAddress, Message, ThreadAddress


class ConsoleMessenger:
    """Prints what would be posted.

    Args:
        devs, gateway, private: The names of the channels, which are always there; an empty one is none.
        out: Where to print.
    """

    def __init__(self, devs: str, gateway: str, out: TextIO = sys.stdout, *, private: str = "") -> None:
        self._names = (devs, gateway, private)
        self._out = out
        self._numbers = itertools.count(1)

    async def post(self, channel: ChannelAddress, message: Message) -> ThreadAddress:
        """See ``models.ports.messenger.Messenger``."""
        number = str(next(self._numbers))
        self._print(f"── {channel.channel_id} ── new post", message)
        conversation = f"{channel.channel_id};messageid={number}"
        return ThreadAddress(channel.service_url, channel.tenant_id, conversation, number)

    async def reply(self, thread: ThreadAddress, message: Message) -> str:
        """See ``models.ports.messenger.Messenger``."""
        self._print(f"── {thread.conversation_id} ── reply", message)
        return str(next(self._numbers))

    async def update(self, thread: ThreadAddress, message: Message) -> None:
        """See ``models.ports.messenger.Messenger``."""
        self._print(f"── {thread.conversation_id} ── now reads", message)

    async def channels(self, service_url: str, team_id: str) -> Sequence[tuple[str, str]]:
        """See ``models.ports.messenger.Messenger``."""
        return [(name, name) for name in dict.fromkeys(self._names) if name]

    async def members(self, service_url: str, team_id: str) -> Sequence[Person]:
        """See ``models.ports.messenger.Messenger``."""
        return []

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return [Finding("teams", True, "the console messenger: cards are printed")]

    async def close(self) -> None:
        """See ``models.ports.messenger.Messenger``."""

    def _print(self, head: str, message: Message) -> None:
        lines = [head]
        if message.text:
            lines += [f"   {line}" for line in message.text.splitlines()]
        if message.card:
            lines += [f"   {_readable(line)}" for line in card_lines(message.card)]
        print("\n".join(lines), file=self._out, flush=True)


def card_lines(card: Mapping[str, Any]) -> Iterator[str]:
    """Return an Adaptive Card as lines of text, its buttons in brackets."""
    for element in card.get("body") or ():
        yield from _element(element)
    if actions := card.get("actions"):
        yield _buttons(actions)


_DATE = re.compile(r"\{\{DATE\((\d{4}-\d\d-\d\d)T[0-9:]{8}Z[^)]{0,20}\)\}\}")
_TIME = re.compile(r"\{\{TIME\([0-9-]{10}T(\d\d:\d\d)[0-9:]{0,3}Z\)\}\}")


def _readable(line: str) -> str:
    """Do what a client of Teams does with times and emphasis."""
    return _TIME.sub(r"\1 UTC", _DATE.sub(r"\1", line)).replace("**", "")


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    kind = str(element.get("type"))
    if kind == "TextBlock":
        yield from str(element.get("text") or "").splitlines()
    elif kind == "RichTextBlock":
        yield "".join(each if isinstance(each, str) else str(each.get("text", "")) for each in element["inlines"])
    elif kind == "FactSet":
        yield from (f"{fact.get('title')}: {fact.get('value')}" for fact in element.get("facts") or ())
    elif kind == "ActionSet":
        yield _buttons(element.get("actions") or ())
    elif kind == "ColumnSet":
        columns = [list(_inside(column)) for column in element.get("columns") or ()]
        yield "  ".join(" ".join(column) for column in columns if column)
    elif kind == "Table":
        for row in element.get("rows") or ():
            yield "  ".join(" ".join(_inside(cell)) for cell in row.get("cells") or ())
    elif kind.startswith("Input."):
        yield f"{element.get('label') or element.get('title') or element.get('id')}: ______"
    else:
        yield from _inside(element)


def _inside(element: Mapping[str, Any]) -> Iterator[str]:
    for item in element.get("items") or ():
        yield from _element(item)


def _buttons(actions: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(f"[{action.get('title')}]" for action in actions)
