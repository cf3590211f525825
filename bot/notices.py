"""What is told at its time: who is on call today, days that nobody covers, and the incident review."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.rota import days
from bot.surroundings import Surroundings
from cards.blocks import mention
from cards.lists import gap_text, morning_text, review_list, review_soon
from models import store
from models.domain.effects import Tell
from models.domain.incidents import State
from models.domain.people import Person
from models.ports import PortError, RotaSource

log = logging.getLogger(__name__)

MINUTE = 60.0


class Notices:
    """Tells each thing once, whichever replica looks first.

    Args:
        around: The team and its process.
        rota: Who is on call on other days; ``None`` where there is no rota.
        timezone: Whose days and hours.
        wake: Called when something was put into the outbox.
    """

    def __init__(
        self, around: Surroundings, rota: RotaSource | None, timezone: ZoneInfo, wake: Callable[[], None]
    ) -> None:
        self._around = around
        self._rota = rota
        self._timezone = timezone
        self._wake = wake

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except PortError as error:
                log.warning("the rota can't be read; trying again: %s", error)
            except Exception:
                log.exception("what is to be told could not be; trying again")
            await asyncio.sleep(MINUTE)

    async def look(self, now: datetime) -> None:
        """Look once."""
        await self._review(now)
        await self._morning(now)

    async def _morning(self, now: datetime) -> None:
        rules, hours = self._around.process.notices, self._around.process.hours
        here = now.astimezone(self._timezone)
        if (
            self._rota is None
            or rules.morning_at is None
            or here.time() < rules.morning_at
            or not hours.works_on(here.date())
        ):
            return
        today = here.date()
        ahead = await days(self._rota, today, 1 + rules.gaps_ahead_days, self._timezone)
        on_call = [self._around.known(each) for each in ahead[0][1]]
        if on_call:
            called = " ".join(mention(each) for each in on_call if each.teams_id)
            await self._say(f"{morning_text(on_call)} {called}".strip(), f"on-call:{today}", tuple(on_call))
        if gaps := [day for day, people in ahead if not people and hours.works_on(day)]:
            key = hashlib.sha256(",".join(day.isoformat() for day in gaps).encode()).hexdigest()[:32]
            await self._say(gap_text(gaps, today), f"rota-gap:{key}")

    async def _review(self, now: datetime) -> None:
        rules = self._around.process.review
        meeting = rules.next_meeting(now - timedelta(hours=2), self._timezone)
        if meeting is None or now < rules.announced_at(meeting, self._timezone):
            return
        waiting = (await store.incidents_in((State.RESOLVED,), 200))[::-1]
        if now < meeting:
            await self._say(review_soon(len(waiting), meeting), f"review-soon:{meeting:%Y-%m-%d}")
        else:
            text = review_list(waiting, self._around.process, now)
            await self._say(text, f"review:{meeting:%Y-%m-%d}")

    async def _say(self, text: str, once: str, mentions: tuple[Person, ...] = ()) -> None:
        if await store.leave([Tell(text, mentions)], once=[once]):
            self._wake()
