"""Looks now and then at what falls due by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from models.ports.errors import PortError

log = logging.getLogger(__name__)

MINUTE = 60.0


async def look_now_and_then(
    look: Callable[[datetime], Awaitable[None]], what: str, *, seconds: float = MINUTE
) -> None:
    """Look until cancelled. What fails is logged, and looked at again the next time.

    Args:
        look: Given the moment to look at.
        what: What it looks at, for the log.
        seconds: How long to wait in between.
    """
    while True:
        try:
            await look(datetime.now(UTC))
        except PortError as error:
            log.warning("%s can't be looked at; trying again: %s", what, error)
        except Exception:
            log.exception("looking at %s failed; trying again", what)
        await asyncio.sleep(seconds)
