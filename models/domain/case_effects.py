"""What must leave the system because of a case. See ``effects``."""

from __future__ import annotations

from dataclasses import dataclass

from models.domain.case_timeline import CaseEntry
from models.domain.people import Person


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
class WithholdCase:
    """Take the text out of a support call that became an incident of security."""

    case_id: int


@dataclass(frozen=True, slots=True)
class HearAnswer:
    """A mail answers one of a case's mails."""

    case_id: int
    mail_id: int


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
    | WithholdCase
)
"""What a case's decisions lead to; each carries the case's number."""
