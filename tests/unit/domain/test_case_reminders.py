"""Reminding of cases: what waits, of whom it is asked and when, and that each comes once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.domain import support
from models.domain.access import opened, refer
from models.domain.case_effects import RefreshCase, TellCase
from models.domain.case_reminders import CaseDue, called, due, holds, lacks, remind
from models.domain.cases import App, Case, CaseDecision, CaseState, give_up, reopen
from models.domain.people import Person
from models.domain.procedures import AccessProcess, Procedure, Procedures, Step
from models.domain.reminder_rules import Reminders
from models.domain.working_hours import WorkingHours
from tests.unit.domain.samples import PROCESS

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ADA, BEN, LEA = Person("a", "Ada", "29:a"), Person("b", "Ben", "29:b"), Person("l", "Lea", "29:l")
TEAM = (ADA, BEN, LEA)
STEPS = (Step("told", "Tell them"), Step("ask", "Ask", after=2 * DAY), Step("remove", "Remove", after=7 * DAY))
DRIVE = Procedure("drive", "Drive", "", (), STEPS, remind_after=(timedelta(), DAY, 3 * DAY))
PROCEDURES = Procedures(AccessProcess(remind_after=(4 * HOUR, DAY, 2 * DAY)), (DRIVE,))
RULES = Reminders(lead="Lea")
ASKED = replace(opened(App("App"), MONDAY, how="mail").case, id=7)


def begun() -> Case:
    made = support.opened(DRIVE, {}, None, ADA, at=MONDAY)
    assert isinstance(made, CaseDecision)
    return replace(made.case, id=9)


def done(case: Case, step: str, at: datetime) -> Case:
    made = support.tick(case, step, "", ADA, DRIVE, at=at)
    assert isinstance(made, CaseDecision)
    return made.case


def due_at(case: Case, now: datetime, procedures: Procedures = PROCEDURES) -> tuple[CaseDue, ...]:
    return due(case, procedures, WorkingHours(), LONDON, now)


def walk(case: Case, days: float, procedures: Procedures = PROCEDURES) -> list[tuple[str, int, str]]:
    """Look every ten minutes, and say what was reminded of when."""
    said = []
    for minute in range(0, int(days * 24 * 60), 10):
        now = MONDAY + timedelta(minutes=minute)
        if found := due_at(case, now, procedures):
            said += [(each.lacking.what, each.number, f"{now:%a %d %H:%M}") for each in found]
            case = remind(found, [()] * len(found), now).case
    return said


def test_a_request_is_reminded_of_at_its_times_inside_working_hours() -> None:
    assert walk(ASKED, 20) == [
        ("undecided", 0, "Mon 16 14:00"),
        ("undecided", 1, "Tue 17 10:00"),
        ("undecided", 2, "Wed 18 10:00"),
    ]
    evening = replace(ASKED, opened_at=MONDAY + 6 * HOUR)
    assert walk(evening, 20)[0] == ("undecided", 0, "Tue 17 09:00")


def test_a_step_is_reminded_of_on_its_day_and_each_step_for_itself() -> None:
    case = done(begun(), "told", MONDAY + 4 * DAY)  # a Friday: the day of the next is a Sunday
    assert walk(case, 30) == [
        ("step:ask", 0, "Mon 23 09:00"),
        ("step:ask", 1, "Tue 24 09:00"),
        ("step:ask", 2, "Thu 26 09:00"),
    ]
    later = done(replace(case, reminders=()), "ask", MONDAY + 4 * DAY)
    assert [each[:2] for each in walk(later, 40)] == [("step:remove", number) for number in range(3)]


def test_an_urgent_procedure_does_not_wait_for_working_hours() -> None:
    urgent = replace(PROCEDURES, support=(replace(DRIVE, urgent=True),))
    case = done(begun(), "told", MONDAY + 4 * DAY)
    assert walk(case, 7, urgent)[0] == ("step:ask", 0, "Sun 22 10:00")


@pytest.mark.parametrize("state", [CaseState.ASKED, CaseState.APPROVED, CaseState.DONE, CaseState.FOLDED])
def test_what_waits_for_somebody_else_or_is_over_is_not_reminded_of(state: CaseState) -> None:
    assert walk(replace(ASKED, state=state), 20) == []


def test_a_procedure_that_the_process_lost_is_not_reminded_of() -> None:
    assert lacks(done(begun(), "told", MONDAY), Procedures(), MONDAY + 99 * DAY) == ()


def test_it_goes_to_whoever_is_on_call_then_the_team_then_the_lead() -> None:
    case, people = done(begun(), "told", MONDAY), []
    for now in (MONDAY + 2 * DAY, MONDAY + 3 * DAY, MONDAY + 7 * DAY):
        found = due_at(case, now)
        people.append(called(found, PROCEDURES, RULES, (BEN,), TEAM))
        case = remind(found, [()], now).case
    assert people == [(ADA, BEN), TEAM, (LEA,)]


def test_of_a_request_only_those_are_called_who_may_decide() -> None:
    procedures = replace(PROCEDURES, access=replace(PROCEDURES.access, approvers=("b",), lead="Ada"))
    first = due_at(ASKED, MONDAY + 4 * HOUR)[0]
    second, third = replace(first, number=1), replace(first, number=2)
    assert called([first], procedures, RULES, (LEA,), TEAM) == (LEA,)
    assert called([second], procedures, RULES, (LEA,), TEAM) == (BEN,)
    assert called([third], procedures, RULES, (LEA,), TEAM) == (ADA,)
    assert called([first, second, third], procedures, RULES, (LEA,), TEAM) == (LEA, BEN, ADA)


def test_what_was_referred_is_the_leads_and_begins_anew() -> None:
    process = replace(PROCEDURES.access, lead="Lea")
    procedures = replace(PROCEDURES, access=process)
    found = due_at(ASKED, MONDAY + 4 * HOUR, procedures)
    case = remind(found, [()], MONDAY + 4 * HOUR).case
    referred = refer(case, "a new kind", ADA, process, TEAM, at=MONDAY + 5 * HOUR)
    assert isinstance(referred, CaseDecision)
    assert due_at(referred.case, MONDAY + 7 * HOUR, procedures) == ()
    (again,) = due_at(referred.case, MONDAY + DAY, procedures)
    assert (again.lacking.what, again.number) == ("referred", 0)
    assert called([again], procedures, RULES, (BEN,), TEAM) == (LEA,)


def test_what_is_reopened_begins_anew() -> None:
    case = done(begun(), "told", MONDAY)
    found = due_at(case, MONDAY + 2 * DAY)
    case = remind(found, [()], MONDAY + 2 * DAY).case
    given_up = give_up(case, "a mistake", ADA, at=MONDAY + 2 * DAY)
    assert isinstance(given_up, CaseDecision)
    assert due_at(given_up.case, MONDAY + 3 * DAY) == ()
    opened_again = reopen(given_up.case, "none", ADA, at=MONDAY + 8 * DAY)
    assert isinstance(opened_again, CaseDecision)
    (again,) = due_at(opened_again.case, MONDAY + 8 * DAY + HOUR)
    assert again.number == 0


def test_a_digest_writes_down_and_tells_no_thread() -> None:
    found = due_at(ASKED, MONDAY + 4 * HOUR)
    alone, digest = remind(found, [(ADA,)], MONDAY), remind(found, (), MONDAY)
    assert [type(each) for each in alone.effects] == [TellCase, RefreshCase]
    assert digest.effects == ()
    assert digest.case == alone.case
    assert len(digest.entries) == 1


def test_what_was_done_meanwhile_is_not_told_any_more() -> None:
    case = done(begun(), "told", MONDAY)
    (entry,) = remind(due_at(case, MONDAY + 2 * DAY), (), MONDAY + 2 * DAY).entries
    assert holds(case, entry, PROCEDURES)
    assert not holds(done(case, "ask", MONDAY + 2 * DAY), entry, PROCEDURES)


def test_the_shipped_process_reminds_of_its_steps() -> None:
    drive = PROCESS.procedures.of("drive")
    assert drive is not None
    assert [each / DAY for each in drive.remind_after] == [0, 1, 3, 7]
