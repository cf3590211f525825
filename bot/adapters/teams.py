"""The Bot Framework's adapter, as thin as it can be: authenticate, read, check, run the turn, answer.

A request is authenticated before its body is read. What is refused is logged without its token and reaches no
handler. The rules are those of RELIABILITY: 401 for who it is, 403 for what it may, 413 for how much, 400 for how.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from botbuilder.core import BotAdapter, InvokeResponse, TurnContext
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
    ConversationReference,
    Entity,
    ResourceResponse,
)

from bot.adapters.addresses import ServiceAddresses, is_loopback
from bot.adapters.keys import Claims, Keys, Unauthenticated
from models.settings import Teams

log = logging.getLogger(__name__)

BODY_LIMIT = 256 * 1024
BODY_SECONDS = 5.0
DEPTH_LIMIT = 64
CHANNEL = "msteams"
ERROR = "application/vnd.microsoft.error"
KNOWN = frozenset({"message", "invoke", "installationUpdate", "conversationUpdate"})


class Refused(Exception):
    """A request that is not let in. ``reason`` is for the log; the sender learns the status alone."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class TeamsAdapter(BotAdapter):  # type: ignore[misc]  # the SDK ships no types
    """Lets activities in, and runs their turns.

    Args:
        settings: The bot's registration and who may speak to it.
    """

    def __init__(self, settings: Teams) -> None:
        super().__init__()
        self._open = settings.auth == "disabled"
        self._settings = settings
        self._ours = (f"28:{settings.app_id}", settings.app_id)
        self._addresses = ServiceAddresses(settings.allowed_service_hosts, loopback=self._open)
        self._session: aiohttp.ClientSession | None = None
        self._keys = Keys(self._connection, settings.openid_metadata_url, settings.app_id)
        if self._open:
            log.warning("teams.auth = disabled: anybody on this machine can speak to the bot as anybody")

    async def process(self, request: web.Request, handler: Any) -> web.Response:
        """Answer one request of Teams."""
        try:
            claims = await self._authenticate(request)
            body = await self._read(request)
            self._check(body, claims)
        except Refused as refused:
            log.warning("refused with %d: %s (from %s)", refused.status, refused.reason, request.remote)
            return web.Response(status=refused.status)
        if body["type"] not in KNOWN:
            return web.Response(status=200)
        activity = to_activity(body)
        context = TurnContext(self, activity)
        try:
            answer = await handler.on_turn(context)
            if answer is None:
                kept = context.turn_state.get(BotAdapter._INVOKE_RESPONSE_KEY)
                answer = kept.value if isinstance(kept, Activity) else None
        except Exception:
            number = secrets.token_hex(4)
            log.exception("a turn failed (%s): %s %s", number, activity.type, activity.name or "")
            return self._failed(activity, number)
        if isinstance(answer, InvokeResponse):
            return _json(answer.status or 200, answer.body)
        return web.Response(status=200)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    # -- the door -----------------------------------------------------------------------------------------

    async def _authenticate(self, request: web.Request) -> Claims | None:
        if self._open:
            if not is_loopback(request.remote or "") or not is_loopback(request.url.host or ""):
                raise Refused(403, "not from this machine, and authentication is disabled")
            origin = request.headers.get("Origin")
            if origin is not None:
                raise Refused(403, "a web page may not speak to the bot")
            return None
        try:
            return await self._keys.check(request.headers.get("Authorization"))
        except Unauthenticated as error:
            raise Refused(401, str(error)) from None

    @staticmethod
    async def _read(request: web.Request) -> dict[str, Any]:
        if (request.content_length or 0) > BODY_LIMIT:
            raise Refused(413, f"announces {request.content_length} bytes")
        parts = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.content.iter_chunked(64 * 1024):
                    parts += part
                    if len(parts) > BODY_LIMIT:
                        raise Refused(413, "more bytes than a message of Teams has")
        except TimeoutError:
            raise Refused(408, "the body did not come in time") from None
        try:
            body = orjson.loads(parts)
        except orjson.JSONDecodeError:
            raise Refused(400, "not JSON") from None
        if not isinstance(body, dict) or _too_deep(body):
            raise Refused(400, "not an activity")
        return body

    def _check(self, body: dict[str, Any], claims: Claims | None) -> None:
        service_url = body.get("serviceUrl")
        if not isinstance(service_url, str) or not self._addresses.may_use(service_url):
            raise Refused(403, "no service address that may be used")
        if claims is not None:
            if service_url.rstrip("/").lower() != claims.service_url.rstrip("/").lower():
                raise Refused(403, "another service address than the token's")
            if body.get("channelId") != CHANNEL or CHANNEL not in claims.endorsements:
                raise Refused(403, "not of Teams")
            tenants = {each.lower() for each in _tenants(body)}
            if not tenants or not tenants <= self._settings.tenants:
                raise Refused(403, "of another tenant")
            recipient = body.get("recipient")
            if not isinstance(recipient, dict) or recipient.get("id") not in self._ours:
                raise Refused(403, "meant for another bot")
        if not isinstance(body.get("type"), str):
            raise Refused(400, "an activity without a type")
        sender = body.get("from")
        named = isinstance(sender, dict) and isinstance(sender.get("aadObjectId"), str) and sender["aadObjectId"]
        if body["type"] in ("message", "invoke") and not named:
            raise Refused(403, "from nobody of the directory")

    @staticmethod
    def _failed(activity: Activity, number: str) -> web.Response:
        if activity.type != ActivityTypes.invoke:
            return web.Response(status=500)
        text = f"Something went wrong here; nothing was changed. Its number in the log is {number}."
        return _json(200, {"statusCode": 500, "type": ERROR, "value": {"code": "InternalError", "message": text}})

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    # -- what the SDK asks of an adapter ------------------------------------------------------------------

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        """Keep an invoke's answer for its request. Messages leave through the outbox, never within a turn."""
        for activity in activities:
            if activity.type != "invokeResponse":
                raise RuntimeError("messages leave through the outbox")
            context.turn_state[BotAdapter._INVOKE_RESPONSE_KEY] = activity
        return [ResourceResponse() for _ in activities]

    async def update_activity(self, context: TurnContext, activity: Activity) -> None:
        """Not within a turn: cards are refreshed through the outbox."""
        raise RuntimeError("cards are refreshed through the outbox")

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        """Not at all: Wilson deletes nothing."""
        raise RuntimeError("Wilson deletes nothing")


def _json(status: int, body: object) -> web.Response:
    data = orjson.dumps(body) if body is not None else b""
    return web.Response(status=status, body=data, content_type="application/json")


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        if not below:
            return False
        level = below
    return True


def _tenants(body: dict[str, Any]) -> list[str]:
    """Return every tenant that an activity names; the SDK's own attribute for it is never filled."""
    data, conversation = body.get("channelData"), body.get("conversation")
    tenant = data.get("tenant") if isinstance(data, dict) else None
    named = [
        tenant.get("id") if isinstance(tenant, dict) else None,
        conversation.get("tenantId") if isinstance(conversation, dict) else None,
    ]
    return [each for each in named if isinstance(each, str) and each]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _account(value: object) -> ChannelAccount:
    held = _table(value)
    return ChannelAccount(
        id=_text(held.get("id")), name=_text(held.get("name")), aad_object_id=_text(held.get("aadObjectId"))
    )


def _accounts(value: object) -> list[ChannelAccount]:
    return [_account(each) for each in value] if isinstance(value, list) else []


def to_activity(body: dict[str, Any]) -> Activity:
    """Build the SDK's activity from the few fields that are used: its own deserialiser costs more than the turn."""
    conversation = _table(body.get("conversation"))
    activity = Activity(
        type=body["type"],
        id=_text(body.get("id")),
        name=_text(body.get("name")),
        text=_text(body.get("text")),
        action=_text(body.get("action")),
        channel_id=_text(body.get("channelId")),
        service_url=body["serviceUrl"],
        reply_to_id=_text(body.get("replyToId")),
        from_property=_account(body.get("from")),
        recipient=_account(body.get("recipient")),
        conversation=ConversationAccount(
            id=_text(conversation.get("id")) or "",
            name=_text(conversation.get("name")),
            conversation_type=_text(conversation.get("conversationType")),
        ),
        members_added=_accounts(body.get("membersAdded")),
        members_removed=_accounts(body.get("membersRemoved")),
        channel_data=_table(body.get("channelData")),
        value=body.get("value"),
    )
    activity.entities = _entities(body.get("entities"))
    return activity


def _entities(value: object) -> list[Entity]:
    found = []
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            entity = Entity(type=_text(each.get("type")))
            entity.additional_properties = each
            found.append(entity)
    return found
