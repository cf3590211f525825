"""HaloITSM as the service desk: link, read, the team's queue, and private notes.

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
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit
from weakref import WeakValueDictionary

from bot.adapters.halo_http import HaloApi, Missing
from bot.issue_text import clean, one_line
from models.ports.checks import Finding
from models.ports.errors import Permanent, PortError, Temporary, Unauthorised
from models.ports.service_desk import SupportCall
from models.settings import Halo

log = logging.getLogger(__name__)

MOST_ACTIONS = 1000
PAGE_SIZE = 100
"""How many calls one answer holds at most, by Halo's own limit."""
MOST_PAGES = 10
_NAMES_TOLD = 10
_KEY = re.compile(r"[1-9][0-9]{0,11}")
_PATH = r"(?:/[a-z]+)?/tickets?(?:/(?P<key>[1-9][0-9]{0,11}))?/?"
"""Where the desk, its portal (``/portal``) and its interface (``/api``) show a call."""
_FAINT = "font-size:1px;color:#ffffff"


class UnknownTeam(Permanent):
    """The desk shows us no team of the name that ``halo.queue`` holds, or more than one."""


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

    @property
    def has_queue(self) -> bool:
        """See ``models.ports.service_desk.ServiceDesk``."""
        return bool(self._settings.queue)

    def key_of(self, text: str) -> str:
        """See ``models.ports.service_desk.ServiceDesk``. An address counts where it is this desk's."""
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
        """See ``models.ports.service_desk.ServiceDesk``."""
        return f"{self._api.base}/ticket?id={key}" if _KEY.fullmatch(key) else ""

    async def call(self, key: str) -> SupportCall | None:
        """See ``models.ports.service_desk.ServiceDesk``."""
        try:
            asked = {"includedetails": "true", "includeagent": "true"}
            told = await self._api.get(f"/api/Tickets/{_number(key)}", asked)
        except Missing:
            return None
        if not isinstance(told, dict) or str(told.get("id")) != key:
            raise Temporary(f"{self._api.host} answered something else than the call that was asked for")
        return self._read(told)

    async def queue(self) -> Sequence[SupportCall]:
        """See ``models.ports.service_desk.ServiceDesk``.

        Halo passes over a filter that it does not know and shows everybody's calls. So what belongs to another
        team is left out here, too, and once there is such a call, what names no team is not believed to be ours.
        """
        if not self.has_queue:
            return ()
        team = await self._team()
        stands = [(each, _is_of(team, self._settings.queue, each)) for each in await self._listed(team)]
        strange = sum(ours is False for _, ours in stands)
        if strange:
            log.warning("%s shows %d calls of other teams in the queue; left out", self._api.host, strange)
        calls = [self._read(each) for each, ours in stands if (not strange if ours is None else ours)]
        return sorted((each for each in calls if not each.closed), key=_age)

    def _read(self, told: dict[str, Any]) -> SupportCall:
        key = str(told["id"])
        return SupportCall(
            key=key,
            url=self.url_of(key),
            subject=_line(told.get("summary")),
            requester=_line(told.get("user_name")),
            requester_mail=_mail(told),
            closed=told.get("status_id") in self._settings.closed_status_ids,
            opened_at=_moment(told.get("dateoccurred")),
            agent=_agent(told),
        )

    async def _team(self) -> int:
        """Return the number of our team, by which alone calls can be asked for."""
        told = await self._api.get("/api/Team", {})
        rows = told.get("teams") if isinstance(told, dict) else told
        if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
            raise Temporary(f"{self._api.host} answered something else than its teams")
        known: dict[int, str] = {
            each["id"]: _line(each.get("name")) for each in rows if isinstance(each.get("id"), int)
        }
        found = [number for number, name in known.items() if _same(name, self._settings.queue)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownTeam(f"{self._api.host} shows {len(found)} teams that are called {self._settings.queue!r}")
        names = sorted(set(known.values()) - {""})
        more = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
        shown = (", ".join(names[:_NAMES_TOLD]) or "none") + more
        raise UnknownTeam(f"{self._api.host} shows no team {self._settings.queue!r}; it shows: {shown}")

    async def _listed(self, team: int) -> list[dict[str, Any]]:
        """Return what Halo lists as a team's open calls, each once, up to ``MOST_PAGES`` pages."""
        asked = {
            "pageinate": "true",
            "page_size": str(PAGE_SIZE),
            "open_only": "true",
            "team": str(team),
            "includeagent": "true",
            "order": "id",
            "orderdesc": "false",
        }
        found: dict[str, dict[str, Any]] = {}
        for page in range(1, MOST_PAGES + 1):
            told = await self._api.get("/api/Tickets", asked | {"page_no": str(page)})
            rows = told.get("tickets") if isinstance(told, dict) else None
            if not isinstance(rows, list) or not all(_is_call(each) for each in rows):
                raise Temporary(f"{self._api.host} answered something else than the calls of a queue")
            before, there = len(found), told.get("record_count")
            found |= {str(each["id"]): each for each in rows}
            known = isinstance(there, int) and there > 0
            if known and len(found) >= there:
                break
            if len(found) == before:
                if known:
                    log.warning("%s shows %d of the %d calls of the queue", self._api.host, before, there)
                break
        else:
            log.warning("the queue at %s is long: only %d calls of it are read", self._api.host, len(found))
        return list(found.values())

    async def note(self, key: str, text: str, marker: str) -> None:
        """See ``models.ports.service_desk.ServiceDesk``. Safe to repeat."""
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
        """See ``models.ports.checks.Checkable``."""
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
        found = [Finding("service desk", True, f"{self._api.host} shows {told['record_count']} calls")]
        return [*found, await self._check_queue()] if self.has_queue else found

    async def _check_queue(self) -> Finding:
        try:
            calls = await self.queue()
        except UnknownTeam as error:
            advice = (
                "Set halo.queue to the name as it stands in Halo under Configuration → Teams & Agents → Teams, "
                "and let the application's agent see that team."
            )
            return Finding("support queue", False, str(error), advice)
        except PortError as error:
            return Finding("support queue", False, str(error), "See docs/halo.md.")
        return Finding("support queue", True, f"open calls of {self._settings.queue}: {len(calls)}")

    async def close(self) -> None:
        """See ``models.ports.service_desk.ServiceDesk``."""
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
    has_queue = False

    def key_of(self, text: str) -> str:
        """See ``models.ports.service_desk.ServiceDesk``. Any https address that names an id will do."""
        text = text.strip()
        if _KEY.fullmatch(text):
            return text
        parts = _split(text)
        return _id_of(parts) if parts is not None and parts.scheme == "https" else ""

    def url_of(self, key: str) -> str:
        return ""

    async def call(self, key: str) -> SupportCall | None:
        raise _not_configured()

    async def queue(self) -> Sequence[SupportCall]:
        """See ``models.ports.service_desk.ServiceDesk``. It is empty."""
        return ()

    async def note(self, key: str, text: str, marker: str) -> None:
        raise _not_configured()

    async def check(self) -> Sequence[Finding]:
        return [Finding("service desk", True, "none is configured, so support calls are known by number alone")]

    async def close(self) -> None:
        """See ``models.ports.service_desk.ServiceDesk``."""


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
    return one_line(told) if isinstance(told, str) else ""


def _same(name: str, other: str) -> bool:
    return one_line(name).casefold() == one_line(other).casefold()


def _is_call(told: Any) -> bool:
    return isinstance(told, dict) and _KEY.fullmatch(str(told.get("id"))) is not None


def _is_of(team: int, name: str, told: dict[str, Any]) -> bool | None:
    """Return whether a call is a team's; ``None`` where it does not say whose it is."""
    if named := _line(told.get("team")):
        return _same(named, name)
    number = told.get("team_id")
    return number == team if isinstance(number, int) and number > 0 else None


def _age(call: SupportCall) -> tuple[datetime, int]:
    return call.opened_at or datetime.max.replace(tzinfo=UTC), int(call.key)


def _moment(told: Any) -> datetime | None:
    """Read one of Halo's times: UTC, though it does not say so; a year about 1900 stands for none."""
    try:
        at = datetime.fromisoformat(_line(told))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year > 1900 else None


def _agent(told: dict[str, Any]) -> str:
    """Return who has a call. Halo gives what nobody has to an agent of that name."""
    held = told.get("agent")
    name = _line(told.get("agent_name")) or _line(held.get("name") if isinstance(held, dict) else None)
    return "" if name.casefold() == "unassigned" else name


def _mail(told: dict[str, Any]) -> str:
    """Return the requester's address, which clients find in one place or the other."""
    user = told.get("user")
    found = _line(told.get("user_email")) or _line(user.get("emailaddress") if isinstance(user, dict) else None)
    return found if "@" in found else ""


def _as_html(text: str, reference: str) -> str:
    lines = html.escape(clean(text).strip("\n")).replace("\n", "<br>")
    return f'<p>{lines}</p><p style="{_FAINT}">{reference}</p>'
