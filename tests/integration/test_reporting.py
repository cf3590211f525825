"""The weekly report comes once; `report` is answered; the command line writes tables."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.reporting import Reporting, open_follow_ups
from models import queue, reporting
from models.domain.effects import SendReport
from models.domain.incidents import FollowUp, Incident, State
from models.domain.report_rules import ReportRules
from models.domain.reports import line_of, report_of
from models.domain.requests import Claim
from models.operations import incidents
from models.ports import Issue, IssueKind, IssueRef, Permanent, PortError, Temporary
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


class Asked:
    """A tracker that answers as told, and counts how often it was asked."""

    def __init__(self, *answers: bool | PortError) -> None:
        self.answers = list(answers)
        self.times = 0

    async def get(self, key: str) -> Issue:
        answer = self.answers[self.times]
        self.times += 1
        if isinstance(answer, PortError):
            raise answer
        return Issue(IssueRef(key, ""), IssueKind.ISSUE, key, "", closed=answer)


@pytest.mark.parametrize(
    ("answers", "said", "times"),
    [
        ((True, False, False), ", 2 of them open", 3),
        ((True, Permanent("gone"), False), ", 1 of them open, 1 not known", 3),
        ((False, Temporary("away"), False), ", 1 of them open, 2 not known", 2),
    ],
)
async def test_a_tracker_that_is_away_is_not_waited_for_again(
    answers: tuple[bool | PortError, ...], said: str, times: int
) -> None:
    follow_ups = tuple(FollowUp(str(number), "alerting", "x", str(number)) for number in range(3))
    incident = Incident(1, 1, State.RESOLVED, "x", "gcp", datetime.now(UTC), follow_ups=follow_ups)
    line = line_of(incident, [], PROCESS.hours, LONDON)
    report = report_of([line], datetime.now(UTC), datetime.now(UTC), now=datetime.now(UTC))
    tracker = Asked(*answers)
    assert await open_follow_ups(report, tracker) == said  # type: ignore[arg-type] # all that is asked of it
    assert tracker.times == times
