"""Is it alive, is it ready, and how much is there: for probes and for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from models import directory, queue, store
from models.domain.incidents import State
from models.settings import Settings
from models.sql import reading

OLDEST_OUTBOX_MS = 10 * 60_000
POLLS_MISSED = 6


async def readiness(settings: Settings) -> Sequence[tuple[str, bool, str]]:
    """Return what was looked at, whether it is well, and what was found."""
    try:
        now = store.now_ms()
        depth = await queue.depth(now)
        polled = await directory.fact("mailbox_polled_ms")
    except Exception as error:
        return [("database", False, type(error).__name__)]
    age = now - depth.oldest_ms if depth.oldest_ms is not None else 0
    found = [
        ("database", True, "reachable"),
        ("outbox", age < OLDEST_OUTBOX_MS, f"oldest due item is {age // 1000} s old"),
        ("parked", True, f"{depth.parked} items wait for a person"),
    ]
    if polled is not None and settings.mailbox.kind != "none":
        silent = (now - int(polled)) / 1000
        limit = max(60.0, settings.mailbox.poll_seconds * POLLS_MISSED)
        found.append(("mailbox", silent < limit, f"read {silent:.0f} s ago"))
    return found


async def metrics() -> str:
    """Return the figures in Prometheus' text format."""
    depth = await queue.depth(store.now_ms())
    polled = await directory.fact("mailbox_polled_ms")
    states = await reading().rows("SELECT state, COUNT(*) AS n FROM incidents GROUP BY state")
    kinds = await reading().rows("SELECT kind, COUNT(*) AS n FROM mails GROUP BY kind")
    by_state = {row["state"]: row["n"] for row in states}
    lines = [
        "# TYPE wilson_incidents gauge",
        *(f'wilson_incidents{{state="{state.value}"}} {by_state.get(state.value, 0)}' for state in State),
        "# TYPE wilson_mails_total counter",
        *(f'wilson_mails_total{{kind="{row["kind"]}"}} {row["n"]}' for row in kinds),
        "# TYPE wilson_outbox_items gauge",
        f'wilson_outbox_items{{state="waiting"}} {depth.waiting}',
        f'wilson_outbox_items{{state="parked"}} {depth.parked}',
        "# TYPE wilson_outbox_oldest_seconds gauge",
        f"wilson_outbox_oldest_seconds {(store.now_ms() - depth.oldest_ms) / 1000 if depth.oldest_ms else 0:.3f}",
    ]
    if polled is not None:
        lines += ["# TYPE wilson_mailbox_polled_timestamp_seconds gauge"]
        lines += [f"wilson_mailbox_polled_timestamp_seconds {int(polled) / 1000:.3f}"]
    return "\n".join(lines) + "\n"
