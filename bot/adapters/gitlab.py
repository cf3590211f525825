"""GitLab as the issue tracker.

An incident is raised by one GraphQL mutation where the server has it, and by REST where it has not; all else is
REST, but for severities, iterations and timelines. What Premium alone can do is found out, and left out where it is
missing.

GitLab knows no idempotency key. What must not be there twice bears a marker, hidden on the last line of its text,
which counts only where our own user wrote it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from bot.adapters.gitlab_doctor import examine
from bot.adapters.gitlab_events import GitLabTimeline
from bot.adapters.gitlab_http import Conflict, GitLabApi, GraphQLRefused
from bot.adapters.gitlab_merge_requests import name_of
from bot.adapters.gitlab_merge_requests import read as read_merge_request
from bot.adapters.gitlab_news import GitLabNews
from bot.adapters.gitlab_pages import GitLabPages
from bot.adapters.gitlab_project import GitLabProject, Known
from bot.adapters.gitlab_queries import CREATE, ITERATION, SEVERITY
from bot.adapters.gitlab_text import split_marker, with_marker
from bot.issue_text import one_line
from models.domain.hearing import IssueNews
from models.domain.incident_parts import MergeRequest
from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary
from models.ports.tracker import Issue, IssueChange, IssueKind, IssueRef, Iteration, NewIssue, Note, Page
from models.settings import Tracker

log = logging.getLogger(__name__)

_KEY = re.compile(r"[1-9][0-9]{0,18}")
_NOBODY = [0]
_JUST_NOW = timedelta(minutes=10)


class GitLabTracker:
    """Keeps issues in one project of a GitLab.

    Args:
        settings: Address, token, project.
        clock: Tells the time, aware.
        labels: The labels that the process uses; the doctor looks for them.
    """

    def __init__(self, settings: Tracker, clock: Callable[[], datetime], labels: Sequence[str] = ()) -> None:
        self._settings = settings
        self._clock = clock
        self._labels = labels
        token = settings.token.get_secret_value()
        self._api = GitLabApi(settings.url, token, settings.timeout_seconds, clock)
        self._project = GitLabProject(self._api, settings, clock)
        self._timeline = GitLabTimeline(self._api, self._project)
        self._news = GitLabNews(self._api, self._project)
        self._pages = GitLabPages(self._api, self._project, settings.timeout_seconds)
        self._commenting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # -- create -------------------------------------------------------------------------------------------

    async def create(self, issue: NewIssue) -> IssueRef:
        """See ``models.ports.tracker.IssueTracker``."""
        known = await self._project.known()
        body = issue.body
        if issue.template is not None:
            body = f"{body}\n\n{await self._project.template(issue.template)}".strip("\n")
        description = with_marker(body, issue.marker)
        assignee = await self._project.user_id(issue.assignee) if issue.assignee else None
        try:
            if not known.graphql:
                return await self._create_by_rest(issue, description, assignee)
            ref = await self._create_by_graphql(known, issue, description, assignee)
        except Conflict as error:
            raise Ambiguous(str(error), self._settings.timeout_seconds) from None
        if issue.severity:
            await self._try(self._set_severity(known, ref.key, issue.severity))
        return ref

    async def _create_by_rest(self, issue: NewIssue, description: str, assignee: int | None) -> IssueRef:
        body: dict[str, Any] = {
            "title": one_line(issue.title) or "(no title)",
            "description": description,
            "issue_type": issue.kind.value,
            "labels": list(issue.labels),
            "confidential": issue.confidential,
        }
        if assignee is not None:
            body["assignee_ids"] = [assignee]
        answer = await self._api.post(f"{self._project.path}/issues", body)
        return self._created(answer.body, "iid", "web_url")

    async def _create_by_graphql(
        self, known: Known, issue: NewIssue, description: str, assignee: int | None
    ) -> IssueRef:
        asked: dict[str, Any] = {
            "projectPath": known.path,
            "title": one_line(issue.title) or "(no title)",
            "description": description,
            "type": issue.kind.name,
            "labels": list(issue.labels),
            "confidential": issue.confidential,
        }
        if assignee is not None:
            asked["assigneeIds"] = [f"gid://gitlab/User/{assignee}"]
        plainly = dict(asked)
        if issue.iteration is Iteration.CURRENT and known.cadence is not None:
            asked |= {"iterationWildcardId": "CURRENT", "iterationCadenceId": known.cadence}
        try:
            data = await self._api.graphql(CREATE, {"input": asked}, repeatable=False)
        except GraphQLRefused as error:
            if asked == plainly or "iteration" not in str(error).lower():
                raise
            self._project.forget()
            self._project.say_once(f"an issue could not be put into the current iteration: {error}")
            if ref := await self.find_by_marker(issue.marker, self._clock() - _JUST_NOW):
                return ref
            data = await self._api.graphql(CREATE, {"input": plainly}, repeatable=False)
        told = data.get("createIssue") or {}
        if told.get("issue") is None:
            raise Permanent(f"{self._api.host} refused: {_errors(told) or 'no issue was created'}")
        if errors := _errors(told):
            log.warning("an issue was created, though not wholly as asked: %s", errors)
        return self._created(told["issue"], "iid", "webUrl")

    def _created(self, told: Any, key: str, url: str) -> IssueRef:
        try:
            return IssueRef(str(int(told[key])), str(told[url]))
        except (KeyError, TypeError, ValueError):
            text = f"{self._api.host} created an issue and did not say which"
            raise Ambiguous(text, self._settings.timeout_seconds) from None

    async def _try(self, work: Awaitable[None]) -> None:
        """Do what may fail without harm to an issue that is there already; the next change makes good for it."""
        try:
            await work
        except PortError as error:
            log.warning("an issue was created, but something was left out for now: %s", error)

    # -- find and get -------------------------------------------------------------------------------------

    async def find_by_marker(self, marker: str, since: datetime) -> IssueRef | None:
        """See ``models.ports.tracker.IssueTracker``."""
        known = await self._project.known()
        asked = {
            "scope": "all",
            "state": "all",
            "author_id": str(known.user_id),
            "created_after": since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "order_by": "created_at",
            "sort": "asc",
        }
        for each in await self._api.pages(f"{self._project.path}/issues", asked):
            ours = (each.get("author") or {}).get("id") == known.user_id
            if ours and split_marker(str(each.get("description") or ""))[1] == marker:
                return IssueRef(str(each["iid"]), str(each["web_url"]))
        return None

    async def get(self, key: str) -> Issue:
        """See ``models.ports.tracker.IssueTracker``."""
        path = self._issue(key)
        known = await self._project.known()
        told, notes, links = await asyncio.gather(
            self._api.get(path), self._notes(path, "asc"), self._api.listed(f"{path}/links")
        )
        severity = str(told.get("severity") or "unknown").lower()
        return Issue(
            ref=IssueRef(str(told["iid"]), str(told["web_url"])),
            kind=IssueKind.INCIDENT if told.get("issue_type") == "incident" else IssueKind.ISSUE,
            title=str(told["title"]),
            body=split_marker(str(told.get("description") or ""))[0],
            closed=told["state"] == "closed",
            labels=tuple(told.get("labels") or ()),
            assignee=_assignee(told),
            iteration=_iteration(told.get("iteration")),
            severity=None if severity == "unknown" else severity,
            notes=tuple(_note(each, known) for each in notes),
            links=tuple(_link(each, told) for each in links),
            confidential=told.get("confidential") is True,
        )

    async def _notes(self, path: str, sort: str) -> list[dict[str, Any]]:
        asked = {"order_by": "created_at", "sort": sort, "activity_filter": "only_comments"}
        return [each for each in await self._api.pages(f"{path}/notes", asked) if not each.get("system")]

    # -- change -------------------------------------------------------------------------------------------

    async def change(self, key: str, change: IssueChange) -> None:
        """See ``models.ports.tracker.IssueTracker``. Reads first: most changes find it as it should be."""
        path = self._issue(key)
        known = await self._project.known()
        told = await self._api.get(path)
        if body := await self._to_put(change, told):
            await self._api.put(path, body)
        if not known.graphql:
            return
        if change.severity is not None and str(told.get("severity", "")).lower() != change.severity.lower():
            await self._set_severity(known, key, change.severity)
        if change.iteration is not None and known.cadence is not None:
            period = known.period if change.iteration is Iteration.CURRENT else None
            held = _tail((told.get("iteration") or {}).get("id"))
            if "iteration" not in told or held != _tail(period.id if period else None):
                asked = {"projectPath": known.path, "iid": key, "iterationId": period.id if period else None}
                await self._mutate(ITERATION, "issueSetIteration", asked)

    async def _to_put(self, change: IssueChange, told: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if change.title is not None and (title := one_line(change.title) or "(no title)") != told.get("title"):
            body["title"] = title
        labels = set(told.get("labels") or ())
        if not labels.issuperset(change.add_labels) or not labels.isdisjoint(change.remove_labels):
            # Both, since only a Premium server takes off what the labels' scope excludes.
            body |= {"add_labels": list(change.add_labels), "remove_labels": list(change.remove_labels)}
        if change.assignee is not None:
            user = await self._project.user_id(change.assignee) if change.assignee else None
            held = [each["id"] for each in told.get("assignees") or () if each]
            if held != ([] if user is None else [user]):
                body["assignee_ids"] = _NOBODY if user is None else [user]
        if change.closed is not None and change.closed != (told.get("state") == "closed"):
            body["state_event"] = "close" if change.closed else "reopen"
        if change.confidential is not None and change.confidential != (told.get("confidential") is True):
            body["confidential"] = change.confidential
        return body

    async def _set_severity(self, known: Known, key: str, severity: str) -> None:
        asked = {"projectPath": known.path, "iid": key, "severity": severity.upper()}
        await self._mutate(SEVERITY, "issueSetSeverity", asked)

    async def _mutate(self, document: str, name: str, asked: dict[str, Any], *, repeatable: bool = True) -> None:
        data = await self._api.graphql(document, {"input": asked}, repeatable=repeatable)
        if errors := _errors(data.get(name) or {}):
            raise Permanent(f"{self._api.host} refused: {errors}")

    # -- comment and link ---------------------------------------------------------------------------------

    async def comment(self, key: str, body: str, marker: str) -> None:
        """See ``models.ports.tracker.IssueTracker``."""
        path = self._issue(key)
        known = await self._project.known()
        async with self._commenting.setdefault(key, asyncio.Lock()):
            for each in await self._notes(path, "desc"):
                if _note(each, known).marker == marker:
                    return
            try:
                answer = await self._api.post(f"{path}/notes", {"body": with_marker(body, marker)})
            except Conflict as error:
                raise Ambiguous(str(error), self._settings.timeout_seconds) from None
            if answer.status == 202:
                raise Permanent(f"{self._api.host} took a comment for commands (202)")

    async def event(self, key: str, text: str, at: datetime) -> bool:
        """See ``models.ports.tracker.IssueTracker``."""
        self._issue(key)
        return await self._timeline.add(key, text, at)

    async def resource(self, key: str, text: str, url: str) -> bool:
        """See ``models.ports.tracker.IssueTracker``."""
        self._issue(key)
        return await self._timeline.add_resource(key, text, url)

    async def link(self, key: str, other: str) -> None:
        """See ``models.ports.tracker.IssueTracker``."""
        path = self._issue(key)
        self._issue(other)
        if key == other:
            raise Permanent(f"issue {key} can't be linked to itself")
        known = await self._project.known()
        asked = {"target_project_id": known.path, "target_issue_iid": other, "link_type": "relates_to"}
        try:
            await self._api.post(f"{path}/links", asked)
        except Conflict:
            return  # they are linked
        except Ambiguous as error:
            raise Temporary(str(error)) from None  # a second time is answered with a conflict

    async def news(self, key: str, known: str = "") -> IssueNews | None:
        """See ``models.ports.tracker.IssueTracker``."""
        self._issue(key)
        return await self._news.of(key, known)

    async def find_page(self, marker: str) -> IssueRef | None:
        """See ``models.ports.tracker.IssueTracker``."""
        return await self._pages.find(marker)

    async def create_page(self, page: Page) -> IssueRef:
        """See ``models.ports.tracker.IssueTracker``."""
        return await self._pages.create(page)

    async def write_page(self, key: str, page: Page) -> None:
        """See ``models.ports.tracker.IssueTracker``."""
        await self._pages.write(key, page)

    async def discard(self, key: str) -> bool:
        """See ``models.ports.tracker.IssueTracker``: deleting takes more than the role for all the rest."""
        try:
            await self._api.delete(self._issue(key))
        except Permanent:
            return False
        return True

    def merge_request_of(self, url: str) -> str | None:
        """See ``models.ports.tracker.IssueTracker``."""
        return name_of(url, self._settings.url)

    async def merge_request(self, url: str) -> tuple[MergeRequest, str] | None:
        """See ``models.ports.tracker.IssueTracker``."""
        return await read_merge_request(self._api, url, self._settings.url)

    @property
    def own_username(self) -> str:
        """Who Wilson is in GitLab; empty until that was found out."""
        return self._project.own_username

    async def changed_since(self, at: datetime) -> Sequence[str]:
        """See ``models.ports.tracker.IssueTracker``."""
        return await self._news.changed_since(at)

    async def labelled(self, labels: Sequence[str]) -> Sequence[tuple[IssueRef, str]]:
        """See ``models.ports.tracker.IssueTracker``."""
        asked = {
            "scope": "all",
            "state": "opened",
            "confidential": "false",
            "labels": ",".join(labels),
            "order_by": "created_at",
            "sort": "asc",
        }
        told = await self._api.pages(f"{self._project.path}/issues", asked) if labels else []
        return [(IssueRef(str(each["iid"]), str(each["web_url"])), str(each["title"])) for each in told]

    # -- people -------------------------------------------------------------------------------------------

    async def username_of(self, person: Person) -> str | None:
        """See ``models.ports.tracker.IssueTracker``."""
        return await self._project.username_of(person)

    def how_to_map(self, person: Person) -> str:
        """See ``models.ports.tracker.IssueTracker``."""
        return f'set "{person.id or person.name}" = "their GitLab username" in [tracker.users]'

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return await examine(self._api, self._project, self._settings, self._labels, self._clock())

    async def close(self) -> None:
        """See ``models.ports.tracker.IssueTracker``."""
        await self._api.close()

    def _issue(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise Permanent(f"{key[:40]!r} is not the number of an issue")
        return f"{self._project.path}/issues/{key}"


def _errors(payload: dict[str, Any]) -> str:
    return "; ".join(str(each) for each in payload.get("errors") or ())[:300]


def _note(told: dict[str, Any], known: Known) -> Note:
    author = told.get("author") or {}
    body, marker = str(told.get("body") or ""), ""
    if author.get("id") == known.user_id:
        body, marker = split_marker(body)
    at = datetime.fromisoformat(str(told["created_at"]))
    return Note(str(author.get("username", "")), body, at if at.tzinfo else at.replace(tzinfo=UTC), marker)


def _assignee(told: dict[str, Any]) -> str | None:
    named = [str(each["username"]) for each in told.get("assignees") or () if each]
    return named[0] if named else None


def _iteration(told: Any) -> str | None:
    if not isinstance(told, dict):
        return None
    return str(told.get("title") or f"{told.get('start_date')} to {told.get('due_date')}")


def _link(told: dict[str, Any], issue: dict[str, Any]) -> str:
    if told.get("project_id") == issue.get("project_id"):
        return str(told["iid"])
    return str((told.get("references") or {}).get("full") or told.get("web_url") or told["iid"])


def _tail(gid: Any) -> str:
    """Return the number of a global id, which REST gives alone."""
    return "" if gid is None else str(gid).rpartition("/")[2]
