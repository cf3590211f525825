"""Makes channels in the team through Microsoft Graph, where its administrators permit that."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from bot.adapters.addresses import is_loopback
from bot.adapters.graph_people import BASE_URL, RENEWAL_SECONDS, TIMEOUT_SECONDS
from bot.adapters.rest import Answer, Requests
from bot.adapters.tokens import Registration, Tokens
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError, Temporary, Unauthorised

PERMISSION = "Channel.Create.Group (granted to the app by the team's owners) or Channel.Create"
LONGEST_NAME = 50
MOST_SUFFIXES = 50
_NOT_IN_NAMES = re.compile(r"[~#%&*{}/\\:<>?+|'\"\x00-\x1f\x7f]|^[_.]+|\.+$")


class GraphChannels:
    """Makes standard channels in one team.

    Args:
        base_url: Graph's address; empty for Microsoft's own.
        registration: The application that makes them.
        group_id: The team's id in Entra.
        clock: Tells the time, aware.
    """

    def __init__(
        self, base_url: str, registration: Registration, group_id: str, clock: Callable[[], datetime]
    ) -> None:
        base = (base_url or BASE_URL).rstrip("/")
        base = base if urlsplit(base).path.strip("/") else f"{base}/v1.0"
        parts = urlsplit(BASE_URL if is_loopback(urlsplit(base).hostname or "") else base)
        self._tokens = Tokens(registration, f"{parts.scheme}://{parts.netloc}/.default")
        self._url = f"{base}/teams/{quote(group_id, safe='')}/channels"
        self._advice = registration.settings
        self._clock = clock
        self._requests = Requests("Graph", TIMEOUT_SECONDS)

    async def make(self, name: str, description: str, marker: str) -> tuple[str, str]:
        """See ``models.ports.channels.ChannelMaker``. A name that is taken gets a number at its end (T6)."""
        wanted = _NOT_IN_NAMES.sub("", name).strip()[:LONGEST_NAME] or "incident"
        held = await self._ask("GET", f"{self._url}?$select=id,displayName,description,webUrl", None)
        channels = held.get("value")
        if not isinstance(channels, list):
            raise Temporary("Graph answered something else than a list of channels")
        for each in channels:
            if marker in str(each.get("description") or ""):
                return str(each.get("displayName") or wanted), str(each.get("webUrl") or "")
        taken = {str(each.get("displayName") or "").casefold() for each in channels}
        body = {
            "displayName": _free(wanted, taken),
            "description": f"{description} ({marker})"[:1024],
            "membershipType": "standard",
        }
        made = await self._ask("POST", self._url, body)
        return str(made.get("displayName") or body["displayName"]), str(made.get("webUrl") or "")

    async def _ask(self, method: str, url: str, body: Mapping[str, str] | None) -> dict[str, Any]:
        data = None if body is None else orjson.dumps(body)
        for attempt in range(2):
            headers = {"Authorization": f"Bearer {await self._tokens.get()}", "Content-Type": "application/json"}
            answer = await self._requests.send(method, url, headers=headers, data=data, repeatable=method == "GET")
            if answer.status != 401 or attempt:
                break
            self._tokens.forget()
        if not answer.good:
            raise self._refused(answer, repeatable=method == "GET")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._requests.lost("Graph answered something else than was asked for", method == "GET")
        return found

    def _refused(self, answer: Answer, *, repeatable: bool) -> PortError:
        said = f"Graph answered {answer.status}"
        if answer.status == 401:
            self._tokens.forget()
            return Unauthorised(f"{said}: check {self._advice}", RENEWAL_SECONDS)
        if answer.status == 429:
            return Temporary(said, answer.wait(self._clock()))
        if answer.unsure:
            return self._requests.lost(said, repeatable)
        if answer.status == 403:
            return Permanent(f"{said}: the application needs {PERMISSION}, and Channel.ReadBasic.All to look first")
        if answer.status == 404:
            return Permanent(f"{said}: there is no team of the id in teams.group_id")
        return Permanent(said)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``. Whether one may be made can't be seen without making one."""
        try:
            await self._ask("GET", f"{self._url}?$select=id,displayName,description,webUrl", None)
        except PortError as error:
            return [Finding("new channels", False, str(error), "See teams.group_id in docs/settings.md.")]
        return [Finding("new channels", None, f"channels can be seen; making one needs {PERMISSION}")]

    async def close(self) -> None:
        """See ``models.ports.channels.ChannelMaker``."""
        await self._requests.close()


class NoChannels:
    """No channels are made."""

    async def make(self, name: str, description: str, marker: str) -> tuple[str, str]:
        """See ``models.ports.channels.ChannelMaker``."""
        raise Permanent("Wilson makes no channels here: set teams.group_id, and permit it in Entra")

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return [Finding("new channels", True, "not configured: `channel` makes none")]

    async def close(self) -> None:
        """See ``models.ports.channels.ChannelMaker``."""


def _free(wanted: str, taken: set[str]) -> str:
    for number in range(1, MOST_SUFFIXES):
        suffix = "" if number == 1 else f"-{number}"
        name = f"{wanted[: LONGEST_NAME - len(suffix)]}{suffix}"
        if name.casefold() not in taken:
            return name
    raise Permanent(f"{MOST_SUFFIXES} channels are named {wanted} already: change the process's [channel] name")
