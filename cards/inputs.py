"""Inputs of a card. Values and choices come out cleaned; labels are ours or the process's."""

from __future__ import annotations

from collections.abc import Sequence

from cards.blocks import Element, clean

Choice = tuple[str, str]
"""What is shown, and what is sent."""


def text(
    name: str,
    label: str,
    *,
    value: str = "",
    limit: int,
    hint: str = "",
    multiline: bool = False,
    required: str = "",
    style: str = "",
) -> Element:
    """Return a text input.

    Args:
        name: The input's id, and its key in what is sent.
        label: What is asked.
        value: What it holds already.
        limit: How many characters it takes.
        hint: What stands in it while it is empty.
        multiline: Whether it takes several lines.
        required: What is said when it is left empty; empty where it may be.
        style: ``url`` for addresses.
    """
    element: Element = {"type": "Input.Text", "id": name, "label": label, "maxLength": limit}
    kept = clean(value, limit, lines=multiline)
    parts = {"value": kept, "placeholder": hint, "style": style}
    element |= {key: part for key, part in parts.items() if part}
    if multiline:
        element["isMultiline"] = True
    return _required(element, required)


def number(name: str, label: str, *, value: str = "", hint: str = "") -> Element:
    """Return an input for a whole number from 0; empty stands for "not known"."""
    element: Element = {"type": "Input.Number", "id": name, "label": label, "min": 0, "max": 10_000_000}
    if value.isascii() and value.isdigit() and len(value) < 9:
        element["value"] = int(value)
    return element | {"placeholder": hint} if hint else element


def choice(
    name: str, label: str, choices: Sequence[Choice], *, value: str = "", expanded: bool = False, required: str = ""
) -> Element:
    """Return a choice of one. A ``value`` that is no choice is left out."""
    element: Element = {
        "type": "Input.ChoiceSet",
        "id": name,
        "label": label,
        "style": "expanded" if expanded else "compact",
        "choices": [{"title": title, "value": sent} for title, sent in choices],
        "wrap": True,
    }
    if any(value == sent for _, sent in choices):
        element["value"] = value
    return _required(element, required)


def toggle(name: str, title: str, *, on: bool = False) -> Element:
    """Return a yes-or-no input that is never empty."""
    return {
        "type": "Input.Toggle",
        "id": name,
        "title": title,
        "value": "true" if on else "false",
        "wrap": True,
    }


def _required(element: Element, message: str) -> Element:
    return element | {"isRequired": True, "errorMessage": message} if message else element
