"""Every pattern that meets a mail's text, against texts made to be hard for it: its time must grow as they do."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
import re
import time
from collections.abc import Iterator

import mailwatcher
from benchmarks.figures import Figure, on_core

LONG, SHORT = 100_000, 25_000
TRIES = 60
SLOWEST = 0.010
GROWTH = 8.0
"""Four times the text may take so many times as long; what grows with the square takes sixteen times."""


def found_patterns() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """Yield the mail watcher's patterns: name, pattern, and whether it is searched for everywhere in a text."""
    for found in pkgutil.walk_packages(mailwatcher.__path__, "mailwatcher."):
        if ".mailboxes" in found.name:
            continue
        module = importlib.import_module(found.name)
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            each = value if isinstance(value, tuple) else (value,)
            flat = [part for item in each for part in (item if isinstance(item, tuple) else (item,))]
            for number, part in enumerate(part for part in flat if isinstance(part, re.Pattern)):
                everywhere = not re.search(rf"\b{name}\.(?:full)?match\(", source)
                yield f"{found.name.removeprefix('mailwatcher.')}.{name}[{number}]", part, everywhere


def pieces(pattern: str) -> list[str]:
    """Return what a text that nearly matches is made of: the pattern's own words, and what its classes take."""
    words = re.findall(
        r"[A-Za-z0-9:/.@|<>\"'#=_-]{1,30}", re.sub(r"\(\?[^)]{0,3}|\\[a-zA-Z]|\{[^}]*\}", " ", pattern)
    )
    return [*words, " ", "\n", "a", "0", "-", ".", "(", "[", "<", '"', "=", ":", "|", "\u00e9", "A1 "]


def _seconds(pattern: re.Pattern[str], text: str, *, everywhere: bool) -> float:
    began = time.perf_counter()
    if everywhere:
        for _ in pattern.finditer(text):
            pass
    else:
        pattern.match(text)
    return time.perf_counter() - began


def hardest(pattern: re.Pattern[str], chance: random.Random, *, everywhere: bool) -> tuple[float, float]:
    """Return the worst seconds for ``LONG`` characters, and how much longer they took than ``SHORT`` ones."""
    parts = pieces(pattern.pattern)
    worst, growth = 0.0, 0.0
    for _ in range(TRIES):
        prefix = "".join(chance.choices(parts, k=chance.randint(0, 4)))
        unit = "".join(chance.choices(parts, k=chance.randint(1, 3)))
        texts = [(prefix + unit * (size // len(unit) + 1))[:size] for size in (SHORT, LONG)]
        short, long = (min(_seconds(pattern, each, everywhere=everywhere) for _ in range(2)) for each in texts)
        if long > worst:
            worst, growth = long, long / max(short, 1e-5)
    return worst, growth


async def patterns() -> list[Figure]:
    """Try every pattern; report the slowest and the one that grows the most."""
    on_core()
    chance = random.Random(7)
    found = [(name, *hardest(each, chance, everywhere=everywhere)) for name, each, everywhere in found_patterns()]
    slowest = max(found, key=lambda each: each[1])
    grown = [each for each in found if each[2] > GROWTH and each[1] > SLOWEST]
    steepest = max(grown or found, key=lambda each: each[2])
    return [
        Figure(
            f"{len(found)} patterns on 100 kB made to be hard, ms: slowest, {slowest[0]}",
            f"{slowest[1] * 1000:.1f}",
            aim=f"≤ {SLOWEST * 1000:g} ms",
            met=slowest[1] <= SLOWEST,
        ),
        Figure(
            f"patterns that take more than {GROWTH:g} times as long for 4 times the text",
            str(len(grown)),
            ratio=f"steepest {steepest[2]:.1f}",
            aim="none",
            met=not grown,
        ),
    ]
