"""The weekly report comes once; `report` is answered; the command line writes tables."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.reporting import Reporting, with_follow_ups
from cards.report import report_card, report_json, report_text
from models import queue, reporting, store
from models.domain.decisions import Decision
from models.domain.effects import SendReport
from models.domain.incident_parts import FollowUp
from models.domain.incidents import Incident, State
from models.domain.report_lines import line_of
from models.domain.report_rules import ReportRules
from models.domain.reports import Spread, report_of
from models.domain.requests import Claim
from models.domain.timeline import Entry, Verb
from models.operations import incidents
from models.ports.errors import Permanent, PortError, Temporary
from models.ports.tracker import Issue, IssueKind, IssueRef
from models.sql import writing
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


async def stored(number: int, at: datetime, *entries: tuple[datetime, Verb], **more: object) -> int:
    """Store an incident as it would stand after what happened to it, last changed when that did."""
    made = Incident(
        0, 1, State.CANDIDATE, f"Alert {number}", "gcp_monitoring", at, fingerprint=f"f{number}", count=1
    )
    changed = max([at, *(when for when, _ in entries)])
    async with writing() as db:
        (incident_id,) = await store.insert_incidents(db, [replace(made, **more)], store.to_ms(changed))  # type: ignore[arg-type] # names are checked by the class
        told = (Entry(at, Verb.REPORTED), *(Entry(when, verb, ADA) for when, verb in entries))
        await store.record_decisions(db, [(incident_id, Decision(made, told))], store.to_ms(changed))
    return incident_id


WEEK = (date(2026, 3, 23), date(2026, 3, 30))
"""Summer time begins in it, on Sunday: it has 167 hours."""
BEFORE, IN_IT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC), datetime(2026, 3, 25, 9, 0, tzinfo=UTC)
LAST_MOMENT = datetime(2026, 3, 29, 22, 59, tzinfo=UTC)  # 23:59 on Sunday, by summer time
AFTER = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def test_a_week_has_all_that_was_open_in_it_or_ended_in_it(house: House) -> None:
    untouched = await stored(1, BEFORE)
    over_it = await stored(2, BEFORE, (AFTER, Verb.DISMISSED), state=State.DISMISSED)
    ended_in_it = await stored(
        3,
        BEFORE,
        (BEFORE + HOUR, Verb.CLAIMED),
        (IN_IT, Verb.RESOLVED),
        state=State.RESOLVED,
        raised_at=BEFORE + HOUR,
        owner=ADA,
    )
    await stored(4, BEFORE, (BEFORE + HOUR, Verb.DISMISSED), (IN_IT, Verb.NOTED), state=State.DISMISSED)
    last = await stored(5, LAST_MOMENT)
    await stored(6, LAST_MOMENT + timedelta(minutes=1))
    made = await reporting.report(*WEEK, PROCESS, LONDON, AFTER + HOUR)
    assert made.end - made.begin == timedelta(hours=167)
    assert [each.incident.id for each in made.lines] == [untouched, over_it, ended_in_it, last]
    assert (made.count, made.earlier) == (1, 3)
    assert made.open_at_end == (untouched, over_it, last)
    assert made.to_resolve == Spread(1, *[IN_IT - BEFORE] * 3)
    assert made.live == IN_IT - made.begin
    # one was nobody's for the whole of it, the last for a minute; what turned out to be no incident does not count
    assert made.unowned == timedelta(hours=167) + timedelta(minutes=1)


async def test_a_week_in_which_nothing_was_is_empty(house: House) -> None:
    made = await reporting.report(*WEEK, PROCESS, LONDON, AFTER)
    assert (made.lines, made.count, made.open_at_end, made.unowned) == ((), 0, (), timedelta())
    assert "0 incidents and candidates" in str(report_card(made, PROCESS, LONDON))
    assert "Chart." not in str(report_card(made, PROCESS, LONDON))


async def test_what_was_open_before_makes_an_installation_not_new(house: House) -> None:
    now = datetime.now(UTC)
    await stored(1, now - timedelta(days=40))
    house.around.process = replace(PROCESS, reports=ReportRules(0, time(9, 30)))
    await Reporting(house.around, LONDON, lambda: None).look(now)
    assert len(await reports_waiting()) == 1


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
    ("answers", "stand", "times"),
    [
        ((True, False, False), (2, 0), 3),
        ((True, Permanent("gone"), False), (1, 1), 3),
        ((False, Temporary("away"), False), (1, 2), 2),
    ],
)
async def test_a_tracker_that_is_away_is_not_waited_for_again(
    answers: tuple[bool | PortError, ...], stand: tuple[int, int], times: int
) -> None:
    follow_ups = tuple(FollowUp(str(number), "alerting", "x", str(number)) for number in range(3))
    incident = Incident(1, 1, State.RESOLVED, "x", "gcp", datetime.now(UTC), follow_ups=follow_ups)
    line = line_of(incident, [], PROCESS.hours, LONDON)
    now = datetime.now(UTC)
    report = report_of([line], now - timedelta(days=1), now, now=now)
    tracker = Asked(*answers)
    made = await with_follow_ups(report, tracker)  # type: ignore[arg-type] # all that is asked of it
    assert (made.follow_ups_open, made.follow_ups_unknown) == stand
    whole = json.loads(report_json(made))
    assert (whole["follow_ups_open"], whole["follow_ups_unknown"]) == stand
    assert whole["incidents"][0]["follow_ups_open"] == (None if stand[1] else stand[0])
    assert f"3 raised, {stand[0]} of them open" in report_text(made, PROCESS, LONDON)
    assert tracker.times == times
