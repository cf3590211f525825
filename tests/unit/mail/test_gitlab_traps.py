"""What GitLab's mails have tripped others with (FORMATS 1.2 to 1.4)."""

from __future__ import annotations

from email.header import Header

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models.domain.alerts import Alert, MailKind
from tests.unit.mail.building import (
    FOOTER,
    GITLAB,
    PROJECT,
    alert,
    pipeline_headers,
    pipeline_text,
    raw,
    read,
)

KEY = "gitlab|git.library.example|pipeline|library/catalogue|"
FAILED = "catalogue | Failed pipeline for main | 77aa88bb"
STATUS = {"X_GitLab_Pipeline_Id": "6001", "X_GitLab_Pipeline_Ref": "main", "X_GitLab_Pipeline_Status": "failed"}


def pipeline(subject: str = FAILED, text: str | None = None, html: str | None = None, **more: str) -> Alert:
    if text is None and html is None:
        text = pipeline_text()
    return alert(read(pipeline_headers(subject, **(STATUS | more)), text, html))


@pytest.mark.parametrize(
    ("subject", "ref"),
    [
        ("catalogue | Failed pipeline for main | 77aa88bb", "main"),
        ("books | catalogue | Failed pipeline for main | 77aa88bb", "main"),
        ("catalogue | Failed pipeline for a|b | 77aa88bb", "a|b"),
        ("catalogue | Failed pipeline for a | b | 77aa88bb", "a | b"),
        ("LIB | catalogue | Failed pipeline for main | 77aa88bb | staging", "main"),
        ("catalogue | Failed pipeline for main | 77aa88bb00112233445566778899aabbccddeeff", "main"),
        ("Re: Fwd: [EXT] catalogue | Failed pipeline for main | 77aa88bb", "main"),
        ("catalogue | Failed pipeline for v1.14.0 | 77aa88bb", "v1.14.0"),
        ("catalogue | Failed pipeline for gr\u00f6\u00dfe/\u65e5\u672c | 77aa88bb", "gr\u00f6\u00dfe/\u65e5\u672c"),
        ("catalogue | Failed pipeline for pipeline for tea | 77aa88bb", "pipeline for tea"),
    ],
)
def test_the_branch_of_a_subject(subject: str, ref: str) -> None:
    said = pipeline(subject)
    assert (said.kind, said.resource, said.fingerprint) == (MailKind.FIRING, ref, KEY + ref)
    assert (said.incident_id, said.incident_url) == ("6001", f"{PROJECT}/-/pipelines/6001")


def test_a_pipelines_name_takes_the_place_of_its_number() -> None:
    said = pipeline(text=pipeline_text("Pipeline Nightly integration run has failed!"))
    assert (said.kind, said.incident_id) == (MailKind.FIRING, "6001")


def test_a_pipelines_name_does_not_tell_its_result() -> None:
    text = pipeline_text("Pipeline What to do when a build has failed has passed!")
    said = pipeline("catalogue | Successful pipeline for main | 77aa88bb", text, X_GitLab_Pipeline_Status="success")
    assert said.kind is MailKind.RECOVERED


def test_the_text_alone_does() -> None:
    assert pipeline(text=pipeline_text()).condition == "test / unit 0"


def test_the_html_alone_does() -> None:
    said = pipeline(
        html=f"""<html><head><title>catalogue</title></head><body><table>
        <tr><td>Your pipeline has failed.</td></tr>
        <tr><td>Project</td><td><a href="{GITLAB}/library">Library</a> / <a href="{PROJECT}">catalogue</a></td></tr>
        <tr><td>Branch</td><td><a href="{PROJECT}/-/commits/main">main</a></td></tr>
        <tr><td>Commit</td><td><a href="{PROJECT}/-/commit/{"77aa88bb" * 5}">77aa88bb</a></td></tr>
        <tr><td>Pipeline <a href="{PROJECT}/-/pipelines/6001">#6001</a> triggered by</td><td>Noor</td></tr>
        <tr><td>had 1 failed job</td></tr>
        <tr><td>Failed job</td></tr>
        <tr><td>test</td><td><a href="{PROJECT}/-/jobs/1">unit</a></td></tr></table>
        <p>You're receiving this email because of your account on git.library.example.</p></body></html>""",
        X_GitLab_Project_Path="",
    )
    assert (said.project, said.condition, said.fingerprint) == ("library/catalogue", "test / unit", f"{KEY}main")
    assert said.incident_url == f"{PROJECT}/-/pipelines/6001"


def test_many_jobs_are_all_counted_and_the_text_stays_short() -> None:
    said = pipeline(text=pipeline_text(jobs=23))
    assert said.summary == "23 failed jobs; triggered by Noor Haddad"
    assert (said.condition or "").startswith("test / unit 0; test / unit 1; ")
    assert len(said.condition or "") <= 500


def test_more_jobs_than_are_named_are_counted_too() -> None:
    assert pipeline(text=pipeline_text(jobs=60)).summary == "60 failed jobs; triggered by Noor Haddad"


def test_a_merge_requests_pipeline_and_its_branchs_meet() -> None:
    subject = "catalogue | Failed pipeline for topic | 77aa88bb"
    text = pipeline_text(branch="topic", merge="42")
    of_request = pipeline(subject, text, X_GitLab_Pipeline_Ref="refs/merge-requests/42/head")
    of_branch = pipeline(subject, text, X_GitLab_Pipeline_Ref="topic")
    assert of_request.fingerprint == of_branch.fingerprint == f"{KEY}topic"
    assert [link.url for link in of_request.links] == [f"{PROJECT}/-/merge_requests/42"]


def test_a_merge_requests_ref_is_never_the_branch() -> None:
    headers = pipeline_headers("A subject that a rule rewrote", **STATUS)
    headers["X-GitLab-Pipeline-Ref"] = "refs/merge-requests/42/head"
    said = alert(read(headers, pipeline_text(branch="topic", merge="42")))
    assert said.fingerprint == f"{KEY}topic"


@pytest.mark.parametrize(
    ("words", "kind", "title"),
    [
        ("has failed", MailKind.FIRING, "Failed pipeline for master"),
        ("has succeeded", MailKind.RECOVERED, "Successful pipeline for master"),
        ("has passed", MailKind.RECOVERED, "Successful pipeline for master"),
        ("has been fixed", MailKind.RECOVERED, "Fixed pipeline for master"),
    ],
)
@pytest.mark.parametrize("tail", ["", " in !17"])
def test_the_words_of_old_versions(words: str, kind: MailKind, title: str, tail: str) -> None:
    headers = {"From": "GitLab <gitlab@git.library.example>", "Auto-Submitted": "auto-generated"}
    headers["Subject"] = f"catalogue | Pipeline #77 {words} for master | 77aa88bb{tail}"
    text = f"""Your pipeline {words}.

Project: catalogue ( {PROJECT} )
Branch: master ( {PROJECT}/commits/master )

Pipeline #77 ( {PROJECT}/pipelines/77 ) triggered by Noor ( {GITLAB}/noor )
had 1 failed build.

Job #91 ( {PROJECT}/jobs/91/raw )

Stage: build
Name: image
Trace: \x1b[0KRunning with gitlab-runner\x1b[0;m

{FOOTER}"""
    said = alert(read(headers, text))
    assert (said.kind, said.title, said.incident_id) == (kind, title, "77")
    assert (said.fingerprint, said.incident_url) == (f"{KEY}master", f"{PROJECT}/pipelines/77")
    assert "\x1b" not in (said.condition or "")


def test_a_fix_and_a_success_recover_what_failed() -> None:
    failed, fixed, passed = (
        pipeline(
            f"catalogue | {word} pipeline for main | 0011aabb",
            pipeline_text(headline),
            X_GitLab_Pipeline_Status=status,
        )
        for word, headline, status in (
            ("Failed", "Pipeline #6001 has failed!", "failed"),
            ("Fixed", "Pipeline has been fixed and #6001 has passed!", "success"),
            ("Successful", "Pipeline #6001 has passed!", "success"),
        )
    )
    assert [each.kind for each in (failed, fixed, passed)] == [
        MailKind.FIRING,
        MailKind.RECOVERED,
        MailKind.RECOVERED,
    ]
    assert failed.fingerprint == fixed.fingerprint == passed.fingerprint
    assert failed.event_key != fixed.event_key == passed.event_key


@pytest.mark.parametrize(
    ("host", "path", "ref"),
    [
        ("git.library.example", "library/other", "main"),
        ("git.library.example", "museum/catalogue", "main"),
        ("git.museum.example", "library/catalogue", "main"),
        ("git.library.example", "library/catalogue", "next"),
        ("git.library.example", "library/catalogue", "Main"),
    ],
)
def test_another_host_project_or_branch_is_another_problem(host: str, path: str, ref: str) -> None:
    text = pipeline_text(branch=ref).replace(PROJECT, f"https://{host}/{path}")
    other = pipeline(f"catalogue | Failed pipeline for {ref} | 77aa88bb", text, X_GitLab_Project_Path=path)
    assert other.fingerprint != pipeline().fingerprint


def test_a_ref_in_encoded_words() -> None:
    mail = raw(pipeline_headers(FAILED, **STATUS), pipeline_text(branch="za\u017c\u00f3\u0142\u0107"))
    for charset in ("utf-8", "iso8859-2"):
        word = Header("catalogue | Failed pipeline for za\u017c\u00f3\u0142\u0107 | 77aa88bb", charset).encode()
        said = alert(recognise(read_mail(mail.replace(FAILED.encode(), word.encode()))))
        assert said.fingerprint == f"{KEY}za\u017c\u00f3\u0142\u0107"


@pytest.mark.parametrize("cut", ["catalogue | Failed pipeline for", "catalogue | Failed pipeline for main | "])
def test_a_subject_that_was_cut_is_told_to_people(cut: str) -> None:
    reading = read(pipeline_headers(cut), "Pipeline")
    assert (reading.kind, reading.source) == (MailKind.UNREADABLE, "gitlab_pipeline")


def test_carriage_returns_of_an_old_mailer() -> None:
    mail = raw(pipeline_headers(FAILED, **STATUS), pipeline_text()).replace(b"\n", b"\r\r\n")
    head, _, body = raw(pipeline_headers(FAILED, **STATUS), pipeline_text()).partition(b"\n\n")
    said = alert(recognise(read_mail(head + b"\n\n" + body.replace(b"\n", b"\r\r\n"))))
    assert said.condition == "test / unit 0"
    assert recognise(read_mail(mail)).kind in (MailKind.FIRING, MailKind.UNREADABLE, MailKind.UNRECOGNISED)


def gitlab_alert(reason: str, word: str, subject: str = "catalogue | Alert: staging: Slow: very") -> MailKind:
    headers = pipeline_headers(subject, X_GitLab_Alert_IID="17")
    if reason:
        headers["X-GitLab-NotificationReason"] = reason
    text = (
        f"An alert has been {word} in library/catalogue.\n"
        f"View alert details at {PROJECT}/-/alert_management/17/details\n\nDescription: p95\n\n{FOOTER}"
    )
    return read(headers, text).kind


@pytest.mark.parametrize(
    ("reason", "word", "kind"),
    [
        ("alert_triggered", "triggered", MailKind.FIRING),
        ("alert_resolved", "resolved", MailKind.RECOVERED),
        ("alert_acknowledged", "triggered", MailKind.INFORMATION),
        ("alert_ignored", "triggered", MailKind.INFORMATION),
        ("", "triggered", MailKind.FIRING),
        ("", "resolved", MailKind.RECOVERED),
    ],
)
def test_an_alerts_state_is_in_its_header_and_first_line(reason: str, word: str, kind: MailKind) -> None:
    assert gitlab_alert(reason, word) is kind


def test_an_alerts_title_may_hold_colons() -> None:
    headers = pipeline_headers("catalogue | Alert: staging: Slow: very", X_GitLab_Alert_IID="17")
    headers["X-GitLab-NotificationReason"] = "alert_triggered"
    said = alert(read(headers, f"An alert has been triggered in library/catalogue.\n\n{FOOTER}"))
    assert (said.title, said.resource) == ("Slow: very", "staging")


def test_another_alert_of_the_project_is_another_problem() -> None:
    found = set()
    for number in ("17", "18"):
        headers = pipeline_headers("catalogue | Alert: Slow", X_GitLab_Alert_IID=number)
        headers["X-GitLab-NotificationReason"] = "alert_triggered"
        text = f"An alert has been triggered in library/catalogue.\n\n{FOOTER}"
        found.add(alert(read(headers, text)).fingerprint)
    assert len(found) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "CKI <cki@ci.example>", "Subject": "FAIL: report", "X-Gitlab-Pipeline-ID": "6001"},
        {"From": "Noor <noor@library.example>", "Subject": "catalogue | Failed pipeline for main | 77aa88bb"},
    ],
)
def test_one_sign_of_gitlab_is_not_enough(headers: dict[str, str]) -> None:
    assert read(headers, "See the pipeline.").kind is MailKind.UNRECOGNISED
