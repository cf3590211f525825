"""GitLab's mails about issues, their notes, and escalated incidents (FORMATS 1.4, 1.5).

Nothing in such a mail says that an issue is an incident, so a new one is information. The reply address and the
unsubscribe link are secrets of the recipient, and are left out.
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.gitlab import host_and_path, is_gitlab
from mailwatcher.parsers.labels import first_line
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "gitlab_issue"
_SUBJECT = re.compile(r"(?P<project>.{1,300}?) \| (?P<title>.{1,500}) \(#(?P<iid>\d{1,9})\)(?: \| .{0,200})?$")
_ESCALATED = re.compile(r"(?P<project>.{1,300}?) \| Incident: (?P<title>.{1,500})$")
_URL = re.compile(r"https?://[^\s<>\"']{3,400}/-/(?:issues(?:/incident)?|work_items)/(?P<iid>\d{1,9})(?=$|[/?#])")
_CLOSED = re.compile(r"^\s{0,10}(?:Issue|Incident|Task|Work item|Ticket)\b.{0,30}? was closed by ")
_STATE = re.compile(r"An incident has been (?P<state>triggered|resolved|acknowledged|ignored) in ")
_HEADERS = ("x-gitlab-issue-iid", "x-gitlab-workitem-iid", "x-gitlab-incident-iid")
_STATES = {"triggered": MailKind.FIRING, "resolved": MailKind.RECOVERED}


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    number = next((mail.header(name) for name in _HEADERS if mail.header(name)), "")
    subject = _SUBJECT.match(mail.subject)
    escalated = _ESCALATED.match(mail.subject)
    if not (number or subject or escalated):
        return None
    urls = [(each, found) for each in mail.links if (found := _URL.match(each))]
    url = next(((each, found) for each, found in urls if not number or found["iid"] == number), None)
    if not is_gitlab(mail) and not (url and (mail.header("x-gitlab-reply-key") or mail.forwarded_by)):
        return None
    if not number and url is None and escalated:
        raise UnreadableAlert(SOURCE, "it names no incident")
    host, path = host_and_path(mail)
    number = number or (url[1]["iid"] if url else "") or (subject["iid"] if subject else "")
    if not (number and path):
        raise UnreadableAlert(SOURCE, "it names no issue" if path else "it names no project")
    title = subject["title"] if subject else escalated["title"] if escalated else f"Issue {number}"
    return Alert(
        source=SOURCE,
        kind=_kind(mail, escalated is not None),
        title=title.strip()[:200],
        fingerprint=f"gitlab|{host}|issue|{path.lower()}|{number}",
        project=path,
        incident_id=number,
        incident_url=url[1][0] if url else f"https://{host}/{path}/-/issues/{number}",
        details={"confidential": mail.header("x-gitlab-confidentialissue").lower() == "true"},
    )


def _kind(mail: Mail, escalated: bool) -> MailKind:
    reason = mail.header("x-gitlab-notificationreason").lower()
    if reason.startswith("incident_"):
        return _STATES.get(reason.removeprefix("incident_"), MailKind.INFORMATION)
    if escalated and (state := _STATE.search(mail.text[:3000])):
        return _STATES.get(state["state"], MailKind.INFORMATION)
    if mail.header("x-gitlab-issue-state") == "opened":
        return MailKind.INFORMATION
    # Only the first line is GitLab's own; below it people write what they like.
    return MailKind.RECOVERED if _CLOSED.match(first_line(mail.text) or "") else MailKind.INFORMATION
