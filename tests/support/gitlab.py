"""A stand-in GitLab: real state, GitLab's rules where they matter here, and failures on demand.

It holds every request against GitLab's OpenAPI document, every answer of its own against GitLab's response schemas,
and executes GraphQL on GitLab's schema; what does not fit is found in ``violations``.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, execute, parse, validate

from tests.support import quick_actions
from tests.support.botframework import serving
from tests.support.gitlab_contract import answer_problem, graphql_schema, request_problem

PROJECT_ID = 7
PATH = "iam/admin"
TOKEN = "glpat-stand-in"
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


@dataclass
class Fault:
    """What goes wrong with the next call of that name.

    ``kind`` is a status (nothing is done), ``drop before``, ``drop after``, ``slow`` (done, but too late for the
    caller), ``garbage`` (done), ``500 after`` (done), ``refused`` (GraphQL's errors at the top) or ``not valid``
    (GraphQL's errors in the payload).
    """

    call: str
    kind: str | int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class Refused(Exception):
    def __init__(self, status: int, message: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class GitLab:
    """One GitLab with one project.

    Attributes:
        premium: Whether there are iterations, exclusive labels and on-call schedules.
        graphql: Whether GraphQL is reachable.
        asked: The calls, by their names: ``POST issues``, ``createIssue``, ``PUT issue`` …
    """

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
            "expires_at": str(today + timedelta(days=200)), "created_at": _text(datetime.now(UTC)),
        }  # fmt: skip
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.mentioned: list[str] = []
        self.commands: list[str] = []
        self.slow_seconds = 0.8
        self.url = ""
        self._number = 100

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[GitLab]:
        graphql_schema()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(app) as self.url:
            yield self

    # -- one call -----------------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        raw_path = request.rel_url.raw_path
        parts = [unquote(part) for part in raw_path.removeprefix("/api/v4/").split("/")]
        document = None
        if raw_path == "/api/graphql":
            document = parse(body["query"])
            call = _field(document)
        else:
            call = _name(request.method, parts)
            if problem := request_problem(request.method, raw_path, request.query, body):
                self.violations.append(problem)
        self.asked.append(call)
        fault = self._fault(call)
        kind = fault.kind if fault else None
        if kind == "drop before":
            return self._dropped(request)
        if isinstance(kind, int):
            assert fault is not None
            return web.json_response({"message": f"{kind} told so"}, status=kind, headers=fault.headers)
        if kind == "slow":
            await asyncio.sleep(self.slow_seconds)
        given = request.headers.get("PRIVATE-TOKEN") or request.headers.get("Authorization", "")
        if given.removeprefix("Bearer ") != TOKEN:
            return web.json_response({"message": "401 Unauthorized"}, status=401)
        if document is not None:
            response = self._graphql(document, body.get("variables") or {}, kind)
        else:
            response = self._rest(request, call, parts, body)
        if kind == "drop after":
            return self._dropped(request)
        if kind == "garbage":
            return web.Response(text="<html>proxy</html>", content_type="text/html", status=response.status)
        if isinstance(kind, str) and kind.endswith(" after") and kind != "drop after":
            return web.json_response({"message": f"{kind} told so"}, status=int(kind.partition(" ")[0]))
        return response

    def _fault(self, call: str) -> Fault | None:
        for fault in self.faults:
            if fault.call == call and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    @staticmethod
    def _dropped(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    # -- REST ---------------------------------------------------------------------------------------------

    def _rest(self, request: web.Request, call: str, parts: list[str], body: Any) -> web.Response:
        paged = call != "GET links"
        try:
            elsewhere = call == "GET deployments" and parts[1] in self.deployments
            if parts[0] == "projects" and parts[1] not in (PATH, str(PROJECT_ID)) and not elsewhere:
                raise Refused(404, "404 Project Not Found")
            status, schema, told = self._carry_out(call, parts, dict(request.query), body or {})
        except Refused as error:
            return web.json_response({"message": error.message}, status=error.status)
        headers = {"RateLimit-Limit": "600", "RateLimit-Remaining": "599"}
        if isinstance(told, list) and paged:
            told, paging = _page(request, told)
            headers |= paging
        if schema and (problem := answer_problem(f"public_api/v4/{schema}", told)):
            self.violations.append(problem)
        return web.json_response(told, status=status, headers=headers)

    def _carry_out(self, call: str, parts: list[str], query: dict[str, str], body: Any) -> tuple[int, str, Any]:
        match call:
            case "GET user":
                return 200, "user/public", self._own_user()
            case "GET users":
                name = query["username"].lower()
                everybody = [*self.users, *self.outsiders]
                return 200, "user/basics", [self._user(each) for each in everybody if each.username == name]
            case "GET self":
                return 200, "", self.token
            case "GET project":
                return 200, "project", self._project()
            case "GET members":
                told = [self._user(each) | {"access_level": each.access_level, "expires_at": None}
                        for each in self.users]  # fmt: skip
                return 200, "members", told
            case "GET labels":
                return 200, "", [{"id": n, "name": each} for n, each in enumerate(sorted(self.labels))]
            case "GET template":
                if parts[-1] not in self.templates:
                    raise Refused(404, "404 Template Not Found")
                return 200, "template", {"name": parts[-1], "content": self.templates[parts[-1]]}
            case "GET issues":
                return 200, "issues", [self._issue(each) for each in self._listed(query)]
            case "GET deployments":
                return 200, "", self._deployed(parts[1], query)
            case "POST issues":
                return 201, "issue", self._issue(self._create_by_rest(body))
        issue = self._find(parts[3])
        match call:
            case "GET issue":
                return 200, "issue", self._issue(issue)
            case "DELETE issue":
                if not self.may_delete:
                    raise Refused(403, "403 Forbidden")
                self.issues.remove(issue)
                return 204, "", None
            case "PUT issue":
                self._update(issue, body)
                return 200, "issue", self._issue(issue)
            case "GET notes":
                newest_first = query.get("sort", "desc") == "desc"
                notes = sorted(issue.notes, key=lambda each: (each.at, each.id), reverse=newest_first)
                only = query.get("activity_filter") == "only_comments"
                return 200, "notes", [self._note(issue, each) for each in notes if not (only and each.system)]
            case "POST notes":
                return self._comment(issue, body["body"])
            case "GET resource_state_events":
                told = [{"id": n, "user": self._author(by), "created_at": _text(at), "state": state,
                         "resource_type": "Issue", "resource_id": issue.id}
                        for n, (by, state, at) in enumerate(issue.states, 1)]  # fmt: skip
                return 200, "", told
            case "GET resource_label_events":
                told = [{"id": n, "user": self._author(by), "created_at": _text(at), "action": action,
                         "label": {"id": n, "name": label}, "resource_type": "Issue", "resource_id": issue.id}
                        for n, (by, action, label, at) in enumerate(issue.labelled, 1)]  # fmt: skip
                return 200, "", told
            case "GET links":
                return 200, "related_issues", self._related(issue)
            case "POST links":
                return 201, "issue_link", self._relate(issue, body)
        raise Refused(404, "404 Not Found")

    def _listed(self, query: dict[str, str]) -> list[Issue]:
        found = list(self.issues)
        if "author_id" in query:
            found = [each for each in found if each.author.id == int(query["author_id"])]
        if "updated_after" in query:
            since = datetime.fromisoformat(query["updated_after"])
            found = [each for each in found if (each.touched or each.at) >= since]
        if "created_after" in query:
            since = datetime.fromisoformat(query["created_after"])
            found = [each for each in found if each.at >= since]
        if (state := query.get("state", "all")) != "all":
            found = [each for each in found if each.state == state]
        if "confidential" in query:
            found = [each for each in found if each.confidential is (query["confidential"] == "true")]
        if "labels" in query:
            wanted = set(query["labels"].split(","))
            found = [each for each in found if wanted <= set(each.labels)]
        if "issue_type" in query:
            found = [each for each in found if each.type == query["issue_type"]]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=query.get("sort", "desc") == "desc")

    def deploys(self, project: str, environment: str, user: User, at: datetime, *, job: bool = True) -> None:
        """Let a deployment finish, by a job of a pipeline or by somebody's own script."""
        number, when = self._next(), _text(at)
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

    def _deployed(self, project: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if ("updated_after" in query) != (query.get("order_by") == "updated_at"):
            self.violations.append("`updated_at` filter and `updated_at` sorting must be paired")
        since = datetime.fromisoformat(query.get("updated_after", "2000-01-01T00:00:00Z"))
        told = [
            each
            for each in self.deployments.get(project, [])
            if query.get("status", each["status"]) == each["status"]
            and datetime.fromisoformat(each["updated_at"]) >= since
        ]
        for each in told:
            if problem := answer_problem("public_api/v4/deployment", each):
                self.violations.append(problem)
        return sorted(told, key=lambda each: each["updated_at"], reverse=query.get("sort") == "desc")

    def _create_by_rest(self, body: dict[str, Any]) -> Issue:
        if len(body["title"]) > 255:
            raise Refused(400, {"title": ["is too long (maximum is 255 characters)"]})
        return self._new(
            body.get("issue_type", "issue"),
            body["title"],
            body.get("description") or "",
            body.get("labels", []),
            [each for each in self.users + self.outsiders if each.id in body.get("assignee_ids", [])],
            confidential=body.get("confidential", False),
        )

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

    def _comment(self, issue: Issue, text: str) -> tuple[int, str, Any]:
        kept, found, _ = quick_actions.split(text)
        self._act(issue, text, found)
        if found and not kept.strip():
            return 202, "", {"commands_changes": dict(found), "summary": []}
        note = Note(self._next(), self.bot, kept, datetime.now(UTC))
        issue.notes.append(note)
        told = self._note(issue, note)
        if problem := answer_problem("public_api/v4/notes", [told]):
            self.violations.append(problem)
        return 201, "", told

    def _relate(self, issue: Issue, body: dict[str, Any]) -> dict[str, Any]:
        if str(body["target_project_id"]) not in (PATH, str(PROJECT_ID)):
            raise Refused(404, "404 Project Not Found")
        other = self._find(str(body["target_issue_iid"]))
        pair = (min(issue.iid, other.iid), max(issue.iid, other.iid))
        if pair in self.links:
            raise Refused(409, "Issue(s) already assigned")
        self.links.add(pair)
        return {
            "id": len(self.links),
            "source_issue": self._issue(issue),
            "target_issue": self._issue(other),
            "link_type": body.get("link_type", "relates_to"),
        }

    def _related(self, issue: Issue) -> list[dict[str, Any]]:
        others = sorted({iid for pair in self.links if issue.iid in pair for iid in pair} - {issue.iid})
        more = {"issue_link_id": 1, "link_type": "relates_to"}
        more |= {"link_created_at": _text(issue.at), "link_updated_at": _text(issue.at)}
        return [self._issue(self._find(str(iid))) | more for iid in others]

    def _find(self, iid: str) -> Issue:
        found = next((each for each in self.issues if str(each.iid) == iid), None)
        if found is None:
            raise Refused(404, "404 Issue Not Found" if iid.isdigit() else "404 Not Found")
        return found

    def _next(self) -> int:
        self._number += 1
        return self._number

    # -- people -------------------------------------------------------------------------------------------

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

    # -- as GitLab shows it -------------------------------------------------------------------------------

    def _user(self, user: User) -> dict[str, Any]:
        url = f"{self.url}/{user.username}"
        return {
            "id": user.id, "username": user.username, "name": user.name, "state": user.state, "locked": False,
            "public_email": "", "avatar_url": f"{url}.png", "web_url": url,
        }  # fmt: skip

    def _author(self, user: User) -> dict[str, Any]:
        return {name: each for name, each in self._user(user).items() if name not in ("locked", "public_email")}

    def _own_user(self) -> dict[str, Any]:
        nothing = dict.fromkeys(
            ("bio", "location", "organization", "last_sign_in_at", "confirmed_at", "current_sign_in_at")
        )
        texts = dict.fromkeys(("linkedin", "twitter", "website_url"), "")
        flags = dict.fromkeys(("can_create_group", "can_create_project", "two_factor_enabled", "external"), False)
        return self._user(self.bot) | nothing | texts | flags | {
            "email": "bot@noreply.example", "created_at": _text(datetime.now(UTC)), "color_scheme_id": 1,
            "projects_limit": 0, "identities": [],
        }  # fmt: skip

    def _project(self) -> dict[str, Any]:
        now = _text(datetime.now(UTC))
        url = f"{self.url}/{PATH}"
        return {
            "id": PROJECT_ID, "name": "Admin", "name_with_namespace": "IAM / Admin", "description": None,
            "path": "admin", "path_with_namespace": PATH, "created_at": now, "default_branch": "main",
            "tag_list": [], "topics": [], "ssh_url_to_repo": "", "http_url_to_repo": "", "web_url": url,
            "readme_url": None, "avatar_url": None, "star_count": 0, "forks_count": 0, "last_activity_at": now,
            "namespace": {"id": 3, "name": "IAM", "path": "iam", "kind": "group", "full_path": "iam"},
        }  # fmt: skip

    def _issue(self, issue: Issue) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": issue.id, "iid": issue.iid, "project_id": PROJECT_ID, "title": issue.title,
            "description": issue.description, "state": issue.state, "created_at": _text(issue.at),
            "updated_at": _text(issue.touched or issue.at), "moved_to_id": issue.moved_to,
            "labels": list(issue.labels), "milestone": None,
            "assignees": [self._user(each) for each in issue.assignees], "author": self._user(issue.author),
            "user_notes_count": sum(not each.system for each in issue.notes), "upvotes": 0, "downvotes": 0,
            "due_date": None, "confidential": issue.confidential, "issue_type": issue.type,
            "web_url": f"{self.url}/{PATH}/-/issues/{issue.iid}", "severity": issue.severity,
            "references": {
                "short": f"#{issue.iid}", "relative": f"#{issue.iid}", "full": f"{PATH}#{issue.iid}"
            },
        }  # fmt: skip
        if self.premium:
            told["iteration"] = self._iteration(issue.iteration)
        return told

    def _iteration(self, number: int | None) -> dict[str, Any] | None:
        for cadence in self.cadences:
            for each, first, last in cadence.iterations:
                if each == number:
                    return {"id": each, "iid": each, "sequence": 1, "group_id": 3, "title": None, "state": 2,
                            "start_date": str(first), "due_date": str(last)}  # fmt: skip
        return None

    def _note(self, issue: Issue, note: Note) -> dict[str, Any]:
        return {
            "id": note.id, "type": None, "body": note.body, "author": self._author(note.author),
            "created_at": _text(note.at), "updated_at": _text(note.at), "system": note.system,
            "noteable_id": issue.id, "noteable_iid": issue.iid, "noteable_type": "Issue", "project_id": PROJECT_ID,
            "resolvable": False, "confidential": False, "internal": False, "imported": False,
            "imported_from": "none", "commands_changes": {},
        }  # fmt: skip

    # -- GraphQL ------------------------------------------------------------------------------------------

    def _graphql(self, document: DocumentNode, variables: dict[str, Any], fault: str | int | None) -> web.Response:
        if not self.graphql:
            return web.json_response({"message": "404 Not Found"}, status=404)
        if fault == "refused":
            told = "The resource that you are attempting to access does not exist or you don't have permission"
            return web.json_response({"errors": [{"message": told}], "data": None})
        asked = str(document.loc and document.loc.source.body).lower()
        for name in ("iterationCadences", "issueSetIteration", "issuableResourceLink", "incidentManagementOncall"):
            if not self.premium and name.lower() in asked:
                field = "incidentManagementOncallSchedules" if name.endswith("Oncall") else name
                told = f"Field '{field}' doesn't exist on type 'Project'"
                return web.json_response({"errors": [{"message": told}]})
        if errors := validate(graphql_schema(), document):
            self.violations += [each.message for each in errors]
            return web.json_response({"errors": [each.formatted for each in errors]})
        if fault == "not valid":
            return web.json_response({"data": {_field(document): {"errors": ["Title is too long"], "issue": None}}})
        result = execute(graphql_schema(), document, self._root(), variable_values=variables)
        return web.json_response(result.formatted)  # type: ignore[union-attr]

    def _root(self) -> dict[str, Callable[..., Any]]:
        return {
            "project": lambda _, fullPath: self._graphql_of(fullPath),  # noqa: N803
            "currentUser": lambda _: {"id": f"gid://gitlab/User/{self.bot.id}", "username": self.bot.username},
            "createSnippet": lambda _, input: self._create_snippet(input),  # noqa: A006
            "updateSnippet": lambda _, input: self._update_snippet(input),  # noqa: A006
            "createIssue": lambda _, input: self._create_by_graphql(input),  # noqa: A006
            "issueSetSeverity": lambda _, input: self._set(input, "severity", input["severity"]),  # noqa: A006
            "issueSetIteration": lambda _, input: self._set(  # noqa: A006
                input, "iteration", self._current(input.get("iterationId"))
            ),
            "timelineEventCreate": lambda _, input: self._event(input),  # noqa: A006
            "issuableResourceLinkCreate": lambda _, input: self._resource(input),  # noqa: A006
        }

    def _resource(self, given: dict[str, Any]) -> dict[str, Any]:
        issue = next(each for each in self.issues if given["id"] == f"gid://gitlab/Issue/{each.id}")
        issue.resources.append((given.get("linkText") or "", given["link"]))
        return {"errors": []}

    def _graphql_of(self, path: str) -> dict[str, Any] | None:
        requests = {str(each["iid"]): each for each in self.merge_requests.get(path, [])}
        merged = [each for each in requests.values() if each.get("mergedAt")]
        found = {
            "mergeRequest": lambda _, iid: requests.get(iid),
            "repository": {"rootRef": "main"},
            "mergeRequests": lambda _, **asked: _merged(merged, **asked),
        }
        if path == PATH:
            resources = {str(each.iid): _resources(each) for each in self.issues}
            return self._graphql_project() | found | {"issue": lambda _, iid: resources.get(iid)}
        return found if path in self.merge_requests else None

    def _graphql_project(self) -> dict[str, Any]:
        today = datetime.now(UTC).date()
        current = [
            {
                "id": f"gid://gitlab/Iteration/{number}", "title": None, "startDate": f"{first}T00:00:00Z",
                "dueDate": f"{last}T00:00:00Z", "iterationCadence": _cadence(cadence),
            }
            for cadence in self.cadences for number, first, last in cadence.iterations if first <= today <= last
        ]  # fmt: skip
        return {
            "id": f"gid://gitlab/Project/{PROJECT_ID}",
            "iterationCadences": {"nodes": [_cadence(each) for each in self.cadences]},
            "iterations": {"nodes": current},
            "incidentManagementOncallSchedules": {"nodes": [_schedule(each) for each in self.schedules]},
            "snippets": lambda _, first, after=None: self._snippets(first, after),
            "incidentManagementTimelineEvents": lambda _, incidentId, last: {  # noqa: N803
                "nodes": [
                    {"note": note, "occurredAt": at}
                    for each in self.issues
                    if f"gid://gitlab/Issue/{each.id}" == incidentId
                    for note, at in each.events[-last:]
                ]
            },
        }

    def _create_by_graphql(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["projectPath"] != PATH:
            raise GraphQLError("The resource that you are attempting to access does not exist")
        if len(asked["title"]) > 255:
            return {"errors": ["Title is too long (maximum is 255 characters)"], "issue": None}
        iteration = None
        if asked.get("iterationWildcardId"):
            if not asked.get("iterationCadenceId"):
                raise GraphQLError("iterationCadenceId is required for an iterationWildcardId")
            iteration = self._current_of(asked["iterationCadenceId"])
            if iteration is None:
                raise GraphQLError("Iteration could not be assigned: there is no current iteration")
        ids = [int(each.rpartition("/")[2]) for each in asked.get("assigneeIds", ())]
        issue = self._new(
            asked.get("type", "ISSUE").lower(),
            asked["title"],
            asked.get("description", ""),
            asked.get("labels", []),
            [each for each in self.users + self.outsiders if each.id in ids],
            confidential=asked.get("confidential", False),
        )
        issue.iteration = iteration
        told = {"id": f"gid://gitlab/Issue/{issue.id}", "iid": str(issue.iid)}
        return {"errors": [], "issue": told | {"webUrl": f"{self.url}/{PATH}/-/issues/{issue.iid}"}}

    def _snippets(self, first: int, after: str | None) -> dict[str, Any]:
        newest = self.snippets[::-1]
        start = int(after) if after else 0
        nodes = [self._snippet(each) for each in newest[start : start + first]]
        end = start + len(nodes)
        return {"nodes": nodes, "pageInfo": {"endCursor": str(end), "hasNextPage": end < len(newest)}}

    def _snippet(self, snippet: Snippet) -> dict[str, Any]:
        return {
            "id": f"gid://gitlab/ProjectSnippet/{snippet.id}",
            "description": snippet.description,
            "webUrl": f"https://gitlab.example/{PATH}/-/snippets/{snippet.id}",
            "author": {"__typename": "CurrentUser", "id": f"gid://gitlab/User/{snippet.author.id}"},
        }

    def _create_snippet(self, asked: dict[str, Any]) -> dict[str, Any]:
        if not self.snippets_on or asked["projectPath"] != PATH:
            raise GraphQLError("The resource that you are attempting to access does not exist or you don't have …")
        if len(asked["title"]) > 255:
            return {"errors": ["Title is too long (maximum is 255 characters)"], "snippet": None}
        self.mentioned += quick_actions.mentions(f"{asked['title']} {asked['description']}")
        files = {each["filePath"]: each["content"] for each in asked["blobActions"] if each["action"] == "create"}
        made = Snippet(
            self._next(), self.bot, asked["title"], asked["description"], asked["visibilityLevel"], files
        )
        self.snippets.append(made)
        return {"errors": [], "snippet": self._snippet(made)}

    def _update_snippet(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = next((each for each in self.snippets if self._snippet(each)["id"] == asked["id"]), None)
        if found is None or not self.snippets_on:
            raise GraphQLError("The resource that you are attempting to access does not exist or you don't have …")
        found.title = asked.get("title", found.title)
        for each in asked["blobActions"]:
            assert each["action"] == "update"
            if each["filePath"] not in found.files:
                return {"errors": ["Repository Error updating the snippet"], "snippet": None}
            found.files[each["filePath"]] = each["content"]
        return {"errors": [], "snippet": self._snippet(found)}

    def _current_of(self, gid: str) -> int | None:
        today = datetime.now(UTC).date()
        for cadence in self.cadences:
            if gid.endswith(f"/{cadence.id}"):
                return next((n for n, first, last in cadence.iterations if first <= today <= last), None)
        return None

    def _current(self, gid: str | None) -> int | None:
        if gid is None:
            return None
        number = int(gid.rpartition("/")[2])
        if self._iteration(number) is None:
            raise GraphQLError("The iteration does not exist")
        return number

    def _set(self, asked: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
        issue = next((each for each in self.issues if str(each.iid) == asked["iid"]), None)
        if issue is None or asked["projectPath"] != PATH:
            raise GraphQLError("The resource that you are attempting to access does not exist")
        setattr(issue, name, value)
        return {"errors": []}

    def _event(self, asked: dict[str, Any]) -> dict[str, Any]:
        issue = next((each for each in self.issues if f"gid://gitlab/Issue/{each.id}" == asked["incidentId"]), None)
        if issue is None or issue.type != "incident":
            raise GraphQLError("The resource that you are attempting to access does not exist")
        if self.bot.access_level < 30:
            raise GraphQLError("The resource that you are attempting to access does not exist or you don't have …")
        if len(asked["note"]) > 280:
            return {"errors": ["Timeline text is too long (maximum is 280 characters)"]}
        self.mentioned += quick_actions.mentions(asked["note"])
        issue.events.append((asked["note"], asked["occurredAt"]))
        return {"errors": []}


def _cadence(cadence: Cadence) -> dict[str, str]:
    return {"id": f"gid://gitlab/Iterations::Cadence/{cadence.id}", "title": cadence.title}


def _merged(
    requests: list[dict[str, Any]],
    mergedAfter: str,  # noqa: N803
    mergedBefore: str,  # noqa: N803
    first: int,
    **other: Any,
) -> dict[str, Any]:
    if other != {"state": "merged", "sort": "MERGED_AT_DESC"}:
        raise GraphQLError(f"not asked for in a way that is known here: {other}")
    since, until = datetime.fromisoformat(mergedAfter), datetime.fromisoformat(mergedBefore)
    found = [each for each in requests if since <= datetime.fromisoformat(each["mergedAt"]) <= until]
    return {"nodes": sorted(found, key=lambda each: each["mergedAt"], reverse=True)[: min(first, 100)]}


def _schedule(schedule: Schedule) -> dict[str, Any]:
    rotations = [{"shifts": _shifts_of(each)} for each in schedule.rotations]
    return {"iid": str(schedule.iid), "name": schedule.name, "rotations": {"nodes": rotations}}


def _shifts_of(rotation: list[tuple[datetime, datetime, User | None]]) -> Callable[..., dict[str, Any]]:
    """Tell the shifts that touch a time, as GitLab does: of at most a month, at most a hundred, the first first."""

    def shifts(_: Any, startTime: str, endTime: str, first: int) -> dict[str, Any]:  # noqa: N803
        since, until = datetime.fromisoformat(startTime), datetime.fromisoformat(endTime)
        if until <= since:
            raise GraphQLError("`start_time` should precede `end_time`")
        if until - since > timedelta(days=28):
            raise GraphQLError("`end_time` should not exceed one month after `start_time`")
        found = sorted((each for each in rotation if each[0] < until and each[1] > since), key=lambda each: each[0])
        size = min(first, 100)
        nodes = [
            {
                "startsAt": _text(start), "endsAt": _text(end),
                "participant": who and {"user": {"username": who.username, "name": who.name}},
            }
            for start, end, who in found[:size]
        ]  # fmt: skip
        return {"pageInfo": {"hasNextPage": len(found) > size}, "nodes": nodes}

    return shifts


def _field(document: DocumentNode) -> str:
    """Return what a document is called here: a query by its name, a mutation by its field."""
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    if operation.operation.value == "query" and operation.name:
        return operation.name.value
    name: str = operation.selection_set.selections[0].name.value  # type: ignore[union-attr]
    return name


_NAMES = {
    "user": "user",
    "users": "users",
    "personal_access_tokens/self": "self",
    "projects/*": "project",
    "projects/*/members/all": "members",
    "projects/*/labels": "labels",
    "projects/*/templates/issues/*": "template",
    "projects/*/issues": "issues",
    "projects/*/deployments": "deployments",
    "projects/*/issues/*": "issue",
    "projects/*/issues/*/notes": "notes",
    "projects/*/issues/*/links": "links",
    "projects/*/issues/*/resource_state_events": "resource_state_events",
    "projects/*/issues/*/resource_label_events": "resource_label_events",
}


def _resources(issue: Issue) -> dict[str, Any]:
    nodes = [{"link": url} for _, url in issue.resources]
    return {"issuableResourceLinks": lambda _, incidentId, last: {"nodes": nodes[-last:]}}  # noqa: N803


def _name(method: str, parts: list[str]) -> str:
    raised = [part if n % 2 == 0 or part in ("all", "issues", "self") else "*" for n, part in enumerate(parts)]
    if raised[:1] == ["projects"] and raised[2:3] == ["templates"]:
        raised = ["projects", "*", "templates", "issues", "*"]
    return f"{method} {_NAMES.get('/'.join(raised), '/'.join(raised))}"


def _page(request: web.Request, told: list[Any]) -> tuple[list[Any], dict[str, str]]:
    page, size = int(request.query.get("page", 1)), min(100, int(request.query.get("per_page", 20)))
    pages = max(1, -(-len(told) // size))
    headers = {
        "X-Page": str(page), "X-Per-Page": str(size), "X-Total": str(len(told)), "X-Total-Pages": str(pages),
        "X-Next-Page": str(page + 1) if page < pages else "", "X-Prev-Page": str(page - 1) if page > 1 else "",
    }  # fmt: skip
    if page < pages:
        url = request.url.update_query(page=str(page + 1))
        headers["Link"] = f'<{url}>; rel="next"'
    return told[(page - 1) * size : page * size], headers


def _text(at: datetime) -> str:
    return re.sub(r"\+00:00$", "Z", at.astimezone(UTC).isoformat(timespec="milliseconds"))
