"""An incident's timeline in GitLab."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime

from bot.adapters.gitlab_http import GitLabApi, GraphQLRefused
from bot.adapters.gitlab_project import GitLabProject
from bot.adapters.gitlab_queries import EVENT, EVENTS, RESOURCE, RESOURCES
from bot.issue_text import clean

LONGEST = 280
"""Characters of an event; GitLab refuses more."""
KEPT = 1000
"""Incidents whose global id is remembered."""


class GitLabTimeline:
    """Adds events. One is known again by its words and its second, so it needs no marker."""

    def __init__(self, api: GitLabApi, project: GitLabProject) -> None:
        self._api = api
        self._project = project
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._adding = asyncio.Lock()

    async def add(self, key: str, text: str, at: datetime) -> bool:
        """Add an event unless it is there.

        Returns:
            ``False`` where GitLab takes none: without GraphQL, for an issue that is no incident, for a long text,
            and where our role is too low.
        """
        known = await self._project.known()
        note = clean(text).strip()
        if not known.graphql or not note or len(note) > LONGEST:
            return False
        incident = await self._incident(key)
        if not incident:
            return False
        occurred = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        async with self._adding:
            try:
                asked = {"path": known.path, "incident": incident}
                data = await self._api.graphql(EVENTS, asked, repeatable=True)
                nodes = ((data.get("project") or {}).get("incidentManagementTimelineEvents") or {}).get(
                    "nodes"
                ) or ()
                for each in nodes:
                    if (each["note"] or "").strip() == note and str(each["occurredAt"])[:19] == occurred[:19]:
                        return True
                new = {"incidentId": incident, "note": note, "occurredAt": occurred}
                data = await self._api.graphql(EVENT, {"input": new}, repeatable=False)
            except GraphQLRefused as error:
                self._project.say_once(f"what happens to incidents is told by comments alone: {error}")
                return False
        return not (data.get("timelineEventCreate") or {}).get("errors")

    async def add_resource(self, key: str, text: str, url: str) -> bool:
        """Add a linked resource, which Premium has, unless it is there.

        Returns:
            ``False`` where GitLab takes none; then a comment must say it.
        """
        known = await self._project.known()
        if not known.graphql or not (incident := await self._incident(key)):
            return False
        async with self._adding:
            try:
                asked = {"path": known.path, "number": key, "incident": incident}
                data = await self._api.graphql(RESOURCES, asked, repeatable=True)
                issue = (data.get("project") or {}).get("issue") or {}
                held = (issue.get("issuableResourceLinks") or {}).get("nodes") or ()
                if any(each.get("link") == url for each in held):
                    return True
                new = {"id": incident, "link": url, "linkText": clean(text).strip()[:255], "linkType": "general"}
                data = await self._api.graphql(RESOURCE, {"input": new}, repeatable=False)
            except GraphQLRefused as error:
                self._project.say_once(f"links are told by comments alone: {error}")
                return False
        return not (data.get("issuableResourceLinkCreate") or {}).get("errors")

    async def _incident(self, key: str) -> str:
        """Return the global id of an incident; nothing for another issue."""
        if key not in self._ids:
            told = await self._api.get(f"{self._project.path}/issues/{key}")
            if told.get("issue_type") != "incident":
                return ""
            self._ids[key] = f"gid://gitlab/Issue/{told['id']}"
            while len(self._ids) > KEPT:
                self._ids.popitem(last=False)
        return self._ids[key]
