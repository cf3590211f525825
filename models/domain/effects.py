"""What must leave the system because of a decision. Stored in the outbox, delivered later.

An effect carries ids and past facts only: what a card or an issue says is rendered at delivery, from the
state of that moment, so that a retry never tells old news.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain.case_timeline import CaseEntry
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


@dataclass(frozen=True, slots=True)
class PostMail:
    """Post a quiet card about a mail that is not an alert: unrecognised, unreadable, or for the gateway."""

    mail_id: int


@dataclass(frozen=True, slots=True)
class PostDigest:
    """Post or renew the card that lists candidates which came faster than cards can be posted."""

    digest_id: int


@dataclass(frozen=True, slots=True)
class PostShift:
    """Post the card of a shift's hand-over."""

    shift: int


@dataclass(frozen=True, slots=True)
class RefreshShift:
    """Show everyone that a shift was taken over."""

    shift: int


@dataclass(frozen=True, slots=True)
class AskAtDaysEnd:
    """Ask an incident's owner, at the end of their day, whether they hand it over, put it off, or go on."""

    incident_id: int


@dataclass(frozen=True, slots=True)
class PostReview:
    """Call up the incident review: post the card that lists what awaits it.

    Attributes:
        review: The day, such as 20261126.
    """

    review: int


@dataclass(frozen=True, slots=True)
class RefreshReview:
    """Show everyone the review's card as it is now. Several that wait are one."""

    review: int


@dataclass(frozen=True, slots=True)
class LearnTeam:
    """Look up the channels and members of a team that the bot was installed in, and greet its channel."""

    team_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer somebody's command where it was given.

    Attributes:
        text: Markdown of ours, foreign text in it already escaped.
        card: An Adaptive Card as JSON text; empty for none.
    """

    service_url: str
    tenant_id: str
    conversation_id: str
    text: str
    card: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the developers' channel something that belongs into no thread.

    Attributes:
        text: Markdown of ours, foreign text in it already escaped.
        mentions: Whose ``<at>`` stands in it.
        gateway: Whether it is for the channel of requests for access instead.
    """

    text: str
    mentions: tuple[Person, ...] = ()
    gateway: bool = False


@dataclass(frozen=True, slots=True)
class SendReport:
    """Tell how some days went, in the conversation where somebody asked, or else in the developers' channel.

    Attributes:
        first: The first day, ``2026-11-16``.
        after: The day after the last one.
    """

    first: str
    after: str
    service_url: str = ""
    tenant_id: str = ""
    conversation_id: str = ""


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Make a case of a mail that asks for access, or let it join the one that is open."""

    mail_id: int


@dataclass(frozen=True, slots=True)
class PostCase:
    """Post the case's card; its thread becomes the case's thread."""

    case_id: int


@dataclass(frozen=True, slots=True)
class RefreshCase:
    """Show everyone the card of the present state. Several that wait are one."""

    case_id: int


@dataclass(frozen=True, slots=True)
class TellCase:
    """Tell the case's thread what happened."""

    case_id: int
    entry: CaseEntry
    mentions: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class RaiseCaseIssue:
    """Create the case's issue, or write it into the one that it shares."""

    case_id: int


@dataclass(frozen=True, slots=True)
class SyncCaseIssue:
    """Make assignee, iteration and whether it is closed say what the case says."""

    case_id: int


@dataclass(frozen=True, slots=True)
class NoteCaseIssue:
    """Write what happened as a comment into the case's issue."""

    case_id: int
    entry: CaseEntry


@dataclass(frozen=True, slots=True)
class LookUpCase:
    """Ask the gateway about the app, the service desk about the call, and the directory about who asks."""

    case_id: int


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Approve the app in the gateway."""

    case_id: int


@dataclass(frozen=True, slots=True)
class SendLetter:
    """Send one of a case's mails to the requester."""

    case_id: int
    token: str


@dataclass(frozen=True, slots=True)
class CloseCall:
    """Write into the support call that its case has ended."""

    case_id: int


@dataclass(frozen=True, slots=True)
class NoteCall:
    """Write a timeline entry into the support call, where its requester does not see it."""

    case_id: int
    entry: CaseEntry


@dataclass(frozen=True, slots=True)
class DeclareFromCall:
    """Begin the incident process for what a support call reports."""

    case_id: int
    by: Person


@dataclass(frozen=True, slots=True)
class HearAnswer:
    """A mail answers one of a case's mails."""

    case_id: int
    mail_id: int


Effect = (
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
    | PostMail
    | PostDigest
    | PostReview
    | PostShift
    | RefreshShift
    | AskAtDaysEnd
    | RefreshReview
    | LearnTeam
    | Answer
    | Tell
    | SendReport
    | OpenCase
    | PostCase
    | RefreshCase
    | TellCase
    | RaiseCaseIssue
    | SyncCaseIssue
    | NoteCaseIssue
    | LookUpCase
    | CarryOut
    | SendLetter
    | CloseCall
    | NoteCall
    | DeclareFromCall
    | HearAnswer
)

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

CaseEffect = (
    PostCase
    | RefreshCase
    | TellCase
    | RaiseCaseIssue
    | SyncCaseIssue
    | NoteCaseIssue
    | LookUpCase
    | CarryOut
    | SendLetter
    | CloseCall
    | NoteCall
    | DeclareFromCall
)
"""What a case's decisions lead to; each carries the case's number."""
