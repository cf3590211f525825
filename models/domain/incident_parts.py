"""What an incident is made of: how it was assessed, decided, put off, resolved, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.domain.people import Person
from models.domain.process import Answer


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
