"""Merge requests of GitLab: which addresses are some, and how they stand."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from bot.adapters.gitlab_http import GitLabApi, GraphQLRefused, Missing
from bot.adapters.gitlab_queries import MERGE_REQUEST
from models.domain.incident_parts import MergeRequest

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-])?"
_PATH = re.compile(
    rf"/(?P<project>{_NAME}(?:/{_NAME}){{1,20}})(?:/-)?/merge_requests/(?P<number>[1-9][0-9]{{0,9}})"
    r"(?:/(?:diffs|commits|pipelines))?/?"
)


def name_of(url: str, base: str) -> str | None:
    """Return ``group/project!12`` where an address is a merge request of the server at ``base``; else ``None``."""
    try:
        given, ours = urlsplit(url), urlsplit(base)
        same = (given.scheme, given.hostname, given.port) == (ours.scheme, ours.hostname, ours.port)
    except ValueError:
        return None
    if not same or given.username is not None or given.password is not None:
        return None
    root = ours.path.rstrip("/")
    if not given.path.startswith(f"{root}/"):
        return None
    found = _PATH.fullmatch(given.path.removeprefix(root))
    return f"{found['project']}!{found['number']}" if found else None


async def read(api: GitLabApi, url: str, base: str) -> tuple[MergeRequest, str] | None:
    """Return how a merge request stands, and who merged or approved it; ``None`` where it is not shown to us."""
    name = name_of(url, base)
    if name is None:
        return None
    path, _, number = name.partition("!")
    try:
        data = await api.graphql(MERGE_REQUEST, {"path": path, "number": number}, repeatable=True)
    except (GraphQLRefused, Missing):
        return None
    told = (data.get("project") or {}).get("mergeRequest")
    if not isinstance(told, dict):
        return None
    approvers = [each for each in (told.get("approvedBy") or {}).get("nodes") or () if isinstance(each, dict)]
    seen = MergeRequest(
        url,
        name,
        str(told.get("title") or "")[:200],
        str(told.get("state") or ""),
        bool(told.get("draft")),
        bool(told.get("approved")) and bool(approvers),
    )
    return seen, _person(told.get("mergeUser")) or (_person(approvers[-1]) if approvers else "")


def _person(told: Any) -> str:
    return str(told.get("name") or "")[:100] if isinstance(told, dict) else ""
