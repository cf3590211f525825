"""Puts the house together: which adapter stands behind each port, and what runs beside what.

Only this file and the command line know adapters and mailboxes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import mailroom
from bot.activities import Activities
from bot.adapters.addresses import is_loopback
from bot.adapters.apigee import ApigeeGateway
from bot.adapters.connector import TeamsMessenger
from bot.adapters.console import ConsoleMessenger
from bot.adapters.entra import EntraTokens
from bot.adapters.gitlab import GitLabTracker
from bot.adapters.gitlab_changes import GitLabChanges, NoChanges
from bot.adapters.graph_channels import GraphChannels, NoChannels
from bot.adapters.graph_people import GraphPeople, NoPeople
from bot.adapters.halo import HaloDesk, NoDesk
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import FileRota, NoRota
from bot.adapters.rota_gitlab import GitLabRota
from bot.adapters.rota_ical import IcalRota
from bot.adapters.status_page import NoPage, Statuspage, WebhookPage
from bot.adapters.teams import TeamsAdapter
from bot.adapters.tokens import directory_registration
from bot.adapters.unconfigured import NoGateway
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
from bot.posting import Channels, Poster
from bot.reminding import Reminding
from bot.reporting import Reporting
from bot.rota import ChangedRota, coverage, swaps
from bot.shifts import Shifts
from bot.speech import Speech
from bot.status_updates import StatusUpdates
from bot.surroundings import Surroundings
from bot.tracker_health import TrackerHealth
from bot.watchkeeping import Watchkeeping
from bot.web import make_app, serving
from bot.write_test import WriteTest
from models import database, directory, queue, store
from models.case_ports import ApiGateway, PeopleDirectory, ServiceDesk
from models.change_ports import ChangeSource
from models.domain.people import find_person
from models.domain.process import Process
from models.domain.process_reader import ProcessError
from models.domain.working_hours import WorkingHours
from models.ports import ChannelMaker, Finding, IssueTracker, Messenger, PortError, RotaSource, StatusPage
from models.process_file import read_process_text
from models.settings import Settings, SettingsError

log = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 3600.0
SEEN_DAYS = 14


def process_of(settings: Settings) -> Process:
    """Read the team's process.

    Raises:
        SettingsError: There is none of that name, or its file does not hold what a process needs.
    """
    path = settings.process.path
    try:
        if path is not None:
            return read_process_text(path.read_text(encoding="utf-8"), str(path))
        shipped = resources.files("models.processes") / f"{settings.process.name}.toml"
        return read_process_text(shipped.read_text(encoding="utf-8"), shipped.name)
    except FileNotFoundError:
        known = sorted(each.name.removesuffix(".toml") for each in resources.files("models.processes").iterdir())
        names = ", ".join(name for name in known if not name.startswith("_"))
        held = repr(str(path)) if path else repr(settings.process.name)
        raise SettingsError(f"process: there is no process {held}; shipped are: {names}") from None
    except ProcessError as error:
        more = len(error.mistakes) - 1
        rest = f" (and {more} more: wilson process check tells them all)" if more else ""
        raise SettingsError(f"process: {error.mistakes[0]}{rest}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"process: {error}") from None


def tracker_of(settings: Settings) -> IssueTracker:
    """Return the issue tracker of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    tracker = settings.tracker
    if tracker.kind == "local":
        return LocalTracker(tracker.path, tracker.project, lambda: datetime.now(UTC))
    _check_gitlab(settings)
    return GitLabTracker(tracker, lambda: datetime.now(UTC), _labels(process_of(settings)))


def _check_gitlab(settings: Settings) -> None:
    tracker = settings.tracker
    _check_address("tracker.url", tracker.url, "GitLab's address, such as https://gitlab.com")
    if not tracker.token.get_secret_value():
        raise SettingsError("tracker.token is missing; it needs an access token with the scope api")
    if not tracker.project:
        raise SettingsError("tracker.project is missing; it needs the project's path, such as iam/admin")


def _labels(process: Process) -> list[str]:
    kinds = [label for kind in process.follow_ups for label in kind.labels]
    used = (
        *process.incident_labels,
        *process.review_labels,
        *process.closed_labels,
        *process.follow_up_labels,
        *kinds,
    )
    return list(dict.fromkeys(used))


def desk_of(settings: Settings) -> ServiceDesk:
    """Return the service desk of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    halo = settings.halo
    if halo.kind == "none":
        return NoDesk()
    needs = "the desk's address, such as https://example.haloitsm.com, without /api"
    _check_address("halo.base_url", halo.base_url, needs)
    if urlsplit(halo.base_url).path.rstrip("/").lower().endswith("/api"):
        raise SettingsError(f"halo.base_url holds {halo.base_url!r}; it needs {needs}")
    if not halo.client_id:
        raise SettingsError("halo.client_id is missing; it needs that of an application of the desk")
    if not halo.client_secret.get_secret_value():
        raise SettingsError("halo.client_secret is missing; it needs that of the desk's application")
    return HaloDesk(halo, lambda: datetime.now(UTC))


def people_of(settings: Settings) -> PeopleDirectory:
    """Return the directory of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    held = settings.directory
    if held.kind == "none":
        return NoPeople()
    registration = directory_registration(held, settings.teams)
    if held.base_url:
        _check_address("directory.base_url", held.base_url, "Graph's address, or nothing for Microsoft's own")
    _check_address("directory.login_url", registration.login_url, "the address at which the application signs in")
    for name, given in (("client_id", registration.client_id), ("tenant_id", registration.tenant_id)):
        if not given:
            raise SettingsError(f"directory.{name} is missing, and so is that of [teams]; it needs one in Entra")
    if not registration.complete:
        raise SettingsError(
            "directory.client_secret is missing; directory.client_id needs it, a certificate or managed_identity"
        )
    return GraphPeople(held.base_url, registration, lambda: datetime.now(UTC))


def channels_of(settings: Settings) -> ChannelMaker:
    """Return what makes channels, by the sign-in of the directory.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    if not settings.teams.group_id:
        return NoChannels()
    registration = directory_registration(settings.directory, settings.teams)
    if not registration.complete:
        raise SettingsError(
            "teams.group_id is set without a way to sign in; it needs the secret of [teams] or [directory]"
        )
    if settings.directory.base_url:
        _check_address("directory.base_url", settings.directory.base_url, "Graph's address, or nothing")
    return GraphChannels(
        settings.directory.base_url, registration, settings.teams.group_id, lambda: datetime.now(UTC)
    )


def changes_of(settings: Settings) -> ChangeSource:
    """Return where changes before an incident are looked for.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    projects = process_of(settings).changes.projects
    if not projects:
        return NoChanges()
    if settings.tracker.kind != "gitlab":
        held = settings.tracker.kind
        return NoChanges(f"[changes] of the process names projects of GitLab, and tracker.kind holds {held!r}")
    _check_gitlab(settings)
    return GitLabChanges(settings.tracker, projects, lambda: datetime.now(UTC))


def page_of(settings: Settings) -> StatusPage:
    """Return the status page of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    page = settings.status_page
    if page.kind == "none":
        return NoPage()
    if page.kind == "webhook":
        _check_address("status_page.url", page.url.get_secret_value(), "the webhook's address", query=True)
        return WebhookPage(page, lambda: datetime.now(UTC))
    _check_address("status_page.base_url", page.base_url, "Statuspage's address")
    if not page.page_id:
        raise SettingsError("status_page.page_id is missing; it needs the id of your page, from its address")
    if not page.api_key.get_secret_value():
        raise SettingsError("status_page.api_key is missing; it needs a key of an account that manages the page")
    return Statuspage(page, lambda: datetime.now(UTC))


def _check_address(setting: str, held: str, needs: str, *, query: bool = False) -> None:
    try:
        url = urlsplit(held)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if (
        not host
        or url.scheme not in ("http", "https")
        or "@" in url.netloc
        or (url.query and not query)
        or url.fragment
    ):
        raise SettingsError(f"{setting} is missing or wrong; it needs {needs}")
    if url.scheme == "http" and not is_loopback(host):
        raise SettingsError(f"{setting} holds an address without TLS; it needs one that starts with https://")


def rota_of(settings: Settings) -> RotaSource:
    """Return the rota of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    rota = settings.rota
    if rota.kind == "none":
        return NoRota()
    if rota.kind == "file":
        return FileRota(rota.path, rota.timezone)
    if rota.kind == "ical":
        _check_address("rota.url", rota.url, "the calendar's address", query=True)
        return IcalRota(rota.url, rota.timezone)
    if settings.tracker.kind != "gitlab":
        raise SettingsError(
            f"rota.kind holds 'gitlab', whose schedules are the tracker's; it needs tracker.kind = \"gitlab\", "
            f"which holds {settings.tracker.kind!r}"
        )
    _check_gitlab(settings)
    return GitLabRota(settings.tracker, rota.schedule, lambda: datetime.now(UTC))


def messenger_of(settings: Settings) -> Messenger:
    """Return the messenger of the settings."""
    if settings.teams.messenger == "console":
        teams = settings.teams
        return ConsoleMessenger(teams.devs_channel, teams.gateway_channel, private=teams.private_channel)
    return TeamsMessenger(settings.teams)


def check_teams(settings: Settings) -> None:
    """Refuse to start a bot that anybody could speak to, or that could not speak itself.

    Raises:
        SettingsError: A setting is missing.
    """
    teams = settings.teams
    if teams.auth == "disabled" or teams.messenger == "console":
        return
    if not teams.app_id:
        raise SettingsError("teams.app_id is missing; it needs the bot's application id in Entra")
    if not teams.tenants:
        raise SettingsError(
            "teams.tenant_id is missing; it needs the id of your tenant, the only one that is let in"
        )
    if not (teams.app_password.get_secret_value() or teams.certificate or teams.managed_identity):
        raise SettingsError(
            "teams.app_password is missing; the bot needs it, teams.certificate or managed_identity"
        )


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
    for each in (page, maker, changes):
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
    )
    settle_seconds = settings.tracker.timeout_seconds if settings.tracker.kind == "gitlab" else 0
    health = TrackerHealth(tracker, ZoneInfo(settings.rota.timezone))
    outbox = Outbox(deliveries.deliver, deliveries.prepare, settle_seconds=settle_seconds, health=health)
    listener = Listener(tracker, settings.tracker.poll_seconds, outbox.wake)
    clicks = Clicks(around, CaseClicks(handling.around, handling.desk), outbox.wake)
    handler = Activities(clicks, Speech(around, CaseSpeech(handling.around), outbox.wake))
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


def gateway_of(settings: Settings) -> ApiGateway:
    """Return the API gateway of the settings.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    apigee = settings.apigee
    if apigee.kind == "none":
        return NoGateway(apigee.organization)
    if not apigee.organization:
        raise SettingsError("apigee.organization is missing; it needs the name of the organisation in Apigee")
    _check_address("apigee.base_url", apigee.base_url, "Google's address, or a stand-in's on this machine")
    return ApigeeGateway(apigee)


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


async def examine(settings: Settings) -> list[Finding]:
    """Check each configured thing for real; never raises for what it finds."""
    findings: list[Finding] = []
    process = None
    try:
        process = process_of(settings)
        findings.append(Finding("process", True, process.title))
        findings.extend(
            Finding("process", None, each, "Name them, or take the entry out.") for each in process.warnings
        )
    except SettingsError as error:
        findings.append(Finding("process", False, str(error), "Mend the file, or name another in [process]."))
    async with AsyncExitStack() as stack:
        if there := await _examine_database(settings, findings):
            await database.connect(settings.database.url)
            stack.push_async_callback(database.disconnect)
            findings.extend(await _examine_channels(settings))
            findings.extend(await _examine_informed(process) if process else [])
        for name, make in (
            ("mailbox", lambda held: mailroom.mailbox_of(held, mailroom.NoBookmark(), None)),
            ("tracker", tracker_of),
            ("teams", messenger_of),
            ("rota", rota_of),
            ("apigee", gateway_of),
            ("service desk", desk_of),
            ("directory", people_of),
            ("status page", page_of),
            ("new channels", channels_of),
            ("recent changes", changes_of),
        ):
            try:
                if name == "teams":
                    check_teams(settings)
                port = make(settings)
            except SettingsError as error:
                findings.append(Finding(name, False, str(error), "Set it in wilson.toml."))
                continue
            findings.extend(await port.check())
            if isinstance(port, GitLabTracker) and there:
                findings.extend(await _examine_people(port))
            if close := getattr(port, "close", None):
                await close()
        unread = any(each.subject == "rota" and each.ok is False for each in findings)
        if settings.rota.kind != "none" and not unread:
            findings.extend(await _examine_rota(settings, changes=there))
    return findings


async def _examine_rota(settings: Settings, *, changes: bool) -> list[Finding]:
    """Look for gaps, with what was changed by command where there is a database that may hold it."""
    zone = ZoneInfo(settings.rota.timezone)
    try:
        hours = process_of(settings).hours
    except SettingsError:
        hours = WorkingHours()
    changed = await swaps() if changes else []
    return await coverage(rota_of(settings), datetime.now(UTC), zone, hours, changed)


async def write_test(settings: Settings, report: Callable[[Finding], None]) -> None:
    """Raise a test incident in the tracker for real, and clean up after it; see ``bot.write_test``."""
    try:
        tracker, process = tracker_of(settings), process_of(settings)
    except SettingsError as error:
        report(Finding("write test", False, str(error), "Set it in wilson.toml."))
        return
    try:
        await WriteTest(tracker, process, settings.tracker.template, report).run()
    finally:
        await tracker.close()


async def _examine_informed(process: Process) -> list[Finding]:
    """Say whom the process wants to be told of incidents, and Wilson has not seen (L13)."""
    team = await directory.people()
    unseen = [each for each in process.roles.all if each.informed and find_person(each.informed, team) is None]
    advice = "Add them to the team, and write their object id, login or name as it is there."
    return [
        Finding("process", None, f"{each.informed!r} ({each.name}) is in no team, so nobody is told", advice)
        for each in unseen
    ]


async def _examine_people(tracker: IssueTracker) -> list[Finding]:
    try:
        people = await directory.people()
        unknown = [each for each in people if not await tracker.username_of(each)]
    except PortError:
        return []  # the tracker's own findings say why
    if not unknown:
        return [Finding("tracker people", True, f"the accounts of all {len(people)} people are known")]
    names = ", ".join(each.name for each in unknown)
    advice = "; ".join(tracker.how_to_map(each) for each in unknown)
    return [
        Finding("tracker people", False, f"not known there: {names}", f"Where they are to be assigned, {advice}.")
    ]


async def _examine_database(settings: Settings, findings: list[Finding]) -> bool:
    url = settings.database.url
    if url.startswith("sqlite://") and not await asyncio.to_thread(database.sqlite_file(url).exists):
        findings.append(Finding("database", True, "SQLite, not there yet: made at the first start"))
        return False
    try:
        missing = await database.pending(url)
    except Exception as error:
        findings.append(Finding("database", False, f"can't be used: {error}", "See database.url."))
        return False
    if missing:
        findings.append(Finding("database", False, f"lacks {len(missing)} migrations", "Run wilson db upgrade."))
        return False
    findings.append(Finding("database", True, "reachable, all migrations applied"))
    return True


async def _examine_channels(settings: Settings) -> list[Finding]:
    installations = await directory.installations()
    if not installations:
        advice = "Upload the package that wilson manifest writes, and add the app to your team."
        return [Finding("channels", False, "the bot is not installed in any team", advice)]
    findings = []
    for each in installations:
        for which, wanted, channel in (
            ("devs_channel", settings.teams.devs_channel, each.devs_channel),
            ("gateway_channel", settings.teams.gateway_channel, each.gateway_channel),
        ):
            if channel:
                findings.append(Finding("channels", True, f"team {each.name!r}: {wanted!r} found"))
            else:
                advice = f"Name the channel so, or set teams.{which} to its name or id."
                findings.append(Finding("channels", False, f"team {each.name!r} has no channel {wanted!r}", advice))
    if wanted := settings.teams.private_channel:
        if any(each.private_channel for each in installations):
            findings.append(Finding("channels", True, f"the private channel {wanted!r} is found"))
        else:
            advice = "Name it by its id (19:…@thread.tacv2), add the app to it, and start wilson again."
            findings.append(Finding("channels", False, f"no team has the private channel {wanted!r}", advice))
    return findings
