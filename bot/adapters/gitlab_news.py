"""What people did to an issue in GitLab, and which issues anybody touched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.adapters.gitlab_http import GitLabApi, Missing
from bot.adapters.gitlab_project import GitLabProject
from models.domain.hearing import IssueAct, IssueNews
from models.domain.incident_parts import IssueSeen

NEWEST = {"order_by": "created_at", "sort": "desc", "per_page": "50"}
_SAID = (
    (re.compile(r"(?:un)?assigned |changed (?:the )?assignee|removed (?:the )?assignee"), "assigned"),
    (re.compile(r"changed the severity"), "severity"),
    (re.compile(r"moved to "), "moved"),
)
"""Beginnings of the lines that GitLab itself writes among the comments."""


class GitLabNews:
    """Reads issues and what happened to them.

    Args:
        api: How GitLab is spoken to.
        project: What is known of the project, and who Wilson is there.
    """

    def __init__(self, api: GitLabApi, project: GitLabProject) -> None:
        self._api = api
        self._project = project

    async def of(self, key: str, known: str) -> IssueNews | None:
        """See ``models.ports.tracker.IssueTracker.news``."""
        path = f"{self._project.path}/issues/{key}"
        told = await self._issue(path)
        if told is None:
            return IssueNews(None)
        if known and told.get("updated_at") == known:
            return None
        own = (await self._project.known()).user_id
        notes, states, labels = await asyncio.gather(
            self._api.listed(f"{path}/notes", NEWEST),
            self._api.listed(f"{path}/resource_state_events", {"per_page": "100"}),
            self._api.listed(f"{path}/resource_label_events", {"per_page": "100"}),
        )
        acts = [act for note in reversed(notes) if _by(note, "author") != own for act in _of_note(note)]
        acts += [
            IssueAct(str(each.get("state")), _name(each.get("user")), _time(each.get("created_at")))
            for each in states
            if _by(each, "user") != own and each.get("state") in ("closed", "reopened")
        ]
        acts += [
            IssueAct("labelled", _name(each.get("user")), _time(each.get("created_at")))
            for each in labels
            if _by(each, "user") != own
        ]
        acts.sort(key=lambda act: act.at)
        comments = [act.id for act in acts if act.what == "commented"]
        severity = str(told.get("severity") or "").lower()
        assignees = [each for each in told.get("assignees") or () if isinstance(each, dict)]
        seen = IssueSeen(
            closed=told.get("state") == "closed",
            labels=tuple(str(each) for each in told.get("labels") or ()),
            assignee=str(assignees[0].get("username") or "") if assignees else "",
            severity="" if severity == "unknown" else severity,
            last_comment=max(comments, key=int, default=""),
            updated=str(told.get("updated_at") or ""),
        )
        return IssueNews(seen, tuple(acts), _moved_to(told, notes))

    async def _issue(self, path: str) -> dict[str, Any] | None:
        """Read an issue; ``None`` where it is not there though its project is.

        A token that has lost its role is told "404" too, and so now and then is one that has not.

        Raises:
            Missing: The project is not shown to us.
        """
        try:
            return await self._api.get(path)
        except Missing:
            await self._api.get(self._project.path)
        try:
            return await self._api.get(path)
        except Missing:
            return None

    async def changed_since(self, at: datetime) -> Sequence[str]:
        """See ``models.ports.tracker.IssueTracker.changed_since``."""
        asked = {
            "scope": "all",
            "state": "all",
            "updated_after": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "order_by": "updated_at",
            "sort": "asc",
        }
        return [str(each["iid"]) for each in await self._api.pages(f"{self._project.path}/issues", asked)]


def _of_note(note: dict[str, Any]) -> list[IssueAct]:
    by, at = _name(note.get("author")), _time(note.get("created_at"))
    if not note.get("system"):
        return [IssueAct("commented", by, at, str(int(note.get("id") or 0)))]
    body = str(note.get("body") or "")
    return [IssueAct(what, by, at) for pattern, what in _SAID if pattern.match(body)][:1]


def _moved_to(told: dict[str, Any], notes: Sequence[dict[str, Any]]) -> str:
    if not told.get("moved_to_id"):
        return ""
    said = next((str(each.get("body")) for each in notes if str(each.get("body")).startswith("moved to ")), "")
    return said.removeprefix("moved to ")[:200] or f"issue id {told['moved_to_id']}"


def _by(told: dict[str, Any], key: str) -> Any:
    return (told.get(key) or {}).get("id")


def _name(told: Any) -> str:
    user = told if isinstance(told, dict) else {}
    return str(user.get("name") or user.get("username") or "somebody")[:100]


def _time(told: Any) -> datetime:
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return datetime.now(UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
