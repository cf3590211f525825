"""``python -m benchmarks [name …]``: figures, each beside its floor in the same run."""

from __future__ import annotations

import multiprocessing
import sys
import time

from benchmarks.catalogue import NAMES, measure
from benchmarks.figures import Figure, table


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
