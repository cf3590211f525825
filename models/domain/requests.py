"""What a person can ask of an incident. Buttons and commands both end as one of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from models.domain import (
    communication,
    finishing,
    firing,
    handling,
    ownership,
    parking,
    privacy,
    resolving,
    staffing,
)
from models.domain.decisions import Decision, Outcome
from models.domain.incidents import Incident
from models.domain.judging import Answers
from models.domain.people import Person
from models.domain.process import Answer, Process
from models.domain.resolving import ResolveAnswers
from models.domain.timeline import NoteKind


@dataclass(frozen=True, slots=True)
class Raise:
    """Judge a candidate to be real.

    Attributes:
        answers: To the tests that decide whether it is an incident; empty where nobody was asked.
        anyway: Raise it although they say that it is none.
    """

    answers: Answers = field(default_factory=dict)
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Take it. ``take_over`` says that an owned one is meant to be taken."""

    take_over: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """Give it to somebody."""

    to: Person
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class HandOver:
    """Pass it on."""

    to: Person
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class Assess:
    """Reach the urgency by the process's questions, or override it with a reason."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    urgency: str = ""
    reason: str = ""
    follow_up_title: str = ""


@dataclass(frozen=True, slots=True)
class Decide:
    """Record the team's decision about an urgent one."""

    option: str
    present: str


@dataclass(frozen=True, slots=True)
class AddNote:
    """Write a finding into the issue."""

    text: str
    kind: NoteKind = NoteKind.OBSERVATION


@dataclass(frozen=True, slots=True)
class AddLink:
    """Attach an address."""

    url: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class ProposeChange:
    """Record a change made by hand."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ConfirmChange:
    """Confirm somebody else's change by hand."""

    number: int


@dataclass(frozen=True, slots=True)
class Resolve:
    """Resolve it."""

    answers: ResolveAnswers


@dataclass(frozen=True, slots=True)
class AddFollowUp:
    """Raise one more secondary issue."""

    kind: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class GiveRole:
    """Let somebody hold a role; ``None`` for whoever asks."""

    role: str
    to: Person | None = None


@dataclass(frozen=True, slots=True)
class LeaveRole:
    """Give a role up."""

    role: str


@dataclass(frozen=True, slots=True)
class Join:
    """Help with it, or have somebody help; ``None`` for whoever asks."""

    who: Person | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class MeToo:
    """Say that one sees it, too, and what there is to add."""

    where: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """Stop helping with it."""


@dataclass(frozen=True, slots=True)
class AddLesson:
    """Write down what the team takes from it; ``kind`` is one of the process, empty for the usual one."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PostMortem:
    """Have the post-mortem document written into the issue.

    Attributes:
        digest: Tells the document from any other; empty where that is not known.
    """

    digest: str = ""


@dataclass(frozen=True, slots=True)
class Improve:
    """Say whether the alerting is to be improved, after the same alert was no incident more than once."""

    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Close:
    """Close it at the incident review."""

    learnt: str = ""


@dataclass(frozen=True, slots=True)
class Park:
    """Put it off.

    Attributes:
        when: Until when, as somebody typed it.
        until: The same as a time; ``None`` where it is none, or nobody has read it yet.
    """

    when: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unpark:
    """Go on with it before its time."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep it for the next incident review."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """Take a finished one up again."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Judge that it is not an incident.

    Attributes:
        improve: Asks for the alerting follow-up.
        answers: To the tests that decide whether it is an incident.
        instead: Asks for the follow-up by which the process meets what is none.
    """

    reason: str = ""
    improve: bool = False
    answers: Answers = field(default_factory=dict)
    instead: bool = False


@dataclass(frozen=True, slots=True)
class AddVendor:
    """Record a third party's ticket, again where somebody asked about it, or that it is closed."""

    name: str
    ref: str
    url: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class SendUpdate:
    """Tell stakeholders what a person confirmed."""

    headline: str
    text: str
    stage: str


@dataclass(frozen=True, slots=True)
class NoUpdates:
    """Say that stakeholders need not be told any more."""


@dataclass(frozen=True, slots=True)
class MakeChannel:
    """Make it a channel of its own."""


@dataclass(frozen=True, slots=True)
class FireFire:
    """Raise it, and make it a channel and a log page, in one action; or try again what failed of that."""


@dataclass(frozen=True, slots=True)
class MarkPrivate:
    """Say that it is a matter of security."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class TellSecurity:
    """Record who was told of an incident of security."""

    whom: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Make it a part of another. Two incidents change, so the store carries it out (``operations``)."""

    into: int


Request = (
    Raise
    | Claim
    | Assign
    | HandOver
    | Assess
    | Decide
    | AddNote
    | AddLink
    | ProposeChange
    | ConfirmChange
    | Resolve
    | AddFollowUp
    | AddLesson
    | GiveRole
    | LeaveRole
    | Join
    | MeToo
    | Leave
    | PostMortem
    | Improve
    | Close
    | Keep
    | Park
    | Unpark
    | Reopen
    | Dismiss
    | AddVendor
    | SendUpdate
    | NoUpdates
    | MakeChannel
    | FireFire
    | MarkPrivate
    | TellSecurity
)
"""Everything that concerns one incident alone."""


def carry_out(request: Request, incident: Incident, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Say what becomes of the incident when ``by`` asks this of it."""
    match request:
        case Raise(judged, anyway):
            raised = ownership.raise_(incident, by, process.judging, judged, at=at, anyway=anyway)
            new = isinstance(raised, Decision) and raised.incident.raised and not incident.raised
            return staffing.declared(raised, by, process, at=at) if isinstance(raised, Decision) and new else raised
        case Claim(take_over):
            claimed = ownership.claim(incident, by, at=at, take_over=take_over)
            claimed = ownership.to_be_judged(claimed, incident, process.judging)
            return staffing.with_warning(claimed, incident, process)
        case Assign(to, take_over):
            assigned = ownership.assign(incident, to, by, at=at, take_over=take_over)
            assigned = ownership.to_be_judged(assigned, incident, process.judging)
            return staffing.with_warning(assigned, incident, process)
        case HandOver(to, take_over):
            handed = ownership.hand_over(incident, to, by, at=at, take_over=take_over)
            return staffing.with_warning(handed, incident, process)
        case Assess(answers, urgency, reason, title):
            return resolving.assess(
                incident, answers, by, process, at=at, urgency=urgency, reason=reason, follow_up_title=title
            )
        case Decide(option, present):
            return handling.decide(incident, option, present, by, process, at=at)
        case AddNote(text, kind):
            return handling.note(incident, kind, text, by, at=at)
        case AddLink(url, label):
            return handling.link(incident, url, label, by, at=at)
        case ProposeChange(what, why):
            return handling.propose_change(incident, what, why, by, at=at)
        case ConfirmChange(number):
            return handling.confirm_change(incident, number, by, at=at)
        case Resolve(answers):
            return resolving.resolve(incident, answers, by, process, at=at)
        case AddFollowUp(kind, title):
            return finishing.follow_up(incident, kind, title, by, process, at=at)
        case GiveRole(role, given):
            return staffing.give_role(incident, role, given or by, by, process, at=at)
        case LeaveRole(role):
            return staffing.leave_role(incident, role, by, process, at=at)
        case Join(who, why):
            return staffing.join(incident, who or by, by, why, at=at)
        case MeToo(where):
            return handling.me_too(incident, where, by, at=at)
        case Leave():
            return staffing.leave(incident, by, at=at)
        case AddLesson(text, lesson_kind):
            return finishing.lesson(incident, lesson_kind, text, by, process, at=at)
        case PostMortem(digest):
            return finishing.post_mortem(incident, digest, by, at=at)
        case Improve(wanted):
            return finishing.improve(incident, wanted, by, process, at=at)
        case Close(learnt):
            return finishing.close(incident, learnt, by, at=at)
        case Park(_, reason, until):
            return parking.park(incident, until, reason, by, process, at=at)
        case Unpark():
            return parking.unpark(incident, by, at=at)
        case Keep(reason):
            return finishing.keep(incident, reason, by, at=at)
        case Reopen(reason):
            return finishing.reopen(incident, reason, by, at=at)
        case Dismiss(reason, improve, judged, instead):
            return finishing.dismiss(
                incident, reason, by, process, at=at, improve=improve, answers=judged, instead=instead
            )
        case AddVendor(name, ref, url, closed):
            return communication.vendor(incident, name, ref, url, by, at=at, closed=closed)
        case SendUpdate(headline, text, stage):
            return communication.update(incident, headline, text, stage, by, process, at=at)
        case NoUpdates():
            return communication.no_updates(incident, by, at=at)
        case MakeChannel():
            return communication.channel(incident, by, at=at)
        case FireFire():
            return firing.fire(incident, by, at=at)
        case MarkPrivate(reason):
            return privacy.mark(incident, reason, by, at=at)
        case TellSecurity(whom):
            return privacy.tell(incident, whom, by, at=at)
