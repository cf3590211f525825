"""Documents apart from issues: project snippets, which only the project's members read."""

from __future__ import annotations

from typing import Any

from bot.adapters.gitlab_http import GitLabApi, GraphQLRefused
from bot.adapters.gitlab_project import GitLabProject
from bot.adapters.gitlab_queries import NEW_PAGE, PAGE, PAGES
from bot.adapters.gitlab_text import split_marker, with_marker
from bot.issue_text import clean, one_line
from models.ports.errors import Ambiguous, Permanent
from models.ports.tracker import IssueRef, Page

FILE = "log.md"
MOST_LOOKS = 20
"""How many hundred snippets are looked through."""


class GitLabPages:
    """Keeps each page as one snippet of one file; its marker stands in the snippet's description."""

    def __init__(self, api: GitLabApi, project: GitLabProject, settle_seconds: float) -> None:
        self._api = api
        self._project = project
        self._settle = settle_seconds

    async def find(self, marker: str) -> IssueRef | None:
        """See ``models.ports.tracker.IssueTracker.find_page``. Of two the first is meant."""
        known = await self._project.known()
        us, after, found = f"gid://gitlab/User/{known.user_id}", None, None
        for _ in range(MOST_LOOKS):
            data = await self._ask(PAGES, {"path": known.path, "after": after}, repeatable=True)
            held = (data.get("project") or {}).get("snippets") or {}
            for each in held.get("nodes") or ():
                ours = (each.get("author") or {}).get("id") == us
                if ours and split_marker(str(each.get("description") or ""))[1] == marker:
                    found = min(found, each, key=_number) if found else each
            more = held.get("pageInfo") or {}
            after = more.get("endCursor")
            if not more.get("hasNextPage"):
                break
        return IssueRef(str(found["id"]), str(found["webUrl"])) if found else None

    async def create(self, page: Page) -> IssueRef:
        """See ``models.ports.tracker.IssueTracker.create_page``."""
        known = await self._project.known()
        asked = {
            "projectPath": known.path,
            "title": one_line(page.title) or "(no title)",
            "description": with_marker("Kept by Wilson.", page.marker),
            "visibilityLevel": "private",
            "blobActions": [{"action": "create", "filePath": FILE, "content": clean(page.body)}],
        }
        told = (await self._ask(NEW_PAGE, {"input": asked}, repeatable=False)).get("createSnippet") or {}
        self._refuse(told)
        try:
            return IssueRef(str(told["snippet"]["id"]), str(told["snippet"]["webUrl"]))
        except (KeyError, TypeError):
            raise Ambiguous(f"{self._api.host} made a page and did not say which", self._settle) from None

    async def write(self, key: str, page: Page) -> None:
        """See ``models.ports.tracker.IssueTracker.write_page``."""
        action = {"action": "update", "filePath": FILE, "content": clean(page.body)}
        asked = {"id": key, "title": one_line(page.title) or "(no title)", "blobActions": [action]}
        self._refuse((await self._ask(PAGE, {"input": asked}, repeatable=True)).get("updateSnippet") or {})

    async def _ask(self, document: str, variables: dict[str, Any], *, repeatable: bool) -> dict[str, Any]:
        if not (await self._project.known()).graphql:
            raise Permanent(f"{self._api.host} does not answer GraphQL, without which no page can be written")
        try:
            return await self._api.graphql(document, variables, repeatable=repeatable)
        except GraphQLRefused as error:
            raise Permanent(f"{error} (a page is a project snippet: are they switched on?)") from None

    def _refuse(self, told: dict[str, Any]) -> None:
        if errors := "; ".join(str(each) for each in told.get("errors") or ())[:300]:
            raise Permanent(f"{self._api.host} refused: {errors}")


def _number(snippet: dict[str, Any]) -> int:
    tail = str(snippet["id"]).rpartition("/")[2]
    return int(tail) if tail.isdigit() else 0
