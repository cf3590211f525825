"""What Wilson has learnt of its GitLab project: who it is itself, what the server can do, templates and people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.adapters.gitlab_http import GitLabApi, GraphQLRefused, Missing
from bot.adapters.gitlab_queries import ITERATIONS, REACHABLE
from bot.adapters.gitlab_text import without_quick_actions
from bot.adapters.local_tracker import DEFAULT_TEMPLATE
from models.domain.people import Person
from models.ports.errors import Permanent
from models.settings import Tracker

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)
PEOPLE_FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Period:
    """The current iteration: its global id, and the days it covers."""

    id: str
    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out about server and project.

    Attributes:
        user_id: Our own user's id; whatever another user wrote bears no marker of ours.
        path: The project's full path, as GraphQL needs it.
        graphql: Whether GraphQL can be reached.
        cadence: The global id of the cadence that issues are put into; ``None`` where iterations can't be used.
        period: Its current iteration.
        no_iteration: Why there is none; empty where there is.
    """

    user_id: int
    username: str
    path: str
    graphql: bool
    cadence: str | None
    period: Period | None
    no_iteration: str
    until: datetime


class GitLabProject:
    """Finds out once an hour."""

    def __init__(self, api: GitLabApi, settings: Tracker, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock
        self.path = f"/projects/{quote(settings.project, safe='')}"
        self._learning = asyncio.Lock()
        self._known: Known | None = None
        self._templates: dict[str, tuple[str, datetime]] = {}
        self._members: tuple[dict[str, dict[str, Any]], datetime] | None = None
        self._users: dict[str, tuple[int | None, datetime]] = {}
        self._said: set[str] = set()

    @property
    def own_username(self) -> str:
        """Who we are there; empty until that was found out."""
        return self._known.username if self._known else ""

    async def known(self) -> Known:
        """Return what is known, asking where it is old or the iteration has ended."""
        async with self._learning:
            if self._known is None or self._clock() >= self._known.until:
                self._known = await self._learn()
            return self._known

    def forget(self) -> None:
        """Ask again before the next use, since the server was not as it was thought to be."""
        self._known = None

    def say_once(self, text: str) -> None:
        """Log what is not as it should be, once."""
        if text not in self._said:
            self._said.add(text)
            log.warning("%s", text)

    async def _learn(self) -> Known:
        user = await self._api.get("/user")
        project = await self._api.get(self.path)
        path = str(project["path_with_namespace"])
        graphql, data = await self._ask_iterations(path)
        cadence, period, why = _choose(data, self._settings.cadence, self._clock().astimezone(UTC).date())
        if not graphql:
            why = f"{self._api.host} does not answer GraphQL, without which iterations and severities can't be set"
        if why:
            self.say_once(f"issues are not put into an iteration: {why}")
        until = self._clock() + FRESH
        if period is not None:
            ends = datetime.combine(period.last + timedelta(days=1), datetime.min.time(), UTC)
            until = min(until, max(ends, self._clock() + timedelta(minutes=1)))
        return Known(int(user["id"]), str(user["username"]), path, graphql, cadence, period, why, until)

    async def _ask_iterations(self, path: str) -> tuple[bool, dict[str, Any]]:
        for document in (ITERATIONS, REACHABLE):
            try:
                data = await self._api.graphql(document, {"path": path}, repeatable=True)
            except GraphQLRefused:
                continue
            except Permanent:
                return False, {}
            project = data.get("project")
            return isinstance(project, dict), project if isinstance(project, dict) else {}
        return False, {}

    # -- templates ----------------------------------------------------------------------------------------

    async def template(self, name: str) -> str:
        """Return a template of the project without quick actions. The configured one always gives something.

        Raises:
            Permanent: There is none of that name.
        """
        held = self._templates.get(name)
        if held and self._clock() < held[1]:
            return held[0]
        text = await self.fetched_template(name)
        if text is None:
            if name != self._settings.template:
                raise Permanent(f"{self._settings.project} has no issue template {name[:40]!r}")
            self.say_once(f"{self._settings.project} has no issue template {name!r}; a plain one is used instead")
            text = DEFAULT_TEMPLATE
        text = without_quick_actions(text)
        self._templates[name] = (text, self._clock() + FRESH)
        return text

    async def fetched_template(self, name: str) -> str | None:
        """Return a template as the project has it; ``None`` where it has none of that name."""
        try:
            found = await self._api.get(f"{self.path}/templates/issues/{quote(name, safe='')}")
        except Missing:
            return None
        return str(found.get("content") or "")

    # -- people -------------------------------------------------------------------------------------------

    async def members(self) -> dict[str, dict[str, Any]]:
        """Return the project's active members by their username in lower case, inherited ones included."""
        if self._members is None or self._clock() >= self._members[1]:
            found = await self._api.pages(f"{self.path}/members/all")
            active = {str(each["username"]).lower(): each for each in found if each.get("state") == "active"}
            self._members = (active, self._clock() + PEOPLE_FRESH)
        return self._members[0]

    async def user_id(self, username: str) -> int | None:
        """Return a user's id, of whom only the username is known; ``None`` where there is no such user."""
        name = username.lower()
        held = self._users.get(name)
        if held and self._clock() < held[1]:
            return held[0]
        member = (await self.members()).get(name)
        found = [member] if member else await self._api.listed("/users", {"username": username})
        ids = [int(each["id"]) for each in found if str(each.get("username", "")).lower() == name]
        self._users[name] = (ids[0] if ids else None, self._clock() + PEOPLE_FRESH)
        if not ids:
            log.warning("%s has no user %r, so an issue is assigned to nobody", self._api.host, username)
        return ids[0] if ids else None

    async def username_of(self, person: Person) -> str | None:
        """Return somebody's username by the map, else by their login, else by a name that one member alone has."""
        wanted = {each.casefold() for each in (person.id, person.username, person.name) if each}
        for key, username in self._settings.users.items():
            if wanted & {key.casefold(), key.partition("@")[0].casefold()}:
                return username
        members = await self.members()
        if member := members.get(person.username.lower()):
            return str(member["username"])
        named = [each for each in members.values() if _same_name(str(each.get("name", "")), person.name)]
        return str(named[0]["username"]) if len(named) == 1 else None


def _same_name(one: str, other: str) -> bool:
    return bool(one.strip()) and " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _choose(project: dict[str, Any], wanted: str, today: date) -> tuple[str | None, Period | None, str]:
    """Return the cadence to use, its current iteration, and why there is none."""
    cadences = {str(each["id"]): str(each.get("title", "")) for each in _nodes(project, "iterationCadences")}
    if wanted:
        cadences = {key: title for key, title in cadences.items() if _same_name(title, wanted)}
        if len(cadences) != 1:
            return None, None, f"tracker.cadence names {wanted!r}, and {len(cadences)} cadences are called so"
    if not cadences:
        return None, None, "the project's groups have no iteration cadence, or their GitLab is not Premium"
    if len(cadences) > 1:
        titles = ", ".join(sorted(cadences.values()))
        return None, None, f"there are several cadences; set tracker.cadence to one of: {titles}"
    ((cadence, title),) = cadences.items()
    for each in _nodes(project, "iterations"):
        if (each.get("iterationCadence") or {}).get("id") != cadence:
            continue
        first, last = (_day(each.get(key)) for key in ("startDate", "dueDate"))
        name = str(each.get("title") or f"{first} to {last}")
        return cadence, Period(str(each["id"]), name, first or today, last or today), ""
    return None, None, f"the cadence {title!r} has no current iteration"


def _nodes(project: dict[str, Any], name: str) -> list[dict[str, Any]]:
    nodes = (project.get(name) or {}).get("nodes") or []
    return [each for each in nodes if isinstance(each, dict) and each.get("id")]


def _day(told: Any) -> date | None:
    try:
        return date.fromisoformat(str(told)[:10])
    except ValueError:
        return None
