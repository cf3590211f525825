"""Whether the tracker does all that an incident needs: by a real test incident, which is cleaned up after."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.issue_text import marker
from models.domain.process import Process
from models.ports.checks import Finding
from models.ports.errors import PortError
from models.ports.tracker import IssueChange, IssueKind, IssueRef, IssueTracker, Iteration, NewIssue

TITLE = "Wilson write test (please ignore)"
_SKEW = timedelta(minutes=5)


class WriteTest:
    """One test, from raising to cleaning up.

    Args:
        tracker: Where it is done.
        process: Whose labels are used.
        template: The issue template.
        report: Called with each finding, as soon as it is there.
    """

    def __init__(
        self, tracker: IssueTracker, process: Process, template: str, report: Callable[[Finding], object]
    ) -> None:
        self._tracker = tracker
        self._process = process
        self._template = template
        self._report = report
        self._made: list[IssueRef] = []
        self._markers: list[str] = []
        self._began = datetime.now(UTC)

    async def run(self) -> None:
        """Do each step, whatever became of the one before, and clean up in any case, also when interrupted."""
        try:
            await self._steps()
        finally:
            await self._clean_up()

    async def _steps(self) -> None:
        process, tracker = self._process, self._tracker
        incident = await self._create(
            NewIssue(
                IssueKind.INCIDENT, TITLE, "A test by `wilson doctor --write-test`.", self._marker(),
                template=self._template or None, labels=process.incident_labels, iteration=Iteration.CURRENT,
                severity=process.urgencies[0].severity,
            )
        )  # fmt: skip
        if incident is None:
            return
        key = incident.key
        await self._step("find it again", self._find(key))
        await self._step("comment", tracker.comment(key, "A test comment.", self._marker()))
        await self._step("timeline", tracker.event(key, "A test event.", datetime.now(UTC)))
        await self._step("severity", tracker.change(key, IssueChange(severity=process.urgencies[-1].severity)))
        review = IssueChange(
            add_labels=process.review_labels, remove_labels=process.incident_labels, iteration=Iteration.NONE
        )
        await self._step("set to review", self._review(key, review))
        follow_up = await self._create(
            NewIssue(
                IssueKind.ISSUE, f"{TITLE}: follow-up", "A test.", self._marker(), labels=process.follow_up_labels
            )
        )
        if follow_up is not None:
            await self._step("link the follow-up", tracker.link(follow_up.key, key))

    def _marker(self) -> str:
        made = marker("test", secrets.token_hex(8))
        self._markers.append(made)
        return made

    async def _create(self, issue: NewIssue) -> IssueRef | None:
        name = "raise an incident" if issue.kind is IssueKind.INCIDENT else "raise a follow-up"
        try:
            ref = await self._tracker.create(issue)
        except PortError as error:
            self._say(name, str(error))
            return None
        self._made.append(ref)
        self._say(name, "", ref.url or ref.key)
        return ref

    async def _find(self, key: str) -> None:
        found = await self._tracker.find_by_marker(self._markers[0], self._began - _SKEW)
        if found is None or found.key != key:
            raise PortError("it was not found by its marker; a lost answer could double an incident")

    async def _review(self, key: str, change: IssueChange) -> None:
        await self._tracker.change(key, change)
        labels = set((await self._tracker.get(key)).labels)
        wrong = {*change.add_labels} - labels | {*change.remove_labels} & labels
        if wrong:
            raise PortError(f"these labels are not as they should be: {', '.join(sorted(wrong))}")

    async def _step(self, name: str, work: Awaitable[object]) -> None:
        try:
            await work
        except PortError as error:
            self._say(name, str(error))
        else:
            self._say(name, "")

    def _say(self, name: str, error: str, text: str = "done") -> None:
        advice = "See docs/gitlab.md for the role, the scope and the labels that are needed." if error else ""
        self._report(Finding(f"write test: {name}", not error, error or text, advice))

    async def _clean_up(self) -> None:
        known = {ref.key for ref in self._made}
        for each in self._markers:  # a lost answer may have left something
            with suppress(PortError):
                ref = await self._tracker.find_by_marker(each, self._began - _SKEW)
                if ref is not None and ref.key not in known:
                    known.add(ref.key)
                    self._made.append(ref)
        for ref in reversed(self._made):
            name = f"write test: clean up {ref.key}"
            where = ref.url or ref.key
            try:
                if await self._tracker.discard(ref.key):
                    self._report(Finding(name, True, "deleted"))
                    continue
                await self._tracker.change(ref.key, replace(IssueChange(), closed=True, iteration=Iteration.NONE))
            except PortError as error:
                self._report(Finding(name, False, f"{where} is left behind: {error}", f"Close it by hand: {where}"))
            else:
                self._report(Finding(name, True, f"closed; the token may not delete it: {where}"))
