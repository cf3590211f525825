"""Teams' limits for one bot, kept before Teams has to say no."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

WINDOWS = ((1.0, 7), (2.0, 8), (30.0, 60), (3600.0, 1800))
"""Seconds, and how many messages one bot may send in one thread within them (Microsoft, "Rate limiting")."""
PER_SECOND = 30
"""Requests of one app in one tenant within a second."""
KEPT = 5000
"""Conversations that are remembered; the ones used longest ago are forgotten first."""


class Pacer:
    """Counts what was sent, per conversation and in all.

    Args:
        clock: Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=PER_SECOND)

    def take(self, conversation: str) -> float:
        """Take a place for one message.

        Returns:
            0 where the place was taken; otherwise the seconds to wait before asking again.
        """
        now = self._clock()
        sent = self._sent.setdefault(conversation, deque(maxlen=WINDOWS[-1][1]))
        self._sent.move_to_end(conversation)
        wait = max(self._wait(sent, now), self._wait_for_all(now))
        if wait > 0:
            return wait
        sent.append(now)
        self._all.append(now)
        while len(self._sent) > KEPT:
            self._sent.popitem(last=False)
        return 0.0

    @staticmethod
    def _wait(sent: deque[float], now: float) -> float:
        return max((sent[-most] + seconds - now for seconds, most in WINDOWS if len(sent) >= most), default=0.0)

    def _wait_for_all(self, now: float) -> float:
        return self._all[0] + 1.0 - now if len(self._all) == PER_SECOND else 0.0
