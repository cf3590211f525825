"""The stand-in GitLab's GraphQL, executed on GitLab's schema."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, execute, validate

from tests.support import quick_actions
from tests.support.gitlab_contract import graphql_schema
from tests.support.gitlab_state import (
    PATH,
    PROJECT_ID,
    Cadence,
    GitLabState,
    Issue,
    Schedule,
    Snippet,
    User,
    text_of,
)


class GraphQLApi(GitLabState):
    """Executes documents."""

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
            return web.json_response(
                {"data": {field_of(document): {"errors": ["Title is too long"], "issue": None}}}
            )
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
                "startsAt": text_of(start), "endsAt": text_of(end),
                "participant": who and {"user": {"username": who.username, "name": who.name}},
            }
            for start, end, who in found[:size]
        ]  # fmt: skip
        return {"pageInfo": {"hasNextPage": len(found) > size}, "nodes": nodes}

    return shifts


def _resources(issue: Issue) -> dict[str, Any]:
    nodes = [{"link": url} for _, url in issue.resources]
    return {"issuableResourceLinks": lambda _, incidentId, last: {"nodes": nodes[-last:]}}  # noqa: N803


def field_of(document: DocumentNode) -> str:
    """Return what a document is called here: a query by its name, a mutation by its field."""
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    if operation.operation.value == "query" and operation.name:
        return operation.name.value
    name: str = operation.selection_set.selections[0].name.value  # type: ignore[union-attr]
    return name
