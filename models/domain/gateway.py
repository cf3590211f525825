"""Apps of the API gateway, as the gateway tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Grant(StrEnum):
    """How an app's access to an API product, its key, or the app itself stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ProductGrant:
    """One API product that a key asks for, by its name in the gateway."""

    product: str
    status: Grant


@dataclass(frozen=True, slots=True)
class AppKey:
    """One key of an app.

    Attributes:
        key: The consumer key. It is no secret by itself, and still goes to no card and no log.
        status: Of the key as a whole; revoked beats what its products say.
    """

    key: str
    status: Grant
    products: tuple[ProductGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayApp:
    """An app.

    Attributes:
        app_id: The gateway's own id, a UUID.
        name: Its name within its owner, part of addresses.
        title: What people call it; its name where nothing else is said.
        team: The AppGroup that owns it, by name; empty for a personal app.
        team_title: What people call the team.
        developer: The e-mail address of the developer who owns it, or for a team's app who created it, where the
            gateway says so; else empty.
        status: Of the app as a whole.
        created_at: Aware; ``None`` where the gateway does not say.
        console_url: Where people see it.
    """

    app_id: str
    name: str
    title: str
    team: str = ""
    team_title: str = ""
    developer: str = ""
    status: Grant = Grant.APPROVED
    keys: tuple[AppKey, ...] = ()
    created_at: datetime | None = None
    callback_url: str = ""
    description: str = ""
    console_url: str = ""

    def grant(self, product: str) -> Grant | None:
        """Say how access to a product stands over all keys: approved where any usable key has it.

        Returns:
            ``None`` where no key asks for it.
        """
        found = [each.status for key in self._usable() for each in key.products if each.product == product]
        for status in (Grant.APPROVED, Grant.PENDING):
            if status in found:
                return status
        asked = any(each.product == product for key in self.keys for each in key.products)
        return Grant.REVOKED if asked else None

    def pending(self) -> tuple[str, ...]:
        """Return the products that wait for approval, in the order of the keys; none where the app is revoked."""
        if self.status is Grant.REVOKED:
            return ()
        waiting = [each.product for key in self._usable() for each in key.products if each.status is Grant.PENDING]
        return tuple(dict.fromkeys(waiting))

    def _usable(self) -> list[AppKey]:
        return [key for key in self.keys if key.status is not Grant.REVOKED and self.status is not Grant.REVOKED]
