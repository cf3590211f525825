"""One card for many new candidates, when they come faster than cards can be posted."""

from __future__ import annotations

from collections.abc import Sequence

from cards import inputs
from cards.actions import encode
from cards.blocks import (
    MAX_BYTES,
    Element,
    adaptive_card,
    container,
    execute,
    gap,
    inert,
    rich_text,
    size,
    text_block,
    text_run,
)
from cards.words import public_title, source_name, times
from models.domain.incidents import Incident
from models.domain.views import DigestView

_MOST = 40


def digest_card(view: DigestView) -> Element:
    """Return the list of new candidates, in the view's order, as many as a card holds."""
    shown = view.incidents[:_MOST]
    card = _card(view, shown)
    while shown and size(card) > MAX_BYTES:
        shown = shown[: max(0, min(len(shown) - 1, len(shown) * MAX_BYTES // size(card)))]
        card = _card(view, shown)
    return card


def _card(view: DigestView, shown: Sequence[Incident]) -> Element:
    count = len(view.incidents)
    title = f"{count} new candidate{'' if count == 1 else 's'}"
    body = [
        container(
            [
                text_block(title, weight="Bolder", size="Large", heading=True),
                text_block("They came faster than cards can be posted. The gravest come first.", spacing="None"),
            ],
            style="attention",
            bleed=True,
        )
    ]
    for incident in shown:
        # Foreign parts are cleaned with the rest of their run.
        parts = (source_name(incident.source), incident.severity, incident.project)
        parts = ("a matter of security", None, None) if incident.private else parts
        tail = ", ".join(part[:60] for part in parts if part)
        again = f", {times(incident.count)}" if incident.count > 1 else ""
        body.append(
            rich_text(
                text_run(f"#{incident.id}", 20, weight="Bolder"),
                gap(),
                text_run(public_title(incident), 120),
                gap(),
                text_run(f"({tail}{again})", 160, subtle=True),
                spacing="Small",
            )
        )
    if count > len(shown):
        body.append(text_block(f"and {count - len(shown)} more: use `list`", subtle=True))
    actions: list[Element] = []
    if shown:
        choices = [(inert(f"#{each.id} {public_title(each)}", 80), str(each.id)) for each in shown]
        body.append(inputs.choice("pick", "Whose card do you want?", choices, required="Choose one."))
        actions = [execute("Show its card", encode("show_card"))]
    return adaptive_card(body, actions, speak=title)
