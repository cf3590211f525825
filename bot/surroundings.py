"""What a card needs besides its incident, kept at hand so that a click asks neither network nor disk for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from bot.places import Place
from models import directory
from models.domain.incidents import Incident
from models.domain.moments import read_moment
from models.domain.people import Person
from models.domain.process import Process
from models.domain.requests import Merge, Park, Request
from models.domain.views import IncidentView
from models.operations.incidents import unfinished
from models.ports.errors import PortError
from models.ports.rota import RotaSource

log = logging.getLogger(__name__)

FRESH_SECONDS = 30.0


class Surroundings:
    """Who is on call, and who is in the team.

    Args:
        process: The team's process.
        rota: Knows who is on call.
        zone: By whose clocks the team works.
    """

    def __init__(self, process: Process, rota: RotaSource, zone: tzinfo = UTC) -> None:
        self.process = process
        self.zone = zone
        self._rota = rota
        self._on_call: tuple[Person, ...] = ()
        self._team: tuple[Person, ...] = ()
        self._known: set[tuple[str, str, str]] = set()
        self._homes: frozenset[str] = frozenset()
        self._asked = -FRESH_SECONDS

    @property
    def on_call(self) -> tuple[Person, ...]:
        """Who was on call when last asked; at most half a minute ago while the bot runs."""
        return self._on_call

    @property
    def team(self) -> tuple[Person, ...]:
        """Whom an incident can be given to."""
        return self._team

    @property
    def rota(self) -> RotaSource:
        """Knows who is on call on other days."""
        return self._rota

    async def refresh(self) -> None:
        """Ask again."""
        self._asked = time.monotonic()
        self._team = tuple(await directory.people())
        self._homes = await directory.homes()
        try:
            found = await self._rota.on_call(datetime.now(UTC))
            self._on_call = tuple(self.known(each) for each in found)
        except PortError as error:
            log.warning("the rota can't be read, so nobody is named as on call: %s", error)
            self._on_call = ()

    def known(self, person: Person) -> Person:
        """Return somebody of the rota with their id in Teams, where the rota knows only a name or a login."""
        if person.teams_id:
            return person
        wanted = {each.casefold() for each in (person.id, person.name, person.username) if each}
        for each in self._team:
            names = {name.casefold() for name in (each.id, each.name, each.username) if name}
            if wanted & names:
                return each
        return person

    async def keep_fresh(self) -> None:
        """Ask again now and then, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("team and rota could not be read; trying again")
            await asyncio.sleep(FRESH_SECONDS)

    async def meet(self, person: Person, place: Place) -> bool:
        """Remember somebody who speaks to the bot where the team works, so that they can be assigned.

        Returns:
            Whether they are to be answered: who is on call and what is open is for the team alone (W2). At home
            is a team with one of our channels, and the thread of a card of ours; elsewhere, only whom the team's
            roster knows is answered. While no channel of ours was found in any team, everybody is.
        """
        if not await self._at_home(place):
            return any(person.same(each) for each in self._team)
        await self._remember(person)
        return True

    async def _at_home(self, place: Place) -> bool:
        if not {place.team_id, place.channel_id}.isdisjoint(self._homes):
            return True
        self._homes = await directory.homes()  # the bot may have been added to the team just now
        if not self._homes or not {place.team_id, place.channel_id}.isdisjoint(self._homes):
            return True
        return await directory.card_of_activity(place.message_id, place.conversation_id) is not None

    async def _remember(self, person: Person) -> None:
        key = (person.teams_id, person.id, person.name)
        if key in self._known or not person.teams_id:
            return
        await directory.remember_people([person])
        self._known.add(key)
        self._team = tuple(await directory.people())

    def find(self, mentioned: Sequence[Person]) -> list[Person]:
        """Return mentioned people as the team knows them; a mention alone does not tell the directory's id."""
        by_teams_id = {person.teams_id: person for person in self._team}
        return [by_teams_id.get(person.teams_id, person) for person in mentioned]

    def timed(self, request: Request | Merge) -> Request | Merge:
        """Return what is asked with the time that it names, by the team's clocks."""
        if not isinstance(request, Park):
            return request
        until = read_moment(request.when, datetime.now(UTC), self.zone, self.process.hours.start)
        return replace(request, until=until)

    def view(self, incident: Incident, viewer: Person | None = None, *, notice: str = "") -> IncidentView:
        """Return what a card shows of an incident."""
        return IncidentView(
            incident, self.process, self._on_call, self._team, viewer, notice=notice, zone=self.zone
        )

    async def view_for_merging(self, incident: Incident, viewer: Person) -> IncidentView:
        """Return the view with the incidents that this one can be merged into."""
        others = tuple(
            (each.id, each.title)
            for each in await unfinished()
            if each.id != incident.id and each.private == incident.private
        )
        return replace(self.view(incident, viewer), others=others)
