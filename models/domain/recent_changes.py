"""What was merged and deployed shortly before an incident began, and where a team wants that to be looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from models.domain.process_reader import Reader

MOST_PROJECTS = 20
_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")


class ChangeKind(StrEnum):
    """How something came into use."""

    MERGED = "merged"
    DEPLOYED = "deployed"


@dataclass(frozen=True, slots=True)
class RecentChange:
    """One merge request or deployment. Its texts come from the tracker and are foreign.

    Attributes:
        name: ``group/project!12`` of a merge request, ``group/project`` of a deployment.
        title: What was merged; which branch or tag was deployed, and its commit.
        who: Who merged or deployed it; empty where that is not told.
        at: When that was done, aware.
        url: Where people see it.
        where: The environment that was deployed to; the branch that was merged into, where it is not the usual one.
    """

    kind: ChangeKind
    name: str
    title: str
    who: str
    at: datetime
    url: str = ""
    where: str = ""

    @property
    def done(self) -> str:
        """What was done to it, where and by whom; foreign text in it."""
        place = f" {'to' if self.kind is ChangeKind.DEPLOYED else 'into'} {self.where}" if self.where else ""
        return f"{self.kind.value}{place}{f' by {self.who}' if self.who else ''}"

    @property
    def line(self) -> str:
        """All of it in one line, without its address; foreign text in it."""
        title = f" {self.title}" if self.title else ""
        return f"{self.name}{title}, {self.done} at {self.at.astimezone(UTC):%H:%M} UTC"


@dataclass(frozen=True, slots=True)
class RecentChanges:
    """What was found when it was looked for.

    Attributes:
        kept: The newest, the newest first.
        more: How many there were besides.
        minutes: How long before the incident began.
    """

    kept: tuple[RecentChange, ...]
    more: int
    minutes: int
    seen_at: datetime

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self.kept) + self.more

    @property
    def told(self) -> str:
        """How long before, in words."""
        return span(self.minutes)


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """Where to look, by ``[changes]`` of the process file.

    Attributes:
        projects: The tracker's projects by their paths; empty for never looking.
        minutes: How long before an incident.
    """

    projects: tuple[str, ...] = ()
    minutes: int = 120

    @property
    def before(self) -> timedelta:
        """How long before an incident."""
        return timedelta(minutes=self.minutes)


def span(minutes: int) -> str:
    """Say how long some minutes are: ``2 hours``, ``90 minutes``."""
    if minutes % 60 == 0:
        return "hour" if minutes == 60 else f"{minutes // 60} hours"
    return f"{minutes} minutes"


def read_change_rules(reader: Reader) -> ChangeRules:
    """Read ``[changes]``.

    Raises:
        ProcessError: An entry does not fit.
    """
    projects = reader.texts("projects")
    for each in projects:
        if not _PROJECT.fullmatch(each) or len(each) > 255:
            reader.wrong(f"projects holds {each!r}; it needs paths such as group/project")
    if isinstance(reader.values.get("projects", []), list) and not 1 <= len(projects) <= MOST_PROJECTS:
        reader.wrong(f"projects holds {len(projects)}; it needs 1 to {MOST_PROJECTS} of them")
    rules = ChangeRules(tuple(dict.fromkeys(projects)), reader.number("minutes", 1440, 120))
    reader.done()
    return rules
