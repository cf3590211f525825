"""A card of one sentence, in place of a form that has done its work."""

from __future__ import annotations

from cards.blocks import Element, adaptive_card, escape, plain, text_block


def notice_card(text: str) -> Element:
    """Return a card that says what came of a form. ``text`` may hold foreign text."""
    return adaptive_card([text_block(escape(text, 300), weight="Bolder")], speak=plain(text, 300))
