"""What else ends an incident or takes it up again: closing, dismissing, merging, reopening; later follow-ups."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.incident_effects import Announce, RaiseFollowUp, WritePostMortem
from models.domain.incident_parts import Documented, FollowUp, Kept, Lesson, ManualChange
from models.domain.incidents import Incident, State
from models.domain.judging import Answers, Judged
from models.domain.people import Person
from models.domain.process import Process
from models.domain.timeline import Entry, Verb

ALERTING = "alerting"
"""The kind of follow-up that improves alerting (W64)."""


def follow_up(incident: Incident, kind: str, title: str, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Raise one more secondary issue (W56), any time from raised to resolved."""
    if refusal := refused(incident, "follow_up"):
        return refusal
    known = process.follow_up(kind)
    if known is None:
        kinds = ", ".join(each.key for each in process.follow_ups)
        return Refusal(f"There is no follow-up {kind!r}; it is one of {kinds}.", fields=("kind",))
    name = title.strip() or known.title_for(incident.title)
    if any(each.kind == kind and each.title == name for each in incident.follow_ups):
        return Decision(incident, notice="That follow-up is there already.")
    new = FollowUp(str(len(incident.follow_ups) + 1), kind, name)
    changed = replace(incident, follow_ups=(*incident.follow_ups, new))
    decision = told(changed, (Entry(at, Verb.FOLLOW_UP, by, {"kind": known.name, "title": name}),))
    return replace(decision, effects=(*decision.effects, RaiseFollowUp(incident.id, new.id)))


def lesson(incident: Incident, kind: str, text: str, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Write down what the team takes from it, for the review and the post-mortem (T14).

    Args:
        kind: What it is about, by the process; empty for what a lesson usually is about.
    """
    if refusal := refused(incident, "lesson"):
        return refusal
    said = text.strip()[:1500]
    if not said:
        return Refusal("Say what the team takes from it.", fields=("text",))
    about = next((each for each in process.lessons if each.key == kind), None) if kind else process.lessons[-1]
    if about is None:
        known = ", ".join(each.key for each in process.lessons)
        return Refusal(f"There is no kind of lesson {kind!r}; it is one of {known}.", fields=("lesson",))
    if any((each.kind, each.text) == (about.key, said) for each in incident.lessons):
        return Decision(incident, notice="That is written down already.")
    changed = replace(incident, lessons=(*incident.lessons, Lesson(about.key, said, by, at)))
    return told(changed, (Entry(at, Verb.LESSON, by, {"kind": about.key, "name": about.name, "text": said}),))


def post_mortem(incident: Incident, digest: str, by: Person, *, at: datetime) -> Outcome:
    """Have the post-mortem document written into the issue, as it is known now (P54).

    Args:
        digest: Tells the document as it would be written from any other; empty where that is not known.
    """
    if incident.state is State.OPEN:
        return Refusal("It is open: a post-mortem is written once it is resolved.")
    if refusal := refused(incident, "post_mortem"):
        return refusal
    if not incident.raised:
        return Refusal("It has no issue to write a post-mortem into.")
    if incident.issue_gone:
        return Refusal("Its issue is gone from the tracker, so there is nothing to write a post-mortem into.")
    there, write = incident.documented, WritePostMortem(incident.id)
    if there is not None and digest and there.digest == digest:
        if there.written:
            notice = "The post-mortem stands in the issue already; nothing has changed since."
            return Decision(incident, notice=notice)
        return Decision(incident, (), (write,), "The post-mortem is being written into the issue already.")
    entry = Entry(at, Verb.POST_MORTEM, by)
    changed = replace(incident, documented=Documented(digest))
    effects = (write, Announce(incident.id, entry))
    return Decision(changed, (entry,), effects, "The post-mortem is being written into the issue.")


def close(incident: Incident, learnt: str, by: Person, *, at: datetime) -> Outcome:
    """Close a resolved incident at the incident review (W66); its issue is closed with it.

    Args:
        learnt: What the review came to; empty where nothing is to be written down.
    """
    if incident.state is State.CLOSED:
        return Decision(incident, notice="It is closed already.")
    if incident.state is State.OPEN:
        return Refusal("It is open: resolve it first. The review closes what is resolved.")
    if refusal := refused(incident, "close"):
        return refusal
    entry = Entry(at, Verb.CLOSED, by, {"learnt": learnt.strip()[:1500] or None})
    return told(replace(incident, state=State.CLOSED), (entry,), sync=incident.raised)


def keep(incident: Incident, reason: str, by: Person, *, at: datetime) -> Outcome:
    """Leave a resolved incident to the next incident review, and say what it waits for (W67, W68)."""
    if refusal := refused(incident, "keep"):
        return refusal
    said = reason.strip()[:1500]
    if not said:
        return Refusal("Say what it waits for until the next review.", fields=("text",))
    entry = Entry(at, Verb.KEPT, by, {"reason": said})
    return told(replace(incident, kept=Kept(by, at, said)), (entry,))


def reopen(incident: Incident, reason: str, by: Person, *, at: datetime) -> Outcome:
    """Take a finished incident up again; a dismissed candidate becomes a candidate."""
    if incident.merged_into is not None:
        return Refusal(f"It is a part of incident {incident.merged_into} now.")
    if not incident.state.finished:
        return Decision(incident, notice="It is not finished.")
    if refusal := refused(incident, "reopen"):
        return refusal
    state = State.OPEN if incident.raised else State.CANDIDATE
    changed = replace(incident, state=state, resolution=None, dismiss_reason="", parked=None, anew_at=at)
    entry = Entry(at, Verb.REOPENED, by, {"reason": reason.strip() or None})
    return told(changed, (entry,), sync=incident.raised)


def dismiss(
    incident: Incident,
    reason: str,
    by: Person,
    process: Process,
    *,
    at: datetime,
    improve: bool,
    answers: Answers | None = None,
    instead: bool = False,
) -> Outcome:
    """Judge that it is not an incident.

    Args:
        improve: Raises the alerting follow-up where the process has one (W64).
        answers: How the tests were answered that decide whether it is an incident; empty where nobody was asked.
        instead: Raises the follow-up by which the process meets what is no incident (P5).
    """
    if incident.state is State.DISMISSED:
        return Decision(incident, notice="It is dismissed already.")
    if refusal := refused(incident, "dismiss"):
        return refusal
    judging, answers = process.judging, answers or {}
    reason = reason.strip()
    if not reason and judging.verdict(answers) is False:
        reason = "by the tests of the process"
    if incident.raised and not reason:
        return Refusal("Say why it is not an incident: it has an issue already.", fields=("reason",))
    tests = judging.in_words(answers)
    changed = replace(incident, state=State.DISMISSED, dismiss_reason=reason)
    if tests:
        changed = replace(changed, judged=Judged(judging.answered(answers), by, at))
    entry = Entry(at, Verb.DISMISSED, by, {"reason": reason or None, **({"tests": tests} if tests else {})})
    wanted = (ALERTING if improve else "", judging.follow_up if instead else "")
    have = {each.kind for each in incident.follow_ups}
    new: list[FollowUp] = []
    for key in dict.fromkeys(wanted):
        if (kind := process.follow_up(key)) is not None and key not in have:
            number = len(incident.follow_ups) + len(new) + 1
            new.append(FollowUp(str(number), kind.key, kind.title_for(incident.title)))
    decision = told(replace(changed, follow_ups=(*incident.follow_ups, *new)), (entry,), sync=incident.raised)
    raised = tuple(RaiseFollowUp(incident.id, each.id) for each in new)
    return replace(decision, effects=(*decision.effects, *raised))


def improve(incident: Incident, wanted: bool, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Say what is to be done about an alert that was no incident again and again (W64).

    Args:
        wanted: Whether the issue to improve the alerting is raised; otherwise it is noted that it was considered.
    """
    if refusal := refused(incident, "improve"):
        return refusal
    kind = process.follow_up(ALERTING)
    if kind is None or incident.noise is None:
        return Refusal("This alert has not been dismissed more than once.")
    if incident.noise.answered:
        return Decision(incident, notice="Somebody has said already what is to be done about this alert.")
    changed = replace(incident, noise=replace(incident.noise, answered=True))
    if not wanted:
        return told(changed, (Entry(at, Verb.ALERTING_KEPT, by),))
    new = FollowUp(str(len(incident.follow_ups) + 1), kind.key, kind.title_for(incident.title))
    entry = Entry(at, Verb.FOLLOW_UP, by, {"kind": kind.name, "title": new.title})
    decision = told(replace(changed, follow_ups=(*incident.follow_ups, new)), (entry,))
    return replace(decision, effects=(*decision.effects, RaiseFollowUp(incident.id, new.id)))


def _renumbered(changes: tuple[ManualChange, ...], after: int) -> tuple[ManualChange, ...]:
    return tuple(replace(change, id=number) for number, change in enumerate(changes, after + 1))


def _among(person: Person, incident: Incident) -> bool:
    return person.same(incident.declared_by) or any(person.same(each) for each in incident.affected)


def merge(part: Incident, whole: Incident, by: Person, *, at: datetime) -> tuple[Outcome, Outcome]:
    """Make one incident a part of another. Later alerts of the part join the whole.

    Returns:
        What becomes of the part and of the whole; both are refusals where one is.
    """
    if part.merged_into == whole.id:
        same = Decision(part, notice="They are merged already.")
        return same, Decision(whole)
    refusal = refused(part, "merge") or refused(whole, "merge")
    if part.id == whole.id:
        refusal = Refusal("An incident can't be merged into itself.")
    if part.private != whole.private:
        refusal = Refusal("One of them is handled in private: they can't be merged.")
    if refusal:
        return refusal, refusal
    reason = f"merged into incident {whole.id}"
    gone = replace(part, state=State.DISMISSED, merged_into=whole.id, dismiss_reason=reason)
    out = told(gone, (Entry(at, Verb.MERGED, by, {"into": whole.id, "title": whole.title}),), sync=part.raised)
    seen = [when for when in (part.last_seen, whole.last_seen) if when is not None]
    began = [when for when in (part.first_seen, whole.first_seen) if when is not None]
    grown = replace(
        whole,
        count=whole.count + part.count,
        first_seen=min(began, default=None),
        last_seen=max(seen, default=None),
        alerting=whole.alerting if part.alerting is None else bool(whole.alerting) or part.alerting,
        links=tuple(dict.fromkeys((*whole.links, *part.links))),
        affected=(*whole.affected, *(each for each in part.affected if not _among(each, whole))),
        not_safe=tuple(dict.fromkeys((*whole.not_safe, *part.not_safe))),
        changes=(*whole.changes, *_renumbered(part.unconfirmed, len(whole.changes))),
    )
    entry = Entry(at, Verb.ABSORBED, by, {"part": part.id, "title": part.title})
    return out, told(grown, (entry,))
