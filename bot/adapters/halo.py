"""HaloITSM as the service desk: link, read, and private notes.

Halo knows no idempotency key. A note therefore ends with a reference that only we can make, and before one is
written the call's actions are looked through for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit
from weakref import WeakValueDictionary

from bot.adapters.halo_http import HaloApi, Missing
from bot.issue_text import clean
from models.case_ports import SupportCall
from models.ports import Finding, Permanent, PortError, Temporary, Unauthorised
from models.settings import Halo

log = logging.getLogger(__name__)

MOST_ACTIONS = 1000
_KEY = re.compile(r"[1-9][0-9]{0,11}")
_PATH = r"(?:/[a-z]+)?/tickets?(?:/(?P<key>[1-9][0-9]{0,11}))?/?"
"""Where the desk, its portal (``/portal``) and its interface (``/api``) show a call."""
_FAINT = "font-size:1px;color:#ffffff"


class HaloDesk:
    """Knows the calls of one HaloITSM.

    Args:
        settings: Address, application, and the numbers and names that differ from desk to desk.
        clock: Tells the time, aware.
    """

    configured = True

    def __init__(self, settings: Halo, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._api = HaloApi(settings, clock)
        self._noting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def key_of(self, text: str) -> str:
        """See ``models.case_ports.ServiceDesk``. An address counts where it is this desk's."""
        text = text.strip()
        if _KEY.fullmatch(text):
            return text
        parts, base = _split(text), urlsplit(self._api.base)
        if parts is None or _place(parts) != _place(base):
            return ""
        if parts.path.rstrip("/") == base.path:
            return _id_of(parts)
        found = re.fullmatch(re.escape(base.path) + _PATH, parts.path, re.IGNORECASE)
        return (found["key"] or _id_of(parts)) if found else ""

    def url_of(self, key: str) -> str:
        """See ``models.case_ports.ServiceDesk``."""
        return f"{self._api.base}/ticket?id={key}" if _KEY.fullmatch(key) else ""

    async def call(self, key: str) -> SupportCall | None:
        """See ``models.case_ports.ServiceDesk``."""
        try:
            told = await self._api.get(f"/api/Tickets/{_number(key)}", {"includedetails": "true"})
        except Missing:
            return None
        if not isinstance(told, dict) or str(told.get("id")) != key:
            raise Temporary(f"{self._api.host} answered something else than the call that was asked for")
        return SupportCall(
            key=key,
            url=self.url_of(key),
            subject=_line(told.get("summary")),
            requester=_line(told.get("user_name")),
            requester_mail=_mail(told),
            closed=told.get("status_id") in self._settings.closed_status_ids,
        )

    async def note(self, key: str, text: str, marker: str) -> None:
        """See ``models.case_ports.ServiceDesk``. Safe to repeat."""
        number = _number(key)
        reference = self._reference(key, marker)
        async with self._noting.setdefault(key, asyncio.Lock()):
            if await self._noted(number, reference):
                return
            action: dict[str, Any] = {
                "ticket_id": number,
                "note_html": _as_html(text, reference),
                "hiddenfromuser": True,
            }
            if self._settings.note_outcome_id:
                action["outcome_id"] = self._settings.note_outcome_id
            else:
                action["outcome"] = self._settings.note_outcome
            told = await self._api.post("/api/Actions", [action])
            made = told[0] if isinstance(told, list) and told else told
            if isinstance(made, dict) and made.get("hiddenfromuser") is False:
                log.warning("the service desk shows a note on call %s to its requester; see halo.note_outcome", key)

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        try:
            told = await self._api.get("/api/Tickets", {"pageinate": "true", "page_size": "1", "page_no": "1"})
        except Unauthorised as error:
            advice = "Set them to those of an application of the type Client ID and Secret (Services)."
            return [Finding("service desk", False, str(error), advice)]
        except Missing as error:
            return [
                Finding("service desk", False, str(error), "Set halo.base_url to the desk's address, without /api.")
            ]
        except PortError as error:
            return [Finding("service desk", False, str(error), "See docs/halo.md.")]
        if not isinstance(told, dict) or "record_count" not in told:
            return [Finding("service desk", False, "not understood", "Is halo.base_url a HaloITSM's?")]
        return [Finding("service desk", True, f"{self._api.host} shows {told['record_count']} calls")]

    async def close(self) -> None:
        """See ``models.case_ports.ServiceDesk``."""
        await self._api.close()

    async def _noted(self, number: int, reference: str) -> bool:
        asked = {"ticket_id": str(number), "count": str(MOST_ACTIONS), "includehtmlnote": "true"}
        told = await self._api.get("/api/Actions", asked)
        actions = told.get("actions") if isinstance(told, dict) else None
        if not isinstance(actions, list):
            raise Temporary(f"{self._api.host} answered something else than the actions of a call")
        for each in actions:
            if isinstance(each, dict) and any(reference in str(each.get(name)) for name in ("note", "note_html")):
                return True
        if isinstance(there := told.get("record_count"), int) and there > len(actions):
            text = f"{self._api.host} shows {len(actions)} of the {there} actions of call {number}"
            raise Permanent(f"{text}: whether the note is there can't be told; write it by hand")
        return False

    def _reference(self, key: str, marker: str) -> str:
        """Return what a note is found again by. Only we can make it, so that no quoted or guessed text passes for
        a note of ours and keeps the real one out.
        """
        secret = self._settings.client_secret.get_secret_value().encode()
        return "wilson-" + hmac.new(secret, f"{key} {marker}".encode(), hashlib.sha256).hexdigest()[:24]


class NoDesk:
    """No service desk is connected: calls are known by their number alone."""

    configured = False

    def key_of(self, text: str) -> str:
        """See ``models.case_ports.ServiceDesk``. Any https address that names an id will do."""
        text = text.strip()
        if _KEY.fullmatch(text):
            return text
        parts = _split(text)
        return _id_of(parts) if parts is not None and parts.scheme == "https" else ""

    def url_of(self, key: str) -> str:
        return ""

    async def call(self, key: str) -> SupportCall | None:
        raise _not_configured()

    async def note(self, key: str, text: str, marker: str) -> None:
        raise _not_configured()

    async def check(self) -> Sequence[Finding]:
        return [Finding("service desk", True, "none is configured, so support calls are known by number alone")]

    async def close(self) -> None:
        """See ``models.case_ports.ServiceDesk``."""


def _not_configured() -> Permanent:
    return Permanent("no service desk is configured; see halo.kind")


def _number(key: str) -> int:
    if not _KEY.fullmatch(key):
        raise Permanent(f"{key[:40]!r} is not the number of a call")
    return int(key)


def _split(text: str) -> SplitResult | None:
    """Return the parts of an address; ``None`` where it is none that could be followed as it stands."""
    if any(char.isspace() or char == "\\" for char in text):
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return None if not host or parts.username is not None or parts.password is not None else parts


def _place(parts: SplitResult) -> tuple[str, str, int | None]:
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or usual


def _id_of(parts: SplitResult) -> str:
    found = parse_qs(parts.query).get("id", [])
    return found[0] if len(found) == 1 and _KEY.fullmatch(found[0]) else ""


def _line(told: Any) -> str:
    return " ".join(clean(told).split()) if isinstance(told, str) else ""


def _mail(told: dict[str, Any]) -> str:
    """Return the requester's address, which clients find in one place or the other."""
    user = told.get("user")
    found = _line(told.get("user_email")) or _line(user.get("emailaddress") if isinstance(user, dict) else None)
    return found if "@" in found else ""


def _as_html(text: str, reference: str) -> str:
    lines = html.escape(clean(text).strip("\n")).replace("\n", "<br>")
    return f'<p>{lines}</p><p style="{_FAINT}">{reference}</p>'
