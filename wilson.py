"""Wilson's command line.

Exit codes: 0 done, 1 it ran and failed, 2 used or configured wrongly (one line says which setting, what it held,
what it needs).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import doctor
import fittings
import maildesk
import mailroom
import wiring
from bot.reporting import with_follow_ups
from bot.rota import ChangedRota, days, swaps
from cards.report import report_csv, report_json, report_text
from demo.run import run_demo
from mailwatcher.reader import reading_to_json
from manifest.package import write_package
from models import database, queue, reporting, store
from models.domain.mail import Outcome
from models.domain.process_reader import ProcessError
from models.domain.report_rules import YEARS
from models.domain.reports import Report
from models.ports.checks import Finding
from models.ports.errors import PortError
from models.process_file import read_process_text
from models.settings import Process as ProcessSettings
from models.settings import Settings, SettingsError
from models.settings_file import read_settings

OK, FAILED, MISUSED = 0, 1, 2
MARKS = {True: "ok", False: "!!", None: "??"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("tortoise").setLevel(logging.WARNING)
    try:
        settings = read_settings(options.config)
        code: int = options.command(settings, options)
    except SettingsError as error:
        print(f"wilson: {error}", file=sys.stderr)
        return MISUSED
    except database.DatabaseError as error:
        print(f"wilson: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return code


def _count_of_days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 92:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to 92")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wilson", description="Alert mail to incidents in Microsoft Teams.")
    parser.add_argument("--config", type=Path, help="the settings file (default: wilson.toml, if it is there)")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--version", action="version", version=f"wilson {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[Settings, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    add("run", lambda settings, _: _serve(settings, bot=True, watch=True), "bot and mail watcher in one process")
    add("bot", lambda settings, _: _serve(settings, bot=True, watch=False), "the bot alone")
    add("watch", lambda settings, _: _serve(settings, bot=False, watch=True), "the mail watcher alone")
    demo = add("demo", _demo, "try it on this machine: no account and no secret needed")
    demo.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the demo keeps its files")
    demo.add_argument("--pace", type=float, default=12.0, help="seconds between two mails of the story")
    demo.add_argument("--console", action="store_true", help="print the cards instead of opening the client")
    demo.add_argument("--process", metavar="NAME", help="a shipped process: tis, wellcome … (default: wilson)")
    demo.add_argument("--playground-port", type=int, default=56150, help="the port of the Teams-like client")
    parse = add("parse", _parse, "say what mails say, without recording them")
    parse.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parse.add_argument("--json", action="store_true", help="one JSON object per file")
    mail = add("mail", _mail, "say what became of mails, and why")
    mail.add_argument("action", choices=("why", "balance"))
    mail.add_argument("which", nargs="?", metavar="MESSAGE-ID|DAY", help="why: whose; balance: 2026-11-20 or today")
    replay = add("replay", _replay, "record mails from files as if they had just arrived")
    replay.add_argument("files", nargs="+", type=Path, metavar="FILE")
    replay.add_argument("--dry-run", action="store_true", help="only say what would become of them")
    selftest = add("selftest", _selftest, "send a marked mail to the mailbox, and time each hop to the channel")
    selftest.add_argument("--timeout", type=float, default=120.0, help="seconds for each hop")
    doctor = add("doctor", _doctor, "check each configured thing for real")
    doctor.add_argument(
        "--write-test", action="store_true", help="also raise a test incident in the tracker, and clean up after it"
    )
    package = add("manifest", _manifest, "write the Teams app package")
    package.add_argument("--output", type=Path, default=Path("wilson-teams-app.zip"))
    process = add("process", _process, "look after a process file")
    process.add_argument("action", choices=("check",))
    process.add_argument("file", type=Path, metavar="FILE")
    report = add("report", _report, "how it went: incidents, times, and what is worth fixing")
    report.add_argument("--from", dest="first", metavar="DAY", help="the first day (default: seven days ago)")
    report.add_argument("--to", dest="last", metavar="DAY", help="the last day (default: today)")
    report.add_argument("--format", choices=("text", "csv", "json"), default="text")
    for kind in ("csv", "json"):
        report.add_argument(f"--{kind}", dest="format", action="store_const", const=kind, help=f"--format {kind}")
    report.add_argument("--output", type=Path, metavar="FILE", help="where to (default: standard output)")
    rota = add("rota", _rota, "who is on call on the days to come")
    rota.add_argument("--days", type=_count_of_days, default=14, metavar="COUNT", help="how many (14)")
    db = add("db", _upgrade, "look after the database")
    db.add_argument("action", choices=("upgrade",))
    outbox = add("outbox", _outbox, "show and move what waits to be delivered")
    outbox.add_argument("action", nargs="?", choices=("list", "retry", "drop"), default="list")
    outbox.add_argument("ids", nargs="*", type=int, metavar="NUMBER", help="which items (retry: all, if none)")
    return parser


def _version() -> str:
    try:
        return version("wilson-incident-bot")
    except PackageNotFoundError:
        return "0.0.0"


def _serve(settings: Settings, *, bot: bool, watch: bool) -> int:
    return _run(lambda stop: wiring.run(settings, stop, bot=bot, watch=watch))


def _demo(settings: Settings, options: argparse.Namespace) -> int:
    chosen = ProcessSettings(name=options.process) if options.process else settings.process
    fittings.process_of(
        settings.model_copy(update={"process": chosen})
    )  # a wrong name is said before anything begins

    async def show(stop: asyncio.Event) -> None:
        await run_demo(
            stop,
            lambda demo_settings: wiring.run(demo_settings, stop, bot=True, watch=True),
            folder=options.folder,
            process=chosen,
            web_port=settings.web.port,
            playground_port=options.playground_port,
            pace=options.pace,
            console=options.console,
        )

    return _run(show)


def _run(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> int:
    """Run until done, or until SIGINT or SIGTERM asks to stop."""

    async def stoppable() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(each, stop.set)
        await work(stop)

    asyncio.run(stoppable())
    return OK


def _parse(settings: Settings, options: argparse.Namespace) -> int:
    try:
        raws = [(file, file.read_bytes()) for file in options.files]
    except OSError as error:
        print(f"wilson: {error.filename}: can't be read: {error.strerror}", file=sys.stderr)
        return MISUSED

    async def read() -> None:
        reader = mailroom.reader_of(settings)
        try:
            readings = await reader.read([raw for _, raw in raws])
        finally:
            await reader.close()
        for (file, _), reading in zip(raws, readings, strict=True):
            line = reading_to_json(str(file), reading)
            if options.json:
                print(json.dumps(line, ensure_ascii=False))
            else:
                facts = [f"  {key}: {value}" for key, value in line.items() if value is not None and key != "file"]
                print("\n".join([line["file"], *facts]))

    asyncio.run(read())
    return OK


def _mail(settings: Settings, options: argparse.Namespace) -> int:
    async def why() -> int:
        async with wiring.connected(settings, upgrade=False):
            lines = await maildesk.why(options.which)
        print("\n".join(lines) or f"{options.which}: no such mail was recorded; is it in the mailbox still?")
        return OK if lines else FAILED

    async def balance() -> int:
        try:
            day = date.fromisoformat(options.which) if options.which else None
        except ValueError:
            print(f"wilson: mail balance: {options.which!r} is no day; it needs one as 2026-11-20", file=sys.stderr)
            return MISUSED
        if day is not None and day.year not in YEARS:
            print(f"wilson: mail balance: {day} is too long ago or too far ahead", file=sys.stderr)
            return MISUSED
        async with wiring.connected(settings, upgrade=False):
            chosen, counts = await maildesk.balance(day, ZoneInfo(settings.rota.timezone))
        print(f"{chosen.isoformat()}: {sum(counts.values())} mails")
        for outcome in Outcome:
            print(f"{counts.get(outcome, 0):7} {outcome.value}")
        return OK

    if options.action == "why" and not options.which:
        print("wilson: mail why needs a Message-ID", file=sys.stderr)
        return MISUSED
    return asyncio.run(why() if options.action == "why" else balance())


def _process(_: Settings, options: argparse.Namespace) -> int:
    try:
        made = read_process_text(options.file.read_text(encoding="utf-8"), str(options.file))
    except (OSError, UnicodeDecodeError) as error:
        print(f"wilson: {options.file}: can't be read: {error}", file=sys.stderr)
        return MISUSED
    except ProcessError as error:
        for each in error.mistakes:
            print(f"wilson: {each}", file=sys.stderr)
        return MISUSED
    for each in made.warnings:
        print(f"wilson: warning: {each}", file=sys.stderr)
    print(f"{options.file}: {made.title}")
    print(f"  levels: {', '.join(level.name for level in made.urgencies)}")
    print(f"  {len(made.questions)} questions, {len(made.rules)} rules, {len(made.follow_ups)} kinds of follow-up")
    print(f"  {len(made.known_issues)} known issues, {len(made.procedures.support)} support procedures")
    return OK


def _report(settings: Settings, options: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.rota.timezone)
    now = datetime.now(UTC)
    try:
        last = date.fromisoformat(options.last) if options.last else now.astimezone(zone).date()
        first = date.fromisoformat(options.first) if options.first else last - timedelta(days=6)
    except ValueError as error:
        print(f"wilson: report: {error}; a day is written as 2026-11-20", file=sys.stderr)
        return MISUSED
    if first.year not in YEARS or last.year not in YEARS:
        print(f"wilson: report: {first} to {last} is too long ago or too far ahead", file=sys.stderr)
        return MISUSED
    if last < first:
        print(f"wilson: report: --to {last} is before --from {first}", file=sys.stderr)
        return MISUSED
    process = fittings.process_of(settings)

    async def make() -> Report:
        async with wiring.connected(settings, upgrade=False):
            found = await reporting.report(first, last + timedelta(days=1), process, zone, now)
            tracker = fittings.tracker_of(settings)
            try:
                return await with_follow_ups(found, tracker)
            finally:
                await tracker.close()

    made = asyncio.run(make())
    formats = {"csv": report_csv, "json": report_json}
    text = formats[options.format](made) if options.format in formats else report_text(made, process, zone)
    if options.output is None:
        print(text)
        return OK
    try:
        options.output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        print(f"wilson: {options.output}: can't be written: {error.strerror}", file=sys.stderr)
        return FAILED
    return OK


def _rota(settings: Settings, options: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.rota.timezone)
    rota = ChangedRota(fittings.rota_of(settings), zone)
    hours = fittings.process_of(settings).hours
    if settings.rota.kind == "none":
        raise SettingsError("rota.kind holds 'none'; it needs file, ical or gitlab")

    async def look() -> int:
        async with wiring.connected(settings, upgrade=True):
            try:
                found = await days(rota, datetime.now(zone).date(), options.days, zone)
            except PortError as error:
                print(f"wilson: rota: {error}", file=sys.stderr)
                return FAILED
            changes = await swaps()
        for day, people in found:
            names = ", ".join(person.name for person in people) or ("NOBODY" if hours.works_on(day) else "nobody")
            changed = " (changed)" if any(each.holds(day) for each in changes) else ""
            print(f"{day:%a %Y-%m-%d}  {names}{changed}")
        return OK

    return asyncio.run(look())


def _replay(settings: Settings, options: argparse.Namespace) -> int:
    for file in options.files:
        if not file.is_file():
            print(f"wilson: {file}: can't be read", file=sys.stderr)
            return MISUSED

    async def replay() -> None:
        process = fittings.process_of(settings)
        async with wiring.connected(settings, upgrade=True):
            async for line in maildesk.replay(settings, process, options.files, dry_run=options.dry_run):
                print(line)

    asyncio.run(replay())
    return OK


def _selftest(settings: Settings, options: argparse.Namespace) -> int:
    async def run() -> int:
        well = True
        async with wiring.connected(settings, upgrade=False):
            async for well, line in maildesk.test_itself(settings, timeout=options.timeout):
                print(f"{MARKS[well]} {line}", flush=True)
        return OK if well else FAILED

    if settings.mailbox.kind == "none":
        raise SettingsError("mailbox.kind holds 'none'; a self-test needs a mailbox")
    return asyncio.run(run())


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    findings = asyncio.run(doctor.examine(settings))
    for each in findings:
        _print_finding(each)
    if options.write_test:
        asyncio.run(doctor.write_test(settings, lambda each: _collect(findings, each)))
    return FAILED if any(each.ok is False for each in findings) else OK


def _collect(findings: list[Finding], finding: Finding) -> None:
    findings.append(finding)
    _print_finding(finding)


def _print_finding(finding: Finding) -> None:
    advice = f"\n   {finding.advice}" if finding.advice else ""
    print(f"{MARKS[finding.ok]} {finding.subject}: {finding.text}{advice}", flush=True)


def _manifest(settings: Settings, options: argparse.Namespace) -> int:
    try:
        path = write_package(
            options.output,
            app_id=settings.teams.app_id,
            version=_version(),
            public_url=settings.web.public_url,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    print(f"{path}: upload it at Teams admin center > Manage apps, or Apps > Upload a custom app")
    return OK


def _upgrade(settings: Settings, _: argparse.Namespace) -> int:
    asyncio.run(database.upgrade(settings.database.url))
    print("the database has this version's tables")
    return OK


def _outbox(settings: Settings, options: argparse.Namespace) -> int:
    async def move() -> int:
        async with wiring.connected(settings, upgrade=False):
            if options.action == "retry":
                print(f"{await queue.retry(options.ids, store.now_ms())} items will be sent again")
            elif options.action == "drop":
                if not options.ids:
                    print("wilson: outbox drop needs the numbers of the items", file=sys.stderr)
                    return MISUSED
                print(f"{await queue.drop(options.ids)} items dropped")
            else:
                await _list_outbox()
        return OK

    return asyncio.run(move())


async def _list_outbox() -> None:
    items = await queue.waiting()
    for item in items:
        late = (store.now_ms() - item.created_ms) // 1000
        told = f": {item.error}" if item.error else ""
        print(f"{item.id} {item.state} {item.kind} {item.subject or ''} tried {item.attempts}, {late} s old{told}")
    if not items:
        print("nothing waits")


if __name__ == "__main__":
    sys.exit(main())
