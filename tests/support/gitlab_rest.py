"""The stand-in GitLab's REST: what is asked by which call, and how things are shown there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.support import quick_actions
from tests.support.gitlab_contract import answer_problem
from tests.support.gitlab_state import PATH, PROJECT_ID, GitLabState, Issue, Note, Refused, text_of

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


class RestApi(GitLabState):
    """Answers calls, and holds its answers against GitLab's response schemas."""

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
                told = [{"id": n, "user": self._author(by), "created_at": text_of(at), "state": state,
                         "resource_type": "Issue", "resource_id": issue.id}
                        for n, (by, state, at) in enumerate(issue.states, 1)]  # fmt: skip
                return 200, "", told
            case "GET resource_label_events":
                told = [{"id": n, "user": self._author(by), "created_at": text_of(at), "action": action,
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
        more |= {"link_created_at": text_of(issue.at), "link_updated_at": text_of(issue.at)}
        return [self._issue(self._find(str(iid))) | more for iid in others]

    def _own_user(self) -> dict[str, Any]:
        nothing = dict.fromkeys(
            ("bio", "location", "organization", "last_sign_in_at", "confirmed_at", "current_sign_in_at")
        )
        texts = dict.fromkeys(("linkedin", "twitter", "website_url"), "")
        flags = dict.fromkeys(("can_create_group", "can_create_project", "two_factor_enabled", "external"), False)
        return self._user(self.bot) | nothing | texts | flags | {
            "email": "bot@noreply.example", "created_at": text_of(datetime.now(UTC)), "color_scheme_id": 1,
            "projects_limit": 0, "identities": [],
        }  # fmt: skip

    def _project(self) -> dict[str, Any]:
        now = text_of(datetime.now(UTC))
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
            "description": issue.description, "state": issue.state, "created_at": text_of(issue.at),
            "updated_at": text_of(issue.touched or issue.at), "moved_to_id": issue.moved_to,
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

    def _note(self, issue: Issue, note: Note) -> dict[str, Any]:
        return {
            "id": note.id, "type": None, "body": note.body, "author": self._author(note.author),
            "created_at": text_of(note.at), "updated_at": text_of(note.at), "system": note.system,
            "noteable_id": issue.id, "noteable_iid": issue.iid, "noteable_type": "Issue", "project_id": PROJECT_ID,
            "resolvable": False, "confidential": False, "internal": False, "imported": False,
            "imported_from": "none", "commands_changes": {},
        }  # fmt: skip


def call_of(method: str, parts: list[str]) -> str:
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
