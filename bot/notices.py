"""What is told at its time: who is on call today, days that nobody covers, and the incident review."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.clock import look_now_and_then
from bot.rota import days
from bot.surroundings import Surroundings
from cards.blocks import mention
from cards.lists import gap_text, morning_text, review_soon, rota_away_text
from models import directory, store
from models.domain.effects import PostReview, Tell
from models.domain.incidents import State
from models.domain.notice_rules import review_of
from models.domain.people import Person
from models.ports.errors import PortError
from models.ports.rota import RotaSource

_GAPS = "rota-gaps-told"


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
        await look_now_and_then(self.look, "rota and review")

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
        try:
            ahead = await days(self._rota, today, 1 + rules.gaps_ahead_days, self._timezone)
        except PortError as error:
            await self._say(rota_away_text(str(error)), f"rota-away:{today}")
            return
        on_call = [self._around.known(each) for each in ahead[0][1]]
        if on_call:
            called = " ".join(mention(each) for each in on_call if each.teams_id)
            await self._say(f"{morning_text(on_call)} {called}".strip(), f"on-call:{today}", tuple(on_call))
        await self._gaps([day for day, people in ahead if not people and hours.works_on(day)], today)

    async def _gaps(self, gaps: list[date], today: date) -> None:
        """Tell of each day that nobody covers once; of one that was covered in between, again."""
        held = await directory.fact(_GAPS) or ""
        told = {date.fromisoformat(each) for each in held.split()}
        if new := [day for day in gaps if day not in told]:
            key = hashlib.sha256(",".join(day.isoformat() for day in new).encode()).hexdigest()[:32]
            await self._say(gap_text(new, today), f"rota-gap:{today}:{key}")
        # One fact for all of them: another replica sees that none of this message was told yet, or all of it.
        if (now_told := " ".join(day.isoformat() for day in gaps)) != held:
            await directory.remember_fact(_GAPS, now_told)

    async def _review(self, now: datetime) -> None:
        rules = self._around.process.review
        here = now.astimezone(self._timezone)
        midnight = datetime.combine(here.date(), time(), tzinfo=self._timezone)
        meeting = rules.next_meeting(midnight - timedelta(microseconds=1), self._timezone)
        if meeting is None or now < rules.announced_at(meeting, self._timezone):
            return
        if now < meeting:
            waiting = await store.incidents_in((State.RESOLVED,))
            await self._say(
                review_soon(len(waiting), meeting, here.date(), self._around.process),
                f"review-soon:{meeting:%Y-%m-%d}",
            )
        elif await store.leave([PostReview(review_of(meeting.date()))], once=[f"review:{meeting:%Y-%m-%d}"]):
            self._wake()

    async def _say(self, text: str, once: str, mentions: tuple[Person, ...] = ()) -> None:
        if await store.leave([Tell(text, mentions)], once=[once]):
            self._wake()
