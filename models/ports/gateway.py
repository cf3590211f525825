"""The API gateway, which requests for access are carried out in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.domain.gateway import GatewayApp
from models.ports.checks import Checkable


@dataclass(frozen=True, slots=True)
class ApiProduct:
    """An API product: its name in addresses, what people call it, and what it gives access to."""

    name: str
    title: str
    description: str = ""


class ApiGateway(Checkable, Protocol):
    """Knows which apps ask for which API products, and lets them in. Errors as in ``models.ports.errors``."""

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
