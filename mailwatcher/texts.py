"""Small repairs of text: charsets, control characters, subject marks, flowed lines, wrapped links."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from urllib.parse import parse_qs, unquote, urlsplit

_ALLOWED = frozenset(
    {
        "utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-15", "cp1250", "cp1251", "cp1252", "cp1254", "koi8-r",
        "utf-16", "utf-16-be", "utf-16-le", "shift_jis", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5",
        "euc_kr", "latin_1", "latin-1",
    }
)  # fmt: skip
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_BREAKS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_LONE = re.compile("[\ud800-\udfff]")


def decode(data: bytes, charset: str) -> str:
    """Decode bytes, believing a charset only where it is a usual one.

    What calls itself ASCII or Latin-1 is read as windows-1252, which it mostly is; UTF-7 and other odd ones are not
    decoded as they say, since they let markup appear out of plain letters.
    """
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
    except (LookupError, ValueError):
        name = "utf-8"
    if name not in _ALLOWED:
        name = "utf-8"
    if name in ("ascii", "iso8859-1", "latin_1", "latin-1", "utf-8"):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("utf-8" if name == "utf-8" else "cp1252", "replace")
    return data.decode(name, "replace")


def clean(text: str) -> str:
    """Return text with line feeds alone as breaks, and without control characters and halves of characters."""
    text = text.replace("\r\n", "\n")
    if text.replace("\n", "").replace("\t", "").isprintable():  # nearly always, and much the quicker
        return text
    return _LONE.sub("\ufffd", _CONTROLS.sub("", _BREAKS.sub("\n", text)))


def one_line(text: str) -> str:
    """Return text cleaned and on one line, with single blanks."""
    line = " ".join(text.split())
    if line.isascii() and line.isprintable():  # nearly always, and much the quicker
        return line
    return " ".join(clean(text).split())


_MARK = re.compile(
    r"\s{0,20}(?:(?:re|fwd?|aw|wg|sv|vs|tr|rv|antw|odp)\s?(?:\[\d{1,4}\])?\s?[:\uff1a]|\[(?:ext|external|extern)\])",
    re.IGNORECASE,
)
_LIST = re.compile(r"\s{0,20}\[([A-Za-z0-9][A-Za-z0-9 _.-]{0,60})\](?=\s{0,3}\S)")
_STATES = ("alert", "resolved", "firing", "product update", "action", "legal update", "reminder", "api gateway")
_PRIORITY = re.compile(r"p\d$", re.IGNORECASE)


def strip_prefixes(subject: str) -> str:
    """Return a subject without reply, forward, external and mailing-list marks (FORMATS, rule 3)."""
    subject = one_line(subject)[:1000]
    for _ in range(20):
        if found := _MARK.match(subject):
            subject = subject[found.end() :].lstrip()
            continue
        tag = _LIST.match(subject)
        if tag is None or not _is_list(tag[1], subject[tag.end() :]):
            break
        subject = subject[tag.end() :].lstrip()
    return subject


def _is_list(tag: str, rest: str) -> bool:
    """Tell whether a bracket is a list's tag: lower case and dashes, in front of something that stands alone."""
    lowered = tag.lower()
    if lowered.startswith(_STATES) or _PRIORITY.match(tag):
        return False
    return tag == lowered and "-" in tag and bool(re.match(r"\s{0,3}(?:\[|[^\s|]{1,80} \| |re:|fw:)", rest, re.I))


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the lines of ``format=flowed`` (RFC 3676), so that an address that was broken is whole again."""
    lines: list[str] = []
    open_line = False
    for line in text.replace("\r\n", "\n").split("\n"):
        line = line.removeprefix(" ")
        if open_line and lines:
            lines[-1] = (lines[-1][:-1] if delete_space else lines[-1]) + line
        else:
            lines.append(line)
        open_line = line.endswith(" ") and line != "-- "
    return "\n".join(lines)


_SAFE_LINK = re.compile(r"https://[A-Za-z0-9.-]{1,100}\.safelinks\.protection\.outlook\.com/[^\s<>\"']{1,6000}")
_DEFENSE = re.compile(r"https://urldefense\.(?:com|proofpoint\.com|us)/v3/__(?P<url>[^\s<>\"']{1,4000}?)__;(?P<enc>[A-Za-z0-9+/_=-]{0,2000})[^\s<>\"']{0,400}")  # fmt: skip  # noqa: E501


_QUERIED = re.compile(
    r"https://(?:www\.google\.com/url|linkprotect\.cudasvc\.com/url|protect-[a-z]{2}\.mimecast\.com/s/[A-Za-z0-9_-]{1,60}"
    r"|urldefense\.(?:proofpoint\.)?com/v2/url)\?[^\s<>\"']{1,6000}"
)
_WRAPS = ("google.com/url", "cudasvc.com/url", "mimecast.com/s/", "/v2/url")


def unwrap_links(text: str) -> str:
    """Undo Safe Links, Proofpoint and others. A wrapped address often names its recipient: it must not be shown."""
    if "safelinks.protection.outlook.com" in text:
        text = _SAFE_LINK.sub(lambda found: _safe_link(found[0]), text)
    if "urldefense" in text:
        text = _DEFENSE.sub(_defense, text)
    if any(each in text for each in _WRAPS):
        text = _QUERIED.sub(lambda found: _queried(found[0]), text)
    return text


def _queried(url: str) -> str:
    """Return what an address carries in its query: ``q``, ``url``, ``a``, or ``u`` in Proofpoint's own letters."""
    asked = parse_qs(urlsplit(html.unescape(url)).query)
    if "/v2/url" in url:
        carried = asked.get("u", [""])[0].replace("_", "/")
        inner = unquote(re.sub(r"-([0-9A-Fa-f]{2})", r"%\1", carried))
    else:
        inner = next((asked[key][0] for key in ("q", "url", "a") if key in asked), "")
    return inner if inner.startswith(("http://", "https://")) else url


def _safe_link(url: str) -> str:
    for _ in range(3):
        inner = parse_qs(urlsplit(html.unescape(url)).query).get("url", [""])[0]
        if not inner.startswith(("http://", "https://")):
            return url if "safelinks.protection" not in url else ""
        url = inner
        if "safelinks.protection.outlook.com" not in url:
            return url
    return ""


def _defense(found: re.Match[str]) -> str:
    try:
        replaced = iter(base64.urlsafe_b64decode(found["enc"] + "===").decode("utf-8", "replace"))
    except (binascii.Error, ValueError):
        replaced = iter("")
    return unquote("".join(next(replaced, "*") if char == "*" else char for char in found["url"]))
