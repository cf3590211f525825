"""The team's services, on a card and as answers to commands."""

from __future__ import annotations

from collections.abc import Iterable

from cards.blocks import Element, escape, gap, link, rich_text, row, safe_url, text_run
from models.domain.incidents import Incident
from models.domain.process import Process
from models.domain.service_rules import Service
from models.domain.services import find_service, services_of

_ON_CARD, _LISTED, _LINKS, _LONG_URL = 2, 8, 3, 300
_LONGEST = 20_000
"""Characters of a list; Teams takes 28,000 bytes of a message."""


def service_rows(incident: Incident, process: Process, *, brief: bool) -> Iterable[Element]:
    """Return which services an incident concerns: where each runs, whom to ask, where to look (T18).

    Args:
        brief: Only the name of the first.
    """
    found = services_of(incident, process.services)
    for number, each in enumerate(found[: 1 if brief else _ON_CARD]):
        service = each.service
        runs = [text_run(service.name, 60, weight="Bolder")]
        if not brief:
            runs += _about(service)
        yield row("Service" if number == 0 else " ", rich_text(*runs))
    if len(found) > _ON_CARD and not brief:
        yield row(" ", rich_text(text_run(f"and {len(found) - _ON_CARD} more: service", 60, subtle=True)))


def _about(service: Service) -> list[Element]:
    runs = []
    if service.where:
        runs += [gap(" on "), text_run(service.where, 100)]
    if service.experts:
        runs += [gap("; ask ", subtle=True), text_run(", ".join(service.experts[:4]), 120)]
    for label, address in service.links[:_LINKS]:
        if (url := safe_url(address)) and len(url) <= _LONG_URL:
            runs += [gap(" · ", subtle=True), text_run(label, 40, color="Accent", url=url)]
    return runs


def services_text(process: Process) -> str:
    """Return what runs where."""
    if not process.services:
        return "The process names no services."
    lines: list[str] = []
    for each in process.services:
        line = f"- {_line(each, links=0)}"
        if sum(map(len, lines)) + len(line) > _LONGEST:
            lines.append(f"- and {len(process.services) - len(lines)} more")
            break
        lines.append(line)
    lines.append("\n`service <name>` tells where to look.")
    return "**What runs where**\n\n" + "\n".join(lines)


def service_text(name: str, process: Process, incident: Incident | None = None) -> str:
    """Return one service; without a name those that the thread's incident concerns, or else all."""
    if name:
        found = find_service(name, process.services)
        if found is not None:
            return _line(found)
        known = ", ".join(escape(each.name, 60) for each in process.services[:40])
        return f"There is no service {escape(name, 60)!r}. {f'They are: {known}.' if known else ''}".strip()
    concerned = services_of(incident, process.services) if incident is not None else ()
    if not concerned:
        return services_text(process)
    return "\n\n".join(_line(each.service) for each in concerned[:_LISTED])


def _line(service: Service, *, links: int = _LINKS) -> str:
    parts = [f"**{escape(service.name, 60)}**"]
    if service.where:
        parts.append(f"runs on {escape(service.where, 200)}")
    if service.experts:
        parts.append(f"ask {escape(', '.join(service.experts[:10]), 300)}")
    shown = [(label, safe_url(url)) for label, url in service.links[:links]]
    parts += [link(escape(label, 60), url) for label, url in shown if url and len(url) <= _LONG_URL]
    return "; ".join(parts)
