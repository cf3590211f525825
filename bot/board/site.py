"""The board's addresses on the bot's web server. All of them are read only."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from importlib import resources

from aiohttp import web

from bot.board.entrance import Entrance, NotAdmitted
from bot.board.pages import Pages
from bot.board.rows import page_of
from bot.surroundings import Surroundings
from models import cases, store
from models.domain.incidents import State
from models.reporting import report

log = logging.getLogger(__name__)

WEEKS = 8
"""How far back the figures look."""
LIBRARY = "https://res.cdn.office.net"
TEAMS_SCRIPT = (
    f"{LIBRARY}/teams-js/2.58.0/js/MicrosoftTeams.min.js",
    "sha384-sMo/EOqQPa1OCup2/VBRum7oFeOS22kvs8WGDc45xK53tUVZzFR5WwFYDUYN1LO4",
)
"""Microsoft's library of that version, where Microsoft serves it, and what it must be to run."""
_HOSTS = "https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft https://*.office.com"
_STATIC = {
    "board.css": "text/css",
    "board.js": "text/javascript",
    "configure.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

Render = Callable[[web.Request, datetime], Awaitable[str]]


class Board:
    """Answers what is asked of the board.

    Where it signs in through Teams, an address without a token answers with a page that holds nothing but the
    sign-in; its script asks for the same address again, with the token.

    Args:
        around: The team, its process, and who is on call.
        entrance: Who may look.
        clock: The present moment.
    """

    def __init__(
        self, around: Surroundings, entrance: Entrance, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._around = around
        self._entrance = entrance
        self._clock = clock
        script = TEAMS_SCRIPT if entrance.signs_in else None
        self._pages = Pages(around.process, around.zone, script)
        self._policy = _policy(signs_in=entrance.signs_in)
        folder = resources.files("bot.board") / "static"
        self._static = {name: (folder / name).read_bytes() for name in _STATIC}

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses and who answers them."""
        shown = {
            "/board": self._board,
            "/board/": self._board,
            "/board/review": self._review,
            "/board/figures": self._figures,
            r"/board/incidents/{number:\d{1,9}}": self._incident,
        }
        found = [web.get(path, self._page(render)) for path, render in shown.items()]
        found.append(web.get("/board/static/{name}", self._file))
        if self._entrance.signs_in:
            found.append(web.get("/board/configure", self._configure))
        return found

    def _page(self, render: Render) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            if self._entrance.signs_in and "Authorization" not in request.headers:
                return self._html(self._pages.sign_in())
            now = self._clock()
            try:
                await self._entrance.admit(request)
                return self._html(await render(request, now))
            except NotAdmitted as error:
                said = self._pages.message("The board can't be shown", str(error), now)
                return self._html(said, error.status)
            except web.HTTPNotFound as error:
                return self._html(self._pages.message("There is no such incident", error.reason, now), 404)

        return answer

    async def _board(self, _: web.Request, now: datetime) -> str:
        incidents = await store.incidents_in((State.CANDIDATE, State.OPEN))
        return self._pages.board(incidents, await cases.unfinished(), self._around.on_call, now)

    async def _review(self, _: web.Request, now: datetime) -> str:
        waiting = (await store.incidents_in((State.RESOLVED,)))[::-1]
        return self._pages.review(waiting, self._around.process.review.next_meeting(now, self._around.zone), now)

    async def _figures(self, _: web.Request, now: datetime) -> str:
        today = now.astimezone(self._around.zone).date()
        monday = today - timedelta(days=today.weekday())
        first, after = monday - timedelta(weeks=WEEKS - 1), monday + timedelta(weeks=1)
        found = await report(first, after, self._around.process, self._around.zone, now)
        return self._pages.figures(found, now)

    async def _incident(self, request: web.Request, now: datetime) -> str:
        number = int(request.match_info["number"])
        found = await store.incident(number)
        if found is None:
            raise web.HTTPNotFound(reason=f"Nothing has the number {number}.")
        timeline = await store.timeline(number)
        return self._pages.incident(page_of(found, timeline, self._around.process, now, self._around.zone), now)

    async def _configure(self, _: web.Request) -> web.Response:
        return self._html(self._pages.configure())

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._static:
            raise web.HTTPNotFound
        return web.Response(body=self._static[name], content_type=_STATIC[name], charset="utf-8")

    def _html(self, text: str, status: int = 200) -> web.Response:
        headers = {"Content-Security-Policy": self._policy, "Referrer-Policy": "no-referrer"}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _policy(*, signs_in: bool) -> str:
    """Return what a page may load, and who may show it in a frame."""
    library = f" {LIBRARY}" if signs_in else ""
    frames = _HOSTS if signs_in else "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{library}",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src 'self'{library}",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {frames}",
        )
    )
