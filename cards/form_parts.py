"""What several forms are made of: the refusal, text inputs, the questions that lead to the urgency."""

from __future__ import annotations

from collections.abc import Mapping

from cards import inputs
from cards.actions import COMPUTED
from cards.blocks import Element, clean, container, escape, text_block
from cards.judging import YES_NO
from cards.payload import SHORT
from models.domain.decisions import Refusal
from models.domain.process import Process

Values = Mapping[str, str]
"""What was entered, by the inputs' names."""


def refused(refusal: Refusal | None) -> list[Element]:
    """Return why the last try changed nothing; nothing where there was none."""
    if refusal is None:
        return []
    return [
        container([text_block(escape(refusal.text, 600), weight="Bolder", color="Attention")], style="attention")
    ]


def marked(elements: list[Element], refusal: Refusal | None) -> list[Element]:
    """Mark what the refusal names; the fields keep their order."""
    wrong = set(refusal.fields) if refusal else set()
    shown: list[Element] = []
    for element in elements:
        if element.get("id") in wrong:
            shown.append(text_block("▼ Here", color="Attention", weight="Bolder", size="Small"))
        shown.append(element)
    return shown


def text(
    name: str,
    label: str,
    values: Values,
    limit: int,
    *,
    multiline: bool = False,
    hint: str = "",
    required: str = "",
) -> Element:
    """Return a text input that holds what was entered before."""
    value = values.get(name, "")
    return inputs.text(name, label, value=value, limit=limit, multiline=multiline, hint=hint, required=required)


def said(value: int | bool | None) -> str:
    """Return an answer as its input holds it."""
    if value is None:
        return "unknown"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def assessment(process: Process, values: Values, *, later: bool = False) -> list[Element]:
    """Return the questions that lead to the urgency.

    Args:
        later: Whether they may be left for later; then what the tests of an incident ask is not asked again.
    """
    parts: list[Element] = []
    asked = {test.key for test in process.judging.tests} if later else set()
    for question in process.questions:
        if question.key in asked:
            continue
        name, label = f"q_{question.key}", clean(question.text, 200)
        value = values.get(name, "")
        if question.kind == "number":
            hint = "A number; empty if it is not known"
            parts.append(inputs.number(name, label, value=value, hint=hint))
        else:
            choices = (*YES_NO, ("Not known", "unknown"))
            parts.append(
                inputs.choice(name, label, choices, value=value or ("" if later else "unknown"), expanded=True)
            )
    parts.append(text_block("What is not known counts as the graver answer.", subtle=True, size="Small"))
    as_answered = "As the answers make it (without any: later)" if later else "As the answers make it"
    computed = (as_answered, COMPUTED)
    levels = [(clean(f"{level.name}: {level.meaning}", 160), level.key) for level in process.urgencies]
    chosen = values.get("urgency", "") or computed[1]
    parts.append(inputs.choice("urgency", "Urgency", [computed, *levels], value=chosen, expanded=True))
    label = "Why, if it is not what the answers make it"
    parts.append(text("reason", label, values, SHORT))
    return parts
