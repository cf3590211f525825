"""The form that declares an incident that no mail announced."""

from __future__ import annotations

from cards import inputs
from cards.actions import encode
from cards.blocks import Element, adaptive_card, clean, escape, execute, text_block
from cards.form_parts import Values, assessment, marked, refused, text
from cards.judging import judging_inputs
from cards.payload import LONG, TITLE
from models.domain.decisions import Refusal
from models.domain.judging import ASK as NOT_AN_INCIDENT
from models.domain.process import Process

MOST_SERVICES = 12
"""How many services the form offers; the command takes any."""


def declare_form(
    process: Process, values: Values | None = None, refusal: Refusal | None = None, *, once: str
) -> Element:
    """Return the form that declares an incident that no mail announced."""
    values = values or {}
    none = refusal is not None and refusal.ask == NOT_AN_INCIDENT
    body = [
        text_block("Declare an incident", weight="Bolder", size="Large", heading=True),
        text_block(escape(process.definition, 300), subtle=True),
        *refused(refusal),
        *marked(
            [
                text("title", "What is wrong, in one line?", values, TITLE, required="Say what is wrong."),
                text("description", "What is seen so far?", values, LONG, multiline=True),
                *_service(process, values),
                *judging_inputs(process.judging.tests, values),
                text_block("How bad is it? You can answer this later, too.", weight="Bolder", spacing="Large"),
                *assessment(process, values, later=True),
            ],
            refusal,
        ),
    ]
    button = execute("Declare", encode("declare", once=once), style="positive")
    if none:
        button = execute("Declare all the same", encode("declare", once=once, anyway=True), style="destructive")
    return adaptive_card(body, [button], speak="Declare an incident")


def _service(process: Process, values: Values) -> list[Element]:
    names = [clean(each.name, 60) for each in process.services[:MOST_SERVICES]]
    if not names:
        return []
    other = "Another, or not known"
    if len(process.services) > MOST_SERVICES:
        other = "Another (the command takes any: incident Slow; service: Name), or not known"
    choices = [*((name, name) for name in names), (other, "-")]
    return [inputs.choice("service", "Which service is impacted?", choices, value=values.get("service", ""))]
