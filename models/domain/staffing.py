"""Who plays which role in an incident, and who helps: taken, given, handed on, left (P18-P24, P43-P45, L17-L29)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.domain import ownership
from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.incident_effects import NoteIssue
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.process import Process
from models.domain.roles import Role
from models.domain.timeline import Entry, Verb


def holder(incident: Incident, role: Role) -> Person | None:
    """Return who holds a role; the owner's role is held by whoever owns the incident."""
    return incident.owner if role.owner else dict(incident.roles).get(role.key)


def vacant(incident: Incident, process: Process) -> tuple[Role, ...]:
    """Return the required roles that nobody holds yet, besides the owner's."""
    return tuple(each for each in process.roles.others if each.required and holder(incident, each) is None)


def give_role(incident: Incident, key: str, to: Person, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Let somebody hold a role. Whoever held it before is told; what is discouraged is said, and allowed (P19)."""
    if refusal := refused(incident, "role"):
        return refusal
    role = process.roles.of(key)
    if role is None:
        return _no_such_role(key, process)
    if role.owner:
        if to.same(by):
            return with_warning(ownership.claim(incident, by, at=at), incident, process)
        return with_warning(ownership.assign(incident, to, by, at=at), incident, process)
    before = holder(incident, role)
    if to.same(before):
        return Decision(incident, notice=f"{to.name} is {role.name} already.")
    roles = (*((each, person) for each, person in incident.roles if each != role.key), (role.key, to))
    entry = Entry(
        at, Verb.ROLE_TAKEN, by, {"role": role.name, "to": to.name, "from": before.name if before else None}
    )
    mentions = tuple(person for person in (to, before) if person is not None and not person.same(by))
    decision = told(replace(incident, roles=roles), (entry,), mentions=mentions)
    return replace(decision, notice=_discouraged(incident, role, to, process))


def declared(decision: Decision, by: Person, process: Process, *, at: datetime) -> Decision:
    """Give whoever declares an incident, or raises one, the role that is theirs, unless somebody holds it (U18)."""
    incident, role = decision.incident, process.roles.declarer
    if role is None or holder(incident, role) is not None:
        return decision
    entry = Entry(at, Verb.ROLE_TAKEN, by, {"role": role.name, "to": by.name, "from": None})
    changed = replace(incident, roles=(*incident.roles, (role.key, by)))
    effects = (NoteIssue(incident.id, entry),) if incident.raised else ()
    notice = " ".join(part for part in (decision.notice, f"You are {role.name}.") if part)
    return Decision(changed, (*decision.entries, entry), (*decision.effects, *effects), notice)


def with_warning(outcome: Outcome, before: Incident, process: Process) -> Outcome:
    """Say of an owner who took the incident over which role they should not hold, too (U18); it is allowed."""
    role = next((each for each in process.roles.all if each.owner), None)
    if not isinstance(outcome, Decision) or role is None or outcome.incident.owner is None:
        return outcome
    if outcome.incident.owner.same(before.owner):
        return outcome
    warning = _discouraged(outcome.incident, role, outcome.incident.owner, process)
    return replace(outcome, notice=" ".join(part for part in (outcome.notice, warning) if part))


def leave_role(incident: Incident, key: str, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Give a role up. It is vacant then, and asked for: whoever leaves sees that somebody takes it over (P44)."""
    if refusal := refused(incident, "role"):
        return refusal
    role = process.roles.of(key)
    if role is None:
        return _no_such_role(key, process)
    if role.owner:
        return Refusal(f"The {role.name} hands the incident over to somebody: hand over @person")
    before = holder(incident, role)
    if before is None:
        return Decision(incident, notice=f"Nobody is {role.name}.")
    roles = tuple((each, person) for each, person in incident.roles if each != role.key)
    entry = Entry(at, Verb.ROLE_LEFT, by, {"role": role.name, "from": before.name, "required": role.required})
    notice = f"{role.name} is vacant now. Ask somebody to take it over: role {role.key} @person"
    mentions = () if before.same(by) else (before,)
    return replace(told(replace(incident, roles=roles), (entry,), mentions=mentions), notice=notice)


def join(incident: Incident, who: Person, by: Person, why: str, *, at: datetime) -> Outcome:
    """Help with an incident, or have somebody help (L21, L22, L29, W39). Its owner is told."""
    if refusal := refused(incident, "join"):
        return refusal
    if who.same(incident.owner):
        return Decision(incident, notice=f"{who.name} owns it.")
    if any(who.same(each) for each in incident.supporters):
        return Decision(incident, notice=f"{who.name} helps already.")
    changed = replace(incident, supporters=(*incident.supporters, who))
    entry = Entry(at, Verb.JOINED, by, {"who": who.name, "why": why.strip()[:300] or None})
    people = (who, incident.owner)
    mentions = tuple(person for person in people if person is not None and not person.same(by))
    return told(changed, (entry,), mentions=mentions)


def leave(incident: Incident, by: Person, *, at: datetime) -> Outcome:
    """Stop helping, and say so (L24, L28)."""
    if refusal := refused(incident, "join"):
        return refusal
    if by.same(incident.owner):
        return Refusal("You own it: hand it over to somebody first.")
    if not any(by.same(each) for each in incident.supporters):
        return Decision(incident, notice="You are not noted as helping.")
    supporters = tuple(each for each in incident.supporters if not by.same(each))
    entry = Entry(at, Verb.LEFT, by)
    mentions = (incident.owner,) if incident.owner is not None else ()
    return told(replace(incident, supporters=supporters), (entry,), mentions=mentions)


def inform(incident: Incident, process: Process, team: tuple[Person, ...], *, at: datetime) -> Decision | None:
    """Tell those whom the process wants to know of each incident that it was raised (L13); ``None`` for nobody."""
    people = [
        (role, person)
        for role, person in process.roles.informed(team)
        if not person.same(incident.declared_by) and not person.same(incident.owner)
    ]
    if not people or incident.state is not State.OPEN:
        return None
    entry = Entry(
        at, Verb.INFORMED, None, {"who": ", ".join(f"{person.name} ({role.name})" for role, person in people)}
    )
    return told(incident, (entry,), mentions=tuple(person for _, person in people))


def declares_resolved(incident: Incident, by: Person, process: Process) -> tuple[Role, Person] | None:
    """Return who else than ``by`` declares it resolved; ``None`` where they do, or nobody holds the role (L36)."""
    role = process.roles.of(process.roles.resolver) if process.roles.resolver else None
    held_by = holder(incident, role) if role is not None else None
    return None if role is None or held_by is None or by.same(held_by) else (role, held_by)


def may_resolve(incident: Incident, by: Person, process: Process, past_reason: str = "") -> Refusal | None:
    """Say why it is not ``by`` who resolves; ``None`` where they may, or say why they do (L37, P28)."""
    other = declares_resolved(incident, by, process)
    if other is None or past_reason:
        return None
    role, person = other
    text = (
        f"{person.name}, the {role.name}, declares it resolved: ask them, take the role over, or say why it is done"
        " without them."
    )
    return Refusal(text, fields=("past_reason",))


def _no_such_role(key: str, process: Process) -> Refusal:
    known = ", ".join(each.key for each in process.roles.all)
    if not known:
        return Refusal("This team's process names no roles besides the owner.")
    return Refusal(f"There is no role {key!r}; it is one of {known}.", fields=("role",))


def _discouraged(incident: Incident, role: Role, to: Person, process: Process) -> str:
    for other in process.roles.all:
        apart = other.key in role.apart_from or role.key in other.apart_from
        if apart and other.key != role.key and to.same(holder(incident, other)):
            return f"{to.name} is {other.name}, too. Both together are discouraged: ask somebody else if you can."
    return ""
