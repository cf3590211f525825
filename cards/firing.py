"""The report of what one action made: each part by itself (T10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cards.actions import encode
from cards.blocks import Element, adaptive_card, execute, gap, rich_text, safe_url, text_block, text_run
from cards.story import facts, what_happened
from cards.words import headline
from models.domain.firing import Part
from models.domain.incidents import Incident
from models.domain.process import Process
from models.domain.timeline import Entry

_SAID = {"made": "made", "failed": "not made", "trying": "being tried again", "begun": "still under way"}
_SIGNS = {"made": "✔", "failed": "✘", "trying": "…", "begun": "…"}


def parts_card(incident: Incident, parts: Sequence[Part]) -> Element:
    """Return which parts are there and which are not, and why; with a button to try what failed."""
    body = [
        text_block(headline(incident), weight="Bolder", size="Small"),
        rich_text(text_run(incident.title, 200, weight="Bolder"), spacing="None"),
        *(_line(part) for part in parts),
    ]
    failed = any(part.state == "failed" for part in parts)
    if failed:
        body.append(text_block("What is there stays as it is when the rest is tried again.", subtle=True))
    again = [execute("Try again what failed", encode("fire", incident=incident.id), style="positive")]
    return adaptive_card(body, again if failed else [], speak=f"Incident {incident.id}: {parts_line(parts)}")


def parts_line(parts: Sequence[Part]) -> str:
    """Return the same in one line, for notifications."""
    return ", ".join(f"{part.name.lower()} {_SAID[part.state]}" for part in parts)


def _line(part: Part) -> Element:
    runs = [text_run(f"{_SIGNS[part.state]} {part.name}: {_SAID[part.state]}", 80, weight="Bolder")]
    if part.state == "made" and (url := safe_url(part.url)):
        runs += [gap(" "), text_run(part.text or "open it", 120, color="Accent", url=url)]
    elif part.text:
        colour = "Attention" if part.state == "failed" else ""
        runs += [gap(" "), text_run(f"({part.text})", 320, color=colour, subtle=not colour)]
    return rich_text(*runs)


def log_page(incident: Incident, timeline: Sequence[Entry], process: Process, safe: Callable[[str], str]) -> str:
    """Return an incident's log page: the facts, and who did what when (T9, T48).

    Args:
        timeline: In order.
        safe: Makes foreign text harmless where the page stands.
    """
    return "\n\n".join(
        (
            f"# Log of incident {incident.id}: {safe(incident.title)}",
            "Wilson renews this page with whatever happens. What is to stand here is said with `note`.",
            facts(incident, process, safe),
            f"## Who did what when\n\n{what_happened(timeline, safe)}",
        )
    )
