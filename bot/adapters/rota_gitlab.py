"""Who is on call, from an on-call schedule of the tracker's GitLab project. GitLab offers them with Premium."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.adapters.gitlab_http import GitLabApi, GraphQLRefused, Missing
from bot.adapters.gitlab_queries import ON_CALL
from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Tracker

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=5)
WINDOW = timedelta(days=27)
"""For how long shifts are asked for at once: GitLab tells those of a month at most, February included."""
MOST_WINDOWS = 8
MOST_LOOKS = 40
_START = datetime(2020, 1, 6, tzinfo=UTC)
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NO_SUCH_FIELD = re.compile(r"incidentManagementOncallSchedules.*doesn't exist", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Shift:
    start: datetime
    end: datetime
    who: Person


@dataclass(frozen=True, slots=True)
class _Window:
    shifts: tuple[_Shift, ...]
    read_at: datetime


class GitLabRota:
    """Asks GitLab at most every five minutes; while it is away, what was read last holds.

    Args:
        settings: Where the project is, how to sign in, and who is who there.
        schedule: The schedule's name or number; empty where the project has one alone.
        clock: Tells the time, aware.
    """

    def __init__(self, settings: Tracker, schedule: str, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._wanted = schedule.strip()
        self._clock = clock
        self._windows: dict[int, _Window] = {}
        self._asking = asyncio.Lock()

    async def on_call(self, at: datetime) -> Sequence[Person]:
        """See ``models.ports.rota.RotaSource``; several rotations of a schedule are on call side by side."""
        shifts = await self._shifts((at - _START) // WINDOW)
        return tuple(dict.fromkeys(each.who for each in shifts if each.start <= at < each.end))

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        now = self._clock()
        try:
            shifts = await self._read((now - _START) // WINDOW)
        except Permanent as error:
            return [Finding("rota", False, str(error), "See rota.schedule, and tracker.project in docs/gitlab.md.")]
        except PortError as error:
            return [Finding("rota", False, str(error), "See tracker.url and tracker.token.")]
        on_call = list(dict.fromkeys(each.who.name for each in shifts if each.start <= now < each.end))
        if not on_call:
            advice = "Add somebody to a rotation of the schedule."
            return [Finding("rota", None, "the schedule can be read, and nobody is on call now", advice)]
        return [Finding("rota", True, f"the schedule can be read; on call now: {', '.join(on_call)}")]

    async def _shifts(self, number: int) -> tuple[_Shift, ...]:
        async with self._asking:
            held, now = self._windows.get(number), self._clock()
            if held is not None and now - held.read_at < FRESH:
                return held.shifts
            try:
                shifts = await self._read(number)
            except PortError as error:
                if held is None:
                    raise
                log.warning("the rota can't be read; what was read last holds: %s", error)
                shifts = held.shifts
            self._windows.pop(number, None)
            self._windows[number] = _Window(shifts, now)
            if len(self._windows) > MOST_WINDOWS:
                del self._windows[next(iter(self._windows))]
            return shifts

    async def _read(self, number: int) -> tuple[_Shift, ...]:
        settings = self._settings
        token = settings.token.get_secret_value()
        api = GitLabApi(settings.url, token, settings.timeout_seconds, self._clock)
        try:
            project = await api.get(f"/projects/{quote(settings.project, safe='')}")
            found: set[_Shift] = set()
            start, end = _START + number * WINDOW, _START + (number + 1) * WINDOW
            for _ in range(MOST_LOOKS):
                variables = {"path": project["path_with_namespace"], "from": _text(start), "to": _text(end)}
                data = await api.graphql(ON_CALL, variables, repeatable=True)
                more = []
                for shifts in self._rotations(data):
                    read = [each for told in _nodes(shifts) if (each := self._shift(told)) is not None]
                    found.update(read)
                    if read and (shifts.get("pageInfo") or {}).get("hasNextPage"):
                        more.append(max(each.end for each in read))
                if not more or min(more) <= start:
                    break
                start = min(more)
            return tuple(sorted(found, key=lambda each: (each.start, each.who.name)))
        except Missing:
            raise Permanent(f"{api.host} shows no project {settings.project!r} to the token's user") from None
        except GraphQLRefused as error:
            if _NO_SUCH_FIELD.search(str(error)):
                raise Permanent(f"{api.host} has no on-call schedules: they need GitLab Premium") from None
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Temporary(f"{api.host} answered schedules that can't be read ({type(error).__name__})") from None
        finally:
            await api.close()

    def _rotations(self, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the shifts of each rotation of the schedule.

        Raises:
            Permanent: There is no such schedule, or several.
        """
        project = data.get("project")
        if not isinstance(project, dict):
            raise Permanent(f"{self._settings.project} is not shown to the token's user")
        schedules = _nodes(project.get("incidentManagementOncallSchedules"))
        if not schedules:
            text = f"{self._settings.project} has no on-call schedule that the token's user may see"
            raise Permanent(f"{text}; they need GitLab Premium")
        wanted = self._wanted.casefold()
        chosen = [each for each in schedules if wanted in ("", str(each["iid"]), str(each["name"]).casefold())]
        if len(chosen) != 1:
            names = ", ".join(f"{each['name']} ({each['iid']})" for each in schedules)
            given = f"rota.schedule holds {self._wanted!r}" if wanted else "rota.schedule is empty"
            raise Permanent(f"{given}; it needs the name or the number of one schedule: {names}")
        return [each.get("shifts") or {} for each in _nodes(chosen[0].get("rotations"))]

    def _shift(self, told: Mapping[str, Any]) -> _Shift | None:
        user = (told.get("participant") or {}).get("user")
        if not user or not told.get("startsAt") or not told.get("endsAt"):
            return None  # a participant who has left
        start, end = (datetime.fromisoformat(str(told[name])) for name in ("startsAt", "endsAt"))
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError("a time without its zone")
        return _Shift(start, end, self._person(str(user["username"]), str(user.get("name") or "")))

    def _person(self, username: str, name: str) -> Person:
        """Return who a user is: by ``tracker.users`` read backwards, else under their own login and name.

        A key there is an object id, a login or a name; the team is searched for any of them.
        """
        ids: dict[str, str] = {}
        for key, user in self._settings.users.items():
            if user.casefold() != username.casefold():
                continue
            if _OBJECT_ID.fullmatch(key):
                ids.setdefault("id", key)
            elif "@" in key or " " not in key:
                ids.setdefault("username", key.partition("@")[0])
            else:
                ids.setdefault("name", key)
        login = ids.get("username", "") if ids else username
        return Person(ids.get("id", ""), ids.get("name") or (name or username)[:100], username=login)


def _nodes(told: Any) -> Iterable[dict[str, Any]]:
    return [each for each in (told or {}).get("nodes") or () if isinstance(each, dict)]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
