"""Delivering what waits in the outbox: lease, deliver, settle.

In order within a stream, side by side between streams, so that a tracker that is away never holds a card.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from models import queue, routes
from models.domain.effects import Effect
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary, Unauthorised
from models.queue import Item
from models.store import now_ms

log = logging.getLogger(__name__)

LEASE_MS = 45_000
"""Longer than any attempt may take, so that a lease that runs out means a process that is gone."""
ATTEMPT_SECONDS = 40
STOP_SECONDS = 8
"""For how long a stopping process waits for what it has begun; the rest is taken up when its lease runs out."""
BATCH = 16
IDLE_SECONDS = 0.5
FIRST_DELAY, LONGEST_DELAY = 2.0, 600.0
GIVE_UP_MS = 3 * 24 * 3600 * 1000
"""For how long what keeps failing in passing is tried before it is parked."""
AMBIGUOUS_TRIES = 5
"""For what goes to Teams, where nobody can look whether it is there."""
LOOKED_FOR = frozenset({routes.TRACKER, routes.DESK, routes.PAGE, routes.PAGER})
"""Where one can look whether something is there before it is done again, or where it may be done twice."""


class Health(Protocol):
    """Is told how deliveries end."""

    async def failed(self, item: Item, error: PortError, *, parked: bool) -> None:
        """One failed; ``parked`` where it will not be tried again by itself."""
        ...

    async def worked(self, item: Item) -> None:
        """One arrived."""
        ...


class NotYet(Exception):
    """The time has not come: something that must be there first is not, or the limits say to wait.

    Args:
        reason: What it waits for, for ``wilson outbox``.
        seconds: For how long.
    """

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


def next_try(item: Item, error: PortError, now: int, jitter: float) -> int | None:
    """Decide when an item is tried again.

    Args:
        now: The present time in milliseconds.
        jitter: Between 0 and 1.

    Returns:
        When it is due, in milliseconds; ``None`` to park it.
    """
    if isinstance(error, Permanent):
        return None
    if isinstance(error, Ambiguous) and item.attempts >= AMBIGUOUS_TRIES and item.target not in LOOKED_FOR:
        return None
    too_long = item.attempted_ms is not None and now - item.attempted_ms > GIVE_UP_MS
    if too_long and not isinstance(error, Unauthorised):
        return None
    delay: float = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(item.attempts - 1, 20))
    delay *= 0.5 + jitter / 2
    if isinstance(error, Temporary) and error.retry_after is not None:
        delay = max(delay, error.retry_after)
    if isinstance(error, Ambiguous):
        delay = max(delay, error.settle_after)
    return now + round(delay * 1000)


class Outbox:
    """Runs the deliveries of one process; any number of processes share one outbox.

    Args:
        deliver: Does what an item says, and returns what follows from it.
        prepare: Called before each round, with nothing leased: where candidates are folded into digests.
        settle_seconds: For how long the tracker may still be at work on what it was asked by an attempt of which
            nobody wrote down how it ended.
        health: Is told how each delivery ends.
    """

    def __init__(
        self,
        deliver: Callable[[Item], Awaitable[Sequence[Effect]]],
        prepare: Callable[[], Awaitable[None]],
        *,
        settle_seconds: float = 0,
        health: Health | None = None,
    ) -> None:
        self._health = health
        self._deliver = deliver
        self._prepare = prepare
        self._settle_seconds = settle_seconds
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that something was put into the outbox just now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. What has been begun is finished; what was only leased is given back."""
        try:
            while True:
                self._wake.clear()
                try:
                    found = await self._round()
                except Exception:
                    log.exception("the outbox could not be read; trying again")
                    found = 0
                    await asyncio.sleep(IDLE_SECONDS * 4)
                if not found:
                    await self._idle()
        finally:
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_SECONDS)

    async def drain(self) -> None:
        """Deliver what is due now, and return when nothing is."""
        busy = True
        while busy:
            busy = bool(self._running)  # what ends during the round may leave something for the next
            busy = bool(await self._round()) or busy or bool(self._running)
            if self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _round(self) -> int:
        await self._prepare()
        free = BATCH - len(self._running)
        if free <= 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return 1
        items = await self._lease(free)
        for item in items:
            task = asyncio.create_task(self._attempt(item), name=f"deliver {item.kind} {item.subject}")
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(items)

    async def _lease(self, limit: int) -> list[Item]:
        """Lease; when cancelled meanwhile, give back what was taken, so that no lease outlives the process."""
        leasing = asyncio.ensure_future(queue.lease(now_ms(), lease_ms=LEASE_MS, limit=limit))
        try:
            return await asyncio.shield(leasing)
        except asyncio.CancelledError:
            await queue.release(await leasing)
            raise

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("a delivery could not be written down; its lease will run out", exc_info=error)

    async def _attempt(self, item: Item) -> None:
        settle = self._settle_seconds if item.target == routes.TRACKER else 0
        try:
            if settle and item.attempts > 1 and not item.error:
                raise NotYet("an attempt that was cut off may still be under way at the tracker", settle)
            async with asyncio.timeout(ATTEMPT_SECONDS):
                follows = await self._deliver(item)
        except NotYet as wait:
            due = now_ms() + round(wait.seconds * 1000)
            await queue.put_back(item, str(wait), due, attempts=item.attempts - 1)
        except TimeoutError:
            await self._failed(item, Ambiguous(f"no answer within {ATTEMPT_SECONDS} s", settle))
        except PortError as error:
            await self._failed(item, error)
        except Exception as error:
            log.exception("delivering %s for %s failed", item.kind, item.subject)
            await self._failed(item, Permanent(f"a defect: {type(error).__name__}"))
        else:
            await queue.settle(item, follows, now_ms())
            if self._health is not None:
                await self._health.worked(item)

    async def _failed(self, item: Item, error: PortError) -> None:
        due = next_try(item, error, now_ms(), random.random())  # noqa: S311 -- jitter, not a secret
        if due is None:
            log.error("%s for %s is parked: %s; see wilson outbox", item.kind, item.subject, error)
            await queue.park(item, str(error))
        else:
            log.warning("%s for %s will be tried again: %s", item.kind, item.subject, error)
            await queue.put_back(item, str(error), due)
        if self._health is not None:
            await self._health.failed(item, error, parked=due is None)
