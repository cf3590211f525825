"""What stands in for systems that are not configured: they say so, and people do by hand what they would do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from models.case_ports import ApiProduct, Member, SupportCall
from models.domain.gateway import GatewayApp
from models.ports import Finding, Permanent

CONSOLE = "https://console.cloud.google.com/apigee/apps"
_CALL = re.compile(r"#?(\d{1,12})|https://[^\s?]{1,300}\?(?:[^\s#]{0,300}&)?id=(\d{1,12})(?:[&#]\S{0,300})?")


class NoGateway:
    """No API gateway: requests come by mail alone, and are approved in the console."""

    def __init__(self, organization: str = "") -> None:
        self._organization = organization

    @property
    def configured(self) -> bool:
        """See ``models.case_ports.ApiGateway``."""
        return False

    async def app(self, *, app_id: str = "", name: str = "") -> GatewayApp | None:
        """See ``models.case_ports.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    async def pending(self) -> Sequence[GatewayApp]:
        """See ``models.case_ports.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    async def product(self, name: str) -> ApiProduct | None:
        """See ``models.case_ports.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    async def approve(self, app: GatewayApp, products: Sequence[str]) -> GatewayApp:
        """See ``models.case_ports.ApiGateway``."""
        raise Permanent("no API gateway is configured: set [apigee]")

    def console_url(self, app_id: str, team: str = "") -> str:
        """See ``models.case_ports.ApiGateway``."""
        organization = f"?project={quote(self._organization, safe='')}" if self._organization else ""
        return f"{CONSOLE}{organization}"

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        return [Finding("apigee", True, "not configured: access is given in the console, and ticked here")]

    async def close(self) -> None:
        """See ``models.case_ports.ApiGateway``."""


class NoDesk:
    """No service desk: support calls are links."""

    @property
    def configured(self) -> bool:
        """See ``models.case_ports.ServiceDesk``."""
        return False

    def key_of(self, text: str) -> str:
        """See ``models.case_ports.ServiceDesk``."""
        found = _CALL.fullmatch(text.strip())
        return (found[1] or found[2]) if found else ""

    def url_of(self, key: str) -> str:
        """See ``models.case_ports.ServiceDesk``."""
        return ""

    async def call(self, key: str) -> SupportCall | None:
        """See ``models.case_ports.ServiceDesk``."""
        raise Permanent("no service desk is configured: set [halo]")

    async def note(self, key: str, text: str, marker: str) -> None:
        """See ``models.case_ports.ServiceDesk``."""
        raise Permanent("no service desk is configured: set [halo]")

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        return [Finding("halo", True, "not configured: support calls are links")]

    async def close(self) -> None:
        """See ``models.case_ports.ServiceDesk``."""


class NoPeople:
    """No directory: who may see personal information is ticked by the approver."""

    @property
    def configured(self) -> bool:
        """See ``models.case_ports.PeopleDirectory``."""
        return False

    async def find(self, who: str, groups: Sequence[str]) -> Member | None:
        """See ``models.case_ports.PeopleDirectory``."""
        raise Permanent("no directory is configured: set [directory]")

    async def check(self) -> Sequence[Finding]:
        """See ``models.ports.Checkable``."""
        return [Finding("directory", True, "not configured: who is authorised is ticked by a person")]

    async def close(self) -> None:
        """See ``models.case_ports.PeopleDirectory``."""
