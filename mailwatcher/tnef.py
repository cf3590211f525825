"""What Outlook packed into a ``winmail.dat``: text or HTML, where it holds one. Its RTF alone is not read."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from tnefparse import TNEF

from mailwatcher.texts import decode

SIZE_LIMIT = 2 * 1024 * 1024
NAMES = ("application/ms-tnef", "application/vnd.ms-tnef")

logging.getLogger("tnef-decode").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Packed:
    """The bodies of a ``winmail.dat``; empty where it holds none, or can't be read."""

    text: str
    html: str


def read_tnef(data: bytes) -> Packed:
    """Return the bodies. Whatever is wrong with it makes them empty: the mail's subject stands without it."""
    try:
        found = TNEF(data[:SIZE_LIMIT], do_checksum=False)
    except Exception:  # it raises whatever comes
        return Packed("", "")
    return Packed(_text(found.body, found.codepage), _text(found.htmlbody, found.codepage))


def _text(body: object, charset: str | None) -> str:
    if isinstance(body, list):
        body = body[0] if body else ""
    if isinstance(body, bytes):
        return decode(body.rstrip(b"\0"), charset or "cp1252")
    return body.rstrip("\0") if isinstance(body, str) else ""
