"""What stands in for the API gateway where none is configured: people do in the console what it would do."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from models.domain.gateway import GatewayApp
from models.ports.checks import Finding
from models.ports.errors import Permanent
from models.ports.gateway import ApiProduct

CONSOLE = "https://console.cloud.google.com/apigee/apps"


class NoGateway:
    """No API gateway: requests come by mail alone, and are approved in the console."""

    def __init__(self, organization: str = "") -> None:
        self._organization = organization

    @property
    def configured(self) -> bool:
        """See ``models.ports.gateway.ApiGateway``."""
        return False

    async def app(self, *, app_id: str = "", name: str = "") -> GatewayApp | None:
        """See ``models.ports.gateway.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    async def pending(self) -> Sequence[GatewayApp]:
        """See ``models.ports.gateway.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    async def product(self, name: str) -> ApiProduct | None:
        """See ``models.ports.gateway.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    async def approve(self, app: GatewayApp, products: Sequence[str]) -> GatewayApp:
        """See ``models.ports.gateway.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    def console_url(self, app_id: str, team: str = "") -> str:
        """See ``models.ports.gateway.ApiGateway``."""
        organization = f"?project={quote(self._organization, safe='')}" if self._organization else ""
        return f"{CONSOLE}{organization}"

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.checks.Checkable``."""
        return [Finding("apigee", True, "not configured: access is given in the console, and ticked here")]

    async def close(self) -> None:
        """See ``models.ports.gateway.ApiGateway``."""
