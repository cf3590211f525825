"""Hand-off, third parties and updates for stakeholders, as text and rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cards.actions import encode
from cards.blocks import (
    Element,
    adaptive_card,
    clean,
    container,
    escape,
    execute,
    gap,
    link,
    plain,
    rich_text,
    row,
    safe_url,
    text_block,
    text_run,
    when,
)
from cards.story import story, to_copy
from cards.words import headline, urgency_name
from models.domain.incidents import Incident
from models.domain.outside import StatusUpdate
from models.domain.process import Process
from models.domain.timeline import Entry

_LONG_URL = 300


def handoff_text(incident: Incident, timeline: Sequence[Entry], process: Process) -> str:
    """Return what the Major Incident Process wants to know, ready to be pasted, and where it goes."""
    where = _where(incident, process)
    return f"{where} Paste this:\n\n```\n{to_copy(story, incident, timeline, process)}\n```".strip()


def _where(incident: Incident, process: Process) -> str:
    rules = process.communication
    where = []
    if rules.major_incident_contact:
        where.append(f"Hand it to **{escape(rules.major_incident_contact, 160)}**.")
    if url := safe_url(rules.major_incident_url):
        where.append(f"{link('Open the major incident process', url)}.")
    if incident.must_decide(process):
        where.append("The team's decision is not recorded yet: `decide`.")
    return " ".join(where)


def handoff_card(incident: Incident, timeline: Sequence[Entry], process: Process) -> Element:
    """Return the same as a card, with a box that the facts can be copied from."""
    box: Element = {
        "type": "Input.Text",
        "id": "story",
        "label": "For the major incident process, to be copied",
        "isMultiline": True,
        "value": to_copy(story, incident, timeline, process),
    }
    head = text_block(headline(incident), weight="Bolder", size="Small")
    body = [container([head], style="emphasis", bleed=True), text_block(_where(incident, process)), box]
    back = execute("Back", encode("refresh", incident=incident.id), inputs=False)
    return adaptive_card(body, [back], speak=f"Hand-off of {plain(incident.title, 200)}")


def channel_offer(incident: Incident, process: Process, name: str) -> Element:
    """Return the question whether an incident should have a channel of its own.

    Args:
        name: What it would be called.
    """
    level = clean(urgency_name(incident, process) or "", 80)
    said = f"An incident of this urgency ({level}) may have a channel of its own: {clean(name, 60)}. Shall it?"
    body = [
        rich_text(text_run(said, 300, weight="Bolder")),
        text_block("Without an answer none is made.", subtle=True),
    ]
    make = execute("Make the channel", encode("channel", incident=incident.id), style="positive")
    return adaptive_card(body, [make], speak=f"A channel for {plain(incident.title, 200)}?")


def vendors_text(process: Process) -> str:
    """Return the third parties: how to raise a ticket there, and what to do where it does not move (P48)."""
    if not process.vendors:
        return "The process names no third parties. Record a ticket with: `vendor <name> <number> <address>`"
    lines = []
    for each in process.vendors:
        url = safe_url(each.url)
        name = link(each.name, url) if url else f"**{escape(each.name, 80)}**"
        line = f"- {name}: {escape(each.how, 300)}"
        lines.append(f"{line} If it does not move: {escape(each.escalation, 300)}" if each.escalation else line)
    return "\n".join((*lines, "", "Record a ticket with: `vendor <name> <number> <address>`"))


def update_text(incident_id: int, update: StatusUpdate) -> str:
    """Return an update as the stakeholders' channel is told it."""
    head = f"**{escape(update.headline, 200)}** ({update.stage}, incident {incident_id})"
    return f"{head}\n\n{escape(update.text, 2000)}"


def outside_rows(incident: Incident, most: int) -> Iterable[Element]:
    """Return what the card says about third parties and stakeholders."""
    for number, each in enumerate(incident.vendors[-most:] if most else ()):
        url = safe_url(each.url) if len(each.url) <= _LONG_URL else None
        named = text_run(f"{each.name} {each.ref}", 120, color="Accent" if url else "", url=url)
        stands = f" closed {when(each.closed_at)}" if each.closed_at else f" since {when(each.at)}"
        yield row("Vendor" if number == 0 else " ", rich_text(named, gap(stands, subtle=True)))
    if incident.channel_name and most:
        url = safe_url(incident.channel_url)
        yield row("Channel", rich_text(text_run(incident.channel_name, 60, color="Accent" if url else "", url=url)))
    if incident.updates:
        last = incident.updates[-1]
        said = text_block(f"{last.stage}, {when(last.at)} by {escape(last.by.name, 80)}")
        yield row("Stakeholders", said)
