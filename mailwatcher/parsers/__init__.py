"""Who a mail is from, and what it says: one file per source, tried in this order; the first match wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailwatcher import selftest
from mailwatcher.envelope import REPLY, Mail
from mailwatcher.parsers import (
    alertmanager,
    answers,
    api_gateway,
    azure,
    cloudwatch,
    cron,
    datadog,
    gcp_cloud_build,
    gcp_error_reporting,
    gcp_monitoring,
    gcp_notice,
    github_actions,
    gitlab_alert,
    gitlab_issue,
    gitlab_notice,
    gitlab_pipeline,
    grafana,
    healthchecks,
    pingdom,
    sentry,
    statuscake,
    unknown,
    uptimerobot,
)
from mailwatcher.parsers.evidence import is_imitation
from models.domain.alerts import Alert, Authenticated, MailKind, Reading, UnreadableAlert

Parser = Callable[[Mail], Alert | None]

PARSERS: tuple[Parser, ...] = (
    gitlab_pipeline.parse,
    gitlab_alert.parse,
    gitlab_issue.parse,
    gitlab_notice.parse,
    gcp_monitoring.parse,
    gcp_error_reporting.parse,
    gcp_cloud_build.parse,
    gcp_notice.parse,
    api_gateway.parse,
    alertmanager.parse,
    grafana.parse,
    cloudwatch.parse,
    azure.parse,
    datadog.parse,
    sentry.parse,
    github_actions.parse,
    uptimerobot.parse,
    statuscake.parse,
    pingdom.parse,
    healthchecks.parse,
    cron.parse,
)

_SAYS = {
    MailKind.FIRING: "fires",
    MailKind.RECOVERED: "has recovered",
    MailKind.INFORMATION: "is information",
    MailKind.ACCESS_REQUEST: "asks for access",
    MailKind.IGNORED: "asks for nothing",
}


def recognise(mail: Mail, own: Sequence[Parser] = ()) -> Reading:
    """Say what a mail is.

    Args:
        own: Parsers of sources that the team described itself; they are asked first.
    """
    if mail.ignore in ("", REPLY) and (answer := answers.parse(mail)) is not None:
        return _recognised(mail, answer)
    if mail.ignore:
        return _reading(mail, MailKind.IGNORED, None, mail.ignore)
    for parse in (selftest.parse, *own, *PARSERS):
        try:
            alert = parse(mail)
        except UnreadableAlert as error:
            return _unreadable(mail, error)
        if alert is not None:
            return _recognised(mail, alert)
    if alert := unknown.guess(mail):
        return _guessed(mail, alert)
    if unknown.is_letter(mail):
        return _reading(mail, MailKind.IGNORED, None, "a person's letter, whose subject speaks of no trouble")
    return _reading(mail, MailKind.UNRECOGNISED, None, "no parser knows this sender and subject")


def _recognised(mail: Mail, alert: Alert) -> Reading:
    doubt = _doubt(mail, alert.source)
    if doubt:
        return _reading(mail, MailKind.IGNORED, alert.source, doubt, alert, Authenticated.FAIL)
    how = f", forwarded by {mail.forwarded_by}" if mail.forwarded_by else ""
    return _reading(mail, alert.kind, alert.source, f"{alert.source} {_SAYS[alert.kind]}{how}", alert)


def _unreadable(mail: Mail, error: UnreadableAlert) -> Reading:
    doubt = _doubt(mail, error.source)
    if doubt:
        return _reading(mail, MailKind.IGNORED, error.source, doubt, None, Authenticated.FAIL)
    return _reading(mail, MailKind.UNREADABLE, error.source, f"a mail of {error.source}, but {error.reason}")


def _guessed(mail: Mail, alert: Alert) -> Reading:
    if mail.authenticated is Authenticated.FAIL:
        return _reading(
            mail, MailKind.UNRECOGNISED, None, "no parser knows it, and its sender could not be confirmed"
        )
    reason = f"no parser knows it; a machine sent it, and by its subject it {_SAYS[alert.kind]}"
    return _reading(mail, alert.kind, alert.source, reason, alert)


def _doubt(mail: Mail, source: str) -> str:
    """Say why a mail is not believed to be its source's; empty where it is."""
    if mail.authenticated is Authenticated.FAIL:
        return f"claims to be of {source}, but our mail server could not confirm its sender"
    if is_imitation(mail, source):
        return f"looks like {source}, but {mail.from_address or 'its sender'} is none of its addresses"
    return ""


def _reading(
    mail: Mail,
    kind: MailKind,
    source: str | None,
    reason: str,
    alert: Alert | None = None,
    authenticated: Authenticated | None = None,
) -> Reading:
    return Reading(
        kind,
        source,
        reason,
        mail.original_subject,
        mail.sender,
        mail.message_id,
        mail.digest,
        authenticated or mail.authenticated,
        alert,
    )
