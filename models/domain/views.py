"""What a card shows, gathered beforehand: rendering asks nobody anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from models.domain.cases import Case
from models.domain.incidents import Incident, State
from models.domain.mail import Outcome
from models.domain.notice_rules import review_of
from models.domain.people import Person
from models.domain.procedures import Procedures
from models.domain.process import Process


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident, as somebody looks at it.

    Attributes:
        on_call: Who is on call now; empty where nobody is, or no rota is configured.
        team: Who can be assigned; empty where the team's members are not known yet.
        viewer: Who looks at it; ``None`` for the card that everyone sees.
        others: Unfinished incidents that it can be merged into: number and title. Filled for that form only.
        notice: One sentence for the viewer about what they just did.
        zone: By whose clocks the team works.
    """

    incident: Incident
    process: Process
    on_call: tuple[Person, ...] = ()
    team: tuple[Person, ...] = ()
    viewer: Person | None = None
    others: tuple[tuple[int, str], ...] = ()
    notice: str = ""
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class MailView:
    """A mail that is shown although it is no alert.

    Attributes:
        outcome: What it ended as.
        reason: Why it did.
        facts: What it says, by label.
        about_gateway: Whether it belongs into the gateway's channel.
        incident_id: The candidate that somebody made of it; ``None`` where nobody did.
        set_aside_by: Who said that it is not ours; ``None`` where nobody did.
        withheld: Whether it is about a matter of security, so that nothing of its text is shown.
    """

    id: int
    outcome: Outcome
    subject: str
    sender: str
    reason: str
    received_at: datetime
    url: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    about_gateway: bool = False
    incident_id: int | None = None
    set_aside_by: Person | None = None
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class DigestView:
    """New candidates that came faster than cards can be posted, the most severe first."""

    id: int
    incidents: tuple[Incident, ...]
    process: Process


@dataclass(frozen=True, slots=True)
class ReviewView:
    """The incident review of one day.

    Attributes:
        review: The day, such as 20261126.
        incidents: What awaited it when it was called up, the oldest first, as they are now.
        strays: What the tracker had labelled for the review then, and nobody here knows of: title and address.
        unlabelled: The numbers of incidents that the tracker had not labelled so.
        notice: One sentence for the viewer about what they just did.
    """

    review: int
    incidents: tuple[Incident, ...]
    process: Process
    zone: tzinfo = UTC
    notice: str = ""
    strays: tuple[tuple[str, str], ...] = ()
    unlabelled: tuple[int, ...] = ()

    def waits(self, incident: Incident) -> bool:
        """Tell whether the review has still to say something about an incident."""
        return incident.state is State.RESOLVED and not self.kept(incident)

    def kept(self, incident: Incident) -> bool:
        """Tell whether this review kept it for the next one."""
        held = incident.kept
        return held is not None and review_of(held.at.astimezone(self.zone).date()) >= self.review


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case, as somebody looks at it.

    Attributes:
        gateway: Whether Wilson carries approvals out itself.
        console_url: Where people see the app; empty where that is not known.
        others: Cases whose issue could serve this one, too: number and title. Filled for that form only.
    """

    case: Case
    procedures: Procedures
    team: tuple[Person, ...] = ()
    on_call: tuple[Person, ...] = ()
    viewer: Person | None = None
    gateway: bool = False
    console_url: str = ""
    others: tuple[tuple[int, str], ...] = ()
    notice: str = ""

    @property
    def may_decide(self) -> bool | None:
        """Whether the viewer may act on it; ``None`` where everyone looks and only some may."""
        if not self.case.is_access:
            return True
        if self.viewer is not None:
            return self.procedures.access.may_decide(self.viewer, self.team)
        return None if self.procedures.access.approvers else True
