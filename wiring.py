"""Puts the house together: what runs beside what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import mailroom
from bot.activities import Activities
from bot.adapters.entra import EntraTokens
from bot.adapters.gitlab import GitLabTracker
from bot.adapters.teams import TeamsAdapter
from bot.board.entrance import OpenEntrance, TeamEntrance
from bot.board.site import Board
from bot.case_clicks import CaseClicks
from bot.case_clock import CaseClock
from bot.case_deliveries import CaseDeliveries
from bot.case_letters import Letters
from bot.case_lookup import Lookup
from bot.case_speech import CaseSpeech
from bot.case_surroundings import CaseSurroundings
from bot.clicks import Clicks
from bot.deliveries import Deliveries
from bot.health import metrics, readiness
from bot.hearing import Listener
from bot.hooks import Hook
from bot.notices import Notices
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.paging import Paging
from bot.posting import Channels, Poster
from bot.reminding import Reminding
from bot.reporting import Reporting
from bot.rota import ChangedRota
from bot.shifts import Shifts
from bot.speech import Speech
from bot.status_updates import StatusUpdates
from bot.surroundings import Surroundings
from bot.tracker_health import TrackerHealth
from bot.watchkeeping import Watchkeeping
from bot.web import make_app, serving
from fittings import (
    changes_of,
    channels_of,
    check_teams,
    desk_of,
    gateway_of,
    messenger_of,
    page_of,
    pager_of,
    people_of,
    process_of,
    rota_of,
    tracker_of,
)
from models import database, directory, queue, store
from models.domain.process import Process
from models.ports.messenger import Messenger
from models.ports.tracker import IssueTracker
from models.settings import Settings

log = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 3600.0
SEEN_DAYS = 14


@asynccontextmanager
async def connected(settings: Settings, *, upgrade: bool) -> AsyncIterator[None]:
    """Connect to the database for as long as the context lasts.

    Args:
        upgrade: Bring it to this version's tables first. PostgreSQL is left to ``wilson db upgrade``, since other
            replicas may use it.
    """
    url = settings.database.url
    if upgrade and url.startswith("sqlite://"):
        await database.upgrade(url)
    elif missing := await database.pending(url):
        raise database.DatabaseError(f"the database lacks {len(missing)} migrations: run wilson db upgrade")
    await database.connect(url)
    try:
        yield
    finally:
        await database.disconnect()


async def run(settings: Settings, stop: asyncio.Event, *, bot: bool, watch: bool) -> None:
    """Run one wing or both until ``stop`` is set.

    Raises:
        SettingsError: A setting is missing or wrong.
        DatabaseError: The database can't be used.
    """
    process = process_of(settings)
    if bot:
        check_teams(settings)
    watch = watch and settings.mailbox.kind != "none"
    if watch:
        mailroom.mailbox_of(settings, mailroom.NoBookmark(), None)  # a wrong setting is said before anything begins
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(connected(settings, upgrade=True))
        tasks: dict[str, asyncio.Task[None]] = {}
        if bot:
            for name, work in (await _bot(settings, process, stack)).items():
                tasks[name] = asyncio.create_task(work, name=name)
        if watch:
            since = await mailroom.since_of(settings)
            mailbox = mailroom.mailbox_of(settings, mailroom.FactBookmark(settings.mailbox), since)
            watcher = mailroom.watcher_of(settings, process, mailbox, stack)
            tasks["watcher"] = asyncio.create_task(watcher.run(), name="watcher")
        await _until(stop, tasks)


async def _bot(settings: Settings, process: Process, stack: AsyncExitStack) -> dict[str, Coroutine[Any, Any, None]]:
    messenger, tracker = messenger_of(settings), tracker_of(settings)
    timezone = ZoneInfo(settings.rota.timezone)
    rota = ChangedRota(rota_of(settings), timezone)
    if settings.database.url.startswith(database.SQLITE):
        await queue.release_all()
    stack.push_async_callback(messenger.close)
    stack.push_async_callback(tracker.close)
    if settings.teams.messenger == "console":
        await directory.remember_installation("console", "console", "console://", "Console")
    around = Surroundings(process, rota, ZoneInfo(settings.rota.timezone))
    await around.refresh()
    channels = Channels(settings.teams.devs_channel, settings.teams.gateway_channel, settings.teams.private_channel)
    if channels.private:
        await directory.look_for_private_channel()
    poster = Poster(messenger, channels, Pacer())
    handling = await _cases(settings, tracker, around, poster, stack)
    page, maker, changes = page_of(settings), channels_of(settings), changes_of(settings)
    pager = pager_of(settings)
    for each in (page, maker, changes, pager):
        stack.push_async_callback(each.close)
    deliveries = Deliveries(
        poster,
        tracker,
        around,
        handling,
        template=settings.tracker.template,
        page=page,
        new_channels=maker,
        changes=changes,
        pager=pager,
    )
    settle_seconds = settings.tracker.timeout_seconds if settings.tracker.kind == "gitlab" else 0
    health = TrackerHealth(tracker, ZoneInfo(settings.rota.timezone))
    outbox = Outbox(deliveries.deliver, deliveries.prepare, settle_seconds=settle_seconds, health=health)
    listener = Listener(tracker, settings.tracker.poll_seconds, outbox.wake)
    clicks = Clicks(around, CaseClicks(handling.around, handling.desk), outbox.wake)
    handler = Activities(clicks, Speech(around, CaseSpeech(handling.around, handling.desk), outbox.wake))
    adapter = TeamsAdapter(settings.teams)
    hook = _hook(settings, tracker, listener)
    board = _board(settings, around, messenger, stack)
    app = make_app(adapter, handler, readiness=lambda: readiness(settings), metrics=metrics, hook=hook, board=board)
    await stack.enter_async_context(serving(app, settings.web.host, settings.web.port))
    tasks = {"outbox": outbox.run(), "surroundings": around.keep_fresh(), "housekeeping": _housekeeping()}
    tasks |= {"listener": listener.run(), "tracker health": health.run()}
    clock = CaseClock(handling.around, handling.lookup, settings.apigee.poll_seconds, outbox.wake)
    tasks["cases"] = clock.run()
    tasks["status updates"] = StatusUpdates(around, outbox.wake).run()
    tasks["reminding"] = Reminding(around, ZoneInfo(settings.rota.timezone), outbox.wake).run()
    if pager.name:
        tasks["paging"] = Paging(around, outbox.wake).run()
    tasks["notices"] = Notices(around, rota if settings.rota.kind != "none" else None, timezone, outbox.wake).run()
    tasks["shifts"] = Shifts(around, rota if settings.rota.kind != "none" else None, timezone, outbox.wake).run()
    tasks["reporting"] = Reporting(around, ZoneInfo(settings.rota.timezone), outbox.wake).run()
    if settings.mailbox.kind != "none":
        tasks["watchkeeping"] = _watchkeeping(settings, process, outbox.wake).run()
    return tasks


async def _cases(
    settings: Settings, tracker: IssueTracker, around: Surroundings, poster: Poster, stack: AsyncExitStack
) -> CaseDeliveries:
    gateway, desk, people = gateway_of(settings), desk_of(settings), people_of(settings)
    for each in (gateway, desk, people):
        stack.push_async_callback(each.close)
    send = None
    if settings.mailbox.kind != "none":
        sender = mailroom.Sender(settings)
        stack.push_async_callback(sender.close)
        send = sender.send
    letters = Letters(send, settings.mailbox.address, around.process.title.partition(":")[0])
    lookup = Lookup(gateway, desk, people)
    return CaseDeliveries(poster, tracker, CaseSurroundings(around, gateway), lookup, desk, letters)


def _board(settings: Settings, around: Surroundings, messenger: Messenger, stack: AsyncExitStack) -> Board | None:
    teams = settings.teams
    if teams.auth == "disabled":
        return Board(around, OpenEntrance())
    if not teams.app_id or not teams.tenants:
        return None
    tokens = EntraTokens(teams)
    stack.push_async_callback(tokens.close)
    return Board(around, TeamEntrance(tokens.who, messenger))


def _hook(settings: Settings, tracker: IssueTracker, listener: Listener) -> Hook | None:
    if not isinstance(tracker, GitLabTracker):
        return None
    held = settings.tracker
    secrets = (held.webhook_secret.get_secret_value(), held.webhook_signing_token.get_secret_value())
    return Hook(held.project, *secrets, listener.hook, listener.merge_request, lambda: tracker.own_username)


def _watchkeeping(settings: Settings, process: Process, wake: Callable[[], None]) -> Watchkeeping:
    return Watchkeeping(
        process.mail,
        ZoneInfo(settings.rota.timezone),
        away_minutes=settings.mailbox.away_minutes,
        silent_hours=settings.mailbox.silent_hours,
        wake=wake,
        started=datetime.now(UTC),
    )


async def _housekeeping() -> None:
    while True:
        await store.forget_seen(store.now_ms() - SEEN_DAYS * 24 * 3600 * 1000)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def _until(stop: asyncio.Event, tasks: dict[str, asyncio.Task[None]]) -> None:
    """Wait for the stop, or for a task that ends although it should not; then end the others."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({stopping, *tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        ended = [task for task in tasks.values() if task.done()]
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    for task in ended:
        task.result()
