"""What was merged and deployed in some projects of the tracker's GitLab."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.adapters.gitlab_http import GitLabApi, Missing
from bot.adapters.gitlab_queries import MERGED
from models.domain.recent_changes import ChangeKind, RecentChange
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Tracker

log = logging.getLogger(__name__)

PER_PAGE = 100
AT_ONCE = 4
_TITLE, _NAME, _URL = 160, 80, 500

Ask = Callable[[str, datetime, datetime], Awaitable[list[RecentChange]]]


class GitLabChanges:
    """Asks each project for its merge requests by GraphQL, and for its deployments by REST.

    Args:
        settings: Where GitLab is, and how to sign in.
        projects: Whose changes count, by their paths.
        clock: Tells the time, aware.
    """

    def __init__(self, settings: Tracker, projects: Sequence[str], clock: Callable[[], datetime]) -> None:
        self._projects = projects
        self._clock = clock
        self._url = settings.url.rstrip("/")
        token = settings.token.get_secret_value()
        self._api = GitLabApi(settings.url, token, settings.timeout_seconds, clock)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._said: set[str] = set()

    @property
    def configured(self) -> bool:
        """See ``models.ports.changes.ChangeSource``."""
        return bool(self._projects)

    async def between(self, since: datetime, until: datetime) -> Sequence[RecentChange]:
        """See ``models.ports.changes.ChangeSource``."""
        found, errors = await self._ask(since, until)
        for error in errors:
            if not isinstance(error, Permanent):
                raise error
            if str(error) not in self._said:
                self._said.add(str(error))
                log.warning("changes before incidents are not complete: %s", error)
        return found

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        now = self._clock()
        _, errors = await self._ask(now - timedelta(minutes=1), now)
        advice = "Correct projects of [changes] in the process file, and let the token's user see them."
        if errors:
            return [Finding("recent changes", False, str(error), advice) for error in errors]
        count = len(self._projects)
        text = f"merge requests and deployments of {count} project{'' if count == 1 else 's'} can be read"
        return [Finding("recent changes", True, text)]

    async def close(self) -> None:
        """See ``models.ports.changes.ChangeSource``."""
        await self._api.close()

    async def _ask(self, since: datetime, until: datetime) -> tuple[list[RecentChange], list[PortError]]:
        """Ask for everything, and return what was answered and what went wrong, which is told with its project."""

        async def one(ask: Ask, project: str) -> list[RecentChange] | PortError:
            async with self._room:
                try:
                    return await ask(project, since, until)
                except Permanent as error:
                    return Permanent(f"{project}: {error}")
                except PortError as error:
                    return error
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    return Temporary(f"{project}: an answer that can't be read ({type(error).__name__})")

        asks = [one(ask, project) for project in self._projects for ask in (self._merged, self._deployed)]
        answers = await asyncio.gather(*asks)
        errors = [each for each in answers if isinstance(each, PortError)]
        return [each for part in answers if not isinstance(part, PortError) for each in part], errors

    async def _merged(self, project: str, since: datetime, until: datetime) -> list[RecentChange]:
        variables = {"path": project, "since": _text(since), "until": _text(until)}
        told = (await self._api.graphql(MERGED, variables, repeatable=True)).get("project")
        if not isinstance(told, dict):
            raise Missing(f"{self._api.host} shows no such project to the token's user")
        usual = str((told.get("repository") or {}).get("rootRef") or "")
        nodes = (told.get("mergeRequests") or {}).get("nodes") or ()
        return [each for node in nodes if (each := _merge(node, project, usual)) is not None]

    async def _deployed(self, project: str, since: datetime, until: datetime) -> list[RecentChange]:
        """Ask by the last update, which is never before the end, and by which GitLab wants to sort then."""
        params = {"status": "success", "order_by": "updated_at", "sort": "desc", "per_page": str(PER_PAGE)}
        path = f"/projects/{quote(project, safe='')}/deployments"
        told = await self._api.listed(path, params | {"updated_after": _text(since)})
        page = f"{self._url}/{project}/-/environments"
        found = [each for one in told if (each := _deployment(one, project, page)) is not None]
        return [each for each in found if since <= each.at <= until]


class NoChanges:
    """Nowhere to look for what was changed before an incident.

    Args:
        why: What stands in the way; empty where nobody asked for it.
    """

    def __init__(self, why: str = "") -> None:
        self._why = why

    @property
    def configured(self) -> bool:
        """See ``models.ports.changes.ChangeSource``."""
        return False

    async def between(self, since: datetime, until: datetime) -> Sequence[RecentChange]:
        """See ``models.ports.changes.ChangeSource``."""
        return ()

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        if self._why:
            return [Finding("recent changes", False, self._why, "Take [changes] out of the process file.")]
        return [Finding("recent changes", True, "not looked for: the process file has no [changes]")]

    async def close(self) -> None:
        """See ``models.ports.changes.ChangeSource``."""


def _merge(told: Any, project: str, usual: str) -> RecentChange | None:
    at = _moment(told.get("mergedAt")) if isinstance(told, dict) else None
    if at is None:
        return None
    branch = str(told.get("targetBranch") or "")
    return RecentChange(
        ChangeKind.MERGED,
        f"{project}!{told.get('iid')}",
        str(told.get("title") or "")[:_TITLE],
        _person(told.get("mergeUser")) or _person(told.get("author")),
        at,
        str(told.get("webUrl") or "")[:_URL],
        "" if branch == usual else branch[:_NAME],
    )


def _deployment(told: dict[str, Any], project: str, page: str) -> RecentChange | None:
    job = told.get("deployable") if isinstance(told.get("deployable"), dict) else {}
    at = _moment((job or {}).get("finished_at")) or _moment(told.get("updated_at"))
    if at is None:
        return None
    environment = told.get("environment") if isinstance(told.get("environment"), dict) else {}
    commit = str(told.get("sha") or "")[:8]
    return RecentChange(
        ChangeKind.DEPLOYED,
        project,
        f"{str(told.get('ref') or '')[:_TITLE]}{f' ({commit})' if commit else ''}".strip(),
        _person(told.get("user")),
        at,
        str((job or {}).get("web_url") or page)[:_URL],
        str((environment or {}).get("name") or "")[:_NAME],
    )


def _person(told: Any) -> str:
    return str(told.get("name") or "")[:_NAME] if isinstance(told, dict) else ""


def _moment(told: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
