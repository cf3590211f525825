"""Bytes of a mail to what it says: decoded, unwrapped, and as its first sender wrote it.

Everything here meets strangers' bytes. Work is bounded before it begins (size, parts, depth), patterns are anchored
or bounded, and nothing raises for what a mail holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

from mailwatcher.authentication import verdict
from mailwatcher.forwards import is_forward, unfold
from mailwatcher.markup import Page, read_links, read_page
from mailwatcher.texts import clean, decode, one_line, strip_prefixes, unflow, unwrap_links
from mailwatcher.tnef import NAMES as TNEF
from mailwatcher.tnef import read_tnef
from models.domain.alerts import Authenticated

RAW_LIMIT = 8 * 1024 * 1024
"""Bytes of a mail that are looked at; attachments beyond are of no interest."""
TEXT_LIMIT = 256 * 1024
PARTS_LIMIT = 50
DEPTH_LIMIT = 10
HEADERS_LIMIT = 400
HEADER_LIMIT = 4000
ENOUGH_TEXT = 200
"""Characters of a text part that make the HTML beside it needless; shorter ones often say only "see the HTML"."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as its parser sees it. All texts are foreign.

    Attributes:
        subject: On one line, without reply, forward and external marks; of the inner mail where it was forwarded.
        original_subject: As it arrived, on one line.
        sender: The From header, for people.
        from_address: The address alone, in lower case, of who wrote it first, as far as a forward or a list tells;
            empty where the header is not plainly one address.
        headers: By name in lower case; of the inner mail where it was forwarded as an attachment.
        text: The text part, or the HTML as text; links unwrapped.
        links: Addresses of the HTML's links and of the text, unwrapped.
        sent_at: The ``Date``, aware; not to be ordered by.
        forwarded_by: Who forwarded it; empty where nobody did.
        ignore: Why it is no alert whatever it says (an automatic reply, a bounce); empty where it may be one.
        html_text: The HTML as text, where there is also a text part; empty otherwise.
        html: The HTML as it came, at most ``TEXT_LIMIT``; empty where there is none.
    """

    subject: str
    original_subject: str
    sender: str
    from_address: str
    headers: Mapping[str, str]
    text: str
    links: tuple[str, ...]
    sent_at: datetime | None
    message_id: str
    digest: str
    authenticated: Authenticated
    forwarded_by: str = ""
    ignore: str = ""
    html_text: str = ""
    html: str = ""

    def header(self, name: str) -> str:
        """Return a header's first value on one line; empty where there is none."""
        return self.headers.get(name.lower(), "")

    def html_links(self) -> tuple[str, ...]:
        """Return the addresses of the HTML's links, unwrapped; ``links`` lacks them where the text part does."""
        return read_links(self.html)


@dataclass(slots=True)
class _Parts:
    text: str = ""
    html: str | None = None
    inner: Message | None = None
    calendar: bool = False


def read_mail(raw: bytes, *, trusted_authserv_id: str = "") -> Mail:
    """Read one mail.

    Args:
        raw: The whole mail.
        trusted_authserv_id: Whose Authentication-Results are believed; by default the topmost, whoever wrote it.
    """
    digest = hashlib.sha256(raw).hexdigest()
    message = _parsed(raw[:RAW_LIMIT])
    outer = _Headers(message)
    froms = outer.every("from")
    sender = one_line(froms[0])[:300] if froms else ""
    address = _address(froms)
    results = [one_line(each) for each in outer.every("authentication-results")]
    authenticated = verdict(results, address, trusted_authserv_id, froms=len(froms))
    parts = _gather(outer.body)
    subject, original = strip_prefixes(outer.get("subject", "")), one_line(outer.get("subject", ""))[:300]
    ignore = _ignored(outer, original, parts)
    headers, forwarded_by = outer, ""
    journal = "x-ms-journal-report" in outer
    if parts.inner is not None and (journal or not (ignore or outer.machine)):
        headers, forwarded_by = _Headers(parts.inner), address or sender
        inner = _gather(headers.body)
        subject = strip_prefixes(headers.get("subject", ""))
        within = one_line(headers.get("subject", ""))[:300]
        ignore = _ignored(headers, within, inner)
        parts = inner
    page = _page(parts)
    text = parts.text if parts.text.strip() else (page.text if page else "")
    first = _first_sender(headers, address if not forwarded_by else _address([headers.get("from", "")]))
    if not forwarded_by and not outer.machine and is_forward(original):
        forwarded_by = address or sender
        first = ""
        if found := unfold(text):
            text = found.text
            first = _address([found.sender])
            subject = strip_prefixes(found.subject) or subject
    return Mail(
        subject=subject[:300],
        original_subject=original,
        sender=sender,
        from_address=first,
        headers=headers,
        text=text,
        links=tuple(dict.fromkeys((*(page.links if page else ()), *_links(text))))[:400],
        sent_at=_date(headers.get("date", "")),
        message_id=one_line(outer.get("message-id", ""))[:500] or f"sha256:{digest}",
        digest=digest,
        authenticated=authenticated,
        forwarded_by=forwarded_by,
        ignore=ignore,
        html_text=page.text if page and parts.text.strip() else "",
        html=parts.html or "",
    )


def _parsed(raw: bytes) -> Message:
    """Parse a mail; one nested deeper than the parser can follow, by its headers alone."""
    try:
        return message_from_bytes(raw)
    except RecursionError:
        return BytesHeaderParser().parsebytes(raw)


_MACHINES = (
    "x-gitlab-project", "x-gitlab-project-id", "x-gitlab-notificationreason", "x-gitlab-pipeline-id",
    "x-gitlab-host", "x-github-recipient", "x-github-sender", "x-github-reason", "x-sentry-project",
    "x-sentry-reply-to", "x-sentry-logger",
)  # fmt: skip


def _held(part: Message) -> Any:
    """Return what a part holds, still encoded; where its charset can't be a name, as if it named none."""
    try:
        return part.get_payload()
    except ValueError:  # Python looks for a codec whose name holds a null
        part.del_param("charset")
        return part.get_payload()


class _Headers(Mapping[str, str]):
    """The first value of each header, decoded and on one line once somebody asks for it: few are asked for."""

    def __init__(self, message: Message) -> None:
        self._raw: dict[str, list[str]] = {}
        self._said: dict[str, str] = {}
        self.body = Message()
        """The mail with those headers alone that tell how its body is written: each look-up goes through all."""
        for name, value in islice(message.raw_items(), HEADERS_LIMIT):
            key = name.lower()
            if key.startswith("content-"):
                self.body.set_raw(name, value)
            if key in self._raw:
                self._raw[key].append(value)
            else:
                self._raw[key] = [value]
        self.body.set_payload(_held(message))
        automatic = self.get("auto-submitted").lower().startswith("auto-generated")
        self.machine = automatic or any(name in self._raw for name in _MACHINES)
        """Whether a machine wrote it, by its headers."""

    def every(self, name: str) -> list[str]:
        """Return every value of a header as it came, the topmost first."""
        return [str(value)[:HEADER_LIMIT] for value in self._raw.get(name, ())]

    def __getitem__(self, name: str) -> str:
        if name not in self._said:
            self._said[name] = _decoded(str(self._raw[name][0])[:HEADER_LIMIT])
        return self._said[name]

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        return self[name] if name in self._raw else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def _decoded(value: str) -> str:
    """Decode RFC 2047 words, also where a relay split one inside a character, and bare 8-bit letters."""
    if not value.isascii():  # surrogates stand for the bytes as they came
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if "=?" not in value:
        return one_line(value)
    try:
        words = decode_header(value)
    except Exception:
        return one_line(value)
    return one_line("".join(w if isinstance(w, str) else decode(w, charset or "") for w, charset in words))


_COMMENT = re.compile(r"\s{1,5}\([^()<>@,;:]{0,100}\)$")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


def _address(froms: list[str]) -> str:
    """Return the address of a From header by strict rules.

    No address parser is asked: ``known@good.example <evil@bad.example>`` has fooled them. More than one From header
    or angle bracket, or anything that is not one plain address, is none.
    """
    if len(froms) != 1:
        return ""
    value = one_line(froms[0])
    if "<" in value or ">" in value:
        head, _, tail = value.partition("<")
        inner, closed, rest = tail.partition(">")
        if not closed or rest.strip() or "<" in tail or ">" in head:
            return ""
        value = inner
    else:
        value = _COMMENT.sub("", value)
    value = value.strip()
    return value.lower() if _ADDRESS.fullmatch(value) else ""


def _first_sender(headers: Mapping[str, str], address: str) -> str:
    """Return who wrote it before a list rewrote From, as Google Groups does for senders that forbid relaying."""
    if not (headers.get("list-id") or headers.get("mailing-list") or headers.get("x-google-group-id")):
        return address
    original = headers.get("x-original-sender", "") or headers.get("x-original-from", "")
    if not original and " via " in headers.get("from", ""):
        original = headers.get("reply-to", "")
    return (_address([original]) if original else "") or address


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


_REPLY_SUBJECT = re.compile(r"\s{0,20}(?:re|aw|sv|vs|antw|odp)\s?(?:\[\d{1,4}\])?\s?[:\uff1a]", re.IGNORECASE)
_AUTOMATIC = re.compile(
    r"(?:automatic reply|auto(?:matic)?[- ]?response|out of (?:the )?office|undeliverable|undelivered mail|"
    r"delivery status notification|mail delivery (?:failed|subsystem)|read:|not read:|automatische antwort|"
    r"r\u00e9ponse automatique|accepted:|declined:|tentative:|canceled:|cancelled:|recall:)",
    re.IGNORECASE,
)


_DIGEST = re.compile(
    r"(?:messages?|e-?mails?|mail) (?:held )?in quarantine|quarantine (?:summary|digest|notification|report)|"
    r"spam (?:summary|digest|notification|report)\b",
    re.IGNORECASE,
)


REPLY = "a person's reply"
"""Why most replies are no alerts; those to Wilson's own letters are read all the same."""


def _ignored(headers: _Headers, subject: str, parts: _Parts) -> str:
    """Say why a mail is no alert whatever it quotes."""
    if headers.get("auto-submitted", "").lower().startswith("auto-replied") or headers.get("x-autoreply"):
        return "an automatic reply"
    if headers.body.get_content_type() == "multipart/report" or headers.get("x-ms-exchange-message-is-ndr"):
        return "a delivery report"
    if headers.get("return-path", "").replace(" ", "") == "<>":
        return "a bounce: it has no return path"
    lowered = subject.lower()
    if ("quarantine" in lowered or "spam" in lowered) and _DIGEST.search(subject):
        return "a digest of what a mail filter holds back"
    if _AUTOMATIC.match(subject):
        return "an automatic reply or a delivery report, by its subject"
    if parts.calendar:
        return "an invitation to a meeting"
    answers = headers.get("in-reply-to") or headers.get("references")
    if _REPLY_SUBJECT.match(subject) and answers and not headers.machine:
        return REPLY
    return ""


def _gather(message: Message) -> _Parts:
    """Find the text, the HTML, and a mail inside the mail, within the limits on parts and depth."""
    found = _Parts()
    waiting: list[tuple[Message, int]] = [(message, 0)]
    seen = 0
    while waiting and seen < PARTS_LIMIT:
        part, depth = waiting.pop(0)
        seen += 1
        kind = part.get_content_type()
        held = _held(part)
        if kind == "message/rfc822" and depth > 0:
            inner = held[0] if isinstance(held, list) and held else None
            if found.inner is None and isinstance(inner, Message):
                found.inner = inner
        elif isinstance(held, list):
            if depth < DEPTH_LIMIT:
                waiting[:0] = [(each, depth + 1) for each in held[:PARTS_LIMIT] if isinstance(each, Message)]
        elif kind == "text/calendar":
            found.calendar = True
        elif kind in ("text/plain", "text/html"):
            if str(part.get("content-disposition", "")).lstrip()[:10].lower() != "attachment":
                _take(part, kind, found)
        elif kind in TNEF or str(part.get_filename() or "").lower() == "winmail.dat":
            _unpack(part, found)
    return found


def _unpack(part: Message, found: _Parts) -> None:
    """Take the bodies of a ``winmail.dat`` where the mail itself has none."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return
    packed = read_tnef(data)
    if packed.text.strip() and not found.text.strip():
        found.text = unwrap_links(clean(packed.text[:TEXT_LIMIT]))
    if packed.html.strip() and found.html is None:
        found.html = packed.html[:TEXT_LIMIT]


def _page(parts: _Parts) -> Page | None:
    """Read the HTML where the text part does not do: reading it costs more than all the rest."""
    if parts.html is None or len(parts.text.strip()) >= ENOUGH_TEXT:
        return None
    return read_page(parts.html)


def _take(part: Message, kind: str, found: _Parts) -> None:
    if kind == "text/plain" and found.text.strip():
        return
    if kind == "text/html" and found.html is not None:
        return
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes):
        return
    text = decode(body[:TEXT_LIMIT], _charset(part))
    if kind == "text/html":
        found.html = text
        return
    if "flowed" in str(part.get("content-type", "")).lower():
        text = unflow(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    found.text = unwrap_links(clean(text))


_CHARSET = re.compile(r"charset\s?=\s?\"?([A-Za-z0-9_.:-]{1,40})[\";\s]?", re.IGNORECASE)


def _charset(part: Message) -> str:
    """Return the charset that a part names; the parser's own way is slow, and is asked for unusual forms only."""
    said = str(part.get("content-type", ""))
    found = _CHARSET.search(said)
    if found or "charset" not in said.lower():
        return found[1] if found else ""
    return part.get_content_charset() or ""


_LINK = re.compile(r"https?://[^\s<>\"'\u0000-\u0020]{3,2000}")


def _links(text: str) -> list[str]:
    return [match[0].rstrip(").,;]") for match in _LINK.finditer(text)]
