"""GitLab pipelines that failed, were fixed or succeeded (FORMATS 1.2).

One problem is one project and source branch: later failures join it, and the next success is its recovery. The
integration that mails a shared mailbox never says "Fixed", only "Successful".
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.gitlab import host_and_path, is_gitlab
from models.domain.alerts import Alert, Link, MailKind, UnreadableAlert

SOURCE = "gitlab_pipeline"
_SUBJECT = re.compile(
    r"(?:.{1,300}?) \| (?P<verb>Failed|Successful|Fixed) pipeline for (?P<ref>.{1,300}) \| (?P<sha>[0-9a-f]{7,40})"
    r"(?: \| .{0,200})?$"
)
_OLD_SUBJECT = re.compile(
    r"(?:.{1,300}?) \| Pipeline #(?P<id>\d{1,12}) has (?P<verb>failed|succeeded|passed|been fixed) "
    r"for (?P<ref>.{1,300}) \| (?P<sha>[0-9a-f]{7,40})(?: in (?P<mr>!\d{1,9}))?(?: \| .{0,200})?$"
)
_LOOKS = re.compile(r"\| (?:(?:Failed|Successful|Fixed) pipeline\b|Pipeline #\d{1,12} has\b)")
_HEADLINE = re.compile(
    r"^\s{0,10}(?:Your )?pipeline .{0,300}?(?P<verb>has failed|has passed|has been fixed)",
    re.IGNORECASE | re.MULTILINE,
)
_BRANCH = re.compile(r"^Branch:? ?\n?\s{0,5}(?P<ref>[^\s(][^\n(]{0,300}?)(?: \( ?https?://|\n|$)", re.MULTILINE)
_URL = re.compile(r"https?://[^\s<>\"']{3,400}/(?:-/)?pipelines/(?P<id>\d{1,12})(?=$|[/?#])")
_COMMIT = re.compile(r"https?://[^\s<>\"']{3,400}/(?:-/)?commit/(?P<sha>[0-9a-f]{40})")
_MERGE = re.compile(r"https?://[^\s<>\"']{3,400}/(?:-/)?merge_requests/(?P<iid>\d{1,9})(?=$|[/?#])")
_JOB = re.compile(r"^Stage: (?P<stage>[^\n]{1,200})\n+Name: (?P<name>[^\n]{1,300})$", re.MULTILINE)
_WHO = re.compile(r"triggered by\s{1,3}(?P<name>[^\n(]{1,100})")
_HTML_JOBS = re.compile(r"\nFailed jobs?\n(?P<rows>(?:[^\n]{1,300}\n){1,120})")
JOBS_NAMED = 30


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    subject = _SUBJECT.match(mail.subject) or _OLD_SUBJECT.match(mail.subject)
    status = mail.header("x-gitlab-pipeline-status").lower()
    if subject is None and not (status and mail.header("x-gitlab-pipeline-id") and is_gitlab(mail)):
        if _LOOKS.search(mail.subject) and is_gitlab(mail):
            raise UnreadableAlert(SOURCE, "its subject names no branch and commit")
        return None
    pipeline = mail.header("x-gitlab-pipeline-id") or _pipeline_id(mail, subject)
    url = _pipeline_url(mail, pipeline)
    if not is_gitlab(mail) and url is None:
        return None
    host, path = host_and_path(mail)
    ref = _ref(mail, subject)
    verb = _verb(subject, mail.text, status)
    if not (path and ref and verb):
        missing = "project" if not path else "branch" if not ref else "result"
        raise UnreadableAlert(SOURCE, f"it does not tell the {missing}")
    failed = verb == "failed"
    number = pipeline or (url.rpartition("/")[2] if url else None)
    key = f"gitlab|{host}|pipeline|{path.lower()}|{ref}"
    jobs = _jobs(mail) if failed else []
    return Alert(
        source=SOURCE,
        kind=MailKind.FIRING if failed else MailKind.RECOVERED,
        title=f"{ {'failed': 'Failed', 'fixed': 'Fixed'}.get(verb, 'Successful') } pipeline for {ref}"[:200],
        fingerprint=key,
        event_key=f"{key}|{number}|{'failed' if failed else 'success'}" if number else None,
        project=path,
        resource=ref,
        condition="; ".join(jobs[:JOBS_NAMED])[:500] or None,
        incident_id=number,
        incident_url=url or (f"https://{host}/{path}/-/pipelines/{number}" if number else None),
        ended_at=None,
        summary=_summary(mail, jobs) if failed else None,
        links=_links(mail),
        details={"commit": _first(_COMMIT, mail, "sha") or (subject["sha"] if subject else "")},
    )


def _verb(subject: re.Match[str] | None, text: str, status: str) -> str:
    said = subject["verb"].lower() if subject else ""
    if not said and (headline := _HEADLINE.search(text[:3000])):
        said = headline["verb"].lower()
    said = said or status
    if "fail" in said:
        return "failed"
    if "fixed" in said:
        return "fixed"
    return "successful" if said.startswith(("succe", "pass", "has passed")) else ""


def _ref(mail: Mail, subject: re.Match[str] | None) -> str:
    """Return the source branch. The header of a merge request's pipeline names another ref, which is not it."""
    header = mail.header("x-gitlab-pipeline-ref")
    if subject is not None and "\ufffd" not in subject["ref"]:
        return subject["ref"].strip()
    if header and not header.startswith("refs/merge-requests/"):
        return header
    branch = _BRANCH.search(mail.text)
    return branch["ref"].strip() if branch else ""


def _pipeline_id(mail: Mail, subject: re.Match[str] | None) -> str:
    if subject is not None and "id" in subject.groupdict() and subject["id"]:
        return subject["id"]
    return _first(_URL, mail, "id") or ""


def _pipeline_url(mail: Mail, pipeline: str) -> str | None:
    for link in mail.links:
        if (found := _URL.match(link)) and (not pipeline or found["id"] == pipeline):
            return found[0]
    return None


def _first(pattern: re.Pattern[str], mail: Mail, group: str) -> str | None:
    return next((found[group] for link in mail.links if (found := pattern.match(link))), None)


def _jobs(mail: Mail) -> list[str]:
    found = [f"{job['stage'].strip()} / {job['name'].strip()}" for job in _JOB.finditer(mail.text)]
    if not found and (rows := _HTML_JOBS.search(mail.text)):
        cells = [
            cell
            for cell in rows["rows"].split("\n")
            if cell and not cell.startswith(("You're receiving", "\u2716"))
        ]
        found = [f"{stage} / {name}" for stage, name in zip(cells[::2], cells[1::2], strict=False)]
    return found


def _summary(mail: Mail, jobs: list[str]) -> str | None:
    who = _WHO.search(mail.text)
    count = f"{len(jobs)} failed job{'s' if len(jobs) != 1 else ''}" if jobs else "failed"
    return f"{count}; triggered by {who['name'].strip()}"[:500] if who else count


def _links(mail: Mail) -> tuple[Link, ...]:
    iid, url = _first(_MERGE, mail, "iid"), next((link for link in mail.links if _MERGE.match(link)), None)
    return (Link(f"Merge request !{iid}", url),) if iid and url else ()
