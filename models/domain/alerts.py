"""What one mail from a source says, and what flapping is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class MailKind(StrEnum):
    """What a mail is to Wilson. The values are the ``kind`` of ``wilson parse --json``."""

    FIRING = "firing"
    RECOVERED = "recovered"
    INFORMATION = "information"
    ACCESS_REQUEST = "access_request"
    IGNORED = "ignored"
    UNRECOGNISED = "unrecognised"
    UNREADABLE = "unreadable"


class Authenticated(StrEnum):
    """What our own server said about the sender (its topmost Authentication-Results)."""

    PASS = "pass"  # noqa: S105 -- a verdict, not a password
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Link:
    """A named address that a card may offer as a button. ``url`` is always http or https."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One report from a source, as its parser understood it.

    All texts are foreign: they are escaped by whoever renders them, never here.

    Attributes:
        source: Who reported, for example ``gcp_monitoring`` or ``gitlab_pipeline``.
        kind: ``FIRING``, ``RECOVERED``, ``INFORMATION`` or ``ACCESS_REQUEST``.
        title: One line for people, at most 200 characters.
        fingerprint: Equal for repeats and the recovery of one problem, different for other problems.
        event_key: Equal for one event that arrived by two routes (``None`` where the source names none).
        severity: The source's own word in lower case (``critical``), or ``None``.
        incident_id: The source's id for it (GCP's incident, GitLab's pipeline or alert).
        started_at: When the source says that it began, aware; ``None`` where it does not say.
        summary: One or two sentences of the source, at most 500 characters.
        links: Further addresses (a runbook, a merge request), the source's page not among them.
        details: Further facts that an issue can use, JSON values only.
    """

    source: str
    kind: MailKind
    title: str
    fingerprint: str
    event_key: str | None = None
    severity: str | None = None
    project: str | None = None
    resource: str | None = None
    condition: str | None = None
    incident_id: str | None = None
    incident_url: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    summary: str | None = None
    links: tuple[Link, ...] = ()
    details: dict[str, object] = field(default_factory=dict)


def policy_of(source: str, project: str | None, title: str) -> str:
    """Return what tells a rule that alerts from others, whatever resource it speaks of."""
    return "|".join((source, (project or "").casefold(), " ".join(title.casefold().split())))


class UnreadableAlert(Exception):
    """A mail of a known source that its parser could not understand.

    Args:
        source: The parser that knows the sender.
        reason: What was missing, for people.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(reason)
        self.source = source
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from one mail: everything that is needed to record it.

    Attributes:
        kind: What the mail is.
        source: The parser that recognised it; ``None`` where none did.
        reason: One sentence for people why it is of this kind.
        subject: The decoded subject, on one line, at most 300 characters.
        sender: The address that the mail claims to be from, for people to read.
        message_id: The Message-ID, or ``sha256:<digest>`` where the mail has none.
        digest: sha256 of the raw bytes, in hex.
        authenticated: What our server said about the sender.
        alert: Present for firing, recovered, information and access_request.
    """

    kind: MailKind
    source: str | None
    reason: str
    subject: str
    sender: str
    message_id: str
    digest: str
    authenticated: Authenticated = Authenticated.NONE
    alert: Alert | None = None


def is_flapping(
    firings: Sequence[datetime], recoveries: Sequence[datetime], *, now: datetime, cycles: int, window: timedelta
) -> bool:
    """Tell whether an alert flaps: it recovered and fired again ``cycles`` times within ``window``.

    Args:
        firings: When it fired, in the order received.
        recoveries: When it recovered, in the order received.
        now: The end of the window.
        cycles: How many firings that followed a recovery make it flapping (from the process file).
        window: How far back to look.
    """
    since = now - window
    events = sorted([(at, 1) for at in firings if at >= since] + [(at, 0) for at in recoveries if at >= since])
    seen, recovered = 0, False
    for _, fired in events:
        if not fired:
            recovered = True
        elif recovered:
            seen, recovered = seen + 1, False
    return seen >= cycles
