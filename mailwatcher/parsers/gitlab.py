"""What GitLab's mails have in common: host and project."""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail

_PROJECT = r"https?://(?P<host>[A-Za-z0-9.:-]{3,120})/(?P<path>[A-Za-z0-9_./-]{1,300}?)"
_PROJECT_URL = re.compile(_PROJECT + "/-/")
_OLD_PROJECT_URL = re.compile(_PROJECT + "/(?:pipelines|commits?|merge_requests|jobs)/")
_FOOTER = re.compile(r"because of your account on ([A-Za-z0-9.-]{3,120}[A-Za-z0-9])")
_LIST = re.compile(r"<\d{1,12}\.(?P<reversed>[^<>]{1,400})>")


def is_gitlab(mail: Mail) -> bool:
    """Tell whether GitLab itself sent it. Others imitate single headers, so a pair of signs is asked for."""
    return bool(
        mail.header("x-gitlab-project") or mail.header("x-gitlab-project-id") or _FOOTER.search(mail.text[-3000:])
    )


def host_and_path(mail: Mail) -> tuple[str, str]:
    """Return the server's host and the project's full path; empty where the mail does not tell.

    The path joins mails of one project, since a forwarded mail keeps its links and loses its headers.
    """
    host = path = ""
    for pattern in (_PROJECT_URL, _OLD_PROJECT_URL):  # a group may be named like a page of the old addresses
        found = next((match for link in mail.links if (match := pattern.match(link))), None)
        if found:
            host, path = found["host"].lower(), found["path"].strip("/")
            break
    path = mail.header("x-gitlab-project-path") or path
    if not host and (footer := _FOOTER.search(mail.text)):
        host = footer[1].lower()
    if not host:
        host = mail.from_address.rpartition("@")[2]
    return host, path
