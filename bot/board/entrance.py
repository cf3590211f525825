"""Who may look at the board: whoever is in a team that the bot is in, by Teams' single sign-on."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from aiohttp import web

from bot.adapters.addresses import is_loopback
from bot.adapters.keys import Unauthenticated
from models import directory
from models.ports.errors import PortError
from models.ports.messenger import Messenger

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""How long somebody who was taken out of the team may look on."""
AGAIN_SECONDS = 20.0
"""How long after the last look somebody who is not known makes us look again."""

Who = Callable[[str | None], Awaitable[str]]
"""Returns the object id of the person of an ``Authorization`` header, or raises ``Unauthenticated``."""


class NotAdmitted(Exception):
    """Why somebody may not look. The text is for them.

    Attributes:
        status: 401, 403 or 503.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class OpenEntrance:
    """Lets in whoever is on this machine: the demo's, where ``teams.auth`` is disabled."""

    signs_in = False

    async def admit(self, request: web.Request) -> None:
        """Raise ``NotAdmitted`` for a request from elsewhere, or by a name that is not this machine's."""
        if not is_loopback(request.remote or "") or not is_loopback(request.url.host or ""):
            raise NotAdmitted(403, "The board is open on this machine only, since teams.auth is disabled.")


class TeamEntrance:
    """Lets in the members of the teams that the bot is in.

    Args:
        who: Checks a token.
        messenger: Knows the members.
    """

    signs_in = True

    def __init__(self, who: Who, messenger: Messenger) -> None:
        self._who = who
        self._messenger = messenger
        self._members: frozenset[str] = frozenset()
        self._asked: float | None = None

    async def admit(self, request: web.Request) -> None:
        """Raise ``NotAdmitted`` unless the request's token is good and its person is in a team."""
        try:
            person = await self._who(request.headers.get("Authorization"))
        except Unauthenticated as error:
            log.warning("refused to show the board: %s (to %s)", error, request.remote)
            raise NotAdmitted(401, "Teams' sign-in was not accepted. Close the tab and open it again.") from None
        if not await self._is_member(person.lower()):
            log.warning("refused to show the board to somebody who is in none of the teams")
            raise NotAdmitted(403, "The board is for members of the team that Wilson is in.")

    async def _is_member(self, person: str) -> bool:
        age = monotonic() - self._asked if self._asked is not None else FRESH_SECONDS
        if age >= FRESH_SECONDS or (person not in self._members and age >= AGAIN_SECONDS):
            await self._ask()
        return person in self._members

    async def _ask(self) -> None:
        found: set[str] = set()
        try:
            for each in await directory.installations():
                members = await self._messenger.members(each.service_url, each.team_id)
                found |= {member.id.lower() for member in members if member.id}
        except PortError as error:
            log.warning("who is in the team can't be had, so nobody is shown the board: %s", error)
            self._members, self._asked = frozenset(), None
            raise NotAdmitted(503, "Teams does not say at the moment who is in the team. Try again soon.") from None
        self._members, self._asked = frozenset(found), monotonic()


Entrance = OpenEntrance | TeamEntrance
