"""What can be measured."""

from __future__ import annotations

import asyncio
import importlib
import logging

from benchmarks.figures import Figure

NAMES = {
    "throughput": "benchmarks.throughput",
    "families": "benchmarks.families",
    "patterns": "benchmarks.patterns",
    "clicks": "benchmarks.clicks",
    "lookup": "benchmarks.lookup",
    "postgres": "benchmarks.lookup",
    "storm": "benchmarks.storm",
    "start": "benchmarks.start",
}
"""Each name, and the module whose function of that name measures it."""


def measure(name: str) -> list[Figure]:
    """Measure, in a process of its own: cores and memory are the process's."""
    logging.disable(logging.CRITICAL)
    work = getattr(importlib.import_module(NAMES[name]), name)
    figures: list[Figure] = asyncio.run(work())
    return figures
