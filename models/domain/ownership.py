"""Judging a candidate to be real, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.incidents import Incident, State
from models.domain.judging import ASK, Answers, Judged, Judging
from models.domain.people import Person
from models.domain.timeline import Entry, Verb


def raise_(
    incident: Incident,
    by: Person,
    judging: Judging,
    answers: Answers,
    *,
    at: datetime,
    anyway: bool = False,
) -> Outcome:
    """Judge a candidate to be a real incident (W10). Anyone may, on call or not.

    Args:
        judging: The tests of the process that decide whether it is one.
        answers: How they were answered; empty where nobody was asked.
        anyway: Whether it is raised although the tests say that it is none.
    """
    if incident.state is State.OPEN:
        return Decision(incident, notice="It is raised already.")
    if refusal := refused(incident, "raise"):
        return refusal
    against = judging.verdict(answers) is False
    if against and not anyway:
        return Refusal(judging.why_not(answers), ask=ASK)
    raised, tests = _as_raised(incident, at), judging.in_words(answers)
    if tests:
        raised = replace(raised, judged=Judged(judging.answered(answers), by, at, against))
    entry = Entry(at, Verb.RAISED, by, {"tests": tests, "against": against} if tests else {})
    return told(raised, (entry,), raises=True)


def _as_raised(incident: Incident, at: datetime) -> Incident:
    return incident if incident.raised else replace(incident, state=State.OPEN, raised_at=at)


def claim(incident: Incident, by: Person, *, at: datetime, take_over: bool = False) -> Outcome:
    """Take the incident (W27). An owned one is taken over only when ``take_over`` says so; its owner is told."""
    if refusal := refused(incident, "claim"):
        return refusal
    if by.same(incident.owner):
        return Decision(incident, notice="You own it already.")
    if incident.owner is not None and not take_over:
        return Refusal(_owned(incident), ask="take_over")
    return _owner_changes(incident, by, by, Verb.CLAIMED, at)


def assign(incident: Incident, to: Person, by: Person, *, at: datetime, take_over: bool = False) -> Outcome:
    """Give the incident to somebody. One that another person owns asks first."""
    if refusal := refused(incident, "assign"):
        return refusal
    if to.same(incident.owner):
        return Decision(incident, notice=f"{to.name} owns it already.")
    if incident.owner is not None and not by.same(incident.owner) and not take_over:
        return Refusal(_owned(incident), ask="take_over")
    return _owner_changes(incident, to, by, Verb.CLAIMED if to.same(by) else Verb.ASSIGNED, at)


def hand_over(incident: Incident, to: Person, by: Person, *, at: datetime, take_over: bool = False) -> Outcome:
    """Pass the incident on. The owner may at once; anybody else is asked first."""
    if refusal := refused(incident, "hand_over"):
        return refusal
    if incident.owner is None:
        return Refusal("Nobody owns it yet: claim it, or assign it to somebody.")
    if to.same(incident.owner):
        return Decision(incident, notice=f"{to.name} owns it already.")
    if not by.same(incident.owner) and not take_over:
        return Refusal(_owned(incident), ask="take_over")
    return _owner_changes(incident, to, by, Verb.HANDED_OVER, at)


def to_be_judged(outcome: Outcome, before: Incident, judging: Judging) -> Outcome:
    """Say of a candidate that somebody took before the tests of an incident were answered that they will be asked.

    Taking it is one press, and raises it: better raised than ignored (W10, W27).
    """
    if before.raised or not judging.tests or not isinstance(outcome, Decision) or outcome.incident.judged:
        return outcome
    said = "Whether it is an incident at all is asked with the urgency."
    return replace(outcome, notice=" ".join(part for part in (outcome.notice, said) if part))


def _owned(incident: Incident) -> str:
    owner = incident.owner.name if incident.owner else ""
    since = f" since {incident.owned_at:%H:%M} UTC" if incident.owned_at else ""
    return f"{owner} owns it{since}. Take it over only if you have agreed on it."


def _owner_changes(incident: Incident, to: Person, by: Person, verb: Verb, at: datetime) -> Decision:
    before = incident.owner
    raises = not incident.raised
    changed = replace(_as_raised(incident, at), owner=to, owned_at=at)
    data: dict[str, str | int | bool | None] = {"to": to.name, "from": before.name if before else None}
    mentions = tuple(person for person in (to, before) if person is not None and not person.same(by))
    entries = (Entry(at, verb, by, data),)
    return told(changed, entries, mentions=mentions, raises=raises, sync=True)
