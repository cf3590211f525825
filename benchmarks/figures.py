"""A figure beside its floor and its aim, and how it is printed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        value: What was measured.
        floor: What was measured beside it in the same run.
        ratio: The one to the other.
        met: ``None`` where there is no aim, or where the floor that it is held against was not available.
    """

    name: str
    value: str
    floor: str = ""
    ratio: str = ""
    aim: str = ""
    met: bool | None = None


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| figure | value | floor in the same run | ratio | aim | |", "|---|---|---|---|---|---|"]
    for each in figures:
        verdict = "" if not each.aim else {None: "not measured", True: "met", False: "**missed**"}[each.met]
        cells = (each.name, each.value, each.floor, each.ratio, each.aim, verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return percentile(values, 0.5)


def on_core(last: bool = False) -> None:
    """Keep this process, and what it starts, on its first core or its last, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cores) if last else min(cores)})


def peak_memory(pid: int | None = None) -> float:
    """Return the most memory that a process held since it began its program, in MB; 0 where nobody tells."""
    return _status(pid, "VmHWM")


def memory(pid: int | None = None) -> float:
    """Return the memory that a process holds now, in MB; 0 where nobody tells."""
    return _status(pid, "VmRSS")


def _status(pid: int | None, field: str) -> float:
    try:
        text = Path(f"/proc/{pid or os.getpid()}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in text.splitlines() if line.startswith(f"{field}:")]
    return int(found[0]) / 1024 if found else 0.0


def children() -> list[int]:
    """Return the processes that this one started and that still run."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def processor_seconds(pid: int) -> float:
    """Return how long a process has worked; 0 where nobody tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
