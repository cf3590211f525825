"""What an incident is, and what may be done to it.

An act takes an incident and returns what it becomes (``Decision``) or why not (``Refusal``): ``intake`` holds
what alerts do, ``ownership``, ``handling`` and ``finishing`` what people do. Nothing there knows a database, a
channel or a tracker. ``MAY`` is the table of transitions; the acts add what the table can't say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.domain.alerts import Link, policy_of
from models.domain.effects import (
    Announce,
    Effect,
    MailSecurity,
    NoteIssue,
    RaiseIssue,
    RefreshCard,
    SyncIssue,
    WriteLogPage,
)
from models.domain.judging import Judged
from models.domain.outside import StatusUpdate, VendorCall
from models.domain.people import Person
from models.domain.process import Answer, Process
from models.domain.recent_changes import RecentChanges
from models.domain.recurrence import Recurrence
from models.domain.timeline import Entry


class State(StrEnum):
    """Where an incident stands (DESIGN, "Words")."""

    CANDIDATE = "candidate"
    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"

    @property
    def finished(self) -> bool:
        """Whether a new firing of the same alert would be a new candidate."""
        return self not in (State.CANDIDATE, State.OPEN)


class NoteKind(StrEnum):
    """What a note is about (W41, W42)."""

    OBSERVATION = "observation"
    ACTION = "action"
    REASONING = "reasoning"
    DECISION = "decision"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something that the team takes from an incident. ``kind`` is the key of what it is about (T14, L40)."""

    kind: str
    text: str
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Assessment:
    """How and when the urgency was reached. ``reason`` is the person's where they overrode the computed level."""

    answers: dict[str, Answer]
    computed: str
    because: str
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """What the team decided about an urgent incident, with whom (W37)."""

    option: str
    by: Person
    present: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ManualChange:
    """A change made by hand, which waits for a second, different developer (W45-W47)."""

    id: int
    what: str
    why: str
    by: Person
    at: datetime
    confirmed_by: Person | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was answered when it was resolved (W49-W51).

    Attributes:
        past: Who ought to have declared it resolved, and their role, where another did (L37).
        past_reason: Why it was done without them.
    """

    cause: str
    limit_reached: bool
    repositories: tuple[str, ...]
    by: Person
    at: datetime
    none_reason: str = ""
    past: str = ""
    past_reason: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A secondary issue raised because of the incident. ``key`` and ``url`` come from the tracker.

    Attributes:
        closed: How it stood when the incident review was called up last; ``None`` where nobody has looked.
    """

    id: str
    kind: str
    title: str
    key: str = ""
    url: str = ""
    closed: bool | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """That an incident was put off.

    Attributes:
        reason: What it waits for.
        told: Whether its owner was reminded when the time had come.
    """

    until: datetime
    reason: str
    by: Person
    at: datetime
    told: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """That the incident review kept a resolved incident for its next meeting (W67-W70)."""

    by: Person
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class IssueSeen:
    """How the tracker's issue stood when it was last read or written.

    Attributes:
        assignee: A user of the tracker; empty for nobody.
        last_comment: The newest comment that somebody else than Wilson wrote.
        updated: The tracker's own mark of its newest change; empty where it was not read since we wrote.
    """

    closed: bool = False
    labels: tuple[str, ...] = ()
    assignee: str = ""
    severity: str = ""
    last_comment: str = ""
    updated: str = ""


@dataclass(frozen=True, slots=True)
class Reminded:
    """What was reminded of last.

    Attributes:
        of: What was lacking.
        since: When that began: what lacks again later is reminded of anew.
        count: How often.
        at: When last; ``None`` where that was not written down yet.
    """

    of: str
    since: datetime
    count: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paged:
    """Whom the outside system was asked to page because nobody owned it.

    Attributes:
        since: When what it was paged for began: what begins anew is paged anew.
        asked: How many pages were decided.
        at: When the last one was; ``None`` for none.
        sent: How many of them were sent, or not needed any more.
        told: The last word that the pager was told: empty, ``trigger``, ``acknowledge`` or ``resolve``.
    """

    since: datetime
    asked: int = 0
    at: datetime | None = None
    sent: int = 0
    told: str = ""

    @property
    def waits(self) -> bool:
        """Whether a page was decided that was not sent."""
        return self.asked > self.sent


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request that was linked to an incident.

    Attributes:
        url: As it was linked.
        name: ``group/project!12``.
        state: ``opened``, ``merged``, ``closed`` or ``locked``; empty until it was read.
        hidden: Whether the tracker does not show it to us.
    """

    url: str
    name: str
    title: str = ""
    state: str = ""
    draft: bool = False
    approved: bool = False
    hidden: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is neither merged nor closed."""
        return self.state in ("opened", "locked")


@dataclass(frozen=True, slots=True)
class Privacy:
    """Who marked an incident as a matter of security, and who was told of it.

    Attributes:
        told: Who was told, in the words of whoever recorded it; empty until somebody did.
        mail: How the mail to whoever must know stands: empty, ``sending``, ``sent`` or ``failed``.
    """

    by: Person
    at: datetime
    reason: str = ""
    told: str = ""
    told_at: datetime | None = None
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Documented:
    """The post-mortem that stands in the issue, or is to be written there.

    Attributes:
        digest: Tells the document from any other; empty where that is not known.
        written: Whether it stands there; otherwise it was asked for.
    """

    digest: str
    written: bool = False


@dataclass(frozen=True, slots=True)
class Noise:
    """A rule whose alerts were no incidents more than once, on whatever resources (W64).

    Attributes:
        dismissed: How many of its candidates were dismissed, this one among them.
        reports: How often it was reported in all of them.
        since: When the first of them came.
        answered: Whether a person said what is to be done about it.
        incidents: Their numbers, the oldest first.
        resources: What they spoke of.
    """

    dismissed: int
    reports: int
    since: datetime
    answered: bool = False
    incidents: tuple[int, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem, from the first alert to the review. Texts that came from mail or people are foreign.

    Attributes:
        id: Its number, 0 until it is stored.
        version: Grows with each change; what compare-and-set goes by.
        alerting: Whether the alert fires at present; ``None`` where no alert was involved.
        count: How often it was reported as firing.
        source_id: The source's id of the newest firing (a pipeline's number); a recovery of an older one is late.
        fired, recovered: When, the newest few.
        unreadable: Why its mail could not be understood; empty where it could.
        why: Why its first mail was taken for an alert: what was read, from whom, how sure.
        not_safe: Repositories that must not be deployed again yet.
        previous_id: The finished incident of the same alert that came before.
        merged_into: The incident that this one became a part of.
        digest_id: The digest card that shows it, while it has no card of its own.
        heard: How its issue stood last; ``None`` until that is known.
        tracker_severity: What somebody set in the tracker; holds until the urgency is set anew.
        issue_gone: Why the issue can't be kept any more (deleted, moved); empty where it can.
        vendors: Third parties' tickets.
        updates: What stakeholders were told.
        update_asked: When an update for them was asked for last.
        page_entry: Its entry on the status page; empty where none is open.
        page_shown: How many updates the status page has.
        channel_name, channel_url: The channel of its own; empty where it has none.
        channel_failed: Why none could be made; empty where nobody asked, or where there is one.
        channel_offered: Whether the thread was asked whether it should have one.
        fired_at: When channel, issue and log page were asked for in one action; ``None`` where nobody did.
        log_key, log_url: Its log page apart from the issue; empty where it has none.
        log_failed: Why none could be written.
        service: The service that a person said is impacted; empty where nobody did.
        updates_off: Whether none is asked for any more.
        judged: How the tests of an incident were answered; ``None`` where nobody did.
        started_at: When its source says that it began; ``None`` where that is not told, or not to be believed.
        recent: What was merged and deployed shortly before it began; ``None`` until that was looked for.
        parked: That it was put off; ``None`` where it was not.
        privacy: That it is a matter of security; ``None`` where everyone may read of it.
        documented: Its post-mortem; ``None`` until somebody asks for one.
        recurrence: On which days its rule alerted before; ``None`` where it keeps to none.
        affected: Who said that they see it, too, besides whoever declared it.
        paged: What the pager was told; ``None`` where nobody was to be paged.
    """

    id: int
    version: int
    state: State
    title: str
    source: str
    created_at: datetime
    fingerprint: str = ""
    severity: str | None = None
    project: str | None = None
    resource: str | None = None
    condition: str | None = None
    summary: str | None = None
    source_url: str | None = None
    source_id: str | None = None
    links: tuple[Link, ...] = ()
    alerting: bool | None = None
    count: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    fired: tuple[datetime, ...] = ()
    recovered: tuple[datetime, ...] = ()
    flapping: bool = False
    unreadable: str = ""
    why: str = ""
    declared_by: Person | None = None
    raised_at: datetime | None = None
    owner: Person | None = None
    owned_at: datetime | None = None
    urgency: str | None = None
    assessment: Assessment | None = None
    escalation: Escalation | None = None
    changes: tuple[ManualChange, ...] = ()
    not_safe: tuple[str, ...] = ()
    resolution: Resolution | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    dismiss_reason: str = ""
    previous_id: int | None = None
    merged_into: int | None = None
    digest_id: int | None = None
    issue_key: str = ""
    issue_url: str = ""
    heard: IssueSeen | None = None
    tracker_severity: str = ""
    issue_gone: str = ""
    merge_requests: tuple[MergeRequest, ...] = ()
    reminded: Reminded | None = None
    lessons: tuple[Lesson, ...] = ()
    kept: Kept | None = None
    parked: Parked | None = None
    roles: tuple[tuple[str, Person], ...] = ()
    supporters: tuple[Person, ...] = ()
    noise: Noise | None = None
    privacy: Privacy | None = None
    vendors: tuple[VendorCall, ...] = ()
    updates: tuple[StatusUpdate, ...] = ()
    update_asked: datetime | None = None
    updates_off: bool = False
    page_entry: str = ""
    page_shown: int = 0
    channel_name: str = ""
    channel_url: str = ""
    judged: Judged | None = None
    channel_failed: str = ""
    fired_at: datetime | None = None
    log_key: str = ""
    log_url: str = ""
    log_failed: str = ""
    service: str = ""
    started_at: datetime | None = None
    recent: RecentChanges | None = None
    channel_offered: bool = False
    documented: Documented | None = None
    recurrence: Recurrence | None = None
    affected: tuple[Person, ...] = ()
    paged: Paged | None = None

    @property
    def private(self) -> bool:
        """Whether its text is withheld from public places."""
        return self.privacy is not None

    @property
    def policy(self) -> str:
        """What tells the rule that alerted from others, whatever resource it speaks of; empty without an alert."""
        if not self.fingerprint:
            return ""
        return policy_of(self.source, self.project, self.title)

    @property
    def raised(self) -> bool:
        """Whether the tracker holds, or is about to hold, a record of it."""
        return self.raised_at is not None

    def must_decide(self, process: Process) -> bool:
        """Tell whether it waits for the team's decision (W37)."""
        level = process.urgency(self.urgency)
        return level is not None and level.then == "decide" and self.escalation is None

    @property
    def unconfirmed(self) -> tuple[ManualChange, ...]:
        """The changes by hand that no second developer has confirmed."""
        return tuple(change for change in self.changes if change.confirmed_by is None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an incident becomes, what is written down, and what must leave the system.

    Attributes:
        incident: The incident after it; equal to the one before where nothing changes.
        notice: One sentence for the person who acted; empty where the card says enough.
    """

    incident: Incident
    entries: tuple[Entry, ...] = ()
    effects: tuple[Effect, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing changed.

    Attributes:
        text: For the person who acted; plain text.
        ask: Which question must be answered first (``take_over``); empty where asking again won't help.
        fields: The answers that are missing or wrong, by the form's field names.
    """

    text: str
    ask: str = ""
    fields: tuple[str, ...] = ()


Outcome = Decision | Refusal

MAY: Mapping[str, frozenset[State]] = {
    "raise": frozenset({State.CANDIDATE}),
    "dismiss": frozenset({State.CANDIDATE, State.OPEN}),
    "claim": frozenset({State.CANDIDATE, State.OPEN}),
    "assign": frozenset({State.CANDIDATE, State.OPEN}),
    "hand_over": frozenset({State.OPEN}),
    "role": frozenset({State.OPEN}),
    "join": frozenset({State.CANDIDATE, State.OPEN}),
    "assess": frozenset({State.OPEN}),
    "decide": frozenset({State.OPEN}),
    "park": frozenset({State.OPEN}),
    "unpark": frozenset({State.OPEN}),
    "note": frozenset({State.CANDIDATE, State.OPEN, State.RESOLVED}),
    "link": frozenset({State.CANDIDATE, State.OPEN, State.RESOLVED}),
    "me_too": frozenset({State.CANDIDATE, State.OPEN}),
    "change": frozenset({State.OPEN}),
    "confirm_change": frozenset({State.OPEN}),
    "resolve": frozenset({State.OPEN}),
    "follow_up": frozenset({State.OPEN, State.RESOLVED}),
    "lesson": frozenset({State.OPEN, State.RESOLVED}),
    "post_mortem": frozenset({State.RESOLVED, State.CLOSED}),
    "improve": frozenset({State.DISMISSED}),
    "close": frozenset({State.RESOLVED}),
    "keep": frozenset({State.RESOLVED}),
    "reopen": frozenset({State.RESOLVED, State.DISMISSED, State.CLOSED}),
    "merge": frozenset({State.CANDIDATE, State.OPEN}),
    "vendor": frozenset({State.OPEN, State.RESOLVED}),
    "update": frozenset({State.OPEN, State.RESOLVED}),
    "channel": frozenset({State.OPEN}),
    "fire": frozenset({State.CANDIDATE, State.OPEN}),
    "security": frozenset({State.CANDIDATE, State.OPEN, State.RESOLVED}),
}

_WHY_NOT: Mapping[State, str] = {
    State.CANDIDATE: "It is a candidate that nobody has judged yet: raise or claim it first.",
    State.OPEN: "It is open already.",
    State.RESOLVED: "It is resolved. Reopen it first if it is not over.",
    State.CLOSED: "It was closed at the incident review. Reopen it first if it is not over.",
    State.DISMISSED: "It was dismissed. Reopen it first if it was an incident after all.",
}


def refused(incident: Incident, verb: str) -> Refusal | None:
    """Return why ``verb`` can't be done in the incident's state, or ``None`` where it can."""
    if incident.state in MAY[verb]:
        return None
    if incident.merged_into is not None:
        return Refusal(f"It is a part of incident {incident.merged_into} now: go on there.")
    return Refusal(_WHY_NOT[incident.state])


def told(
    changed: Incident,
    entries: tuple[Entry, ...],
    *,
    mentions: tuple[Person, ...] = (),
    whole_team: bool = False,
    raises: bool = False,
    sync: bool = False,
) -> Decision:
    """Put together what every act of a person leads to: the issue, the thread, the card.

    Args:
        changed: The incident after the act.
        entries: What happened, for the timeline, the issue and the thread.
        mentions: Who is mentioned in the thread.
        whole_team: Whether everyone is.
        raises: Whether the act is what raises the incident in the tracker.
        sync: Whether something changed that the issue shows besides its comments.
    """
    effects: list[Effect] = []
    if raises:
        effects.append(RaiseIssue(changed.id))
        if changed.private:
            effects.append(MailSecurity(changed.id))
    if changed.raised:
        effects.extend(NoteIssue(changed.id, entry) for entry in entries)
        if sync:
            effects.append(SyncIssue(changed.id))
    if entries and changed.log_key:
        effects.append(WriteLogPage(changed.id))
    effects.extend(Announce(changed.id, entry, mentions, whole_team) for entry in entries)
    effects.append(RefreshCard(changed.id))
    return Decision(changed, entries, tuple(effects))
