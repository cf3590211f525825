"""HTML of a mail as text, within bounds."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from mailwatcher.texts import clean, unwrap_links

DEPTH_LIMIT = 400
"""Elements within each other beyond which the parser's time grows with their square; then tags are cut out."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})(?=[\s/>])[^<>]{0,4000}>")
_OPENED = re.compile(r"<[A-Za-z]")
_VOID = frozenset({"br", "img", "hr", "input", "meta", "link", "col", "area", "base", "wbr", "source"})
_HREF = re.compile(r"""[hH][rR][eE][fF]\s?=\s?["']?(https?://[^\s"'<>]{1,6000})""")
_LEFT_OUT = re.compile(r"<(?:!--|!\[CDATA\[|script|style)", re.IGNORECASE)
_BREAKING = re.compile(
    r"</?(?:p|div|tr|td|th|li|h[1-6]|br|table|ul|ol|blockquote|hr)\b[^<>]{0,4000}>", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML part as text, a line a block, and the addresses of its links, unwrapped."""

    text: str
    links: tuple[str, ...]


def read_page(source: str) -> Page:
    """Return what an HTML part says."""
    links = read_links(source)
    opened = source.count("<")
    if opened > 20_000 or (opened > DEPTH_LIMIT and _depth(source) > DEPTH_LIMIT):
        return Page(_without_tags(source), links)
    if opened > 200 and len(_LEFT_OUT.findall(source)) > 200:
        return Page(_without_tags(source), links)
    marked = _BREAKING.sub(lambda found: f"\n{found[0]}", source)
    tree = LexborHTMLParser(marked)
    tree.strip_tags(["head", "style", "script", "title"])
    text = tree.body.text(separator="") if tree.body else ""
    return Page(_lines(text), links)


def read_links(source: str) -> tuple[str, ...]:
    """Return the addresses of an HTML part's links, unwrapped."""
    return tuple(unwrap_links(html.unescape(found[1])) for found in _HREF.finditer(source))[:400]


def _depth(source: str) -> int:
    depth = deepest = 0
    if len(_OPENED.findall(source)) <= DEPTH_LIMIT:
        return 0
    for found in _TAG.finditer(source):
        if found[2].lower() in _VOID:
            continue
        depth += -1 if found[1] else 1
        deepest = max(deepest, depth)
    return deepest


def _without_tags(source: str) -> str:
    return _lines(html.unescape(re.sub(r"<[^<>]{0,4000}>", "\n", source)))


def _lines(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return unwrap_links(clean("\n".join([line for line in lines if line])))
