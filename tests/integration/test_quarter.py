"""A simulated quarter of reminders over a change of the clock: each once, whatever restarts, from two replicas."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.adapters.graph_people import NoPeople
from bot.adapters.halo import NoDesk
from bot.adapters.rota_file import NoRota
from bot.adapters.unconfigured import NoGateway
from bot.case_clock import CaseClock
from bot.case_lookup import Lookup
from bot.case_surroundings import CaseSurroundings
from bot.reminding import Reminding
from bot.surroundings import Surroundings
from models import cases as rows
from models import queue, store
from models.domain import access, support
from models.domain.case_effects import TellCase
from models.domain.case_timeline import CaseVerb
from models.domain.cases import App, Call, Case, CaseDecision, CaseOutcome, CaseState, give_up
from models.domain.decisions import Decision
from models.domain.effects import Tell
from models.domain.incident_effects import Announce
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.requests import AddNote, Assess, Claim, Dismiss, Raise, Request, Resolve, carry_out
from models.domain.resolving import ResolveAnswers
from models.domain.timeline import Verb
from models.domain.working_hours import WorkingHours
from tests.unit.cards.samples import PROCESS as SHIPPED
from tests.unit.domain.samples import INTERNAL

ADA = Person("aad-ada", "Ada", "29:ada")
LONDON = ZoneInfo("Europe/London")
FIRST, LAST = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
HOLIDAYS = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
PROCESS = replace(SHIPPED, hours=WorkingHours(holidays=HOLIDAYS))
OVER = ResolveAnswers(over=True, cause="a log ran full", rolled_back=False, none_reason="a one-off")
MINUTES = {
    "unjudged": (15, 60, 240),
    "unowned": (15, 60, 240),
    "unassessed": (60, 240),
    "silent": (240, 1440),
}
REQUEST = [timedelta(hours=4), timedelta(hours=24)]
STEP = [timedelta(), timedelta(days=1), timedelta(days=3), timedelta(days=7)]
Act = tuple[datetime, Callable[[Case, datetime], CaseOutcome]]
Plan = list[tuple[datetime, CaseDecision, list[Act]]]


def works(at: datetime) -> bool:
    here = at.astimezone(LONDON)
    return here.weekday() < 5 and here.date() not in HOLIDAYS and time(9) <= here.time() < time(17, 30)


@dataclass
class Expected:
    """What is to be reminded of, reckoned by hand while the quarter passes.

    Attributes:
        reminders: Of which subject, of what it lacks, when.
        held: What was reminded of last: since when that lacks, how often, and when last.
    """

    reminders: list[tuple[int, str, datetime]] = field(default_factory=list)
    held: dict[int, tuple[str, datetime, int, datetime]] = field(default_factory=dict)

    def look(
        self, subject: int, what: str, since: datetime, times: Sequence[timedelta], urgent: bool, at: datetime
    ) -> None:
        of, begun, count, last = self.held.get(subject, (what, since, 0, since))
        if (of, begun) != (what, since):
            count, last = 0, since
        if count == len(times) or at - since < times[count] or not (urgent or works(at)):
            return
        if count and at - last < times[count] - times[count - 1]:
            return
        self.reminders.append((subject, what, at))
        self.held[subject] = (what, since, count + 1, at)


def looks(events: list[datetime]) -> list[datetime]:
    """Look every two hours, around the ends of the working day, and when something might fall due."""
    wanted = {at + timedelta(minutes=minutes) for at in events for minutes in (14, 16, 61, 241)}
    for day in range((LAST - FIRST).days):
        midnight = FIRST + timedelta(days=day)
        wanted |= {midnight + timedelta(hours=hour, minutes=20) for hour in range(0, 24, 2)}
        for clock in (time(8, 50), time(9, 5), time(17, 25), time(17, 35)):
            wanted.add(datetime.combine(midnight.date(), clock, tzinfo=LONDON).astimezone(UTC))
    return sorted(each for each in wanted if FIRST <= each < LAST)


def moments(chance: random.Random, count: int) -> Iterator[datetime]:
    for _ in range(count):
        yield FIRST + timedelta(minutes=chance.randrange(0, 60 * 24 * 88))


def lives(chance: random.Random) -> list[tuple[datetime, Incident, list[tuple[datetime, Request]]]]:
    """Return incidents, and what people do to them when."""
    weekend = [datetime(2026, 11, 21, 3, tzinfo=UTC) + timedelta(minutes=each) for each in range(6)]
    made = []
    for began in (*moments(chance, 40), *weekend):
        severity = "warning" if began in weekend else chance.choice(["critical", "warning", "warning"])
        incident = Incident(0, 1, State.CANDIDATE, "Slow", "gcp", began, severity=severity, alerting=True)
        acts: list[tuple[datetime, Request]] = []
        at = began
        for request in (Raise(), Claim(), Assess(INTERNAL), AddNote("looked"), Resolve(OVER)):
            at += timedelta(minutes=4000 if began in weekend else chance.choice([5, 40, 200, 900, 4000]))
            acts.append((at, request))
        if chance.random() < 0.3 and began not in weekend:
            acts = [(acts[0][0], Dismiss("a test"))]
        made.append((began, incident, acts))
    return made


async def do(incident_id: int, request: Request, at: datetime) -> Incident:
    before = await store.incident(incident_id)
    assert before is not None
    outcome = carry_out(request, before, ADA, PROCESS, at=at)
    assert isinstance(outcome, Decision), outcome
    return (await store.commit([(before, outcome)]))[0]


def lack_by_hand(incident: Incident, last_act: datetime) -> tuple[str, datetime] | None:
    """Say what an incident of these lacks, from the issue's own words."""
    if incident.state is State.CANDIDATE:
        return "unjudged", incident.created_at
    if incident.state is not State.OPEN:
        return None
    if incident.owner is None:
        return "unowned", incident.raised_at or last_act
    if incident.urgency is None:
        return "unassessed", incident.owned_at or last_act
    return "silent", last_act


def around() -> Surroundings:
    return Surroundings(PROCESS, NoRota(), LONDON)


@pytest.mark.usefixtures("connected")
async def test_a_quarter_of_incidents() -> None:
    plan = lives(random.Random(1))
    events: list[tuple[datetime, int, Request | None]] = []
    for number, (began, _, acts) in enumerate(plan):
        events += [(began, number, None), *((at, number, request) for at, request in acts if at < LAST)]
    events.sort(key=lambda each: each[0])
    now_is: dict[int, tuple[Incident, datetime]] = {}
    expected = Expected()
    for at in looks([at for at, *_ in events]):
        while events and events[0][0] <= at:
            done_at, number, request = events.pop(0)
            if request is None:
                made = await store.create(Decision(plan[number][1]))
                now_is[number] = (made, done_at)
            else:
                now_is[number] = (await do(now_is[number][0].id, request, done_at), done_at)
        for incident, last_act in now_is.values():
            lack = lack_by_hand(incident, last_act)
            if lack is not None:
                urgent = incident.urgency is None and incident.severity == "critical"
                times = [timedelta(minutes=each) for each in MINUTES[lack[0]]]
                expected.look(incident.id, *lack, times, urgent, at)
        pair = [Reminding(around(), LONDON, lambda: None) for _ in range(2)]  # restarted each time, and two of them
        await asyncio.gather(*(each.look(at) for each in pair))
    told = [
        (incident, str(entry.data["what"]), entry.at)
        for incident, _ in now_is.values()
        for entry in await store.timeline(incident.id)
        if entry.verb is Verb.REMINDED
    ]
    assert all(works(at) or incident.severity == "critical" for incident, _, at in told)
    assert not all(works(at) for *_, at in told)
    assert sorted((each.id, what, at) for each, what, at in told) == sorted(expected.reminders)
    assert {what for _, what, _ in told} == set(MINUTES)
    assert mornings(at for *_, at in told) == {"08:05", "09:05"}
    check([at for *_, at in told], [item.effect for item in await queue.waiting(10**6)])


def requests(chance: random.Random) -> Plan:
    """Return requests for access, some of which are declined, and when."""
    holidays = [datetime(2026, 12, 25, 8, tzinfo=UTC) + timedelta(minutes=each) for each in range(5)]
    made: Plan = []
    for number, began in enumerate((*moments(chance, 25), *holidays)):
        case = access.opened(App(f"App {number}"), began, how="mail")
        ended = began + timedelta(minutes=9000 if began in holidays else chance.choice([60, 700, 3000, 9000]))
        made.append((began, case, [(ended, lambda held, at: give_up(held, "no", ADA, at=at))]))
    return made


def drives(chance: random.Random) -> Plan:
    """Return support procedures, whose permissions are to be removed two weeks after the files were restored."""
    drive = PROCESS.procedures.of("drive")
    assert drive is not None
    call, answers = Call("4711"), {"call": "4711", "crsids": "xyz98"}
    made: Plan = []
    for began in moments(chance, 20):
        case = support.opened(drive, answers, call, ADA, at=began)
        assert isinstance(case, CaseDecision)
        told = began + timedelta(minutes=chance.choice([10, 600, 3000]))
        removed = told + timedelta(days=chance.choice([9, 14, 15, 18, 30]), minutes=chance.randrange(1000))
        acts: list[Act] = [
            (told, lambda held, at: support.tick(held, "told", "", ADA, drive, at=at)),
            (removed, lambda held, at: support.tick(held, "removed", "", ADA, drive, at=at)),
        ]
        made.append((began, case, acts))
    return made


@pytest.mark.usefixtures("connected")
async def test_a_quarter_of_requests_and_support_steps() -> None:
    chance = random.Random(1)
    plan = requests(chance) + drives(chance)
    events: list[tuple[datetime, int, Callable[[Case, datetime], CaseOutcome] | None]] = []
    for number, (began, _, acts) in enumerate(plan):
        events += [(began, number, None), *((at, number, act) for at, act in acts if at < LAST)]
    events.sort(key=lambda each: each[0])
    now_is: dict[int, Case] = {}
    expected = Expected()
    for at in looks([at for at, *_ in events]):
        while events and events[0][0] <= at:
            done_at, number, act = events.pop(0)
            if act is None:
                now_is[number] = await rows.create(plan[number][1])
                continue
            before = await rows.case(now_is[number].id)
            assert before is not None
            outcome = act(before, done_at)
            assert isinstance(outcome, CaseDecision)
            now_is[number] = await rows.commit(before, outcome)
        for case in now_is.values():
            told_at = next((each.at for each in case.ticks if each.step == "told"), None)
            if case.is_access and case.state is CaseState.OPEN:
                expected.look(case.id, "undecided", case.opened_at, REQUEST, False, at)
            elif told_at is not None and case.tick("removed") is None and at >= told_at + timedelta(days=14):
                expected.look(case.id, "step:removed", told_at + timedelta(days=14), STEP, False, at)
        lookup = Lookup(NoGateway(), NoDesk(), NoPeople())
        pair = [CaseClock(CaseSurroundings(around(), NoGateway()), lookup, 300, lambda: None) for _ in range(2)]
        await asyncio.gather(*(each.remind(at) for each in pair))
    told = [
        (case, str(entry.data["what"]), entry.at)
        for case in now_is.values()
        for entry in await rows.timeline(case.id)
        if entry.verb in (CaseVerb.REMINDED, CaseVerb.DUE)
    ]
    assert all(works(at) for *_, at in told)
    assert mornings(at for *_, at in told) == {"08:05", "09:05"}
    assert sorted((each.id, what, at) for each, what, at in told) == sorted(expected.reminders)
    effects = [item.effect for item in await queue.waiting(10**6)]
    for of_access in (True, False):
        ids = {case.id for case in now_is.values() if case.is_access is of_access}
        threads = [each for each in effects if isinstance(each, TellCase) and each.case_id in ids]
        digests = [each for each in effects if isinstance(each, Tell) and each.gateway is of_access]
        check([at for case, _, at in told if case.id in ids], [*threads, *digests], digested=of_access)


def check(told: list[datetime], effects: Sequence[object], *, digested: bool = True) -> None:
    """Up to three at once are told in their threads, more in one message."""
    at_once = Counter(told)
    threads = [each for each in effects if isinstance(each, Announce | TellCase)]
    reminders = [each for each in threads if each.entry.verb in (Verb.REMINDED, CaseVerb.REMINDED, CaseVerb.DUE)]
    digests = [each for each in effects if isinstance(each, Tell)]
    assert len(reminders) == sum(count for count in at_once.values() if count <= 3)
    assert len(digests) == sum(count > 3 for count in at_once.values())
    assert bool(digests) is digested


def mornings(told: Iterable[datetime]) -> set[str]:
    """Return the first look of a working day at which something was told, in UTC."""
    return {f"{at:%H:%M}" for at in told if at.astimezone(LONDON).time() == time(9, 5)}
