"""The table of services in a process file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.domain.matching import Patterns, read_patterns
from models.domain.process_reader import Reader


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        patterns: Which incidents concern it; empty where only a person says so.
        where: What it runs on.
        experts: Who knows it: names, or a team's.
        links: Runbook, dashboards and the like: what each is, and its address.
    """

    name: str
    patterns: Patterns = ()
    where: str = ""
    experts: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def read_services(readers: Sequence[Reader]) -> tuple[Service, ...]:
    """Read ``[[services]]``.

    Raises:
        ProcessError: An entry does not fit, or two bear one name.
    """
    made: list[Service] = []
    for reader in readers:
        name = " ".join(reader.text("name").split())
        if any(name.casefold() == each.name.casefold() for each in made):
            reader.wrong(f"name holds {name!r}, which another has, too; each needs its own")
        links = reader.typed("links", dict, 'a table such as { Runbook = "https://…" }', {})
        for label, url in links.items():
            if not isinstance(url, str) or not url.startswith("https://"):
                reader.wrong(f"links.{label} holds {url!r}; it needs an address that starts with https://")
        patterns = read_patterns(reader.table("match")) if reader.has("match") else ()
        experts, where = reader.texts("experts"), reader.text("where", "")
        made.append(Service(name, patterns, where, experts, tuple(links.items())))
        reader.done()
    return tuple(made)
