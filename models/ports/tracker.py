"""The issue tracker, and what an issue is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from models.domain.hearing import IssueNews
from models.domain.incident_parts import MergeRequest
from models.domain.people import Person
from models.ports.checks import Checkable


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
    """Keeps the record of incidents and follow-ups. Errors as in ``models.ports.errors``."""

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
