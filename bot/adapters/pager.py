"""Systems that page people: PagerDuty's Events API v2, or any address that takes JSON.

Of PagerDuty this uses ``POST /v2/enqueue`` alone (developer.pagerduty.com). What it is told twice under one key
joins the first, and what it is told of a key that it does not know is dropped; so all may be sent again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from bot.adapters.rest import Answer, Requests
from models.ports.checks import Finding
from models.ports.errors import Permanent, Temporary, Unauthorised
from models.ports.pager import PageText
from models.settings import Paging as Settings

PAGERDUTY = "https://events.pagerduty.com"
KEY_LENGTH = 32
THROTTLED_SECONDS = 30.0


class NoPager:
    """No pager is configured."""

    name = ""

    async def trigger(self, page: PageText) -> None:
        """See ``models.ports.pager.Pager``."""
        raise Permanent("no pager is configured: set [paging]")

    async def acknowledge(self, key: str) -> None:
        """See ``models.ports.pager.Pager``."""

    async def resolve(self, key: str) -> None:
        """See ``models.ports.pager.Pager``."""

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return [Finding("pager", True, "not configured: nobody is paged")]

    async def close(self) -> None:
        """See ``models.ports.pager.Pager``."""


class _HttpPager(ABC):
    """Sends each event to one address.

    Args:
        url: The address.
        secret: What no error may repeat.
        clock: Tells the time, aware.
    """

    def __init__(self, url: str, settings: Settings, secret: str, clock: Callable[[], datetime]) -> None:
        self.host = urlsplit(url).hostname or url
        self.name = self.host
        self.headers = {"Accept": "application/json", "Content-Type": "application/json"}
        self._url, self._secret, self._clock = url, secret, clock
        self._requests = Requests(self.host, settings.timeout_seconds)

    @abstractmethod
    def event(self, action: str, key: str, page: PageText | None = None) -> Mapping[str, Any]:
        """Return an event as the other side wants it. Only a trigger has a page."""

    async def trigger(self, page: PageText) -> None:
        """See ``models.ports.pager.Pager``."""
        await self._send(self.event("trigger", page.key, page))

    async def acknowledge(self, key: str) -> None:
        """See ``models.ports.pager.Pager``."""
        await self._send(self.event("acknowledge", key))

    async def resolve(self, key: str) -> None:
        """See ``models.ports.pager.Pager``."""
        await self._send(self.event("resolve", key))

    async def _send(self, event: Mapping[str, Any]) -> None:
        answer = await self._requests.send("POST", self._url, headers=self.headers, data=orjson.dumps(event))
        if answer.good:
            return
        said = f"{self.host} answered {answer.status}{self._why(answer)}"
        if answer.status in (401, 403):
            raise Unauthorised(f"{said}: see paging.token")
        if answer.status == 429:
            raise Temporary(said, answer.wait(self._clock()) or THROTTLED_SECONDS)
        raise Temporary(said, answer.wait(self._clock())) if answer.unsure else Permanent(said)

    def _why(self, answer: Answer) -> str:
        try:
            told = answer.json()
        except ValueError:
            return ""
        if not isinstance(told, dict):
            return ""
        errors = told.get("errors")
        parts = [told.get("message"), *(errors if isinstance(errors, list) else ())]
        why = "; ".join(part for part in parts if isinstance(part, str))
        why = why.replace(self._secret, "…") if self._secret else why
        return f": {why[:200]}" if why else ""

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``. Every event would reach people, so none is sent."""
        text = f"{self.host} would be asked to page; that is not tried here, since it would page somebody"
        return [Finding("pager", None, text)]

    async def close(self) -> None:
        """See ``models.ports.pager.Pager``."""
        await self._requests.close()


class PagerDuty(_HttpPager):
    """PagerDuty, through the integration of a service: its key, and the address of another region."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._key = settings.routing_key.get_secret_value()
        base = (settings.url.get_secret_value() or PAGERDUTY).rstrip("/")
        super().__init__(f"{base}/v2/enqueue", settings, self._key, clock)
        self.name = "PagerDuty"

    def event(self, action: str, key: str, page: PageText | None = None) -> Mapping[str, Any]:
        """Return an event of the Events API v2."""
        event: dict[str, Any] = {"routing_key": self._key, "event_action": action, "dedup_key": key}
        if page is None:
            return event
        payload = {
            "summary": page.summary,
            "source": page.source,
            "severity": page.severity,
            "timestamp": page.at.isoformat(),
            "custom_details": dict(page.details),
        }
        return event | {"payload": payload, "links": _links(page), "client": "Wilson"}

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        if len(self._key) == KEY_LENGTH:
            return await super().check()
        text = f"paging.routing_key has {len(self._key)} characters; PagerDuty's have {KEY_LENGTH}"
        advice = "Take the integration key of an Events API v2 integration of your service in PagerDuty."
        return [Finding("pager", False, text, advice)]


class WebhookPager(_HttpPager):
    """Any address that takes JSON, and the token that it wants: the same facts, with ``event`` and ``key``."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        token = settings.token.get_secret_value()
        super().__init__(settings.url.get_secret_value(), settings, token, clock)
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def event(self, action: str, key: str, page: PageText | None = None) -> Mapping[str, Any]:
        """Return an event as plain JSON."""
        if page is None:
            return {"event": action, "key": key}
        return {
            "event": action,
            "key": key,
            "summary": page.summary,
            "source": page.source,
            "severity": page.severity,
            "at": page.at.isoformat(),
            "details": dict(page.details),
            "links": _links(page),
        }


def _links(page: PageText) -> list[dict[str, str]]:
    return [{"href": url, "text": text} for url, text in page.links]
