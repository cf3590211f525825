"""A stand-in GitLab: real state, GitLab's rules where they matter here, and failures on demand.

It holds every request against GitLab's OpenAPI document, every answer of its own against GitLab's response schemas,
and executes GraphQL on GitLab's schema; what does not fit is found in ``violations``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import web
from graphql import parse

from tests.support.botframework import serving
from tests.support.gitlab_contract import graphql_schema, request_problem
from tests.support.gitlab_graphql import GraphQLApi, field_of
from tests.support.gitlab_rest import RestApi, call_of

TOKEN = "glpat-stand-in"


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


class GitLab(RestApi, GraphQLApi):
    """One GitLab with one project.

    Attributes:
        premium: Whether there are iterations, exclusive labels and on-call schedules.
        graphql: Whether GraphQL is reachable.
        asked: The calls, by their names: ``POST issues``, ``createIssue``, ``PUT issue`` …
    """

    def __init__(self, *, premium: bool = True, graphql: bool = True) -> None:
        super().__init__(premium=premium, graphql=graphql)
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        self.slow_seconds = 0.8

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[GitLab]:
        graphql_schema()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(app) as self.url:
            yield self

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        raw_path = request.rel_url.raw_path
        parts = [unquote(part) for part in raw_path.removeprefix("/api/v4/").split("/")]
        document = None
        if raw_path == "/api/graphql":
            document = parse(body["query"])
            call = field_of(document)
        else:
            call = call_of(request.method, parts)
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
