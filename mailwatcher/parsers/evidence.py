"""Evidence that parsers ask for alike: links, times, and who may speak for a source."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mailwatcher.envelope import Mail

SENDERS = {
    "gcp_monitoring": ("google.com",),
    "gcp_notice": ("google.com",),
    "gcp_error_reporting": ("google.com",),
    "cloudwatch": ("amazonaws.com",),
    "azure": ("microsoft.com", "azure.com"),
    "datadog": ("dtdg.co", "dtdg.eu", "datadoghq.com", "datadoghq.eu"),
    "github_actions": ("github.com",),
    "uptimerobot": ("uptimerobot.com",),
}
"""Domains that these sources mail from. What they send under another name is somebody else's imitation.

Sources that people run themselves (GitLab, Grafana, cron …) mail from anywhere, and are not listed.
"""

_TIMES = (
    (re.compile(r"[A-Z][a-z]{2,8} \d{1,2},? \d{4} (?:at )?\d{1,2}:\d{2} ?[AP]M"), "%b %d %Y %I:%M%p"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"\d{1,2} [A-Z][a-z]{2,8},? \d{4} \d{2}:\d{2}:\d{2}"), "%d %b %Y %H:%M:%S"),
)
_MONTH = re.compile(r"\b([A-Z][a-z]{2})[a-z]{0,6}\b")


def link(mail: Mail, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return the first link that the pattern matches from its beginning."""
    return next((found for each in mail.links if (found := pattern.match(each))), None)


def is_from(mail: Mail, *domains: str) -> bool:
    """Tell whether the sender's address is of one of these domains, or below one."""
    domain = mail.from_address.rpartition("@")[2]
    return any(domain == each or domain.endswith(f".{each}") for each in domains)


def is_imitation(mail: Mail, source: str) -> bool:
    """Tell whether a mail looks like this source's and comes from somebody else.

    A colleague's forward is not: it says whose it is. Nor is a mail without From, which says nothing.
    """
    domains = SENDERS.get(source)
    return bool(domains and mail.sender and not mail.forwarded_by and not is_from(mail, *domains))


def utc(text: str | None) -> datetime | None:
    """Return a text's first time, in one of the layouts of mails that write UTC; ``None`` where it has none."""
    for pattern, layout in _TIMES:
        found = pattern.search((text or "")[:500])
        if not found:
            continue
        said = _MONTH.sub(lambda month: month[1], found[0].replace(",", " ").replace(" at ", " ").replace("T", " "))
        said = " ".join(said.split()).replace(" AM", "AM").replace(" PM", "PM")
        try:
            return datetime.strptime(said, layout).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
