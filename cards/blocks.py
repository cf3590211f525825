"""Typed Adaptive Card elements, and the one door through which foreign text comes into a card or a message.

Three ways lead through the door, by where the text stands:

* ``clean`` for what is neither Markdown nor shown as such (an input's value, a choice's title);
* ``text_run`` (which cleans) for a piece of a ``RichTextBlock``: no Markdown there, so names of hosts and
  resources stay exactly copyable. Foreign free text prefers this way;
* ``escape`` for Markdown: text blocks, and the texts of messages.

An address is let through by ``safe_url`` alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from models.domain.people import Person

Element = dict[str, Any]
"""A part of a card, as JSON."""

MAX_BYTES = 28 * 1024
"""How large a card may be, as UTF-16 (the smallest limit on any of Teams' ways)."""

MAX_NAME = 80
_HALF_A_DAY = timedelta(hours=12)
JOINER = "\u2060"
"""A word joiner: invisible, and enough to make a sign and what follows it two things."""

_BLANKS = re.compile(r"[\s\u2028\u2029]+")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufff9\ufffa\ufffb")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_STACKED = 4
_MARKS = re.compile(r"[\\`*_\[\]~|]")
_LEADING = re.compile(r"^([-+#=:>]|\d{1,9}(?=[.)]))")
_LINKS = re.compile(r"(?<=/)(?=/)|(?=@)|(?<=@)|(?<=[^\W_]\.)(?=[^\W\d_])|(?<=mailto:)|(?<={)(?={)", re.IGNORECASE)
_RUN_MARKS = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<={)(?={)|(?<=<)(?=/?at\b)", re.IGNORECASE)
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_URL_SIGNS = re.compile(r"""[^A-Za-z0-9\-._~:/?#@!$&*+,;=%\[\]]""")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def clean(text: str, limit: int, *, lines: bool = False) -> str:
    """Return foreign text as people may see it: nothing invisible in it, nothing that turns the line around.

    Args:
        text: Whatever it is.
        limit: How many characters are kept; an ellipsis marks what was cut.
        lines: Whether line breaks are kept; otherwise they are folded into blanks.
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept: list[str] = []
    stacked = 0
    for char in text[: limit * 4 + 64].replace("\r\n", "\n"):
        if char.isspace() or char in "\u2028\u2029":
            kept.append("\n" if lines and char in "\n\r\u2028\u2029" else " ")
            continue
        if char in _INVISIBLE or unicodedata.category(char) in _HIDDEN:
            continue
        stacked = stacked + 1 if unicodedata.combining(char) else 0
        if stacked <= _STACKED:
            kept.append(char)
    whole = "".join(kept)
    whole = whole.strip() if lines else _BLANKS.sub(" ", whole).strip()
    return whole if len(whole) <= limit else whole[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int = 300) -> str:
    """Return foreign text for Markdown: no mark-up, mention, link, entity, list or template comes out of it."""
    safe = _LINKS.sub(JOINER, clean(text, limit))
    safe = _MARKS.sub(r"\\\g<0>", safe)
    safe = _LEADING.sub(_leading, safe)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _leading(match: re.Match[str]) -> str:
    sign = match[1]
    if sign == ">":  # becomes an entity afterwards
        return sign
    return f"{sign}{JOINER}" if sign.isdigit() else f"\\{sign}"


def inert(text: str, limit: int = 300) -> str:
    """Return foreign text for a text run, where Markdown means nothing but addresses and templates might."""
    return _RUN_MARKS.sub(JOINER, clean(text, limit))


def plain(text: str, limit: int = 300) -> str:
    """Return foreign text for places that can't format: what is read aloud, a fallback, a terminal."""
    return inert(text, limit).replace("<", "‹").replace(">", "›").replace("&", "+")


def safe_url(url: str | None, *, http_hosts: Iterable[str] = ()) -> str | None:
    """Return the address if a person may be sent there, ``None`` otherwise.

    Args:
        url: An address from a mail, a person or a tracker.
        http_hosts: Hosts that may be reached without TLS, besides this machine.
    """
    if not url or len(url) > 2000 or any(char.isspace() or not char.isprintable() for char in url):
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if "@" in parts.netloc or "\\" in url or port == 0:
        return None
    if host not in _LOOPBACK and not _HOST.fullmatch(host):
        return None
    plain_allowed = host in _LOOPBACK or host in {each.lower() for each in http_hosts}
    if parts.scheme != "https" and not (parts.scheme == "http" and plain_allowed):
        return None
    # Signs that could end a Markdown link or open a template travel percent-encoded.
    return _URL_SIGNS.sub(lambda sign: "".join(f"%{byte:02X}" for byte in sign[0].encode()), url)


def host_of(url: str) -> str:
    """Return the host of an address that ``safe_url`` let through."""
    return (urlsplit(url).hostname or "").lower()


def link(label: str, url: str) -> str:
    """Return a Markdown link. ``label`` is Markdown already, ``url`` went through ``safe_url``."""
    return f"[{label}]({url.replace('&', '&amp;')})"


def mention_name(person: Person) -> str:
    """Return somebody's name as it can stand inside a mention."""
    return re.sub(r"[<>&\\`*_\[\]~|{}@]+", " ", inert(person.name, MAX_NAME)).strip() or "somebody"


def mention(person: Person) -> str:
    """Return the mention of somebody; it works where ``mention_entity`` of the same person goes along."""
    return f"<at>{mention_name(person)}</at>"


def mention_entity(person: Person) -> Element:
    """Return what makes ``mention`` notify: an entry for a card's or an activity's entities."""
    mentioned = {"id": person.teams_id or person.id, "name": mention_name(person)}
    return {"type": "mention", "text": mention(person), "mentioned": mentioned}


def when(at: datetime, *, near: datetime | None = None) -> str:
    """Return a moment as a template that each reader's client shows in their own time zone.

    Args:
        at: The moment.
        near: A moment that the card dates already; within half a day of it the time alone says enough.
    """
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if near is not None and abs(at - near) < _HALF_A_DAY:
        return f"{{{{TIME({stamp})}}}}"
    return f"{{{{DATE({stamp},SHORT)}}}} {{{{TIME({stamp})}}}}"


def size(card: Element) -> int:
    """Return how large a card is to Teams, in bytes."""
    return len(orjson.dumps(card).decode().encode("utf-16-le"))


def fit(card: Element) -> bool:
    """Cut the card's text runs shorter until Teams takes it, and tell whether that was enough."""
    for limit in (200, 120, 80, 50, 30):
        if size(card) <= MAX_BYTES:
            return True
        _cut(card, limit)
    return size(card) <= MAX_BYTES


def _cut(part: object, limit: int) -> None:
    if isinstance(part, dict):
        if part.get("type") == "TextRun" and len(part["text"]) > limit:
            part["text"] = part["text"][: limit - 1].rstrip() + "…"
        for inner in part.values():
            _cut(inner, limit)
    elif isinstance(part, list):
        for inner in part:
            _cut(inner, limit)


def text_block(
    markdown: str,
    *,
    id: str = "",  # noqa: A002 -- the schema's word
    weight: str = "",
    size: str = "",
    color: str = "",
    subtle: bool = False,
    spacing: str = "",
    separator: bool = False,
    heading: bool = False,
) -> Element:
    """Return a text of ours in Markdown; foreign parts of it went through ``escape``."""
    block: Element = {"type": "TextBlock", "text": markdown, "wrap": True}
    looks = {"id": id, "weight": weight, "size": size, "color": color, "spacing": spacing}
    block |= {name: value for name, value in looks.items() if value}
    if subtle:
        block["isSubtle"] = True
    if separator:
        block["separator"] = True
    if heading:
        block["style"] = "heading"
    return block


def text_run(
    text: str,
    limit: int = 300,
    *,
    weight: str = "",
    size: str = "",
    color: str = "",
    subtle: bool = False,
    url: str | None = None,
) -> Element:
    """Return a piece of rich text; this is where foreign text is cleaned. ``url`` went through ``safe_url``."""
    run: Element = {"type": "TextRun", "text": inert(text, limit)}
    run |= {name: value for name, value in {"weight": weight, "size": size, "color": color}.items() if value}
    if subtle:
        run["isSubtle"] = True
    if url:
        run["selectAction"] = {"type": "Action.OpenUrl", "url": url}
    return run


def gap(text: str = " ", *, subtle: bool = False) -> Element:
    """Return a piece of rich text of ours, whose blanks matter."""
    return {"type": "TextRun", "text": text, "isSubtle": True} if subtle else {"type": "TextRun", "text": text}


def rich_text(*runs: Element, spacing: str = "") -> Element:
    """Return a block of text runs."""
    block: Element = {"type": "RichTextBlock", "inlines": list(runs)}
    return block | {"spacing": spacing} if spacing else block


def row(label: str, value: Element, *, spacing: str = "Small") -> Element:
    """Return a labelled value. Labels line up below each other, also on a phone."""
    name = text_block(label, subtle=True)
    return {
        "type": "ColumnSet",
        "spacing": spacing,
        "columns": [
            {"type": "Column", "width": "92px", "items": [name]},
            {"type": "Column", "width": "stretch", "items": [value]},
        ],
    }


def container(items: Sequence[Element], *, style: str = "", bleed: bool = False, spacing: str = "") -> Element:
    """Return a group of elements; ``style`` is one of the theme's colours."""
    group: Element = {"type": "Container", "items": list(items)}
    group |= {name: value for name, value in {"style": style, "spacing": spacing}.items() if value}
    return group | {"bleed": True} if bleed else group


def unfolding(question: str, answer: Element, name: str) -> tuple[Element, Element]:
    """Return a line that shows and hides what stands under it.

    Args:
        name: Tells it from others on the card.
    """
    toggle = {"type": "Action.ToggleVisibility", "title": question, "targetElements": [name]}
    line = container([text_block(question, size="Small", color="Accent")], spacing="Small")
    return line | {"selectAction": toggle}, {**answer, "id": name, "isVisible": False}


SIDE_BY_SIDE = 6
"""How many buttons of one row every Teams client shows; some hide the rest."""


def action_set(actions: Sequence[Element]) -> Element:
    """Return buttons inside the body."""
    return {"type": "ActionSet", "actions": list(actions)}


def execute(title: str, data: Mapping[str, object], *, style: str = "", inputs: bool = True) -> Element:
    """Return a button that reports to Wilson, with a fallback for clients that know no ``Action.Execute``.

    Args:
        title: What the button says.
        data: What ``cards.actions.encode`` made.
        style: ``positive`` or ``destructive``.
        inputs: Whether the card's inputs are sent along, and checked before.
    """
    action: Element = {
        "type": "Action.Execute",
        "title": title,
        "verb": str(data.get("do", "")),
        "data": dict(data),
    }
    fallback: Element = {"type": "Action.Submit", "title": title, "data": dict(data)}
    for each in (action, fallback):
        if style:
            each["style"] = style
        if not inputs:
            each["associatedInputs"] = "none"
    return action | {"fallback": fallback}


def open_url(title: str, url: str) -> Element:
    """Return a button that opens an address that ``safe_url`` let through."""
    return {"type": "Action.OpenUrl", "title": title, "url": url}


def show_card(title: str, actions: Sequence[Element]) -> Element:
    """Return a button that unfolds further buttons, in rows of as many as every client shows."""
    card: Element = {"type": "AdaptiveCard"}
    if len(actions) <= SIDE_BY_SIDE:
        card["actions"] = list(actions)
    else:
        rows = range(0, len(actions), SIDE_BY_SIDE)
        card["body"] = [action_set(actions[start : start + SIDE_BY_SIDE]) for start in rows]
    return {"type": "Action.ShowCard", "title": title, "card": card}


def adaptive_card(
    body: Sequence[Element],
    actions: Sequence[Element] = (),
    *,
    speak: str,
    refresh: Element | None = None,
    entities: Sequence[Element] = (),
) -> Element:
    """Return a whole card. ``speak`` is for those who hear it, and for clients that can't show it."""
    teams: Element = {"width": "Full"}
    if entities:
        teams["entities"] = list(entities)
    card: Element = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "speak": speak,
        "fallbackText": speak,
        "msteams": teams,
        "body": list(body),
    }
    if actions:
        card["actions"] = list(actions)
    return card | {"refresh": refresh} if refresh else card
