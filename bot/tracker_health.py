"""What the channel is told of the systems around: a refused sign-in, what was given up, a token that runs out."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from cards.blocks import escape
from models import directory, routes, store
from models.domain.case_effects import CaseEffect, HearAnswer, OpenCase
from models.domain.effects import Tell
from models.ports.errors import PortError, Unauthorised
from models.ports.tracker import IssueTracker
from models.queue import Item

log = logging.getLogger(__name__)

CHECK_AT = time(9, 0)
CHECK_SECONDS = 600.0
PAGER_TRIES = 5
"""After so many the channel is told; that is within a minute where the pager itself names no later time."""
SYSTEMS = {
    routes.TRACKER: "issue tracker",
    routes.GATEWAY: "API gateway",
    routes.DESK: "service desk",
    routes.MAIL: "mail server",
    routes.PAGER: "pager",
}


class TrackerHealth:
    """Tells the channel, each thing once. The tracker is examined besides.

    Args:
        tracker: What is examined each morning.
        timezone: Whose mornings.
    """

    def __init__(self, tracker: IssueTracker, timezone: ZoneInfo) -> None:
        self._tracker = tracker
        self._timezone = timezone
        self._refused: dict[str, bool] = {}

    async def failed(self, item: Item, error: PortError, *, parked: bool) -> None:
        """Tell of a delivery that failed, where a person must do something."""
        system = SYSTEMS.get(item.target)
        if system is None:
            return
        if isinstance(error, Unauthorised):
            if not await self._is_refused(item.target):
                self._refused[item.target] = True
                await directory.remember_fact(_fact(item.target), str(item.id))
                text = f"**The {system} does not let me in:** {escape(str(error), 300)}."
                await self._say(f"{text} Cards go on; what belongs there waits, and follows.", f"{item.uid}:401")
        elif parked:
            what = "request" if isinstance(item.effect, CaseEffect | HearAnswer) else "incident"
            what = "mail" if isinstance(item.effect, OpenCase) else what
            about = f" for {what} {item.subject}" if item.subject else ""
            text = f"**Given up at the {system}**{about}: {escape(str(error), 300)}."
            advice = f"Mend it, then `wilson outbox retry {item.id}`; or `wilson outbox drop {item.id}`."
            await self._say(f"{text} {advice}", f"{item.uid}:parked:{item.attempts}")

        elif item.target == routes.PAGER and item.attempts == PAGER_TRIES:
            text = f"**The pager can't be told of incident {item.subject}:** {escape(str(error), 300)}."
            advice = "It is tried again; see meanwhile whether somebody must be called by other means."
            await self._say(f"{text} {advice}", f"{item.uid}:away")

    async def worked(self, item: Item) -> None:
        """Tell that a refused token works again."""
        if (system := SYSTEMS.get(item.target)) and await self._is_refused(item.target):
            self._refused[item.target] = False
            held = await directory.fact(_fact(item.target))
            await directory.remember_fact(_fact(item.target), "")
            await self._say(f"The {system} lets me in again; what waited follows.", f"{held}:{item.uid}:200")

    async def _is_refused(self, target: str) -> bool:
        if target not in self._refused:
            self._refused[target] = bool(await directory.fact(_fact(target)))
        return self._refused[target]

    async def run(self) -> None:
        """Examine the tracker each morning, until cancelled."""
        while True:
            try:
                await self.examine(datetime.now(UTC))
            except Exception:
                log.exception("the tracker could not be examined; trying again")
            await asyncio.sleep(CHECK_SECONDS)

    async def examine(self, now: datetime) -> None:
        """Tell once a day what ``wilson doctor`` would find wrong, such as a token that runs out within 14 days."""
        here = now.astimezone(self._timezone)
        day = here.date().isoformat()
        if here.time() < CHECK_AT or await directory.fact("tracker_examined") == day:
            return
        findings = [each for each in await self._tracker.check() if each.ok is False]
        await directory.remember_fact("tracker_examined", day)
        if findings:
            lines = [f"- {escape(each.text, 300)}. {escape(each.advice, 200)}" for each in findings[:8]]
            await self._say("\n".join(["**The issue tracker needs somebody:**", *lines]), f"tracker:{day}")

    async def _say(self, text: str, once: str) -> None:
        await store.leave([Tell(text)], once=[f"tracker-says:{once}"])


def _fact(target: str) -> str:
    return f"{target}_refused"
