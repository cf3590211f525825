"""Which service addresses may be answered, and sent our token."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

MICROSOFT = ("smba.trafficmanager.net", ".botframework.com", ".teams.microsoft.com", ".botframework.azure.us")


class ServiceAddresses:
    """Knows the addresses that may be talked to.

    Args:
        allowed: Hosts besides Microsoft's own.
        loopback: Whether this machine alone may be talked to, as with ``auth = "disabled"``.
    """

    def __init__(self, allowed: Collection[str], *, loopback: bool) -> None:
        self._allowed = frozenset(host.lower() for host in allowed)
        self._loopback = loopback

    def may_use(self, url: str) -> bool:
        """Tell whether a service address may be answered."""
        try:
            parts = urlsplit(url)
            host, _ = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if parts.username or parts.password or not host:
            return False
        if self._loopback:
            return parts.scheme in ("http", "https") and is_loopback(host)
        if host in self._allowed:
            return parts.scheme == "https" or is_loopback(host)
        return parts.scheme == "https" and any(
            host == name or (name.startswith(".") and host.endswith(name)) for name in MICROSOFT
        )


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
