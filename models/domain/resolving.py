"""The urgency, and what resolves an incident: the conditions, then the follow-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.incident_effects import OfferChannel, RaiseFollowUp
from models.domain.incident_parts import Assessment, FollowUp, Resolution
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.process import Answer, Process
from models.domain.staffing import declares_resolved, may_resolve
from models.domain.timeline import Entry, Verb

NONE_REQUIRED = "the process requires none"
"""Why there is no follow-up where the process asks nobody for one."""

TO_BE_PRIVATE = "It is a matter of security: mark it so with Security under More, to be handled in private."


def assess(
    incident: Incident,
    answers: Mapping[str, Answer],
    by: Person,
    process: Process,
    *,
    at: datetime,
    urgency: str = "",
    reason: str = "",
    follow_up_title: str = "",
) -> Outcome:
    """Reach the urgency by the process's questions (W32-W37).

    Who claimed a candidate answers the tests of an incident here at the latest (P4, U7): what they say against it
    is told, and decided by a person.

    Args:
        urgency: A level that overrides the computed one; empty for none.
        reason: Why it overrides; needed where the level differs from the computed one.
        follow_up_title: What the first required follow-up is called if the level goes straight to resolved.
    """
    if refusal := refused(incident, "assess"):
        return refusal
    computed, because = process.assess(answers)
    level = process.urgency(urgency) if urgency else computed
    if level is None:
        known = ", ".join(each.key for each in process.urgencies)
        return Refusal(f"There is no urgency {urgency!r}; it is one of {known}.", fields=("urgency",))
    if level.key != computed.key and not reason.strip():
        text = f"The answers make it “{computed.name}” ({because}). Say why it is “{level.name}” instead."
        return Refusal(text, fields=("reason",))
    override = reason.strip() if urgency else ""
    asked = {question.key for question in process.questions}
    answered = {key: value for key, value in answers.items() if key in asked}
    made = Assessment(answered, computed.key, because, override, at)
    if incident.assessment is not None and incident.urgency == level.key:
        made = replace(made, at=incident.assessment.at)
    changed = replace(
        incident,
        urgency=level.key,
        tracker_severity="",
        assessment=made,
        escalation=None if level.key != incident.urgency else incident.escalation,
        judged=incident.judged or process.judging.judged(answers, by, at),
    )
    if changed == incident and level.then != "resolve":
        return Decision(incident, notice=f"It is assessed so already: {level.name}.")
    data: dict[str, str | int | bool | None] = {"urgency": level.name, "because": override or because}
    against = changed.judged is not incident.judged and changed.judged is not None and changed.judged.against
    entry = Entry(at, Verb.ASSESSED, by, {**data, "then": level.then, **({"against": True} if against else {})})
    if level.then == "resolve":
        return _resolve_not_urgent(changed, entry, by, process, at, follow_up_title)
    urgent = level.then == "decide" and changed.escalation is None
    decision = _offering(told(changed, (entry,), whole_team=urgent, sync=True), process)
    if to_be_private(changed, process):
        return replace(decision, notice=TO_BE_PRIVATE)
    if against:
        return replace(decision, notice=f"{process.judging.why_not(answers)} If so, press “Not an incident”.")
    return decision


def to_be_private(incident: Incident, process: Process) -> bool:
    """Tell whether it was answered that it is a matter of security, and nobody has marked it so yet (L7, L42)."""
    made = incident.assessment
    return not incident.private and made is not None and process.security.asks_for(made.answers)


def _offering(decision: Decision, process: Process) -> Decision:
    """Ask once whether the incident should have a channel, where its urgency is one that gets one (P15, T44)."""
    incident = decision.incident
    asked_for = incident.channel_name or incident.channel_offered or incident.fired_at is not None
    if incident.urgency not in process.channel_for or incident.private or asked_for:
        return decision
    offered = replace(incident, channel_offered=True)
    return replace(decision, incident=offered, effects=(*decision.effects, OfferChannel(incident.id)))


def _resolve_not_urgent(
    incident: Incident, assessed: Entry, by: Person, process: Process, at: datetime, title: str
) -> Outcome:
    if incident.owner is None:
        level = process.urgency(incident.urgency)
        name = level.name if level else incident.urgency
        return Refusal(f"“{name}” goes straight to resolved, and somebody must own it: claim it first.")
    if incident.unconfirmed:
        return Refusal(_unconfirmed(incident))
    if incident.not_safe:
        return Refusal(_still_not_safe(incident))
    kinds = [kind for kind in process.follow_ups if incident.urgency in kind.required_for]
    have = {each.kind for each in incident.follow_ups}
    wanted = [kind for kind in kinds if kind.key not in have]
    new = [(kind.key, kind.title_for(incident.title)) for kind in wanted]
    if new and title.strip():
        new[0] = (new[0][0], title.strip())
    made = incident.assessment
    because = (made.reason or made.because) if made else ""
    none = "" if new or have else NONE_REQUIRED
    resolution = Resolution(because, limit_reached=False, repositories=(), by=by, at=at, none_reason=none)
    return _resolved(incident, resolution, new, by, at, before=(assessed,))


@dataclass(frozen=True, slots=True)
class ResolveAnswers:
    """What is asked when an incident is resolved.

    Attributes:
        over: Whether it no longer occurs (W49).
        cause: What the cause was, as far as it is known (W50).
        limit_reached: Whether the limit of understanding is reached instead.
        rolled_back: Whether anything was rolled back (W51); ``None`` for not answered.
        repositories: Where.
        safe: Whether their trunk is safe to deploy again. ``False`` keeps the incident open.
        follow_ups: Titles by follow-up kind (W62-W65).
        none_reason: Why there is none, where there is none (W66).
        past_reason: Why it is done without whoever declares incidents resolved, where somebody else does (L37).
    """

    over: bool | None = None
    cause: str = ""
    limit_reached: bool = False
    rolled_back: bool | None = None
    repositories: tuple[str, ...] = ()
    safe: bool | None = None
    follow_ups: Mapping[str, str] = field(default_factory=dict)
    none_reason: str = ""
    past_reason: str = ""


def resolve(incident: Incident, answers: ResolveAnswers, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Resolve the incident: the three conditions, then the follow-up tree. Only the review closes it."""
    past_reason = answers.past_reason.strip()
    if refusal := _not_yet(incident, process) or may_resolve(incident, by, process, past_reason):
        return refusal
    if answers.over is not True:
        return Refusal("It stays open while it still occurs.", fields=("over",))
    if not answers.cause.strip() and not answers.limit_reached:
        return Refusal("Name the cause, or say that the limit of understanding is reached.", fields=("cause",))
    if answers.rolled_back is None:
        return Refusal("Say whether anything was rolled back.", fields=("rolled_back",))
    names = tuple(name.strip() for name in answers.repositories if name.strip())
    if incident.not_safe and not answers.rolled_back:
        return Refusal(_still_not_safe(incident), fields=("rolled_back",))
    if answers.rolled_back and not names:
        return Refusal("Name the repositories that were rolled back.", fields=("repositories",))
    if answers.rolled_back and answers.safe is None:
        return Refusal("Say whether their trunk is safe to deploy again.", fields=("safe",))
    if answers.rolled_back and not answers.safe:
        return _not_safe(incident, names, by, at)
    if refusal := _follow_up_refusal(incident, process, answers.follow_ups, answers.none_reason):
        return refusal
    if answers.rolled_back and (missing := [name for name in incident.not_safe if name not in names]):
        text = f"It was recorded that {', '.join(missing)} must not be deployed: name them, too."
        return Refusal(text, fields=("repositories",))
    rolled_back = names if answers.rolled_back else ()
    none = answers.none_reason.strip() or ("" if process.follow_ups else NONE_REQUIRED)
    resolution = Resolution(answers.cause.strip(), answers.limit_reached, rolled_back, by, at, none)
    passed = declares_resolved(incident, by, process)
    if passed is not None:
        role, person = passed
        resolution = replace(resolution, past=f"{person.name} ({role.name})", past_reason=past_reason)
    titles = [(key, _title(key, title, incident, process)) for key, title in answers.follow_ups.items()]
    return _resolved(incident, resolution, titles, by, at, mentions=(passed[1],) if passed else ())


def _title(key: str, title: str, incident: Incident, process: Process) -> str:
    kind = process.follow_up(key)
    return title.strip() or (kind.title_for(incident.title) if kind else key)


def _still_not_safe(incident: Incident) -> str:
    names = ", ".join(incident.not_safe)
    return f"{names} must not be deployed yet: resolve it with the answer that it is safe again."


def _not_yet(incident: Incident, process: Process) -> Refusal | None:
    if refusal := refused(incident, "resolve"):
        return refusal
    if incident.owner is None:
        return Refusal("Nobody owns it yet: claim it first.")
    if incident.urgency is None:
        return Refusal("Its urgency is not assessed yet: set the urgency first.")
    if incident.must_decide(process):
        level = process.urgency(incident.urgency)
        name = level.name if level else incident.urgency
        return Refusal(f"It is “{name}”, and the team's decision is not recorded yet: record it first.")
    if incident.unconfirmed:
        return Refusal(_unconfirmed(incident))
    return None


def _unconfirmed(incident: Incident) -> str:
    numbers = ", ".join(str(change.id) for change in incident.unconfirmed)
    return f"Change by hand number {numbers} waits for a second developer's confirmation."


def _not_safe(incident: Incident, names: tuple[str, ...], by: Person, at: datetime) -> Decision:
    if names == incident.not_safe:
        return Decision(incident, notice="That is recorded already: it stays open until it is safe.")
    entry = Entry(at, Verb.NOT_SAFE, by, {"repositories": ", ".join(names)})
    notice = "It stays open: the trunk of what was rolled back is not safe to deploy again."
    decision = told(replace(incident, not_safe=names), (entry,))
    return replace(decision, notice=notice)


def _follow_up_refusal(
    incident: Incident, process: Process, follow_ups: Mapping[str, str], none_reason: str
) -> Refusal | None:
    for key in follow_ups:
        if process.follow_up(key) is None:
            known = ", ".join(kind.key for kind in process.follow_ups)
            return Refusal(f"There is no follow-up {key!r}; it is one of {known}.", fields=("follow_ups",))
    have = set(follow_ups) | {each.kind for each in incident.follow_ups}
    answers = incident.assessment.answers if incident.assessment else {}
    facts = {incident.urgency} | ({"self_resolved"} if answers.get("self_resolved") is True else set())
    for kind in process.follow_ups:
        if kind.key not in have and facts & set(kind.required_for):
            return Refusal(f"The process requires the follow-up “{kind.name}” here.", fields=("follow_ups",))
    if process.follow_ups and not have and not none_reason.strip():
        return Refusal("Choose follow-ups, or say why none is needed.", fields=("none_reason",))
    return None


def _resolved(
    incident: Incident,
    resolution: Resolution,
    follow_ups: Sequence[tuple[str, str]],
    by: Person,
    at: datetime,
    *,
    before: tuple[Entry, ...] = (),
    mentions: tuple[Person, ...] = (),
) -> Decision:
    first = len(incident.follow_ups) + 1
    new = tuple(FollowUp(f"{n}", kind, title.strip()) for n, (kind, title) in enumerate(follow_ups, first))
    changed = replace(
        incident,
        state=State.RESOLVED,
        resolution=resolution,
        not_safe=(),
        follow_ups=(*incident.follow_ups, *new),
    )
    cause = resolution.cause or ("limit of understanding reached" if resolution.limit_reached else None)
    data: dict[str, str | int | bool | None] = {
        "cause": cause,
        "repositories": ", ".join(resolution.repositories) or None,
        "follow_ups": "; ".join(each.title for each in new) or None,
        "none_reason": resolution.none_reason or None,
    }
    if resolution.past:
        data |= {"past": resolution.past, "past_reason": resolution.past_reason}
    entries = (*before, Entry(at, Verb.RESOLVED, by, data))
    decision = told(changed, entries, mentions=mentions, sync=True)
    raised = tuple(RaiseFollowUp(incident.id, each.id) for each in new)
    return replace(decision, effects=(*decision.effects, *raised))
