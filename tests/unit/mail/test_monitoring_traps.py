"""What Cloud Monitoring's mails have tripped others with (FORMATS 2.1)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.domain.alerts import MailKind
from tests.unit.mail.building import CONSOLE, alert, incident_headers, incident_text, read


@pytest.mark.parametrize(
    ("subject", "kind", "severity"),
    [
        ("[ALERT - Critical] CPU", MailKind.FIRING, "critical"),
        ("[ALERT - Error] CPU", MailKind.FIRING, "error"),
        ("[ALERT - Warning] CPU", MailKind.FIRING, "warning"),
        ("[ALERT - No severity] CPU", MailKind.FIRING, None),
        ("[ALERT] CPU", MailKind.FIRING, "critical"),
        ("[RESOLVED - Critical] CPU", MailKind.RECOVERED, "critical"),
        ("[RESOLVED - No severity] CPU", MailKind.RECOVERED, None),
        ("[RESOLVED] Metric Threshold on Instance (GCE) web-1", MailKind.RECOVERED, "critical"),
        ("[alert - critical] CPU", MailKind.FIRING, "critical"),
        ("[ALERT - No severity] [ALERT] CPU", MailKind.FIRING, None),
        ("[RESOLVED - Error] [ALERT - Critical] CPU", MailKind.RECOVERED, "error"),
        ("[lib-alerts] [ALERT - Error] CPU", MailKind.FIRING, "error"),
        ("[EXTERNAL] [ALERT - Error] CPU", MailKind.FIRING, "error"),
        ("Fwd: [EXT] RE: [ALERT - Error] CPU", MailKind.FIRING, "error"),
        ("[ALERT - Error]", MailKind.FIRING, "error"),
    ],
)
def test_the_bracket_tells_state_and_severity(subject: str, kind: MailKind, severity: str | None) -> None:
    reading = read(incident_headers(subject), incident_text())
    assert (reading.kind, alert(reading).severity) == (kind, severity)
    assert alert(reading).fingerprint == "gcp|incident|0.q7r8s9t0u1v2"


def test_names_in_brackets_are_part_of_the_name() -> None:
    text = incident_text(Policy="[ALERT] CPU", Condition="")
    said = alert(read(incident_headers("[ALERT - No severity] [ALERT] CPU on lib-catalogue-prod web-1"), text))
    assert (said.title, said.resource) == ("[ALERT] CPU", "web-1")


def test_names_in_other_scripts() -> None:
    name = "\u672c\u756a\u74b0\u5883\uff1aCPU\u4f7f\u7528\u7387\u304c\u9ad8\u3044"
    text = incident_text(Policy=name, Condition=f"{name}\uff08\u6761\u4ef6\uff09")
    said = alert(read(incident_headers(f"[ALERT - Warning] {name}"), text))
    assert (said.title, said.condition) == (name, f"{name}\uff08\u6761\u4ef6\uff09")


def test_values_of_labels_may_hold_commas_and_braces() -> None:
    labels = "{event_id=sh-1, description=Down, partly {see below}, state=ACTIVE, location=global}"
    text = incident_text(
        sentence=f"Log match condition with labels {labels} fired for Event.", Condition="Event", Log_query="x"
    )
    said = alert(read(incident_headers(f"[ALERT - Error] [PSH] Incidents for Event with {labels}"), text))
    assert (said.resource, said.details["log_based"]) == ("sh-1", True)
    assert (said.summary or "").startswith("Log match condition with labels {event_id=sh-1")


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("Feb 5, 2026 at 6:30AM UTC", datetime(2026, 2, 5, 6, 30, tzinfo=UTC)),
        ("Feb 5, 2026 at 12:05AM UTC (5 min ago)", datetime(2026, 2, 5, 0, 5, tzinfo=UTC)),
        ("July 11, 2025 at 4:42PM UTC (less than 1 sec ago)", datetime(2025, 7, 11, 16, 42, tzinfo=UTC)),
        ("February 31, 2026 at 6:30AM UTC", None),
        ("yesterday", None),
    ],
)
@pytest.mark.parametrize("label", ["Start_time", "Violation_started"])
def test_when_it_began(line: str, at: datetime | None, label: str) -> None:
    text = incident_text(**{"Start_time": "", label: line})
    assert alert(read(incident_headers(), text)).started_at == at
    assert alert(read(incident_headers(), text.replace(f"\n{line}", f": {line}"))).started_at == at


@pytest.mark.parametrize(
    "sentence",
    [
        "Uptime: metric is absent for VM Instance web-1.",
        "An uptime check on lib-catalogue-prod Uptime Check URL labels {host=search.library.example} is failing.",
        "CPU is above the threshold of 0.85 with a value of 0.97310000000000002.",
        "CPU is below threshold of -1e+3 with a value of -71.0.",
        "Incident cancelled because the alert policy condition was deleted or modified while incident was active.",
    ],
)
@pytest.mark.parametrize("state", ["firing", "recovered", "closed"])
def test_the_sentence_is_the_summary(sentence: str, state: str) -> None:
    word = "ALERT" if state == "firing" else "RESOLVED"
    reading = read(incident_headers(f"[{word} - Critical] CPU"), incident_text(state, sentence=sentence))
    assert alert(reading).summary == sentence
    assert reading.kind is (MailKind.FIRING if state == "firing" else MailKind.RECOVERED)


@pytest.mark.parametrize(
    ("state", "kind"),
    [("firing", MailKind.FIRING), ("recovered", MailKind.RECOVERED), ("closed", MailKind.RECOVERED)],
)
@pytest.mark.parametrize("subject", ["Incident created", "The catalogue is slow, please look", "[PROD] slow"])
def test_a_custom_subject_leaves_the_state_to_the_body(subject: str, state: str, kind: MailKind) -> None:
    reading = read(incident_headers(subject), incident_text(state, "Error"))
    said = alert(reading)
    assert (reading.kind, said.severity, said.title) == (kind, "error", "Catalogue is slow")


def test_a_custom_subject_says_nothing_about_the_resource() -> None:
    text = incident_text(Metric_labels="instance_name web-7\nloadbalanced false")
    said = alert(read(incident_headers("[ALERT - Error] Look on the bright side for once"), text))
    assert (said.title, said.condition, said.resource) == (
        "Catalogue is slow",
        "VM Instance - CPU utilization",
        "web-7",
    )


def test_a_subject_that_was_cut() -> None:
    subject = f"[ALERT - Critical] CPU on lib-catalogue-prod web-1 with {{{'instance_name=web-1, ' * 30}"[:255]
    said = alert(read(incident_headers(subject), incident_text()))
    assert (said.kind, said.incident_id) == (MailKind.FIRING, "0.q7r8s9t0u1v2")
    assert len(said.title) <= 200


@pytest.mark.parametrize(
    ("address", "project"),
    [
        (f"{CONSOLE}/alerts/0.q7r8s9t0u1v2?channelType=mail&project=lib-search-prod", "lib-search-prod"),
        (f"{CONSOLE}/incidents/0.q7r8s9t0u1v2?project=lib-search-prod", "lib-search-prod"),
        (f"{CONSOLE}/alerts/0.q7r8s9t0u1v2", "lib-labels-prod"),
        ("https://app.google.stackdriver.com/incidents/0.q7r8s9t0u1v2?project=lib-search-prod", "lib-search-prod"),
        ("https://app.stackdriver.com/incidents/0.q7r8s9t0u1v2", "lib-labels-prod"),
    ],
)
def test_addresses_of_all_ages(address: str, project: str) -> None:
    text = incident_text(address=address, Project="", Resource_labels="project_id lib-labels-prod\nzone europe")
    said = alert(read(incident_headers(), text))
    assert (said.incident_id, said.incident_url, said.project) == ("0.q7r8s9t0u1v2", address, project)


def test_a_project_that_nothing_names_is_unknown() -> None:
    text = incident_text(address=f"{CONSOLE}/alerts/0.q7r8s9t0u1v2", Project="")
    assert alert(read(incident_headers("[ALERT - Error] CPU"), text)).project is None


def test_an_address_on_the_label_as_outlook_writes_it() -> None:
    text = incident_text().replace("VIEW INCIDENT\n<", "VIEW INCIDENT<")
    assert alert(read(incident_headers(), text)).incident_id == "0.q7r8s9t0u1v2"


def test_state_and_severity_on_one_line() -> None:
    text = incident_text().replace("Alert firing\nCritical", "Alert firing [Critical] Critical")
    said = alert(read(incident_headers("Custom"), text))
    assert (said.severity, said.summary) == ("critical", "CPU utilization is above 0.9.")


def test_an_incident_closes_once_and_fires_as_often_as_it_says() -> None:
    firing, closed = (
        alert(read(incident_headers(f"[{word} - Error] CPU"), incident_text(state)))
        for word, state in (("ALERT", "firing"), ("RESOLVED", "closed"))
    )
    assert (firing.event_key, closed.event_key) == (None, "gcp|incident|0.q7r8s9t0u1v2|closed")


def test_another_incident_is_another_problem() -> None:
    other = incident_text().replace("0.q7r8s9t0u1v2", "0.a7r8s9t0u1v2")
    fingerprints = {alert(read(incident_headers(), text)).fingerprint for text in (incident_text(), other)}
    assert len(fingerprints) == 2


@pytest.mark.parametrize("text", ["", "\n", "We could not render this notification."])
def test_a_mail_of_google_that_says_nothing_is_told_to_people(text: str) -> None:
    reading = read(incident_headers("Notification"), text)
    assert (reading.kind, reading.source) == (MailKind.UNREADABLE, "gcp_monitoring")


@pytest.mark.parametrize(
    ("sender", "subject"),
    [
        ("News <news@cloud-weekly.example>", "[ALERT] Five ways to tune alerts"),
        ("News <news@cloud-weekly.example>", "[ALERT - Critical] Five ways to tune alerts"),
    ],
)
def test_others_with_brackets(sender: str, subject: str) -> None:
    assert read({"From": sender, "Subject": subject}, "Read on.").kind is MailKind.UNRECOGNISED
