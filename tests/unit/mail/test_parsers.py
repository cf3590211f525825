"""Each parser on mails of its own: it fires, recovers, is not fooled, and says when a mail is garbled."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import PARSERS, recognise
from models.domain.alerts import Alert, MailKind, Reading

FIXTURES = Path(__file__).parents[2] / "fixtures" / "mail"
SOURCES = [parse.__module__.rpartition(".")[2] for parse in PARSERS]  # type: ignore[attr-defined]
NEEDED = ("firing", "recovered", "lookalike", "garbled")


def read(source: str, name: str) -> Reading:
    return recognise(read_mail((FIXTURES / source / f"{name}.eml").read_bytes()))


def alert(source: str, name: str) -> Alert:
    found = read(source, name).alert
    assert found is not None
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_every_parser_has_its_four_samples(source: str) -> None:
    assert [name for name in NEEDED if not (FIXTURES / source / f"{name}.eml").exists()] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_firing_mail_is_known(source: str) -> None:
    kind = MailKind.ACCESS_REQUEST if source == "api_gateway" else MailKind.FIRING
    assert (read(source, "firing").kind, alert(source, "firing").source) == (kind, source)


@pytest.mark.parametrize("source", [each for each in SOURCES if each != "api_gateway"])
def test_the_recovery_meets_its_alert(source: str) -> None:
    assert read(source, "recovered").kind is MailKind.RECOVERED
    assert alert(source, "recovered").fingerprint == alert(source, "firing").fingerprint


@pytest.mark.parametrize("source", SOURCES)
def test_a_lookalike_is_nobodys(source: str) -> None:
    assert read(source, "lookalike").kind is MailKind.UNRECOGNISED


@pytest.mark.parametrize("source", SOURCES)
def test_a_garbled_mail_is_told_to_be_so(source: str) -> None:
    reading = read(source, "garbled")
    assert (reading.kind, reading.source) == (MailKind.UNREADABLE, source)
    assert reading.reason


def test_what_monitoring_says() -> None:
    said = alert("gcp_monitoring", "firing")
    assert (said.title, said.severity) == ("Catalogue database fills up", "warning")
    assert (said.project, said.condition) == ("lib-catalogue-prod", "Cloud SQL Database - Disk utilization")
    assert said.incident_id == "0.q7r8s9t0u1v2"
    assert f"{said.started_at:%Y-%m-%d %H:%M}" == "2026-02-05 06:30"
    assert said.links[0].url == "https://runbooks.library.example/catalogue/disk"
    gone = alert("gcp_monitoring", "recovered")
    assert f"{gone.ended_at:%Y-%m-%d %H:%M}" == "2026-02-05 07:02"


def test_what_a_pipeline_says() -> None:
    said = alert("gitlab_pipeline", "firing")
    assert (said.project, said.resource, said.condition) == ("library/catalogue", "release/2026", "build / image")
    assert said.incident_url == "https://git.library.example/library/catalogue/-/pipelines/6001"


def test_a_description_can_not_forge_what_is_asked_for() -> None:
    said = alert("api_gateway", "firing")
    assert said.details["api_products"] == ["Catalogue", "Loans"]
    assert (said.details["team"], said.details["developer_email"]) == ("discovery", "noor@library.example")


@pytest.mark.parametrize(
    "forward",
    [
        "________________________________\nFrom: Google Cloud Alerting <alerting-noreply@google.com>\n"
        "Sent: 05 February 2026 06:31\nTo: alerts@library.example\nSubject: {subject}\n\n",
        "---------- Forwarded message ---------\nFrom: Google Cloud Alerting <alerting-noreply@google.com>\n"
        "Date: Thu, 5 Feb 2026 at 06:31\nSubject: {subject}\nTo: <alerts@library.example>\n\n",
        "Begin forwarded message:\n\nFrom: Google Cloud Alerting <alerting-noreply@google.com>\n"
        "Subject: {subject}\nDate: 5 February 2026 at 06:31:00 GMT\nTo: alerts@library.example\n\n",
    ],
    ids=["outlook", "gmail", "apple"],
)
@pytest.mark.parametrize("source", ["gcp_monitoring", "gitlab_pipeline", "gitlab_alert"])
def test_a_mail_that_a_colleague_forwards_says_the_same(source: str, forward: str) -> None:
    raw = (FIXTURES / source / "firing.eml").read_text(encoding="utf-8")
    mail = read_mail(raw.encode())
    inner = forward.format(subject=mail.original_subject) + raw.partition("\n\n")[2]
    head = f"From: Noor <noor@library.example>\nSubject: Fwd: {mail.original_subject}\nMessage-ID: <f@x>\n\n"
    reading = recognise(read_mail(f"{head}See below, please.\n\n{inner}".encode()))
    assert reading.kind is MailKind.FIRING
    assert reading.alert is not None
    assert reading.alert.fingerprint == alert(source, "firing").fingerprint
    assert "forwarded by noor@library.example" in reading.reason


@pytest.mark.parametrize("source", ["gcp_monitoring", "gitlab_pipeline", "gitlab_alert"])
def test_a_persons_reply_does_nothing(source: str) -> None:
    raw = (FIXTURES / source / "firing.eml").read_text(encoding="utf-8")
    quoted = "\n".join(f"> {line}" for line in raw.partition("\n\n")[2].split("\n"))
    subject = read_mail(raw.encode()).original_subject
    head = f"From: Noor <noor@library.example>\nSubject: Re: {subject}\nIn-Reply-To: <x@y>\nMessage-ID: <r@x>\n\n"
    assert recognise(read_mail(f"{head}I am on it.\n\n{quoted}".encode())).kind is MailKind.IGNORED
