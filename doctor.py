"""Looks whether each configured thing works: what ``wilson doctor`` tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import mailroom
from bot.adapters.gitlab import GitLabTracker
from bot.rota import coverage, swaps
from bot.write_test import WriteTest
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
from models import database, directory
from models.domain.people import find_person
from models.domain.process import Process
from models.domain.working_hours import WorkingHours
from models.ports.checks import Finding
from models.ports.errors import PortError
from models.ports.tracker import IssueTracker
from models.settings import Settings, SettingsError


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
    if process:
        findings.extend(_examine_paging(settings, process))
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
            ("pager", pager_of),
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


def _examine_paging(settings: Settings, process: Process) -> list[Finding]:
    """Say where one half of paging is there and not the other (U6)."""
    there, rules = settings.paging.kind != "none", process.paging
    if there and not rules.after:
        advice = "Say when in [paging] of the process file: after_minutes = [10]."
        return [Finding("pager", None, "a pager is configured, and the process has nobody paged", advice)]
    if rules.after and not there:
        advice = "Name the pager in [paging] of wilson.toml, or take [paging] out of the process file."
        return [Finding("pager", False, "the process has somebody paged, and no pager is configured", advice)]
    return []


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
