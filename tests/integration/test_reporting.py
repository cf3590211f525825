"""The weekly report comes once; `report` is answered; the command line writes tables."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.reporting import Reporting
from models import queue, reporting
from models.domain.effects import SendReport
from models.domain.report_rules import ReportRules
from models.domain.requests import Claim
from models.operations import incidents
from tests.integration.test_outbox import House, house
from tests.integration.test_reminding import ADA
from tests.unit.cards.samples import PROCESS

__all__ = ["house"]
LONDON = ZoneInfo("Europe/London")


async def reports_waiting() -> list[SendReport]:
    return [item.effect for item in await queue.waiting() if isinstance(item.effect, SendReport)]


async def test_two_replicas_tell_each_week_once_over_a_change_of_the_clock(house: House) -> None:
    await house.fires("a")
    house.around.process = replace(PROCESS, reports=ReportRules(0, time(9, 30)))
    now = datetime.now(UTC)
    for hours in range(0, 24 * 7 * 20, 6):
        both = [Reporting(house.around, LONDON, lambda: None) for _ in range(2)]  # restarted each time
        await asyncio.gather(*(each.look(now + timedelta(hours=hours)) for each in both))
    weeks = [each.first for each in await reports_waiting()]
    assert len(weeks) == len(set(weeks))
    assert len(weeks) in (19, 20)
    assert weeks == sorted(weeks)


async def test_a_report_is_made_of_what_happened(house: House) -> None:
    await house.fires("a", "b")
    await incidents.act(await incidents.load(1), Claim(), ADA, PROCESS)
    today = datetime.now(UTC).date()
    made = await reporting.report(
        today - timedelta(days=1), today + timedelta(days=2), PROCESS, LONDON, datetime.now(UTC)
    )
    assert made.count == 2
    assert made.to_claim.count == 1
    earlier = await reporting.report(
        today - timedelta(days=9), today - timedelta(days=2), PROCESS, LONDON, datetime.now(UTC)
    )
    assert earlier.count == 0
