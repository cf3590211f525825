"""In which order people should look at what is not over."""

from __future__ import annotations

from collections.abc import Iterable

from models.domain.incidents import Incident
from models.domain.process import Process


def by_need(incidents: Iterable[Incident], process: Process) -> list[Incident]:
    """Order what is not over: raised before candidates, the most urgent first, unowned first, then the oldest."""
    levels = {level.key: n for n, level in enumerate(process.urgencies)}
    unknown = 0.5  # above the mildest: it may be anything
    return sorted(
        incidents,
        key=lambda each: (
            not each.raised,
            -levels.get(each.urgency or "", unknown),
            each.owner is not None,
            each.created_at,
            each.id,
        ),
    )
