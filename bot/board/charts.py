"""Charts as SVG that needs neither script nor style of its own; beside each stands a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LABEL, ROW, BAR = 640, 190, 34, 20
"""Units of the drawing: its width, the room for labels, a row's height, a bar's thickness."""
_CHARS = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how long it is, and what it says."""

    label: str
    value: int
    y: int
    length: float

    @property
    def short(self) -> str:
        """The label as far as there is room for it."""
        return self.label if len(self.label) <= _CHARS else f"{self.label[: _CHARS - 1]}…"


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar chart and its table.

    Attributes:
        name: Tells charts of one page apart.
        labels: What a bar is of; the table's first heading.
    """

    name: str
    title: str
    labels: str
    bars: tuple[Bar, ...]
    width: int = WIDTH
    label_width: int = LABEL
    thickness: int = BAR

    @property
    def height(self) -> int:
        """How high the drawing is."""
        return ROW * len(self.bars)

    @property
    def told(self) -> str:
        """The chart in one sentence, for whoever does not see it."""
        return f"{self.title}: " + ", ".join(f"{bar.label} {bar.value}" for bar in self.bars)


def chart_of(name: str, title: str, labels: str, counts: Sequence[tuple[str, int]]) -> Chart:
    """Lay out a bar chart.

    Args:
        name: Tells charts of one page apart.
        labels: What a bar is of.
        counts: Label and value, in the order to be shown.
    """
    most = max((value for _, value in counts), default=0) or 1
    room = WIDTH - LABEL - 50
    bars = (
        Bar(label, value, ROW * n + (ROW - BAR) // 2, round(room * value / most, 1))
        for n, (label, value) in enumerate(counts)
    )
    return Chart(name, title, labels, tuple(bars))
