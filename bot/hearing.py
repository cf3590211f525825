"""Hearing what people do in the tracker: by its webhook at once, and by a look now and then behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import issues
from bot.merge_requests import to_read_again
from bot.surroundings import Surroundings
from models import directory, store
from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.hearing import IssueNews, hear
from models.domain.incident_effects import ReadIssue
from models.domain.incident_parts import IssueSeen
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.operations.incidents import load
from models.ports.errors import PortError
from models.ports.tracker import IssueTracker, NewIssue

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=2)
"""How far each look reaches back before the one before: the tracker's clock is not ours."""
WHOLE_LOOK = timedelta(hours=1)
"""How often every unfinished incident's issue is looked at: nobody says that one was deleted."""
_LOOKED = "tracker_looked_ms"
_HELD = (State.OPEN, State.RESOLVED)


class Hearing:
    """Makes incidents follow their issues.

    Args:
        tracker: Where the issues are.
        around: The team and its process.
    """

    def __init__(self, tracker: IssueTracker, around: Surroundings) -> None:
        self._tracker = tracker
        self._around = around

    async def hear(self, incident_id: int) -> Sequence[Effect]:
        """Read an incident's issue, and let the incident follow it. Returns what follows besides."""
        incident = await load(incident_id)
        if not incident.issue_key:
            return ()
        known = incident.heard.updated if incident.heard and not incident.issue_gone else ""
        news = await self._tracker.news(incident.issue_key, known)
        if news is None:
            return ()
        people = await self._people()
        while True:
            decision = hear(
                incident,
                news,
                await self.ours(incident),
                lambda username: people.get(username.lower()) or _stranger(username),
                self._around.process.awaits_review,
                at=datetime.now(UTC),
            )
            if decision.incident == incident:
                return ()
            try:
                await store.commit([(incident, decision)])
            except store.Conflict:
                incident = await load(incident_id)
                continue
            except store.FingerprintTaken as taken:
                log.warning(
                    "incident %d was reopened in the tracker, but %s is open for its alert", incident_id, taken
                )
                await self._only_seen(incident, news)
            return ()

    async def _only_seen(self, incident: Incident, news: IssueNews) -> None:
        await self.keep(incident.id, lambda _: news.seen)

    async def created(self, incident_id: int, issue: NewIssue) -> None:
        """Remember how an issue was created, which is not how it should be by now."""
        made = IssueSeen(False, tuple(issue.labels), issue.assignee or "", issue.severity or "")
        await self.keep(incident_id, lambda _: made)

    async def wrote(self, incident: Incident) -> None:
        """Remember what was written to an issue just now, so that it is not taken for somebody else's doing."""
        ours = await self.ours(incident)

        def seen(before: IssueSeen | None) -> IssueSeen:
            return IssueSeen(
                closed=ours.closed
                if incident.state in (State.OPEN, State.CLOSED)
                else bool(before and before.closed),
                labels=ours.labels,
                assignee=ours.assignee,
                severity=ours.severity,
                last_comment=before.last_comment if before else "",
            )

        await self.keep(incident.id, seen)

    @staticmethod
    async def keep(incident_id: int, seen: Callable[[IssueSeen | None], IssueSeen | None]) -> None:
        """Write down how the issue stands, whatever people do to the incident meanwhile."""
        while True:
            incident = await load(incident_id)
            try:
                await store.commit([(incident, Decision(replace(incident, heard=seen(incident.heard))))])
            except store.Conflict:
                continue
            return

    async def ours(self, incident: Incident) -> IssueSeen:
        """Return what the issue would say if it said what the incident says."""
        owner = incident.owner
        username = await self._tracker.username_of(owner) if owner else ""
        change = issues.issue_change(incident, self._around.process, issues.Account(username or None))
        unknown = incident.heard.assignee if incident.heard else ""
        return IssueSeen(
            closed=incident.state is State.CLOSED,
            labels=change.add_labels,
            assignee=unknown if username is None else username,
            severity=change.severity or (incident.heard.severity if incident.heard else ""),
        )

    async def _people(self) -> dict[str, Person]:
        """Return the team by the names that the tracker has for them."""
        found: dict[str, Person] = {}
        for person in self._around.team:
            if username := await self._tracker.username_of(person):
                found.setdefault(username.lower(), person)
        return found


def _stranger(username: str) -> Person:
    return Person("", username, username=username)


class Listener:
    """Looks into the tracker now and then for what its webhook did not say.

    Args:
        tracker: Where the issues are.
        seconds: How often to look.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, tracker: IssueTracker, seconds: float, wake: Callable[[], None]) -> None:
        self._tracker = tracker
        self._seconds = seconds
        self._wake = wake
        self._whole = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except PortError as error:
                log.warning("the tracker can't be looked at; trying again: %s", error)
            except Exception:
                log.exception("looking at the tracker failed; trying again")
            await asyncio.sleep(self._seconds)

    async def look(self, now: datetime) -> None:
        """Have each issue read that somebody changed since the look before."""
        held = await directory.fact(_LOOKED)
        since = store.from_ms(int(held)) if held else now - WHOLE_LOOK
        keys = set(await self._tracker.changed_since(since - OVERLAP))
        found = await store.incidents_of_issues(sorted(keys))
        if now - self._whole >= WHOLE_LOOK:
            self._whole = now
            found += [each.id async for each in store.every_incident_in(_HELD) if each.issue_key]
        await self.ask([*dict.fromkeys(found)])
        if again := to_read_again([each async for each in store.every_incident_in(_HELD)]):
            await store.leave(again)
            self._wake()
        await directory.remember_fact(_LOOKED, str(store.to_ms(now)))

    async def hook(self, key: str, once: str) -> None:
        """Have an issue read because the tracker said that it changed. A second delivery changes nothing."""
        await self.ask(await store.incidents_of_issues([key]), once=once)

    async def merge_request(self, name: str, once: str) -> None:
        """Have a merge request read because the tracker said that it changed."""
        held = to_read_again([each async for each in store.every_incident_in(_HELD)])
        changed = [each for each in held if self._tracker.merge_request_of(each.url) == name]
        if changed and await store.leave(changed, once=[once]):
            self._wake()

    async def ask(self, incidents: Sequence[int], *, once: str = "") -> None:
        """Put the readings into the outbox."""
        if incidents and await store.leave([ReadIssue(each) for each in incidents], once=[once] if once else ()):
            self._wake()
