"""GitLab's webhook: who may knock, and which issue changed. What it says of the issue itself is not believed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

LARGEST = 3 * 1024 * 1024
"""Bytes of a payload; a description alone may have a million characters."""
TOLERANCE_SECONDS = 300.0
KINDS = frozenset({"issue", "work_item", "incident", "note"})


class Refused(Exception):
    """Whoever knocked is not let in. The text says why, for the log, and holds no secret."""


def authenticate(headers: Mapping[str, str], *, token: str, signing: bool) -> None:
    """Tell by the headers alone whether it is worth reading the body.

    Args:
        token: The plain secret that both sides know; empty where none is set.
        signing: Whether a signature will be asked for.

    Raises:
        Refused: It is not.
    """
    if signing:
        if not headers.get("webhook-signature"):
            raise Refused("it is not signed, and tracker.webhook_signing_token asks for that")
        return
    if headers.get("webhook-signature"):
        raise Refused("it is signed; set tracker.webhook_signing_token, so that the signature can be checked")
    given = headers.get("X-Gitlab-Token", "")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise Refused("its X-Gitlab-Token is not tracker.webhook_secret")


def verify(headers: Mapping[str, str], body: bytes, signing_token: str, now: float) -> None:
    """Check a signature by the Standard Webhooks rules: HMAC-SHA256 over id, timestamp and body.

    Raises:
        Refused: It is missing, old, or wrong.
    """
    try:
        key = base64.b64decode(signing_token.removeprefix("whsec_"), validate=True)
        at = int(headers.get("webhook-timestamp", ""))
    except (binascii.Error, ValueError):
        raise Refused("its timestamp or tracker.webhook_signing_token can't be read") from None
    if abs(now - at) > TOLERANCE_SECONDS:
        raise Refused("its timestamp is more than five minutes off")
    signed = f"{headers.get('webhook-id', '')}.{at}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    for each in headers.get("webhook-signature", "").split():
        version, _, given = each.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), expected):
            return
    raise Refused("its signature is wrong")


def issue_of(payload: Any, project: str) -> str:
    """Return the number of the issue that a payload is about; empty where it is about none of ours."""
    if not isinstance(payload, dict) or payload.get("object_kind") not in KINDS:
        return ""
    where = payload.get("project")
    if not isinstance(where, dict) or str(where.get("path_with_namespace", "")).lower() != project.lower():
        return ""
    about = payload.get("issue") if payload["object_kind"] == "note" else payload.get("object_attributes")
    number = about.get("iid") if isinstance(about, dict) else None
    return str(number) if isinstance(number, int) and not isinstance(number, bool) and number > 0 else ""


def merge_request_of(payload: Any) -> str:
    """Return the name (``group/project!12``) of the merge request that a payload is about; empty for none."""
    if not isinstance(payload, dict) or payload.get("object_kind") != "merge_request":
        return ""
    where, about = payload.get("project"), payload.get("object_attributes")
    path = where.get("path_with_namespace") if isinstance(where, dict) else None
    number = about.get("iid") if isinstance(about, dict) else None
    return f"{path}!{number}" if isinstance(path, str) and isinstance(number, int) else ""


def once_of(headers: Mapping[str, str], body: bytes) -> str:
    """Return what is equal for every delivery of one event: GitLab's own key, or what it says."""
    for name in ("Idempotency-Key", "webhook-id", "X-Gitlab-Event-UUID"):
        if given := headers.get(name):
            return f"hook:{hashlib.sha256(given.encode()).hexdigest()}"
    return f"hook:{hashlib.sha256(body).hexdigest()}"


class Hook:
    """Answers GitLab's webhook at once; the issue is read afterwards.

    Args:
        project: The project whose issues are ours.
        token, signing_token: What GitLab and Wilson both know; one of them must be set.
        hear: Called with the issue's number and the delivery's key.
        hear_merge_request: Called with a merge request's name and the delivery's key; of any project.
        own_username: Who Wilson is in GitLab, once that is known: its own doings are left out.
    """

    def __init__(
        self,
        project: str,
        token: str,
        signing_token: str,
        hear: Callable[[str, str], Awaitable[None]],
        hear_merge_request: Callable[[str, str], Awaitable[None]],
        own_username: Callable[[], str],
    ) -> None:
        self._project = project
        self._token = token
        self._signing_token = signing_token
        self._hear = hear
        self._hear_merge_request = hear_merge_request
        self._own_username = own_username

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one delivery: 200 taken or not ours, 400 no JSON, 401 refused, 413 too large."""
        if not (self._token or self._signing_token):
            return web.Response(status=404)
        try:
            authenticate(request.headers, token=self._token, signing=bool(self._signing_token))
            body = await _body(request)
            if self._signing_token:
                verify(request.headers, body, self._signing_token, time.time())
        except Refused as refused:
            log.warning("a webhook delivery was refused: %s", refused)
            return web.Response(status=401)
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            return web.Response(status=400)
        key = issue_of(payload, self._project)
        if key and not self._is_own(payload):
            await self._hear(key, once_of(request.headers, body))
        elif name := merge_request_of(payload):
            await self._hear_merge_request(name, once_of(request.headers, body))
        return web.json_response({"taken": bool(key)})

    def _is_own(self, payload: Mapping[str, Any]) -> bool:
        user = payload.get("user")
        own = self._own_username()
        return bool(own) and isinstance(user, dict) and user.get("username") == own


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > LARGEST:
        raise web.HTTPRequestEntityTooLarge(LARGEST, request.content_length or 0)
    parts = bytearray()
    async for part in request.content.iter_chunked(64 * 1024):
        parts += part
        if len(parts) > LARGEST:
            raise web.HTTPRequestEntityTooLarge(LARGEST, len(parts))
    return bytes(parts)
