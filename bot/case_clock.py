"""What happens to cases by themselves: reminders, and a look into the gateway for requests that no mail told of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.case_lookup import Lookup
from bot.case_surroundings import CaseSurroundings
from cards.blocks import escape, mention
from cards.case_lists import case_digest
from models import cases as rows
from models import store
from models.domain import access
from models.domain.case_reminders import CaseDue, called, due, remind
from models.domain.cases import App, Call, Case, CaseDecision
from models.domain.effects import Tell
from models.operations import calls, cases
from models.ports.errors import Permanent, PortError, Unauthorised

log = logging.getLogger(__name__)

MINUTE = 60.0
QUEUE_SECONDS = 300.0
GATEWAY, DESK = "API gateway", "service desk's queue"
TRIES = 5


class CaseClock:
    """Looks at cases once a minute, and into the gateway now and then.

    Any number of replicas may: each reminder is written down by compare-and-set, and a request is one case.

    Args:
        around: The team and its procedures.
        lookup: Asks the gateway and the service desk.
        poll_seconds: How often.
        wake: Called when something was put into the outbox.
    """

    def __init__(
        self, around: CaseSurroundings, lookup: Lookup, poll_seconds: float, wake: Callable[[], None]
    ) -> None:
        self._around = around
        self._lookup = lookup
        self._poll_seconds = poll_seconds
        self._wake = wake

    async def run(self) -> None:
        """Remind and look until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._every(MINUTE, lambda: self.remind(datetime.now(UTC)), GATEWAY))
            if self._lookup.desk.has_queue and self._around.around.process.procedures.calls.outcomes:
                both.create_task(self._every(QUEUE_SECONDS, self.read_queue, DESK))
            if self._lookup.gateway.configured:
                both.create_task(self._every(self._poll_seconds, self.look, GATEWAY))

    async def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]], what: str) -> None:
        while True:
            try:
                await work()
            except PortError as error:
                log.warning("the %s can't be looked at; trying again: %s", what, error)
                await self._say_once_a_day(error, what)
            except Exception:
                log.exception("looking after cases failed; trying again")
            await asyncio.sleep(seconds)

    async def _say_once_a_day(self, error: PortError, what: str) -> None:
        """Tell the channel where trying again is no use, since requests may be missed meanwhile."""
        if isinstance(error, Permanent | Unauthorised):
            text = f"**The {what} can't be looked at for new requests:** {escape(str(error), 300)}."
            if await store.leave([Tell(text)], once=[f"{what}-look:{datetime.now(UTC).date().isoformat()}"]):
                self._wake()

    async def remind(self, now: datetime) -> None:
        """Remind of what waits for too long, and of steps that are due, in one transaction."""
        around = self._around.around
        process = around.process
        for _ in range(TRIES):
            found = [
                several
                for case in await rows.unfinished()
                if (several := due(case, process.procedures, process.hours, around.zone, now))
            ]
            if not found:
                return
            decided = self._decided([each for each in found if each[0].case.is_access], now, gateway=True)
            decided += self._decided([each for each in found if not each[0].case.is_access], now, gateway=False)
            try:
                await rows.commit_all(decided)
            except store.Conflict:
                continue  # another replica, or a person, was quicker
            self._wake()
            return

    def _decided(
        self, found: Sequence[Sequence[CaseDue]], now: datetime, *, gateway: bool
    ) -> list[tuple[Case, CaseDecision]]:
        """Decide about what is due in one channel: each told in its thread, or more than a few in one message."""
        around, process = self._around.around, self._around.around.process
        whom = partial(
            called, procedures=process.procedures, rules=process.reminders, on_call=around.on_call, team=around.team
        )
        every = [each for several in found for each in several]
        alone = len(every) <= process.reminders.digest_above
        decided = [
            (several[0].case, remind(several, [whom([each]) for each in several] if alone else (), now))
            for several in found
        ]
        if not alone:
            people = whom(every)
            names = " ".join(mention(person) for person in people if person.teams_id)
            text = f"{case_digest([(each.case, each.lacking.text) for each in every], now)}\n\n{names}".strip()
            case, first = decided[0]
            decided[0] = (case, replace(first, effects=(*first.effects, Tell(text, people, gateway))))
        return decided

    async def read_queue(self) -> None:
        """Make a case of each call that stands in the team's queue at the service desk (W4, W78)."""
        found = [
            Call(each.key, each.url, each.subject[:200], each.requester[:100], each.requester_mail[:200])
            for each in await self._lookup.desk.queue()
        ]
        if await calls.take_from_queue(found):
            self._wake()

    async def look(self) -> None:
        """Make a case of each request that the gateway knows and nobody told of."""
        for app in await self._lookup.gateway.pending():
            held = [each.app for each in await rows.unfinished() if each.app and each.app.app_id == app.app_id]
            known = {product.name for each in held for product in each.products}
            products = tuple(access.product_of(name) for name in app.pending() if name not in known)
            if products:
                asked = App(title=app.title[:200], app_id=app.app_id, name=app.name, products=products)
                process = self._around.setting.procedures.access
                await cases.open_access(await self._lookup.app(asked, process), how="gateway")
                self._wake()
