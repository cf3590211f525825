"""Small mails, put together for one test."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models.domain.alerts import Alert, MailKind, Reading

GITLAB = "https://git.library.example"
PROJECT = f"{GITLAB}/library/catalogue"
CONSOLE = "https://console.cloud.google.com/monitoring/alerting"
FOOTER = "-- \nYou're receiving this email because of your account on git.library.example.\n"


def raw(headers: dict[str, str], text: str | None = None, html: str | None = None) -> bytes:
    """Return a mail with a text part, an HTML part, or both."""
    message = EmailMessage(policy=SMTP.clone(linesep="\n"))
    for name, value in headers.items():
        message[name] = value
    if text is not None:
        message.set_content(text)
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    return message.as_bytes()


def read(headers: dict[str, str], text: str | None = None, html: str | None = None) -> Reading:
    return recognise(read_mail(raw(headers, text, html)))


def alert(reading: Reading) -> Alert:
    assert reading.alert is not None, reading.reason
    return reading.alert


def pipeline_headers(subject: str, **more: str) -> dict[str, str]:
    return {
        "From": "GitLab <gitlab@git.library.example>",
        "Subject": subject,
        "X-GitLab-Project": "catalogue",
        "X-GitLab-Project-Id": "88",
        "X-GitLab-Project-Path": "library/catalogue",
        "Auto-Submitted": "auto-generated",
    } | {name.replace("_", "-"): value for name, value in more.items()}


def pipeline_text(
    headline: str = "Pipeline #6001 has failed!", branch: str = "main", jobs: int = 1, merge: str = ""
) -> str:
    lines = [headline, "", f"Project: catalogue ( {PROJECT} )", f"Branch: {branch} ( {PROJECT}/-/commits/x )"]
    lines += [f"Merge request: !{merge} ( {PROJECT}/-/merge_requests/{merge} )"] if merge else []
    lines += ["", f"Commit: 77aa88bb ( {PROJECT}/-/commit/77aa88bb00112233445566778899aabbccddeeff )", ""]
    lines += [f"Pipeline #6001 ( {PROJECT}/-/pipelines/6001 ) triggered by Noor Haddad ( {GITLAB}/noor )"]
    lines += [f"had {jobs} failed job{'s' * (jobs > 1)}.", ""]
    for number in range(jobs):
        lines += [f"Job #{number} ( {PROJECT}/-/jobs/{number}/raw )", "", "Stage: test", f"Name: unit {number}"]
    return "\n".join([*lines, "", FOOTER])


def incident_text(
    state: str = "firing", word: str = "Critical", address: str = "", sentence: str = "", **sections: str
) -> str:
    address = address or f"{CONSOLE}/alerts/0.q7r8s9t0u1v2?channelType=mail&project=lib-catalogue-prod"
    said = {
        "Start time": "Feb 5, 2026 at 6:30AM UTC",
        "Project": "lib-catalogue-prod",
        "Policy": "Catalogue is slow",
        "Condition": "VM Instance - CPU utilization",
    } | {name.replace("_", " "): text for name, text in sections.items()}
    blocks = [f"VIEW INCIDENT\n<{address}>", f"Alert {state}\n{word}", sentence or "CPU utilization is above 0.9."]
    blocks += [f"{name}\n{text}" for name, text in said.items() if text]
    return "\n\n".join(blocks) + "\n"


def incident_headers(subject: str = "[ALERT - Critical] CPU on lib-catalogue-prod web-1") -> dict[str, str]:
    return {"From": "Google Cloud Alerting <alerting-noreply@google.com>", "Subject": subject}


def is_firing(reading: Reading) -> bool:
    return reading.kind is MailKind.FIRING
