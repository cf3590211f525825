"""What an incident is. What it is made of stands in ``incident_parts``, what may be done to it in ``decisions``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.domain.alerts import Link, policy_of
from models.domain.incident_parts import (
    Assessment,
    Documented,
    Escalation,
    FollowUp,
    IssueSeen,
    Kept,
    Lesson,
    ManualChange,
    MergeRequest,
    Noise,
    Paged,
    Parked,
    Privacy,
    Reminded,
    Resolution,
)
from models.domain.judging import Judged
from models.domain.outside import StatusUpdate, VendorCall
from models.domain.people import Person
from models.domain.process import Process
from models.domain.recent_changes import RecentChanges
from models.domain.recurrence import Recurrence


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
        reminded_before: What was reminded of before that, the last of each other kind.
        anew_at: When it was taken up again, or given up by its owner, last; ``None`` where it never was.
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
    reminded_before: tuple[Reminded, ...] = ()
    anew_at: datetime | None = None
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
