"""What Wilson asks of the world, and how the world may fail.

The tree of errors::

    PortError
    ├── Temporary    did not happen; try again, not before ``retry_after``
    │   └── Unauthorised    did not happen, and will not before a person renews what we sign in with
    ├── Permanent    did not happen and will not by trying again
    └── Ambiguous    may have happened; look before doing it again
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from models.domain.hearing import IssueNews
from models.domain.incidents import MergeRequest
from models.domain.people import Person


class PortError(Exception):
    """Something outside did not do what it was asked. The text is for people and holds no secret."""


class Temporary(PortError):
    """It did not happen. Trying again later may help.

    Args:
        message: What was refused, for people.
        retry_after: Seconds that the other side asked to wait; ``None`` where it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorised(Temporary):
    """Our token has expired or was revoked. It goes on by itself once a person has renewed it."""


class Permanent(PortError):
    """It did not happen, and trying again without a person's help is no use."""


class Ambiguous(PortError):
    """It may or may not have happened: the answer was lost.

    Args:
        message: What was lost, for people.
        settle_after: Seconds for which the other side may still be at work on it; to look before that is too early.
    """

    def __init__(self, message: str, settle_after: float = 0) -> None:
        super().__init__(message)
        self.settle_after = settle_after


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``wilson doctor``.

    Attributes:
        subject: What was checked, for example ``mailbox``.
        ok: Whether it is as it should be; ``None`` where it could not be told, or may be meant so.
        text: What was found.
        advice: What to do about it; empty where ``ok``.
    """

    subject: str
    ok: bool | None
    text: str
    advice: str = ""


class Checkable(Protocol):
    """Whatever ``wilson doctor`` can ask about itself."""

    async def check(self) -> Sequence[Finding]:
        """Look for real whether this is usable, without changing anything. Never raises ``PortError``."""
        ...


# -- mail -------------------------------------------------------------------------------------------------


class MailFolder(StrEnum):
    """Where a mail is filed once what it said is committed."""

    PROCESSED = "processed"
    UNRECOGNISED = "unrecognised"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail as the mailbox holds it.

    Attributes:
        ref: The store's own name for it; only good for ``file_away`` of the same mailbox.
        raw: The whole mail as bytes.
        received_at: When the store received it, aware.
    """

    ref: str
    raw: bytes
    received_at: datetime


class Mailbox(Checkable, Protocol):
    """A place where alert mail arrives."""

    async def fetch(self, limit: int) -> Sequence[StoredMail]:
        """Return up to ``limit`` mails of the inbox, oldest first. They stay there until filed away.

        Raises:
            Temporary: The mailbox is away.
            Permanent: It is configured wrongly.
        """
        ...

    async def file_away(self, ref: str, folder: MailFolder) -> None:
        """Move one mail out of the inbox. A mail that is no longer there is not an error.

        Raises:
            Temporary: The mailbox is away; the mail stays, and is found recorded when it is read again.
            Permanent: The mail can't be filed there.
        """
        ...

    async def wait(self, seconds: float) -> None:
        """Return as soon as new mail may be there, at the latest after ``seconds``. Raises no ``PortError``."""
        ...

    async def send(self, raw: bytes) -> None:
        """Send a mail in the mailbox's name to the addresses in its ``To``, ``Cc`` and ``Bcc``.

        Raises:
            Temporary, Permanent, Ambiguous: As for everything that leaves; not safe to repeat.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Bookmark(Protocol):
    """Where a mailbox keeps how far it has read, so that a restart goes on from there."""

    async def load(self) -> str:
        """Return what was saved last; empty where nothing was."""
        ...

    async def save(self, text: str) -> None:
        """Keep ``text`` in place of what was saved before."""
        ...


# -- Teams ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """A channel that the bot may post into, as remembered from the installation."""

    service_url: str
    tenant_id: str
    team_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class ThreadAddress:
    """One posted message and the thread under it.

    Attributes:
        conversation_id: ``19:…@thread.tacv2;messageid=<root>``.
        activity_id: The message itself, for updates.
    """

    service_url: str
    tenant_id: str
    conversation_id: str
    activity_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: a text, a card, or both.

    Attributes:
        text: Markdown of ours, foreign text in it already escaped. ``<at>Name</at>`` marks a mention.
        card: An Adaptive Card as JSON, or ``None``.
        summary: One plain line for notifications.
        mentions: The people whose ``<at>`` stands in the text.
    """

    text: str = ""
    card: dict[str, Any] | None = None
    summary: str = ""
    mentions: tuple[Person, ...] = ()


class Messenger(Checkable, Protocol):
    """Posts to Teams, or to the console where there is no Teams.

    All methods raise ``Temporary`` (429 and what was surely not accepted), ``Permanent`` (400, 403, 404, 413)
    or ``Ambiguous`` (5xx, 412, time-out, reset connection).
    """

    async def post(self, channel: ChannelAddress, message: Message) -> ThreadAddress:
        """Start a new thread in a channel."""
        ...

    async def reply(self, thread: ThreadAddress, message: Message) -> str:
        """Answer in the thread. Returns the new activity's id."""
        ...

    async def update(self, thread: ThreadAddress, message: Message) -> None:
        """Replace the root message. Safe to repeat."""
        ...

    async def channels(self, service_url: str, team_id: str) -> Sequence[tuple[str, str]]:
        """Return a team's channels: id and name. The first channel's name is "General"."""
        ...

    async def members(self, service_url: str, team_id: str) -> Sequence[Person]:
        """Return a team's members."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


# -- issue tracker ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IssueRef:
    """One issue: ``key`` as the tracker names it (GitLab's iid), ``url`` for people."""

    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """A document apart from issues.

    Attributes:
        body: Markdown of ours; foreign text in it is harmless.
        marker: Our unique text by which it is found again after a lost answer.
    """

    title: str
    body: str
    marker: str


class IssueKind(StrEnum):
    """The tracker's type of an issue."""

    INCIDENT = "incident"
    ISSUE = "issue"


class Iteration(StrEnum):
    """Which iteration an issue stands in."""

    CURRENT = "current"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NewIssue:
    """An issue to be created.

    Attributes:
        title: One line.
        body: Markdown of ours; foreign text in it is already fenced.
        template: The project's issue template to start from; ``None`` for none.
        marker: Our unique text by which the issue is found again after a lost answer. The tracker keeps it where
            no foreign text can forge it, or hidden at the end of the body.
    """

    kind: IssueKind
    title: str
    body: str
    marker: str
    template: str | None = None
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    iteration: Iteration = Iteration.NONE
    severity: str | None = None
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class IssueChange:
    """What an issue should say from now on; ``None`` leaves as it is. Safe to apply twice.

    Attributes:
        assignee: A user of the tracker; an empty text for nobody.
        closed: ``True`` closes, ``False`` reopens.
        confidential: ``True`` keeps it to those who may read confidential issues.
    """

    title: str | None = None
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()
    assignee: str | None = None
    iteration: Iteration | None = None
    severity: str | None = None
    closed: bool | None = None
    confidential: bool | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """One comment of an issue. ``marker`` is ours, empty for comments of others."""

    author: str
    body: str
    at: datetime
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as the tracker holds it."""

    ref: IssueRef
    kind: IssueKind
    title: str
    body: str
    closed: bool
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    iteration: str | None = None
    severity: str | None = None
    notes: tuple[Note, ...] = ()
    links: tuple[str, ...] = field(default=())
    confidential: bool = False


class IssueTracker(Checkable, Protocol):
    """Keeps the record of incidents and follow-ups. Errors as in the module's tree."""

    async def create(self, issue: NewIssue) -> IssueRef:
        """Create an issue. Not safe to repeat: after ``Ambiguous`` ask ``find_by_marker`` first."""
        ...

    async def find_by_marker(self, marker: str, since: datetime) -> IssueRef | None:
        """Return the issue whose body carries ``marker``, created at or after ``since``."""
        ...

    async def get(self, key: str) -> Issue:
        """Return an issue with its notes and links. Raises ``Permanent`` where there is none."""
        ...

    async def change(self, key: str, change: IssueChange) -> None:
        """Make the issue say what ``change`` says. Safe to repeat."""
        ...

    async def comment(self, key: str, body: str, marker: str) -> None:
        """Add a comment unless one with ``marker`` is there already. Safe to repeat."""
        ...

    async def event(self, key: str, text: str, at: datetime) -> bool:
        """Add to the tracker's own timeline of an incident what happened when, unless it is there. Safe to repeat.

        Returns:
            ``False`` where it was not taken, so that a comment must say it.
        """
        ...

    async def resource(self, key: str, text: str, url: str) -> bool:
        """Attach an address to an incident where the tracker has a place for it. Safe to repeat.

        Returns:
            ``False`` where it has none, so that a comment must say it.
        """
        ...

    async def link(self, key: str, other: str) -> None:
        """Relate two issues. Safe to repeat."""
        ...

    async def news(self, key: str, known: str = "") -> IssueNews | None:
        """Read how an issue stands, and who did what to it.

        Args:
            known: The mark of the newest change that is known (``IssueSeen.updated``).

        Returns:
            ``None`` where nothing has changed since.
        """
        ...

    async def find_page(self, marker: str) -> IssueRef | None:
        """Return the document that carries ``marker``; of several the first."""
        ...

    async def create_page(self, page: Page) -> IssueRef:
        """Write a document of its own. Not safe to repeat: ask ``find_page`` first."""
        ...

    async def write_page(self, key: str, page: Page) -> None:
        """Make a document say what ``page`` says. Safe to repeat. Raises ``Permanent`` where there is none."""
        ...

    async def discard(self, key: str) -> bool:
        """Delete an issue that was only a test. ``False`` where we may not; then it is still there."""
        ...

    def merge_request_of(self, url: str) -> str | None:
        """Return the name (``group/project!12``) of the tracker's merge request that an address is, or ``None``.

        Asks nobody. The name is safe to write into a comment, where the tracker makes a reference of it.
        """
        ...

    async def merge_request(self, url: str) -> tuple[MergeRequest, str] | None:
        """Read how a merge request stands, and who merged or approved it last; ``None`` where we may not see it."""
        ...

    async def changed_since(self, at: datetime) -> Sequence[str]:
        """Return the keys of issues that anybody changed since then."""
        ...

    async def labelled(self, labels: Sequence[str]) -> Sequence[tuple[IssueRef, str]]:
        """Return the open issues that carry all of these labels, with their titles; none that is confidential."""
        ...

    async def username_of(self, person: Person) -> str | None:
        """Return the tracker's user that somebody is; ``None`` where that can't be told."""
        ...

    def how_to_map(self, person: Person) -> str:
        """Say in one line what to do so that ``username_of`` knows somebody. Foreign text in it is not escaped."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


# -- who is on call ---------------------------------------------------------------------------------------


class RotaSource(Checkable, Protocol):
    """Knows who watches when."""

    async def on_call(self, at: datetime) -> Sequence[Person]:
        """Return who is on call at that instant; empty where nobody is."""
        ...


# -- status page ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """What users are told, as a person confirmed it.

    Attributes:
        number: Which of its incident's updates it is, from 0.
        stage: ``investigating``, ``identified``, ``monitoring`` or ``resolved``.
    """

    number: int
    headline: str
    text: str
    stage: str
    at: datetime


class StatusPage(Checkable, Protocol):
    """Tells users how a service stands. Errors as in the module's tree."""

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        ...

    async def create(self, marker: str, update: PageUpdate) -> str:
        """Begin an entry and return its id. Not safe to repeat: after ``Ambiguous`` ask ``find`` first.

        Args:
            marker: Our unique text by which the entry is found again.
        """
        ...

    async def find(self, marker: str) -> str | None:
        """Return the entry that carries ``marker``; ``None`` for none, or where nothing can be looked up."""
        ...

    async def add(self, entry: str, update: PageUpdate) -> None:
        """Add an update to an entry unless it is there already. Safe to repeat."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class ChannelMaker(Checkable, Protocol):
    """Makes channels in the team. Errors as in the module's tree."""

    async def make(self, name: str, description: str, marker: str) -> tuple[str, str]:
        """Make a channel and return its name and address, unless a description holds ``marker``: then that one's.

        Raises:
            Ambiguous: The answer was lost; asking again looks first.
            Permanent: It is not permitted; the text says what is needed.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
