"""Who really sent it, as our own server said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.domain.alerts import Authenticated

_COMMENT = re.compile(r"\([^()]{0,500}\)")
_QUOTED = re.compile(r'"[^"]{0,500}"')
_RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc|compauth)\s?=\s?([a-z]{1,20})", re.IGNORECASE)
_SIGNED = re.compile(r"dkim\s?=\s?pass[^;]{0,300}?header\.(?:d|i)\s?=\s?@?([A-Za-z0-9.-]{1,253})", re.IGNORECASE)
_MAILED = re.compile(
    r"spf\s?=\s?pass[^;]{0,300}?smtp\.mailfrom\s?=\s?(?:[^\s;@]{0,200}@)?([A-Za-z0-9.-]{1,253})", re.I
)
_CLAIMED = re.compile(r"header\.from\s?=\s?([A-Za-z0-9.-]{1,253})", re.IGNORECASE)


def verdict(results: Sequence[str], address: str, trusted: str, *, froms: int) -> Authenticated:
    """Say what our server found.

    Only the topmost Authentication-Results counts: whatever stands below came with the mail and may be forged.
    Exchange Online writes no name of itself; where ``trusted`` names a server, only its own count. What stands in
    comments and in quotes is the sender's text, and is not looked at.

    Args:
        results: The headers, topmost first.
        address: The address in From; empty where it is not plainly one.
        trusted: Our server's name (``mailbox.trusted_authserv_id``), or empty.
        froms: How many From headers the mail has.
    """
    if froms > 1:
        return Authenticated.FAIL
    if trusted:
        results = [each for each in results if _server(each) == trusted.lower()]
    if not results:
        return Authenticated.NONE
    top = results[0][:4000]
    if "(" in top or '"' in top:
        top = _QUOTED.sub('""', _COMMENT.sub(" ", top))
    found: dict[str, set[str]] = {}
    for name, value in _RESULT.findall(top):
        found.setdefault(name.lower(), set()).add(value.lower())
    dmarc = found.get("dmarc", set())
    domain = address.rpartition("@")[2]
    claimed = [each.lower() for each in _CLAIMED.findall(top)]
    if "fail" in dmarc or (domain and claimed and not all(_aligned(domain, each) for each in claimed)):
        return Authenticated.FAIL
    if domain and dmarc & {"pass", "bestguesspass"}:
        return Authenticated.PASS
    vouched = [*_SIGNED.findall(top), *_MAILED.findall(top)]
    if domain and any(_aligned(domain, each.lower()) for each in vouched):
        return Authenticated.PASS
    return Authenticated.FAIL if found else Authenticated.NONE


def _server(result: str) -> str:
    return "".join(result.split(";")[0].split()[:1]).lower()


def _aligned(domain: str, signer: str) -> bool:
    """Tell whether two names are of one owner: the same, or one below the other (relaxed, RFC 7489 section 3.1)."""
    if "." not in signer or "." not in domain:
        return False
    return domain == signer or domain.endswith(f".{signer}") or signer.endswith(f".{domain}")
