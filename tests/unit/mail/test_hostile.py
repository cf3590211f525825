"""Whatever bytes arrive, something sensible comes out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.story import render
from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models.codec import reading_from_text, reading_to_text
from models.domain.alerts import Authenticated, MailKind
from models.domain.mail import MailRules, Trust, sort_mail

FIRING = render(
    "gcp-firing", {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "unique": "1", "incident": "o1a2b3c4d5e6"}
)
PIPELINE = render("pipeline-failed", {"date": "Fri, 20 Nov 2026 09:00:00 +0000", "unique": "2", "pipeline": "4711"})


def check(raw: bytes) -> MailKind:
    reading = recognise(read_mail(raw))
    text = reading_to_text(reading)
    assert reading_from_text(text) == reading
    assert "\\u0000" not in text
    assert reading.subject.isprintable() or not reading.subject
    assert "\n" not in reading.subject
    if reading.alert:
        assert "\n" not in reading.alert.title
        assert len(reading.alert.title) <= 200
    return reading.kind


def assert_seen(raw: bytes) -> None:
    """Whatever is left of an alert, people see it: as a candidate, or as a mail of which something is wrong."""
    reading = recognise(read_mail(raw))
    sorted_mail = sort_mail(reading, datetime(2026, 11, 20, tzinfo=UTC), MailRules(), Trust())
    if reading.kind is MailKind.UNREADABLE and reading.source is not None:
        return  # recorded as a candidate that says so
    if reading.kind is MailKind.INFORMATION:
        return  # known, and in the day's balance: what would make more of it is not there yet
    assert sorted_mail.concerns_incidents or sorted_mail.shown, (reading.kind, reading.reason)


ALERTS_OF_GCP = Path("tests/fixtures/mail/gcp_monitoring/firing.eml")
ALERTS = sorted(Path("tests/fixtures/mail").glob("*/firing.eml"))


@pytest.mark.parametrize("file", ALERTS, ids=[file.parent.name for file in ALERTS])
def test_an_alert_cut_anywhere_is_seen(file: Path) -> None:
    raw = file.read_bytes()
    for length in range(0, len(raw), max(1, len(raw) // 150)):
        assert_seen(raw[:length])


@given(st.binary(max_size=3000))
def test_any_bytes_give_a_reading(raw: bytes) -> None:
    check(raw)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(FIRING)), st.sampled_from([FIRING, PIPELINE]))
def test_any_truncation_of_an_alert_is_shown_to_people(length: int, raw: bytes) -> None:
    check(raw[:length])
    assert_seen(raw[:length])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_damage_to_an_alert_gives_a_reading(data: st.DataObject) -> None:
    raw = bytearray(FIRING)
    for _ in range(data.draw(st.integers(1, 20))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(raw))


def test_a_null_in_the_name_of_a_charset_hides_no_alert() -> None:
    head, blank, body = ALERTS_OF_GCP.read_bytes().partition(b"\n\n")
    raw = head.replace(b'charset="utf-8"', b'charset="ut\0-8"') + blank + b"\xff" + body
    assert b"\0" in raw
    assert check(raw) is MailKind.FIRING


HEAD = b"Subject: x\r\nMIME-Version: 1.0\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
BOMBS = {
    "500 multiparts deep": HEAD
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number)
        for number in range(500)
    ),
    "10k parts": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 10_000,
    "From of brackets": b"From: " + b"(" * 50_000 + b"\r\n\r\nx",
    "20k recipients": b"To: " + b", ".join(b"a%d@b.example" % number for number in range(20_000)) + b"\r\n\r\nx",
    "10k parameters": HEAD
    + b"Content-Type: text/plain"
    + b"".join(b"; p*%d=x" % number for number in range(10_000))
    + b"\r\n\r\nx",
    "5k encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 5_000 + b"\r\n\r\nx",
    "100k nested elements": HTML + b"<div>" * 50_000,
    "100k comments": HTML + b"<!--" * 100_000,
    "50k sections": HTML + b"<![CDATA[" * 50_000,
    "open brackets": HTML + b"<" * 250_000,
    "open tags": HTML + b"<div " * 50_000,
    "one long word": HEAD + b"\r\n" + b"a" * 1_000_000,
    "one long address": HEAD + b"\r\nhttps://" + b"a" * 1_000_000,
    "braces": b"Subject: [ALERT] "
    + b"{" * 4_000
    + b"\r\nFrom: alerting-noreply@google.com\r\n\r\n"
    + b"{a=" * 80_000,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_read_all_the_same(bomb: str) -> None:
    check(BOMBS[bomb])


FROMS = {
    "Google Cloud Alerting <alerting-noreply@google.com>": "alerting-noreply@google.com",
    "alerting-noreply@google.com": "alerting-noreply@google.com",
    "alerting-noreply@google.com <evil@attacker.example>": "evil@attacker.example",
    '"alerting-noreply@google.com" <evil@attacker.example>': "evil@attacker.example",
    "alerting-noreply@google.com, evil@attacker.example": "",
    "<alerting-noreply@google.com> <evil@attacker.example>": "",
    "alerting-noreply@google.com(<evil@attacker.example>": "evil@attacker.example",
}


@pytest.mark.parametrize(("header", "address"), FROMS.items())
def test_no_trick_in_from_makes_a_known_sender(header: str, address: str) -> None:
    assert read_mail(f"From: {header}\r\nSubject: x\r\n\r\n".encode()).from_address == address


def test_two_from_headers_are_nobody() -> None:
    mail = read_mail(b"From: a@google.com\r\nFrom: b@evil.example\r\n\r\n")
    assert (mail.from_address, mail.authenticated) == ("", Authenticated.FAIL)


def test_a_result_that_came_with_the_mail_is_not_believed() -> None:
    ours = b"Authentication-Results: mx.ours.example; spf=fail; dmarc=fail header.from=google.com\r\n"
    forged = b"Authentication-Results: mx.ours.example; dkim=pass header.d=google.com; dmarc=pass\r\n"
    sender = b"From: alerting-noreply@google.com\r\n\r\n"
    assert read_mail(ours + forged + sender).authenticated is Authenticated.FAIL
    assert read_mail(forged + sender, trusted_authserv_id="another.example").authenticated is Authenticated.NONE


def test_a_header_can_not_bring_another(tmp_path: Path) -> None:
    mail = read_mail(b"Subject: =?utf-8?q?a=0D=0ABcc=3A_evil=40x?=\r\n\r\n")
    assert mail.original_subject == "a Bcc: evil@x"
