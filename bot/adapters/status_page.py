"""The page that tells users how a service stands: Atlassian Statuspage, or any address that takes JSON.

Of Statuspage this uses ``POST`` and ``PATCH /v1/pages/{page}/incidents``, ``GET …/incidents/unresolved`` and
``GET …/incidents/{id}`` (developer.statuspage.io). An entry carries our marker in its metadata, unseen by readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from bot.adapters.rest import Answer, Requests
from models.ports.checks import Finding
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary, Unauthorised
from models.ports.status_page import PageUpdate
from models.settings import StatusPage as Settings

RATE_LIMIT_SECONDS = 60.0
"""Statuspage takes one request a second, and 60 in a minute."""


class NoPage:
    """No status page is configured."""

    @property
    def configured(self) -> bool:
        """See ``models.ports.status_page.StatusPage``."""
        return False

    async def create(self, marker: str, update: PageUpdate) -> str:
        """See ``models.ports.status_page.StatusPage``."""
        raise Permanent("no status page is configured: set [status_page]")

    async def find(self, marker: str) -> str | None:
        """See ``models.ports.status_page.StatusPage``."""
        return None

    async def add(self, entry: str, update: PageUpdate) -> None:
        """See ``models.ports.status_page.StatusPage``."""
        raise Permanent("no status page is configured: set [status_page]")

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return [Finding("status page", True, "not configured: updates stay in the thread and the issue")]

    async def close(self) -> None:
        """See ``models.ports.status_page.StatusPage``."""


class _Http:
    def __init__(self, address: str, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.host = urlsplit(address).hostname or address
        self._clock = clock
        self._seconds = settings.timeout_seconds
        self._requests = Requests(self.host, settings.timeout_seconds)

    async def ask(
        self, method: str, url: str, headers: dict[str, str], body: object = None, *, repeatable: bool = True
    ) -> Answer:
        data = None if body is None else orjson.dumps(body)
        headers = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        answer = await self._requests.send(method, url, headers=headers, data=data, repeatable=repeatable)
        if answer.good:
            return answer
        said = f"{self.host} answered {answer.status}"
        if answer.status in (401, 403):
            raise Unauthorised(f"{said}: see status_page.api_key")
        if answer.status in (420, 429):
            raise Temporary(said, answer.wait(self._clock()) or RATE_LIMIT_SECONDS)
        if answer.unsure:
            raise self._requests.lost(said, repeatable)
        raise Permanent(said)

    def lost(self, said: str) -> PortError:
        return Ambiguous(said, self._seconds)

    async def close(self) -> None:
        await self._requests.close()


class Statuspage:
    """A page of Atlassian Statuspage.

    Args:
        settings: Address, page and key.
        clock: Tells the time, aware.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        base = settings.base_url.rstrip("/")
        self._http = _Http(base, settings, clock)
        self._page = f"{base}/v1/pages/{quote(settings.page_id, safe='')}"
        self._headers = {"Authorization": f"OAuth {settings.api_key.get_secret_value()}"}

    @property
    def configured(self) -> bool:
        """See ``models.ports.status_page.StatusPage``."""
        return True

    async def create(self, marker: str, update: PageUpdate) -> str:
        """See ``models.ports.status_page.StatusPage``."""
        told = {"name": update.headline, "status": update.stage, "body": update.text}
        body = {"incident": told | {"metadata": {"wilson": {"incident": marker}}}}
        answer = await self._http.ask("POST", f"{self._page}/incidents", self._headers, body, repeatable=False)
        try:
            return str(answer.json()["id"])
        except (ValueError, KeyError, TypeError):
            raise self._http.lost(f"{self._http.host} made an entry and did not say which") from None

    async def find(self, marker: str) -> str | None:
        """See ``models.ports.status_page.StatusPage``. One that began resolved is looked for among the newest."""
        for path in ("incidents/unresolved", "incidents?limit=20"):
            for each in await self._listed(path):
                wilson = (each.get("metadata") or {}).get("wilson")
                if isinstance(wilson, dict) and wilson.get("incident") == marker:
                    return str(each["id"])
        return None

    async def add(self, entry: str, update: PageUpdate) -> None:
        """See ``models.ports.status_page.StatusPage``. Looks first: a second one would be mailed to all."""
        url = f"{self._page}/incidents/{quote(entry, safe='')}"
        held = self._json(await self._http.ask("GET", url, self._headers))
        updates = held.get("incident_updates") if isinstance(held, dict) else None
        if updates:
            newest = max(updates, key=lambda each: str(each.get("created_at") or ""))  # of equals the first
            if (newest.get("body"), newest.get("status")) == (update.text, update.stage):
                return
        body = {"incident": {"name": update.headline, "status": update.stage, "body": update.text}}
        await self._http.ask("PATCH", url, self._headers, body, repeatable=False)

    async def _listed(self, path: str) -> list[dict[str, Any]]:
        found = self._json(await self._http.ask("GET", f"{self._page}/{path}", self._headers))
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _json(self, answer: Answer) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise Temporary(f"{self._http.host} answered something that is not JSON") from None

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        try:
            open_ones = await self._listed("incidents/unresolved")
        except PortError as error:
            advice = "Look at status_page.page_id and status_page.api_key."
            return [Finding("status page", False, str(error), advice)]
        return [Finding("status page", True, f"the page can be read; {len(open_ones)} entries are open")]

    async def close(self) -> None:
        """See ``models.ports.status_page.StatusPage``."""
        await self._http.close()


class WebhookPage:
    """Any address that takes JSON.

    Nothing can be looked up there. Each update carries a key, also as ``Idempotency-Key``, that stays the same when
    it is sent again after a lost answer, so that the other side can drop the second one.

    Args:
        settings: The address.
        clock: Tells the time, aware.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._url = settings.url.get_secret_value()
        self._key = settings.api_key.get_secret_value()
        self._http = _Http(self._url, settings, clock)

    @property
    def configured(self) -> bool:
        """See ``models.ports.status_page.StatusPage``."""
        return True

    async def create(self, marker: str, update: PageUpdate) -> str:
        """See ``models.ports.status_page.StatusPage``."""
        await self.add(marker, update)
        return marker

    async def find(self, marker: str) -> str | None:
        """See ``models.ports.status_page.StatusPage``."""
        return None

    async def add(self, entry: str, update: PageUpdate) -> None:
        """See ``models.ports.status_page.StatusPage``."""
        key = f"{entry}.{update.number}"
        body = {
            "key": key,
            "incident": entry,
            "headline": update.headline,
            "text": update.text,
            "stage": update.stage,
            "at": update.at.isoformat(),
        }
        headers = {"Idempotency-Key": key}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        await self._http.ask("POST", self._url, headers, body)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return [Finding("status page", None, f"updates go to {self._http.host}; that is not tried without one")]

    async def close(self) -> None:
        """See ``models.ports.status_page.StatusPage``."""
        await self._http.close()
