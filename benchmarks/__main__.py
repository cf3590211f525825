"""``python -m benchmarks [name …]``: figures, each beside its floor in the same run."""

from __future__ import annotations

import asyncio
import importlib
import logging
import multiprocessing
import sys
import time

from benchmarks.figures import Figure, table

NAMES = {
    "throughput": "benchmarks.throughput",
    "clicks": "benchmarks.clicks",
    "lookup": "benchmarks.lookup",
    "postgres": "benchmarks.lookup",
    "storm": "benchmarks.storm",
    "start": "benchmarks.start",
}
"""What can be measured, and the module whose function of that name measures it."""


def measure(name: str) -> list[Figure]:
    """Measure, in a process of its own: cores and memory are the process's."""
    logging.disable(logging.CRITICAL)
    work = getattr(importlib.import_module(NAMES[name]), name)
    figures: list[Figure] = asyncio.run(work())
    return figures


def main() -> None:
    """Measure what the command line names, or everything."""
    wanted = sys.argv[1:] or list(NAMES)
    if unknown := [name for name in wanted if name not in NAMES]:
        sys.exit(f"there is no {', '.join(unknown)}; known are: {', '.join(NAMES)}")
    figures: list[Figure] = []
    for name in wanted:
        began = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures += pool.apply(measure, (name,))
        print(f"measured {name} in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))


if __name__ == "__main__":
    main()
