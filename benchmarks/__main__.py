"""``python -m benchmarks [name …]``: figures, each beside its floor in the same run."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys

from benchmarks.clicks import clicks
from benchmarks.figures import Figure, table
from benchmarks.mail import measure
from benchmarks.start import start


def main() -> None:
    """Measure what the command line names, or everything."""
    wanted = sys.argv[1:] or ["throughput", "clicks", "lookup", "storm", "start"]
    figures: list[Figure] = []
    for name in wanted:
        if name == "clicks":
            figures += asyncio.run(clicks())
        elif name == "start":
            figures += asyncio.run(start())
        else:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                figures += pool.apply(measure, (name,))
        print(f"measured {name}", file=sys.stderr, flush=True)
    print(table(figures))


if __name__ == "__main__":
    main()
