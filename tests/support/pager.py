"""A stand-in for systems that page people: PagerDuty's Events API v2, and a webhook.

``EVENT`` is the shape of an event as PagerDuty documents it (developer.pagerduty.com, "Send an Alert Event"), and
stricter in that nothing else may be in it: a misspelt field would be dropped there without a word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from aiohttp import web

from tests.support.botframework import serving

KEY, TOKEN = "0123456789abcdef0123456789abcdef", "hook-token"

_LINK = {
    "type": "object",
    "properties": {"href": {"type": "string", "pattern": "^https?://"}, "text": {"type": "string"}},
    "required": ["href"],
    "additionalProperties": False,
}
EVENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "payload": {
            "type": "object",
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {
                    "type": "string",
                    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$",
                },
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
        },
        "links": {"type": "array", "items": _LINK},
        "client": {"type": "string"},
        "client_url": {"type": "string", "pattern": "^https?://"},
    },
    "required": ["routing_key", "event_action"],
    "additionalProperties": False,
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"], "not": {"required": ["payload"]}},
}
_VALIDATOR = jsonschema.Draft202012Validator(EVENT)


@dataclass
class PagerSystem:
    """Takes events, or fails before or after it took one.

    Attributes:
        taken: Every event that it took, in order.
        faults: What becomes of the next ones: a status, ``lost`` (taken, and the answer lost), or 0 for nothing.
    """

    taken: list[dict[str, Any]] = field(default_factory=list)
    faults: list[int | str] = field(default_factory=list)
    url: str = ""

    @property
    def said(self) -> list[str]:
        """What it was told, in short."""
        return [str(each.get("event_action") or each["event"]) for each in self.taken]

    @property
    def keys(self) -> set[str]:
        """The names under which it was told."""
        return {str(each.get("dedup_key") or each["key"]) for each in self.taken}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        event, fault = await request.json(), self.faults.pop(0) if self.faults else 0
        if isinstance(fault, int) and fault:
            return web.json_response({"status": "no", "message": "not now", "errors": [f"of {KEY}"]}, status=fault)
        if request.path == "/v2/enqueue":
            wrong = sorted(each.message for each in _VALIDATOR.iter_errors(event))
            if wrong or event["routing_key"] != KEY:
                said = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
                return web.json_response(said, status=400)
        elif request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        self.taken.append(event)
        if fault == "lost" and request.transport is not None:
            request.transport.abort()
        return web.json_response({"status": "success", "message": "Event processed"}, status=202)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PagerSystem]:
        """Serve on loopback."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self.answer)
        async with serving(app) as self.url:
            yield self
