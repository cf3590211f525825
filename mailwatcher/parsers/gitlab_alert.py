"""GitLab's own alerts (FORMATS 1.4).

The subject is the same when it fires and when it is resolved; only a header and the first line of the body differ.
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.gitlab import host_and_path, is_gitlab
from mailwatcher.parsers.labels import sections
from models.domain.alerts import Alert, Link, MailKind, UnreadableAlert

SOURCE = "gitlab_alert"
_SUBJECT = re.compile(r"(?:.{1,300}?) \| Alert: (?:(?P<env>[^:|]{1,100}): )?(?P<title>.{1,500})$")
_STATE = re.compile(r"An alert has been (?P<state>triggered|resolved|acknowledged|ignored) in (?P<path>[^\s]{1,300}?)\.?(?:\s|$)")  # fmt: skip  # noqa: E501
_URL = re.compile(r"https?://[^\s<>\"']{3,400}/-/alert_management/(?P<iid>\d{1,9})(?:/details)?(?=$|[?#])")
_RUNBOOK = re.compile(r"https://[^\s<>\"']{4,500}")
_LABELS = frozenset(
    {"description", "environment", "view incident issues", "view alert details", "severity", "service"}
)


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    reason = mail.header("x-gitlab-notificationreason").lower()
    state = _STATE.search(mail.text[:3000])
    url = next((found for link in mail.links if (found := _URL.match(link))), None)
    subject = _SUBJECT.match(mail.subject)
    if not reason.startswith("alert_") and state is None and not mail.header("x-gitlab-alert-iid"):
        if subject and url and is_gitlab(mail):
            raise UnreadableAlert(SOURCE, "it does not tell whether the alert fires or is resolved")
        return None
    if not is_gitlab(mail) and url is None:
        return None
    host, path = host_and_path(mail)
    path = path or (state["path"] if state else "")
    number = mail.header("x-gitlab-alert-iid") or (url["iid"] if url else "")
    if not number or not path:
        raise UnreadableAlert(SOURCE, "it names no alert" if path else "it names no project")
    word = reason.removeprefix("alert_") if reason.startswith("alert_") else state["state"] if state else ""
    said = sections(mail.text, _LABELS)
    description = (said.get("description") or "").strip()
    runbooks = [each.rstrip(").,;") for each in _RUNBOOK.findall(description)]
    key = f"gitlab|{host}|alert|{path.lower()}|{number}"
    return Alert(
        source=SOURCE,
        kind=_kind(word),
        title=((subject["title"] if subject else "") or f"Alert {number}").strip()[:200],
        fingerprint=key,
        event_key=f"{key}|resolved" if word == "resolved" else None,
        project=path,
        resource=(said.get("environment") or (subject["env"] if subject else "") or "").split("\n")[0] or None,
        condition=description[:500] or None,
        incident_id=number,
        incident_url=url[0] if url else f"https://{host}/{path}/-/alert_management/{number}/details",
        summary=description.split("\n")[0][:500] or None,
        links=tuple(Link("Runbook", each) for each in dict.fromkeys(runbooks))[:3],
        details={"incident_iid": mail.header("x-gitlab-incident-iid")},
    )


def _kind(word: str) -> MailKind:
    if word == "resolved":
        return MailKind.RECOVERED
    return MailKind.FIRING if word == "triggered" else MailKind.INFORMATION
