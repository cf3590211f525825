"""Posting to Teams: the Bot Connector's REST API, by aiohttp."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from bot.adapters.addresses import ServiceAddresses
from bot.adapters.tokens import TEAMS_SCOPE, Tokens, teams_registration
from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary
from models.ports.messenger import ChannelAddress, Message, ThreadAddress
from models.settings import Teams

log = logging.getLogger(__name__)

ATTEMPT_SECONDS = 15.0
CARD = "application/vnd.microsoft.card.adaptive"
ADVICE = {
    400: "Teams refused the message",
    403: "Teams refused: the app is blocked or was removed from the team; add it again",
    404: "Teams does not know the conversation: the message or the channel was deleted",
    413: "the message is too big for Teams",
}


class TeamsMessenger:
    """Posts through the Bot Connector.

    Every attempt is made once and ends after 15 s; trying again is the outbox's business. The token is only ever
    sent to Microsoft's hosts and the allowed ones, and redirects are not followed.
    """

    def __init__(self, settings: Teams) -> None:
        self._settings = settings
        self._open = settings.auth == "disabled"
        self._addresses = ServiceAddresses(settings.allowed_service_hosts, loopback=self._open)
        self._tokens = Tokens(teams_registration(settings), TEAMS_SCOPE)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, channel: ChannelAddress, message: Message) -> ThreadAddress:
        """See ``models.ports.messenger.Messenger``."""
        body = {
            "isGroup": True,
            "bot": {"id": self._bot_id},
            "channelData": {"channel": {"id": channel.channel_id}, "tenant": {"id": channel.tenant_id}},
            "tenantId": channel.tenant_id,
            "activity": self._activity(message),
        }
        answer = await self._call("POST", channel.service_url, "/v3/conversations", body)
        conversation = str(answer.get("id") or "")
        activity = str(answer.get("activityId") or conversation.partition(";messageid=")[2] or conversation)
        if not activity:
            raise Ambiguous("Teams accepted a post and did not say where it is")
        if ";messageid=" not in conversation:
            conversation = f"{channel.channel_id};messageid={activity}"
        return ThreadAddress(channel.service_url, channel.tenant_id, conversation, activity)

    async def reply(self, thread: ThreadAddress, message: Message) -> str:
        """See ``models.ports.messenger.Messenger``."""
        path = f"/v3/conversations/{quote(thread.conversation_id, safe='')}/activities"
        answer = await self._call("POST", thread.service_url, path, self._activity(message))
        return str(answer.get("id") or "")

    async def update(self, thread: ThreadAddress, message: Message) -> None:
        """See ``models.ports.messenger.Messenger``."""
        path = f"/v3/conversations/{quote(thread.conversation_id, safe='')}/activities"
        body = self._activity(message) | {"id": thread.activity_id}
        try:
            await self._call("PUT", thread.service_url, f"{path}/{quote(thread.activity_id, safe='')}", body)
        except Ambiguous as error:
            raise Temporary(str(error)) from None

    async def channels(self, service_url: str, team_id: str) -> Sequence[tuple[str, str]]:
        """See ``models.ports.messenger.Messenger``."""
        path = f"/v3/teams/{quote(team_id, safe='')}/conversations"
        answer = await self._look(service_url, path)
        found = answer.get("conversations") if isinstance(answer, dict) else None
        return [
            (each["id"], each.get("name") or "General")
            for each in found or ()
            if isinstance(each, dict) and isinstance(each.get("id"), str)
        ]

    async def members(self, service_url: str, team_id: str) -> Sequence[Person]:
        """See ``models.ports.messenger.Messenger``."""
        path = f"/v3/conversations/{quote(team_id, safe='')}/pagedmembers"
        people: list[Person] = []
        token = ""
        for _ in range(20):
            page = await self._look(service_url, path + (f"?continuationToken={quote(token)}" if token else ""))
            for each in page.get("members") or ():
                person = Person(
                    str(each.get("aadObjectId") or each.get("objectId") or ""),
                    str(each.get("name") or ""),
                    str(each.get("id") or ""),
                    str(each.get("userPrincipalName") or "").partition("@")[0],
                )
                people.append(person)
            token = str(page.get("continuationToken") or "")
            if not token:
                break
        return people

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        if self._open:
            return [Finding("teams", True, "no authentication (teams.auth = disabled), on loopback only")]
        try:
            await self._tokens.get()
        except PortError as error:
            return [Finding("teams", False, str(error), "See docs/installation.md, Register the bot.")]
        return [Finding("teams", True, "the bot's registration gives a token")]

    async def close(self) -> None:
        """See ``models.ports.messenger.Messenger``."""
        if self._session is not None:
            await self._session.close()

    @property
    def _bot_id(self) -> str:
        return f"28:{self._settings.app_id}"

    @staticmethod
    def _activity(message: Message) -> dict[str, Any]:
        body: dict[str, Any] = {"type": "message"}
        if message.text:
            body |= {"text": message.text, "textFormat": "markdown"}
        if message.summary:
            body["summary"] = message.summary
        if message.card:
            body["attachments"] = [{"contentType": CARD, "content": message.card}]
        if message.mentions:
            body["entities"] = [
                {
                    "type": "mention",
                    "text": f"<at>{_tag(person.name)}</at>",
                    "mentioned": {"id": person.teams_id or person.id, "name": person.name},
                }
                for person in message.mentions
            ]
        return body

    async def _look(self, service_url: str, path: str) -> Any:
        try:
            return await self._call("GET", service_url, path, None)
        except Ambiguous as error:
            raise Temporary(str(error)) from None

    async def _call(self, method: str, service_url: str, path: str, body: dict[str, Any] | None) -> Any:
        if not self._addresses.may_use(service_url):
            raise Permanent("the service address is not one that may be used; see teams.allowed_service_hosts")
        headers = {"Content-Type": "application/json"}
        if not self._open:
            headers["Authorization"] = f"Bearer {await self._tokens.get()}"
        data = orjson.dumps(body) if body is not None else None
        url = URL(service_url.rstrip("/") + path, encoded=True)
        try:
            async with self._connection().request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                if response.status in (200, 201, 202):
                    return orjson.loads(await response.read() or b"{}")
                raise self._refused(response)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise Temporary(f"Teams can't be reached: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, orjson.JSONDecodeError) as error:
            raise Ambiguous(f"the answer of Teams was lost: {type(error).__name__}") from None

    def _refused(self, response: aiohttp.ClientResponse) -> PortError:
        status = response.status
        if status == 429:
            return Temporary("Teams says to slow down (429)", _retry_after(response.headers.get("Retry-After")))
        if status == 401:
            self._tokens.forget()
            return Temporary("Teams refused the bot's token (401); asking for a new one")
        if status in ADVICE or 300 <= status < 400 or status in (405, 501):
            return Permanent(f"{ADVICE.get(status, 'Teams refused')} ({status})")
        return Ambiguous(f"Teams answered {status}, and may have accepted all the same")

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ATTEMPT_SECONDS, connect=5)
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session


def _tag(name: str) -> str:
    return "".join(char for char in name if char not in "<>&\r\n")


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After``, which may be a number or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
