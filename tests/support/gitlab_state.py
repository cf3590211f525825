"""What a stand-in GitLab holds: its records, and the rules that REST and GraphQL share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support import quick_actions

PROJECT_ID = 7
PATH = "iam/admin"
TEMPLATE = "## Impact\n\n/label ~sneaky\n/close\n\n## Resolution\n\n```\n/usr/bin/true\n```\n"


@dataclass
class User:
    id: int
    username: str
    name: str
    access_level: int = 30
    state: str = "active"


@dataclass
class Note:
    id: int
    author: User
    body: str
    at: datetime
    system: bool = False


@dataclass
class Issue:
    id: int
    iid: int
    type: str
    title: str
    description: str
    author: User
    at: datetime
    confidential: bool = False
    state: str = "opened"
    severity: str = "UNKNOWN"
    labels: list[str] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    iteration: int | None = None
    notes: list[Note] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    resources: list[tuple[str, str]] = field(default_factory=list)
    states: list[tuple[User, str, datetime]] = field(default_factory=list)
    labelled: list[tuple[User, str, str, datetime]] = field(default_factory=list)
    touched: datetime | None = None
    moved_to: int | None = None


@dataclass
class Snippet:
    """A project snippet, which has one file here."""

    id: int
    author: User
    title: str
    description: str
    visibility: str
    files: dict[str, str]


@dataclass
class Cadence:
    id: int
    title: str
    iterations: list[tuple[int, date, date]]


@dataclass
class Schedule:
    """An on-call schedule: for each rotation who has which shift."""

    iid: int
    name: str
    rotations: list[list[tuple[datetime, datetime, User | None]]]


class Refused(Exception):
    def __init__(self, status: int, message: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class GitLabState:
    """One project, and who is there."""

    def __init__(self, *, premium: bool = True, graphql: bool = True) -> None:
        self.premium = premium
        self.graphql = graphql
        self.bot = User(1, "project_7_bot", "Wilson")
        self.users = [self.bot, User(2, "mb2345", "Megan Byte"), User(3, "ak101", "Ada Example")]
        self.outsiders: list[User] = [User(9, "stranger", "A Stranger")]
        self.merge_requests: dict[str, list[dict[str, Any]]] = {}  # by project; others are not shown
        self.deployments: dict[str, list[dict[str, Any]]] = {}  # by project; others are not shown
        self.schedules: list[Schedule] = []
        self.may_delete = True
        self.not_assignable: set[str] = set()  # usernames that are left out without a word
        self.issues: list[Issue] = []
        self.snippets: list[Snippet] = []
        self.snippets_on = True
        self.links: set[tuple[int, int]] = set()
        self.labels = {"workflow::In Progress", "workflow::Review Required"}
        self.templates = {"Incident": TEMPLATE}
        today = datetime.now(UTC).date()
        self.cadences = [
            Cadence(4, "Sprints", [(40, today - timedelta(days=20), today - timedelta(days=7))]),
        ]
        self.cadences[0].iterations.append((41, today - timedelta(days=6), today + timedelta(days=7)))
        self.token: dict[str, Any] = {
            "id": 1, "name": "wilson", "revoked": False, "active": True, "scopes": ["api"], "user_id": 1,
            "expires_at": str(today + timedelta(days=200)), "created_at": text_of(datetime.now(UTC)),
        }  # fmt: skip
        self.violations: list[str] = []
        self.mentioned: list[str] = []
        self.commands: list[str] = []
        self.url = ""
        self._number = 100

    def _new(
        self, kind: str, title: str, text: str, labels: list[str], assignees: list[User], *, confidential: bool
    ) -> Issue:
        kept, found, _ = quick_actions.split(text)
        now = datetime.now(UTC)
        issue = Issue(
            self._next(), len(self.issues) + 1, kind, title, kept, self.bot, now, confidential=confidential
        )
        issue.assignees = assignees[:1] if not self.premium else assignees
        self._label(issue, labels, [])
        self._act(issue, text, found)
        issue.notes.append(Note(self._next(), self.bot, "created", now, system=True))
        self.issues.append(issue)
        return issue

    def _update(self, issue: Issue, body: dict[str, Any]) -> None:
        if not body:
            raise Refused(400, "title, description, … are missing, at least one parameter must be provided")
        issue.title = body.get("title", issue.title)
        issue.touched = datetime.now(UTC)
        self._label(issue, body.get("add_labels", []), body.get("remove_labels", []))
        if "assignee_ids" in body:
            asked = [each for each in self.users + self.outsiders if each.id in body["assignee_ids"]]
            issue.assignees = [each for each in asked if each.username not in self.not_assignable]
        issue.confidential = body.get("confidential", issue.confidential)
        if "state_event" in body:
            issue.state = {"close": "closed", "reopen": "opened"}[body["state_event"]]

    def _label(self, issue: Issue, add: list[str], remove: list[str]) -> None:
        for label in add:
            scope, scoped, _ = label.rpartition("::")
            if scoped and self.premium:
                issue.labels = [each for each in issue.labels if each.rpartition("::")[0] != scope]
            if label not in issue.labels:
                issue.labels.append(label)
            self.labels.add(label)
        issue.labels = [each for each in issue.labels if each not in remove]

    def _act(self, issue: Issue, text: str, found: list[tuple[str, str]]) -> None:
        """Do what the text says, as GitLab does."""
        self.mentioned += quick_actions.mentions(text)
        for name, argument in found:
            self.commands.append(name)
            if name in ("close", "reopen"):
                issue.state = "closed" if name == "close" else "opened"
            elif name == "label":
                self._label(issue, [argument.strip('~"')], [])
            elif name == "title":
                issue.title = argument

    def _find(self, iid: str) -> Issue:
        found = next((each for each in self.issues if str(each.iid) == iid), None)
        if found is None:
            raise Refused(404, "404 Issue Not Found" if iid.isdigit() else "404 Not Found")
        return found

    def _next(self) -> int:
        self._number += 1
        return self._number

    def acts(self, user: str, what: str, argument: str = "", *, iid: int = 1, at: datetime | None = None) -> None:
        """Let somebody do something to an issue: ``close``, ``reopen``, ``assign``, ``label``, ``unlabel``,
        ``severity``, ``comment``, ``move`` or ``delete``."""
        by = next(each for each in self.users + self.outsiders if each.username == user)
        issue, now = self._find(str(iid)), at or datetime.now(UTC)
        issue.touched = now
        match what:
            case "close" | "reopen":
                issue.state = "closed" if what == "close" else "opened"
                issue.states.append((by, "closed" if what == "close" else "reopened", now))
            case "assign":
                issue.assignees = [each for each in self.users + self.outsiders if each.username == argument]
                said = f"assigned to @{argument}" if argument else "removed assignee"
                issue.notes.append(Note(self._next(), by, said, now, system=True))
            case "label":
                self._label(issue, [argument], [])
                issue.labelled.append((by, "add", argument, now))
            case "unlabel":
                self._label(issue, [], [argument])
                issue.labelled.append((by, "remove", argument, now))
            case "severity":
                issue.severity = argument
                said = f"changed the severity to **{argument.title()}**"
                issue.notes.append(Note(self._next(), by, said, now, system=True))
            case "comment":
                issue.notes.append(Note(self._next(), by, argument, now))
            case "move":
                issue.state, issue.moved_to = "closed", 4711
                issue.notes.append(Note(self._next(), by, f"moved to {argument}", now, system=True))
            case "delete":
                self.issues.remove(issue)

    def deploys(self, project: str, environment: str, user: User, at: datetime, *, job: bool = True) -> None:
        """Let a deployment finish, by a job of a pipeline or by somebody's own script."""
        number, when = self._next(), text_of(at)
        url = f"{self.url}/{project}/-/jobs/{number}"
        pipeline = {
            "id": number, "iid": 1, "project_id": 1, "sha": "a" * 40, "ref": "main", "status": "success",
            "source": "push", "created_at": when, "updated_at": when, "web_url": url,
        }  # fmt: skip
        nothing = dict.fromkeys(
            ("coverage", "erased_at", "queued_duration", "commit", "artifacts_expire_at", "runner")
        )
        by_job = nothing | {
            "id": number, "status": "success", "stage": "deploy", "name": "deploy", "ref": "main", "tag": False,
            "created_at": when, "started_at": when, "finished_at": when, "duration": 1.0, "artifacts": [],
            "tag_list": [], "project": {"ci_job_token_scope_enabled": False}, "archived": False,
            "user": self._author(user), "pipeline": pipeline, "web_url": url,
        }  # fmt: skip
        told = {
            "id": number, "iid": number, "ref": "main", "sha": "c0ffee11" + "0" * 32, "status": "success",
            "created_at": when, "updated_at": when, "user": self._author(user),
            "deployable": by_job if job else None,
            "environment": {"id": 1, "name": environment, "external_url": "https://shop.example"},
        }  # fmt: skip
        self.deployments.setdefault(project, []).append(told)

    def _iteration(self, number: int | None) -> dict[str, Any] | None:
        for cadence in self.cadences:
            for each, first, last in cadence.iterations:
                if each == number:
                    return {"id": each, "iid": each, "sequence": 1, "group_id": 3, "title": None, "state": 2,
                            "start_date": str(first), "due_date": str(last)}  # fmt: skip
        return None

    def _user(self, user: User) -> dict[str, Any]:
        url = f"{self.url}/{user.username}"
        return {
            "id": user.id, "username": user.username, "name": user.name, "state": user.state, "locked": False,
            "public_email": "", "avatar_url": f"{url}.png", "web_url": url,
        }  # fmt: skip

    def _author(self, user: User) -> dict[str, Any]:
        return {name: each for name, each in self._user(user).items() if name not in ("locked", "public_email")}


def text_of(at: datetime) -> str:
    return re.sub(r"\+00:00$", "Z", at.astimezone(UTC).isoformat(timespec="milliseconds"))
