"""Where a server is: host and port from a setting, and whether it is this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from models.settings import SettingsError


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(setting: str, held: str, default: int) -> tuple[str, int]:
    """Read ``host`` or ``host:port``, an IPv6 address in brackets where a port follows.

    Args:
        setting: The setting's name, for the error.
        held: What it holds.

    Raises:
        SettingsError: It holds something else.
    """
    wrong = SettingsError(f"{setting} held {held!r}; it needs host or host:port")
    bare = f"[{held}]" if held.count(":") > 1 and not held.startswith("[") else held
    try:
        parts = urlsplit(f"//{bare}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    if not host or "@" in held or port == 0 or any(char in held for char in "/?# \t\\"):
        raise wrong
    return host, port or default


def needs_tls(setting: str, url: str) -> None:
    """Refuse an address that would carry a secret in the clear to another machine.

    Raises:
        SettingsError: It is not ``https``, and not this machine.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise SettingsError(f"{setting} held {url!r}; it needs https://, or http:// to this machine")
