"""Who really sent it, as our own server said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.domain.alerts import Authenticated

_RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc|compauth)\s?=\s?([a-z]{1,20})", re.IGNORECASE)
_SIGNED = re.compile(r"dkim\s?=\s?pass[^;]{0,300}?header\.d\s?=\s?([A-Za-z0-9.-]{1,253})", re.IGNORECASE)


def verdict(results: Sequence[str], address: str, trusted: str, *, froms: int) -> Authenticated:
    """Say what our server found.

    Only the topmost Authentication-Results counts: whatever stands below came with the mail and may be forged.
    Exchange Online writes no name of itself; where ``trusted`` names a server, only its own count.

    Args:
        results: The headers, topmost first.
        address: The address in From; empty where it is not plainly one.
        trusted: Our server's name (``mailbox.trusted_authserv_id``), or empty.
        froms: How many From headers the mail has.
    """
    if froms > 1:
        return Authenticated.FAIL
    if trusted:
        results = [each for each in results if each.split(";")[0].split()[:1] == [trusted]]
    if not results:
        return Authenticated.NONE
    top = results[0][:4000]
    found: dict[str, str] = {}
    for name, value in _RESULT.findall(top):
        found.setdefault(name.lower(), value.lower())
    domain = address.rpartition("@")[2]
    if found.get("dmarc") in ("pass", "bestguesspass") and domain:
        return Authenticated.PASS
    if found.get("dmarc") == "fail":
        return Authenticated.FAIL
    if domain and any(_aligned(domain, signer.lower()) for signer in _SIGNED.findall(top)):
        return Authenticated.PASS
    return Authenticated.FAIL if found else Authenticated.NONE


def _aligned(domain: str, signer: str) -> bool:
    return domain == signer or domain.endswith(f".{signer}") or signer.endswith(f".{domain}")
