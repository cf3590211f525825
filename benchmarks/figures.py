"""A figure beside its floor and its aim, and how it is printed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``met`` is ``None`` where there is no aim."""

    name: str
    value: str
    floor: str = ""
    aim: str = ""
    met: bool | None = None


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| figure | value | floor in the same run | aim | |", "|---|---|---|---|---|"]
    for each in figures:
        verdict = "" if each.met is None else "met" if each.met else "**missed**"
        lines.append(f"| {each.name} | {each.value} | {each.floor} | {each.aim} | {verdict} |")
    return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def on_one_core() -> None:
    """Keep this process on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
