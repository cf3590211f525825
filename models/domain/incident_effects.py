"""What must leave the system because of what was decided about an incident. See ``effects``."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain.people import Person
from models.domain.timeline import Entry


@dataclass(frozen=True, slots=True)
class PostCard:
    """Post the incident's card into the channel; its thread becomes the incident's thread."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class PostPrivate:
    """Post the card of an incident of security into the private channel, where its thread goes on."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class MailSecurity:
    """Tell whoever must know of an incident of security by mail, where they are not in the team."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class AskUpdate:
    """Put a draft of an update for stakeholders into the thread, for a person to confirm."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class PostUpdate:
    """Post a confirmed update into the stakeholders' channel."""

    incident_id: int
    number: int


@dataclass(frozen=True, slots=True)
class ShowOnPage:
    """Put a confirmed update onto the status page."""

    incident_id: int
    number: int


@dataclass(frozen=True, slots=True)
class TellPager:
    """Tell the pager what it does not know yet: to page somebody, that somebody is at it, that it is over."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Make the incident a channel of its own."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class OfferChannel:
    """Ask the thread whether the incident should get a channel of its own, which a person confirms."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class WriteLogPage:
    """Write the incident's log page, or make it say what it should by now. Several that wait are one."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class ReportParts:
    """Tell the thread which of channel, issue and log page are there, once each was tried."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class RefreshCard:
    """Show everyone the card of the present state. Several that wait are one."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the incident's thread what happened.

    Attributes:
        mentions: Who is mentioned.
        whole_team: Whether everyone in the team is mentioned (urgent, W37).
    """

    incident_id: int
    entry: Entry
    mentions: tuple[Person, ...] = ()
    whole_team: bool = False


@dataclass(frozen=True, slots=True)
class RaiseIssue:
    """Create the incident's record in the issue tracker."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class SyncIssue:
    """Make labels, assignee, iteration, severity and title of the issue say what the incident says."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class NoteIssue:
    """Write what happened as a comment into the issue."""

    incident_id: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class RaiseFollowUp:
    """Create the issue of a follow-up and link it to the incident's."""

    incident_id: int
    follow_up: str


@dataclass(frozen=True, slots=True)
class WritePostMortem:
    """Write the post-mortem document into the incident's issue, unless it stands there as it is now."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class ReadIssue:
    """Look what people did to the incident's issue in the tracker."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class ReadMergeRequest:
    """Look how a linked merge request stands, and relate it to the issue where that was not done yet."""

    incident_id: int
    url: str


@dataclass(frozen=True, slots=True)
class LookForChanges:
    """Look what was merged and deployed shortly before the incident began."""

    incident_id: int


IncidentEffect = (
    PostCard
    | PostPrivate
    | MailSecurity
    | AskUpdate
    | PostUpdate
    | ShowOnPage
    | TellPager
    | OpenChannel
    | OfferChannel
    | WriteLogPage
    | ReportParts
    | RefreshCard
    | Announce
    | RaiseIssue
    | SyncIssue
    | NoteIssue
    | RaiseFollowUp
    | WritePostMortem
    | ReadIssue
    | ReadMergeRequest
    | LookForChanges
)
"""What an incident's decisions lead to; each carries the incident's number."""
