"""Who a mail is from, and what it says: one file per source, tried in this order; the first match wins."""

from __future__ import annotations

from collections.abc import Callable

from mailwatcher.envelope import Mail
from mailwatcher.parsers import api_gateway, gcp_monitoring, gitlab_alert, gitlab_pipeline
from models.domain.alerts import Alert, Authenticated, MailKind, Reading, UnreadableAlert

Parser = Callable[[Mail], Alert | None]

PARSERS: tuple[Parser, ...] = (
    gitlab_pipeline.parse,
    gitlab_alert.parse,
    gcp_monitoring.parse,
    api_gateway.parse,
)

_SAYS = {
    MailKind.FIRING: "fires",
    MailKind.RECOVERED: "has recovered",
    MailKind.INFORMATION: "is information",
    MailKind.ACCESS_REQUEST: "asks for access",
}


def recognise(mail: Mail) -> Reading:
    """Say what a mail is."""
    if mail.ignore:
        return _reading(mail, MailKind.IGNORED, None, mail.ignore)
    for parse in PARSERS:
        try:
            alert = parse(mail)
        except UnreadableAlert as error:
            return _reading(
                mail, MailKind.UNREADABLE, error.source, f"a mail of {error.source}, but {error.reason}"
            )
        if alert is None:
            continue
        if mail.authenticated is Authenticated.FAIL:
            reason = f"claims to be of {alert.source}, but our mail server could not confirm its sender"
            return _reading(mail, MailKind.IGNORED, alert.source, reason, alert)
        how = f", forwarded by {mail.forwarded_by}" if mail.forwarded_by else ""
        return _reading(mail, alert.kind, alert.source, f"{alert.source} {_SAYS[alert.kind]}{how}", alert)
    return _reading(mail, MailKind.UNRECOGNISED, None, "no parser knows this sender and subject")


def _reading(mail: Mail, kind: MailKind, source: str | None, reason: str, alert: Alert | None = None) -> Reading:
    return Reading(
        kind,
        source,
        reason,
        mail.original_subject,
        mail.sender,
        mail.message_id,
        mail.digest,
        mail.authenticated,
        alert,
    )
