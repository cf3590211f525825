"""What the handling of requests asks of the world, besides ``models.ports``: gateway, service desk, directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.domain.gateway import GatewayApp
from models.ports import Checkable


@dataclass(frozen=True, slots=True)
class ApiProduct:
    """An API product: its name in addresses, what people call it, and what it gives access to."""

    name: str
    title: str
    description: str = ""


class ApiGateway(Checkable, Protocol):
    """Knows which apps ask for which API products, and lets them in. Errors as in ``models.ports``."""

    @property
    def configured(self) -> bool:
        """Whether there is one; without one every other method raises ``Permanent``."""
        ...

    async def app(self, *, app_id: str = "", name: str = "") -> GatewayApp | None:
        """Return an app by its id, or by its name or title where exactly one app is called so.

        Returns:
            ``None`` where there is none, or where several are called so.
        """
        ...

    async def pending(self) -> Sequence[GatewayApp]:
        """Return all apps of which a usable key waits for the approval of a product."""
        ...

    async def product(self, name: str) -> ApiProduct | None:
        """Return an API product by its name or its title; ``None`` where there is none."""
        ...

    async def approve(self, app: GatewayApp, products: Sequence[str]) -> GatewayApp:
        """Approve products for each usable key that asks for them, and read the app again.

        Safe to repeat: what is approved already is left as it is. What is not pending is not touched.

        Args:
            app: As ``app`` returned it; it is read anew before anything is done.

        Returns:
            The app as the gateway tells of it afterwards; whether it worked is for the caller to see there.

        Raises:
            Permanent: The app is gone, or our account may not (403); the text says which permission.
            Temporary: It can be tried again.
        """
        ...

    def console_url(self, app_id: str, team: str = "") -> str:
        """Return where people see an app in the console; the list of apps where that is not known, or empty."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class SupportCall:
    """A support call at the service desk.

    Attributes:
        key: Its number.
        closed: Whether the desk counts it as closed.
        opened_at: When it came in, in UTC; ``None`` where the desk does not say.
        agent: Who in the desk has it, by name; empty for nobody.
    """

    key: str
    url: str
    subject: str
    requester: str = ""
    requester_mail: str = ""
    closed: bool = False
    opened_at: datetime | None = None
    agent: str = ""


class ServiceDesk(Checkable, Protocol):
    """Knows support calls. Errors as in ``models.ports``."""

    @property
    def configured(self) -> bool:
        """Whether there is one; without one ``call`` and ``note`` raise ``Permanent``."""
        ...

    @property
    def has_queue(self) -> bool:
        """Whether a team's queue is configured."""
        ...

    def key_of(self, text: str) -> str:
        """Return the number of the call that a number or an address of the desk names; empty where none."""
        ...

    def url_of(self, key: str) -> str:
        """Return where people see a call; empty where that is not known."""
        ...

    async def call(self, key: str) -> SupportCall | None:
        """Return a call; ``None`` where there is none."""
        ...

    async def queue(self) -> Sequence[SupportCall]:
        """Return the team's open calls, oldest first (W4, W78); none where no queue is configured.

        That a call is not among them is no proof that it was closed: while one of many pages is read, others
        change. ``call`` tells.
        """
        ...

    async def note(self, key: str, text: str, marker: str) -> None:
        """Add a note that the requester does not see, unless one with ``marker`` is there already.

        Args:
            text: Plain text. Foreign text in it is escaped by the adapter.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody as the organisation's directory knows them.

    Attributes:
        id: Their object id.
        groups: Names of the groups they are in, of those that were asked for.
    """

    id: str
    name: str
    mail: str = ""
    title: str = ""
    department: str = ""
    groups: tuple[str, ...] = ()


class PeopleDirectory(Checkable, Protocol):
    """Knows people of the whole organisation. Errors as in ``models.ports``."""

    @property
    def configured(self) -> bool:
        """Whether there is one; without one ``find`` raises ``Permanent``."""
        ...

    async def find(self, who: str, groups: Sequence[str]) -> Member | None:
        """Return somebody by their e-mail address or user principal name.

        Args:
            groups: Names or ids of the groups of which membership, also through other groups, is wanted.

        Returns:
            ``None`` where nobody is called so.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
