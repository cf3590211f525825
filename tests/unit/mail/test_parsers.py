"""Each parser on mails of its own: it fires, recovers, is not fooled, and says when a mail is garbled."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


INCIDENTS = "https://console.cloud.google.com/monitoring/alerting/alerts/"
GITLAB = "https://git.library.example/library/catalogue/-/"
NOTHING: dict[str, Any] = dict.fromkeys(
    ("severity", "project", "resource", "condition", "incident_id", "incident_url", "started_at", "ended_at")
)
DISK = NOTHING | {
    "title": "Catalogue database fills up",
    "severity": "warning",
    "project": "lib-catalogue-prod",
    "resource": "catalogue-db",
    "condition": "Cloud SQL Database - Disk utilization",
    "incident_id": "0.q7r8s9t0u1v2",
    "incident_url": f"{INCIDENTS}0.q7r8s9t0u1v2?channelType=mail&project=lib-catalogue-prod",
    "started_at": datetime(2026, 2, 5, 6, 30, tzinfo=UTC),
}
UPTIME = NOTHING | {
    "title": "Search answers",
    "project": "lib-catalogue-prod",
    "resource": "search.library.example",
    "condition": "Failure of uptime check_id search-home-a1B2",
    "incident_id": "0.u1p2t3i4m5e6",
    "incident_url": f"{INCIDENTS}0.u1p2t3i4m5e6?channelType=mail&project=lib-catalogue-prod",
    "started_at": datetime(2026, 2, 6, 23, 5, tzinfo=UTC),
}
PIPELINE = NOTHING | {"project": "library/catalogue", "resource": "release/2026"}
SLOW = NOTHING | {
    "title": "Search answers slowly",
    "project": "library/catalogue",
    "resource": "staging",
    "condition": "p95 is 4.1 s",
    "incident_id": "17",
    "incident_url": f"{GITLAB}alert_management/17/details",
}
ACCESS = NOTHING | {"title": "Shelf Finder"}
SAYS = {
    "gcp_monitoring/firing": DISK,
    "gcp_monitoring/recovered": DISK | {"ended_at": datetime(2026, 2, 5, 7, 2, tzinfo=UTC)},
    "gcp_monitoring/firing_uptime": UPTIME,
    "gcp_monitoring/recovered_uptime": UPTIME | {"ended_at": datetime(2026, 2, 7, 0, 1, tzinfo=UTC)},
    "gitlab_pipeline/firing": PIPELINE
    | {
        "title": "Failed pipeline for release/2026",
        "condition": "build / image",
        "incident_id": "6001",
        "incident_url": f"{GITLAB}pipelines/6001",
    },
    "gitlab_pipeline/recovered": PIPELINE
    | {
        "title": "Successful pipeline for release/2026",
        "incident_id": "6002",
        "incident_url": f"{GITLAB}pipelines/6002",
    },
    "gitlab_pipeline/firing_merge_request": PIPELINE
    | {
        "title": "Failed pipeline for feature/gr\u00f6\u00dfe|2",
        "resource": "feature/gr\u00f6\u00dfe|2",
        "condition": "build / image; external / lint: [3.11]",
        "incident_id": "6010",
        "incident_url": f"{GITLAB}pipelines/6010",
    },
    "gitlab_alert/firing": SLOW,
    "gitlab_alert/recovered": SLOW,
    "api_gateway/firing": ACCESS
    | {
        "incident_url": "https://console.cloud.google.com/apigee/apps/"
        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d/details?project=lib-apigee"
    },
    "api_gateway/firing_table": ACCESS,
    "api_gateway/recovered": ACCESS,
}


@pytest.mark.parametrize("sample", SAYS)
def test_all_that_a_sample_says(sample: str) -> None:
    said = asdict(alert(*sample.split("/")))
    assert {name: said[name] for name in SAYS[sample]} == SAYS[sample]


def test_every_alert_among_the_samples_is_held_to_what_it_says() -> None:
    found = {f"{file.parent.name}/{file.stem}" for file in FIXTURES.glob("*/*.eml")}
    assert {name for name in found if name.split("/")[1].startswith(("firing", "recovered"))} == set(SAYS)


@pytest.mark.parametrize(
    "file", sorted(FIXTURES.glob("*/[lg]*.eml")), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_no_other_sample_is_an_alert(file: Path) -> None:
    assert read(file.parent.name, file.stem).alert is None


def test_only_one_problem_shares_a_fingerprint() -> None:
    of_problem: dict[str, set[str]] = defaultdict(set)
    for sample in SAYS:
        source, name = sample.split("/")
        problem = name.removeprefix("firing").removeprefix("recovered").removesuffix("_table")
        of_problem[f"{source}{problem}"].add(alert(source, name).fingerprint)
    assert {problem: found for problem, found in of_problem.items() if len(found) != 1} == {}
    assert len(set().union(*of_problem.values())) == len(of_problem)


def test_a_runbook_in_the_documentation_is_linked() -> None:
    assert [link.url for link in alert("gcp_monitoring", "firing").links] == [
        "https://runbooks.library.example/catalogue/disk"
    ]


def test_a_merge_request_is_linked() -> None:
    assert [link.url for link in alert("gitlab_pipeline", "firing_merge_request").links] == [
        f"{GITLAB}merge_requests/42"
    ]


@pytest.mark.parametrize("name", ["firing", "firing_table"])
def test_a_description_can_not_forge_what_is_asked_for(name: str) -> None:
    said = alert("api_gateway", name)
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
