"""What people do to cases, and what the systems around say. Buttons and commands call the same functions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from models import cases as rows
from models.domain import access, support
from models.domain.case_requests import CaseRequest, Setting, TakeCase, carry_out
from models.domain.cases import App, Call, Case, CaseDecision, CaseOutcome
from models.domain.decisions import Refusal
from models.domain.people import Person
from models.domain.procedures import Procedure
from models.store import Conflict, DoneAlready

TRIES = 20


@dataclass(frozen=True, slots=True)
class DoneCase:
    """The case as it stands now; see ``operations.incidents.Done``."""

    case: Case
    notice: str = ""
    refusal: Refusal | None = None


class NoSuchCase(Exception):
    """There is no case of that number."""


async def load(case_id: int) -> Case:
    """Return a case. Raises ``NoSuchCase``."""
    case = await rows.case(case_id)
    if case is None:
        raise NoSuchCase(f"there is no case {case_id}")
    return case


async def open_access(app: App, *, how: str, once: Sequence[str] = ()) -> Case:
    """Make a case of a request for access, or let it join the undecided one of the same app and products.

    Args:
        how: Where it came from: ``mail`` or ``gateway``. What the gateway tells again and again does not count.
    """
    while True:
        at = datetime.now(UTC)
        held = next((each for each in await rows.unfinished() if access.covers(each, app)), None)
        try:
            if held is None:
                return await rows.create(access.opened(app, at, how=how), once=once)
            if how == "gateway":
                return held
            return await rows.commit(held, access.repeated(held, app, at, how=how), once=once)
        except rows.KeyTaken as taken:
            if how == "gateway":
                return await load(taken.case_id)
            held = await load(taken.case_id)
            try:
                return await rows.commit(held, access.repeated(held, app, at, how=how), once=once)
            except Conflict:
                continue
        except Conflict:
            continue


async def open_support(
    procedure: Procedure,
    answers: Mapping[str, str],
    call: Call | None,
    by: Person,
    *,
    shares: int | None = None,
    once: Sequence[str] = (),
) -> DoneCase | Refusal:
    """Begin a support procedure.

    Args:
        shares: The number of another case whose issue serves this one, too.
    """
    other = await rows.case(shares) if shares else None
    if shares and (other is None or other.owner is None):
        return Refusal(f"Number {shares} has no issue that could be shared.", fields=("shares",))
    outcome = support.opened(procedure, answers, call, by, at=datetime.now(UTC), shares=other)
    if isinstance(outcome, Refusal):
        return outcome
    try:
        return DoneCase(await rows.create(outcome, once=once))
    except DoneAlready:
        return Refusal("That was begun already.")


async def act(
    case: Case, request: CaseRequest, by: Person, setting: Setting, *, once: Sequence[str] = ()
) -> DoneCase:
    """Carry out what a person asks of a case.

    Args:
        case: Found by the clicked message or the thread, never by what a card's data says.
        once: Keys of the activity and the form; a second delivery changes nothing.
    """
    shares = None
    if isinstance(request, TakeCase) and request.shares:
        shares = await rows.case(request.shares)
        if shares is None:
            return DoneCase(case, refusal=Refusal(f"There is no number {request.shares}.", fields=("shares",)))
    setting = replace(setting, token=secrets.token_hex(8))

    def decide(before: Case) -> CaseOutcome:
        return carry_out(request, before, by, setting, at=datetime.now(UTC), shares=shares)

    return await change(case, decide, once=once)


async def change(case: Case, decide: Callable[[Case], CaseOutcome], *, once: Sequence[str] = ()) -> DoneCase:
    """Decide and write, again where somebody was quicker, so that the answer is true."""
    before = case
    for attempt in range(TRIES):
        if attempt:
            before = await load(case.id)
        outcome = decide(before)
        if isinstance(outcome, Refusal):
            return DoneCase(before, refusal=outcome)
        if outcome.case == before and not (outcome.entries or outcome.effects):
            return DoneCase(before, outcome.notice)
        try:
            return DoneCase(await rows.commit(before, outcome, once=once), outcome.notice)
        except Conflict:
            continue
        except DoneAlready:
            return DoneCase(await load(case.id), "That was done already.")
        except rows.KeyTaken as taken:
            text = f"Number {taken.case_id} is the same request: go on there."
            return DoneCase(before, refusal=Refusal(text, ask=f"same:{taken.case_id}"))
    return DoneCase(before, refusal=Refusal("Too many people are changing this just now: try again."))


async def learnt(case: Case, app: App) -> Case:
    """Take over what the gateway says; where that shows it to be another undecided case, fold it into that one."""
    done = await change(case, lambda before: access.looked_up(before, app, datetime.now(UTC)))
    if done.refusal is not None and done.refusal.ask.startswith("same:"):
        into = int(done.refusal.ask.removeprefix("same:"))
        folded: Callable[[Case], CaseDecision] = lambda before: access.folded(before, into, datetime.now(UTC))  # noqa: E731
        return (await change(done.case, folded)).case
    return done.case
