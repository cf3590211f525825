"""What the public place shows of an incident of security: its number, its state, its owner, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cards.blocks import (
    Element,
    adaptive_card,
    clean,
    container,
    escape,
    gap,
    rich_text,
    row,
    safe_url,
    text_block,
    text_run,
    when,
)
from cards.words import STATES, public_headline
from models.domain.incidents import Incident
from models.domain.privacy import IN_PRIVATE
from models.domain.security_rules import Security


def redacted_card(incident: Incident, *, now: datetime, notice: str = "") -> Element:
    """Return the card that everyone may see of an incident of security."""
    owner = f"Owner: **{escape(incident.owner.name, 80)}**" if incident.owner else "Nobody owns it yet."
    parts = [
        text_block(public_headline(incident), weight="Bolder", size="Small"),
        text_block("Handled in private", size="Large", weight="Bolder", heading=True, spacing="Small"),
    ]
    if notice:
        parts.append(text_block(escape(notice, 400), spacing="Small", weight="Bolder", color="Accent"))
    if not incident.state.finished:
        parts.append(text_block(owner, spacing="Small"))
    body = [
        container(parts, style="emphasis", bleed=True),
        text_block(f"{IN_PRIVATE} As of {when(now)}.", size="Small", subtle=True, spacing="Medium", separator=True),
    ]
    return adaptive_card(body, [], speak=f"{STATES[incident.state]} {incident.id} is handled in private.")


def privacy_rows(incident: Incident, security: Security, *, brief: bool = False) -> Iterable[Element]:
    """Return what the private card says about reporting it: to whom, and whether they were told (L43)."""
    made = incident.privacy
    if made is None:
        return
    reason = f" because {made.reason}" if made.reason and not brief else ""
    yield row("Private", rich_text(text_run(f"{made.by.name} marked it as a matter of security{reason}", 300)))
    if made.told:
        at = f" at {when(made.told_at)}" if made.told_at else ""
        yield row("Reported", rich_text(text_run(made.told, 160), gap(f" was told{at}")))
        return
    head = clean(security.name, 80) or "whoever is responsible for security"
    runs: list[Element] = [text_run(f"Report it to {head}", 120, weight="Bolder", color="Attention")]
    if security.contact:
        runs.append(text_run(f" ({security.contact})", 120))
    if url := safe_url(security.url):
        runs += [gap(" · ", subtle=True), text_run("their page", 20, color="Accent", url=url)]
    if url := safe_url(security.report_url):
        runs += [gap(" · ", subtle=True), text_run("report form", 20, color="Accent", url=url)]
    yield row("Reported", rich_text(*runs))
    mail = {"sent": "A mail was sent to them.", "sending": "A mail to them is on its way."}.get(made.mail, "")
    if made.mail == "failed":
        mail = "The mail to them could not be sent."
    hint = f"{mail} Not recorded yet: say `security told <who>` once they know.".strip()
    yield row(" ", text_block(hint, subtle=True))
    if security.text and not brief:
        yield row(" ", text_block(escape(security.text, 400), subtle=True))
