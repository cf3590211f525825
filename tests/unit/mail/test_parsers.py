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
from models.codec import reading_to_text
from models.domain.alerts import Alert, Authenticated, MailKind, Reading
from tests.unit.mail.further import FURTHER

FIXTURES = Path(__file__).parents[2] / "fixtures" / "mail"
SOURCES = [parse.__module__.rpartition(".")[2] for parse in PARSERS]  # type: ignore[attr-defined]
NEEDED = ("firing", "recovered", "lookalike", "garbled")
FIRST = {"api_gateway": MailKind.ACCESS_REQUEST, "gcp_notice": MailKind.INFORMATION}
"""What the first sample of a source is, where it is no alert that fires."""
NEVER_RECOVER = {
    "cron": "cron mails output, and nothing when there is none",
    "gcp_error_reporting": "it mails new errors only",
    "gcp_notice": "letters and budgets",
    "gitlab_notice": "none of these failures has a mail of success",
}
RECOVERING = [each for each in SOURCES if each not in NEVER_RECOVER and each != "api_gateway"]


def read(source: str, name: str) -> Reading:
    return recognise(read_mail((FIXTURES / source / f"{name}.eml").read_bytes()))


def alert(source: str, name: str) -> Alert:
    found = read(source, name).alert
    assert found is not None
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_every_parser_has_its_four_samples(source: str) -> None:
    needed = [name for name in NEEDED if name != "recovered" or source not in NEVER_RECOVER]
    assert [name for name in needed if not (FIXTURES / source / f"{name}.eml").exists()] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_firing_mail_is_known(source: str) -> None:
    kind = FIRST.get(source, MailKind.FIRING)
    assert (read(source, "firing").kind, alert(source, "firing").source) == (kind, source)


@pytest.mark.parametrize("source", RECOVERING)
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
} | {sample: NOTHING | said for sample, said in FURTHER.items()}
FORMS = ("table", "mixed", "common", "closed")
"""Samples of the same problem in another form."""


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
        problem = name.removeprefix("firing").removeprefix("recovered")
        problem = "" if problem.removeprefix("_") in FORMS else problem
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


def test_alerts_of_different_sources_never_meet() -> None:
    keys = [alert(source, "firing").fingerprint for source in SOURCES]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("source", "name"),
    [("alertmanager", "firing_mixed"), ("azure", "firing_common")],
)
def test_another_form_of_the_same_alert_meets_it(source: str, name: str) -> None:
    assert read(source, name).kind is MailKind.FIRING
    assert alert(source, name).fingerprint == alert(source, "firing").fingerprint


@pytest.mark.parametrize(
    ("source", "name", "kind"),
    [
        ("gcp_notice", "ignored", MailKind.IGNORED),
        ("gcp_notice", "information", MailKind.INFORMATION),
        ("gitlab_notice", "information", MailKind.INFORMATION),
        ("gitlab_issue", "information", MailKind.INFORMATION),
        ("gitlab_issue", "recovered_closed", MailKind.RECOVERED),
        ("unknown", "letter", MailKind.IGNORED),
        ("unknown", "trouble", MailKind.UNRECOGNISED),
        ("unknown", "merge_request", MailKind.UNRECOGNISED),
    ],
)
def test_what_asks_for_nothing_opens_nothing(source: str, name: str, kind: MailKind) -> None:
    reading = read(source, name)
    assert reading.kind is kind
    assert reading.reason


def test_an_unknown_machines_alert_is_shown_and_its_recovery_meets_it() -> None:
    assert read("unknown", "firing").kind is MailKind.FIRING
    assert read("unknown", "recovered").kind is MailKind.RECOVERED
    assert alert("unknown", "firing").fingerprint == alert("unknown", "recovered").fingerprint


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("ALERT! disk 91% full on nas-3", "ALERT! disk 97 % full on nas-3", True),
        ("ALERT! disk 91% full on nas-3", "ALERT! disk 91% full on nas-4", False),
        ("PROBLEM: rack 2 too warm", "PROBLEM: rack 3 too warm", False),
        ("CRITICAL at 08:20: queue stuck", "CRITICAL at 09:45: queue stuck", True),
    ],
)
def test_an_unknown_alert_is_told_apart_by_names_and_not_by_values(one: str, other: str, meet: bool) -> None:
    head = "From: watch@power.example\nMessage-ID: <1@x>\nSubject: "
    keys = [recognise(read_mail(f"{head}{subject}\n\nx".encode())).alert for subject in (one, other)]
    assert keys[0] is not None
    assert keys[1] is not None
    assert (keys[0].fingerprint == keys[1].fingerprint) is meet


IMITATIONS = {
    "another domain": "Google Cloud Alerting <alerting-noreply@google-alerts.example>",
    "a name alone": '"Google Cloud Alerting alerting-noreply@google.com" <evil@attacker.example>',
    "a domain that ends alike": "Google Cloud Alerting <alerting-noreply@notgoogle.com>",
    "two addresses": "alerting-noreply@google.com, evil@attacker.example",
}


@pytest.mark.parametrize("sender", IMITATIONS.values(), ids=IMITATIONS)
def test_an_imitation_opens_nothing_though_its_own_domain_is_authenticated(sender: str) -> None:
    raw = (FIXTURES / "gcp_monitoring" / "firing.eml").read_text(encoding="utf-8")
    lines = [line for line in raw.split("\n") if not line.startswith("From: ")]
    results = "Authentication-Results: spf=pass; dkim=pass header.d=attacker.example;dmarc=pass action=none"
    reading = recognise(read_mail("\n".join([results, f"From: {sender}", *lines]).encode()))
    assert (reading.kind, reading.authenticated) == (MailKind.IGNORED, Authenticated.FAIL)
    assert reading.source == "gcp_monitoring"


def test_a_list_that_rewrites_from_does_not_make_an_imitation() -> None:
    raw = (FIXTURES / "gcp_monitoring" / "firing.eml").read_text(encoding="utf-8")
    lines = [line for line in raw.split("\n") if not line.startswith("From: ")]
    head = [
        "From: 'Google Cloud Alerting' via Harbour <alerts@groups.harbour.example>",
        "Reply-To: Google Cloud Alerting <alerting-noreply@google.com>",
        "List-ID: <alerts.groups.harbour.example>",
    ]
    reading = recognise(read_mail("\n".join([*head, *lines]).encode()))
    assert (reading.kind, reading.source) == (MailKind.FIRING, "gcp_monitoring")


def test_a_quoting_forward_says_the_same() -> None:
    raw = (FIXTURES / "uptimerobot" / "firing.eml").read_text(encoding="utf-8")
    inner = "From: UptimeRobot <alert@uptimerobot.com>\nSubject: Monitor is DOWN: Tide pages\nTo: x@y.example\n\n"
    quoted = "\n".join(f"> {line}" for line in (inner + raw.partition("\n\n")[2]).split("\n"))
    head = "From: Ines <ines@harbour.example>\nSubject: Fwd: Monitor is DOWN: Tide pages\nMessage-ID: <f@x>\n\n"
    reading = recognise(read_mail(f"{head}FYI\n\nBegin forwarded message:\n\n{quoted}".encode()))
    assert reading.kind is MailKind.FIRING
    assert reading.alert is not None
    assert reading.alert.fingerprint == alert("uptimerobot", "firing").fingerprint


def test_what_a_group_of_alerts_says() -> None:
    said = alert("alertmanager", "firing_mixed")
    assert (said.severity, said.project, said.resource) == ("warning", "harbour-one", "queue-2:9100, queue-1:9100")
    assert said.condition == "The queue on queue-2:9100 has not moved for 10 minutes."
    assert said.details == {"firing": 1, "resolved": 1}


def test_a_secret_reply_address_is_left_out() -> None:
    assert "0123456789abcdef" not in reading_to_text(read("gitlab_issue", "information"))
    assert alert("gitlab_issue", "information").details["confidential"] is True
