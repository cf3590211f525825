"""A board of its own on loopback, over a database with incidents in several states."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.adapters.connector import TeamsMessenger
from bot.adapters.entra import EntraTokens
from bot.adapters.rota_file import NoRota
from bot.board.entrance import OpenEntrance, TeamEntrance
from bot.board.site import Board
from bot.surroundings import Surroundings
from models import directory
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.decisions import Refusal
from models.domain.people import Person
from models.domain.requests import AddLesson, AddNote, Assess, Claim, MarkPrivate, Resolve
from models.domain.resolving import ResolveAnswers
from models.operations import incidents
from models.operations.alerts import record_mails
from models.settings import Teams
from tests.support.botframework import TENANT, Connector, serving
from tests.support.entra import Entra
from tests.unit.cards.samples import PROCESS

ADA = Person("aad-ada", "Ada Example", "29:ada")
SECRET = "Signing key published"
HOSTILE = """<script>document.title='x'</script><img src=x onerror="document.title='x'">"""
LONDON = ZoneInfo("Europe/London")
OVER = ResolveAnswers(True, "a log ran full", rolled_back=False, none_reason="nothing is left")


async def fires(title: str) -> int:
    """Let an alert come, and return its incident's number."""
    alert = Alert("gcp_monitoring", MailKind.FIRING, title, title, summary=f"{title}: details")
    told = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{title}>", "0", alert=alert)
    await record_mails([(told, datetime.now(UTC))], PROCESS)
    return (await incidents.unfinished())[0].id


async def asks(number: int, request: object) -> None:
    """Let somebody do something to an incident."""
    done = await incidents.act(await incidents.load(number), request, ADA, PROCESS)  # type: ignore[arg-type]
    assert not isinstance(done, Refusal), done


async def four_incidents() -> None:
    """An open one with a hostile title, a candidate, a private one, and one that awaits the review."""
    owned, _, private, over = [await fires(each) for each in (HOSTILE, "Disk nearly full", SECRET, "Log ran full")]
    await asks(owned, Claim())
    await asks(owned, Assess({}, PROCESS.urgencies[1].key, "a few people"))
    await asks(owned, AddNote(f"seen in the log: {HOSTILE}"))
    await asks(private, MarkPrivate(f"{SECRET} on a forum"))
    await asks(private, Claim())
    await asks(over, Claim())
    await asks(over, Assess({}, PROCESS.urgencies[1].key, "nobody noticed"))
    await asks(over, Resolve(OVER))
    await asks(over, AddLesson("rotate the log", "learnt"))


@dataclass
class Site:
    """A board's address, and what it asks: Entra for keys, the connector for members."""

    url: str
    entra: Entra
    connector: Connector


@contextlib.asynccontextmanager
async def open_board() -> AsyncIterator[str]:
    """A board that lets in whoever is on this machine. Yields its address."""
    async with serving(_app(Board(Surroundings(PROCESS, NoRota(), LONDON), OpenEntrance()))) as url:
        yield url


@contextlib.asynccontextmanager
async def signed_in_board() -> AsyncIterator[Site]:
    """A board that lets in the members of one team: Ada and Ben."""
    connector = Connector()
    async with Entra().running() as entra, connector.running():
        await directory.remember_installation("19:team", TENANT, connector.url, "Wilson")
        tokens = EntraTokens(entra.settings)
        messenger = TeamsMessenger(Teams(auth="disabled"))
        board = Board(Surroundings(PROCESS, NoRota(), LONDON), TeamEntrance(tokens.who, messenger))
        try:
            async with serving(_app(board)) as url:
                yield Site(url, entra, connector)
        finally:
            await tokens.close()
            await messenger.close()


def _app(board: Board) -> web.Application:
    app = web.Application()
    app.router.add_routes(board.routes())
    return app
