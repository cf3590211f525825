"""What happens to a mail on its way: wrapped, forwarded, rewritten, re-encoded, packed. It says the same."""

from __future__ import annotations

import base64
import struct
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from urllib.parse import quote

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models.domain.alerts import Alert, MailKind, Reading

FIRING = Path("tests/fixtures/mail/gcp_monitoring/firing.eml").read_bytes()
PIPELINE = Path("tests/fixtures/mail/gitlab_pipeline/firing.eml").read_bytes()
NULL = "Return-Path: <>\n"


def read(raw: bytes | Message) -> Reading:
    return recognise(read_mail(raw if isinstance(raw, bytes) else raw.as_bytes()))


def alert(reading: Reading) -> Alert:
    assert reading.alert is not None, reading.reason
    return reading.alert


def text_of(raw: bytes) -> str:
    for part in message_from_bytes(raw).walk():
        if part.get_content_type() == "text/plain":
            return bytes(part.get_payload(decode=True)).decode("utf-8")  # type: ignore[arg-type]
    raise AssertionError("no text")


def head(raw: bytes, *left_out: str) -> str:
    """Return a mail's own headers, without those that say how its body is written."""
    skipped = ("content-", "mime-", *left_out)
    mail = message_from_bytes(raw)
    return "".join(f"{name}: {value}\n" for name, value in mail.items() if not name.lower().startswith(skipped))


def same(reading: Reading, raw: bytes = FIRING) -> None:
    expected = read(raw)
    assert (reading.kind, reading.source) == (MailKind.FIRING, expected.source), reading.reason
    assert alert(reading).fingerprint == alert(expected).fingerprint
    assert alert(reading).severity == alert(expected).severity


@pytest.mark.parametrize("raw", [FIRING, PIPELINE], ids=["gcp", "gitlab"])
def test_format_flowed_breaks_no_address(raw: bytes) -> None:
    lines = text_of(raw).split("\n")
    broken = [part for line in lines for part in _flowed(line)]
    mail = f"{head(raw)}Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n" + "\n".join(broken)
    same(read(mail.encode()), raw)


def _flowed(line: str) -> list[str]:
    parts = [line[start : start + 60] for start in range(0, len(line), 60)] or [""]
    return [f"{part} " for part in parts[:-1]] + parts[-1:]


@pytest.mark.parametrize("raw", [FIRING, PIPELINE], ids=["gcp", "gitlab"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda url: (
            f"https://eur03.safelinks.protection.outlook.com/?url={quote(url, safe='')}&data=05%7C02%7Cada%40x"
            "&sdata=abc%3D&reserved=0"
        ),
        lambda url: f"https://urldefense.com/v3/__{url}__;!!Abc!xyz$",
        lambda url: (
            "https://urldefense.proofpoint.com/v2/url?u="
            + quote(url, safe="/").replace("-", "%2D").replace("_", "%5F").replace("%", "-").replace("/", "_")
            + "&d=DwMFAg&c=abc&e="
        ),
        lambda url: f"https://www.google.com/url?q={quote(url, safe='')}&source=gmail&ust=1",
        lambda url: f"https://linkprotect.cudasvc.com/url?a={quote(url, safe='')}&c=E,1,x&typo=1",
    ],
    ids=["safelinks", "proofpoint", "proofpoint v2", "google", "barracuda"],
)
def test_wrapped_addresses_are_undone_and_never_shown(raw: bytes, wrap: object) -> None:
    text = text_of(raw)
    for url in sorted({url for url in read_mail(raw).links if url in text}, key=len, reverse=True)[:1]:
        text = text.replace(url, wrap(url))  # type: ignore[operator]
    reading = read(f"{head(raw)}Content-Type: text/plain; charset=utf-8\n\n{text}".encode())
    same(reading, raw)
    assert "safelinks" not in repr(reading)
    assert "urldefense" not in repr(reading)


@pytest.mark.parametrize("raw", [FIRING, PIPELINE], ids=["gcp", "gitlab"])
@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organisation. Do not click links.",
        "[EXTERNAL] WARNING: This message is from an external sender. https://learn.example/phishing",
    ],
)
def test_banners_of_the_own_mail_server_change_nothing(raw: bytes, banner: str) -> None:
    headers = head(raw).replace("Subject: ", "Subject: [EXTERNAL] ", 1)
    mail = f"{headers}Content-Type: text/plain; charset=utf-8\n\n{banner}\n\n{text_of(raw)}"
    same(read(mail.encode()), raw)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
@pytest.mark.parametrize("raw", [FIRING, PIPELINE], ids=["gcp", "gitlab"])
def test_every_transfer_encoding_says_the_same(raw: bytes, encoding: str) -> None:
    mail = EmailMessage()
    mail.set_content(text_of(raw), charset="utf-8", cte=encoding)
    same(read(head(raw).encode() + mail.as_bytes()), raw)


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", "iso-8859-1", "x-unknown", "utf-7", '"\'"'])
def test_windows_1252_under_another_name_is_read(charset: str) -> None:
    body = text_of(FIRING).replace("is above", "\u2013 is above").encode("cp1252", "replace")
    mail = f"{head(FIRING)}Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    same(read(mail.encode() + body))


def test_utf_7_makes_no_markup() -> None:
    mail = f"{head(FIRING)}Content-Type: text/plain; charset=utf-7\n\n+ADw-script+AD4-\n{text_of(FIRING)}"
    assert "<script>" not in read_mail(mail.encode()).text


@pytest.mark.parametrize("gone", ["date", "message-id", "to", "mime-version"])
def test_a_missing_header_costs_nothing_else(gone: str) -> None:
    mail = f"{head(FIRING, gone)}\n{text_of(FIRING)}"
    reading = read(mail.encode())
    same(reading)
    assert reading.message_id.startswith("sha256:") is (gone == "message-id")


@pytest.mark.parametrize("raw", [FIRING, PIPELINE], ids=["gcp", "gitlab"])
def test_a_mail_in_a_mail_is_read_as_it_was(raw: bytes) -> None:
    outer = MIMEMultipart()
    outer["From"], outer["Subject"] = "Ada <ada@harbour.example>", "FW: look at this"
    outer.attach(MIMEText("FYI"))
    outer.attach(MIMEMessage(message_from_bytes(raw)))
    reading = read(outer)
    same(reading, raw)
    assert "forwarded by ada@harbour.example" in reading.reason


def test_a_journal_report_is_read_as_the_mail_that_it_holds() -> None:
    outer = MIMEMultipart()
    outer["From"], outer["Subject"] = "<journal@harbour.example>", "Journal report"
    outer["X-MS-Journal-Report"], outer["Return-Path"] = "", "<>"
    outer.attach(MIMEText("Sender: alerting-noreply@google.com\nSubject: x\n"))
    outer.attach(MIMEMessage(message_from_bytes(FIRING)))
    same(read(outer))


def test_a_forward_in_html_alone_is_unfolded() -> None:
    said = text_of(FIRING).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>\n")
    mail = message_from_bytes(FIRING)
    html = (
        '<html><body><p>Have a look</p><div id="divRplyFwdMsg"><b>From:</b> Google Cloud Alerting '
        f"&lt;alerting-noreply@google.com&gt;<br><b>Sent:</b> Friday<br><b>To:</b> alerts<br><b>Subject:</b> "
        f"{mail['Subject']}<br></div><div>{said}</div></body></html>"
    )
    outer = MIMEText(html, "html")
    outer["From"], outer["Subject"] = "Ada <ada@harbour.example>", f"FW: {mail['Subject']}"
    same(read(outer))


def _tnef(text: str) -> bytes:
    """Return a winmail.dat with a plain body: signature, key, and the attributes of code page and body."""

    def attribute(name: int, data: bytes) -> bytes:
        return struct.pack("<BII", 1, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    body = text.encode("cp1252", "replace") + b"\0"
    parts = (attribute(0x00069007, struct.pack("<II", 1252, 0)), attribute(0x0002800C, body))
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(parts)


def test_what_outlook_packed_into_winmail_dat_is_unpacked() -> None:
    outer = MIMEMultipart()
    for name, value in message_from_bytes(FIRING).items():
        if not name.lower().startswith(("content-", "mime-")):
            outer[name] = value
    outer.attach(MIMEText(""))
    packed = MIMEApplication(_tnef(text_of(FIRING)), "ms-tnef", name="winmail.dat")
    outer.attach(packed)
    same(read(outer))


@pytest.mark.parametrize("data", [b"", b'x\x9f>"', _tnef("x")[:-7], b"\x78\x9f\x3e\x22\x01\x00" + b"\x01" * 5000])
def test_a_broken_winmail_dat_leaves_the_subject(data: bytes) -> None:
    outer = MIMEMultipart()
    outer["From"], outer["Subject"] = (
        "Google Cloud Alerting <alerting-noreply@google.com>",
        "[ALERT - Critical] CPU",
    )
    outer.attach(MIMEApplication(data, "ms-tnef", name="winmail.dat"))
    assert read(outer).kind in (MailKind.FIRING, MailKind.UNREADABLE)


QUOTED = text_of(FIRING)
SUBJECT = str(message_from_bytes(FIRING)["Subject"])
NOTHING = {
    "out of office": f"Auto-Submitted: auto-replied\nSubject: Automatic reply: {SUBJECT}\n\n{QUOTED}",
    "bounce": f"{NULL}Subject: Mail could not be delivered\n\n{QUOTED}",
    "ndr": f"Content-Type: multipart/report; boundary=b\nSubject: {SUBJECT}\n\n--b\n\n{QUOTED}\n--b--",
    "read receipt": f"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n"
    f"Subject: Read: {SUBJECT}\n\n--b\n\nread\n--b--",
    "meeting": "Subject: Incident review\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR",
    "accepted": f"Subject: Accepted: {SUBJECT}\n\nok",
    "quarantine": "From: quarantine@messaging.microsoft.com\nSubject: Microsoft 365 security: You have messages in"
    f" quarantine\n\nReview these messages: {SUBJECT}",
}


@pytest.mark.parametrize("raw", NOTHING.values(), ids=NOTHING)
def test_what_only_quotes_an_alert_opens_nothing(raw: str) -> None:
    sender = "" if raw.startswith("From: ") else "From: Postmaster <postmaster@harbour.example>\n"
    reading = read(f"Message-ID: <n@x>\n{sender}{raw}".encode())
    assert reading.kind is MailKind.IGNORED, reading.reason
    assert reading.reason


def test_a_subject_whose_words_were_split_inside_a_character_is_whole() -> None:
    word = "Zażółć gęślą".encode()
    parts = [word[:5], word[5:9], word[9:]]
    subject = " ".join(f"=?utf-8?B?{base64.b64encode(part).decode()}?=" for part in parts)
    assert read_mail(f"Subject: {subject}\n\nx".encode()).subject == "Zażółć gęślą"


def test_a_subject_holds_no_line_break_however_it_was_encoded() -> None:
    mail = read_mail(b"Subject: =?utf-8?Q?a=0D=0ABcc:_evil@x=0A?= b\n\nx")
    assert mail.subject == "a Bcc: evil@x b"
