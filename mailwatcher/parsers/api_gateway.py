"""Notices of the API gateway: somebody's app asks for API products (FORMATS 3).

The notice's real layout is not known, so it is read by labels, and the first occurrence of each counts: an app's
description is a stranger's text and may hold lines that look like labels.
"""

from __future__ import annotations

import re

from mailwatcher.envelope import Mail
from mailwatcher.parsers.labels import first_line, sections
from models.domain.alerts import Alert, MailKind, UnreadableAlert

SOURCE = "api_gateway"
_SUBJECT = re.compile(
    r"(?:\[API Gateway\]\s{0,3})?(?P<what>Access request|Access approved|Access revoked|Access declined|"
    r"API product approval required)\s?:\s?(?P<rest>.{0,300})$",
    re.IGNORECASE,
)
_ADDED = re.compile(r"App (?P<name>.{1,200}) was (?P<what>added to the site|created)\.?$", re.IGNORECASE)
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}")
_CONSOLE = re.compile(r"https://console\.cloud\.google\.com/apigee/(?:apps|appgroups|developers)/[^\s<>\"']{1,400}")
_STATUS = re.compile(r"\s{0,3}\((?:pending|approved|revoked)\)\s{0,3}$", re.IGNORECASE)
_FIELDS = {
    "app": ("application", "app", "app name", "application name", "display name"),
    "app_id": ("app id", "application id", "client app id", "appid"),
    "team": ("team", "app group", "appgroup", "owner team", "owned by", "owner"),
    "developer": ("requested by", "developer", "developer email", "requester", "created by", "user"),
    "products": ("api products", "api product", "products", "product", "apis", "requested products"),
    "callback": ("callback url", "callback"),
    "description": ("description", "notes", "purpose"),
    "created": ("created", "requested at", "date"),
    "decided": ("approved by", "decided by", "revoked by", "declined by"),
    "environment": ("environment", "env"),
    "review": ("review this request", "review"),
}
_ROWS = frozenset({"api product", "product", "status"})
_LABELS = frozenset(label for labels in _FIELDS.values() for label in labels) | _ROWS
_DECISION = re.compile(r" (?:was|were|has been|have been) (?:approved|revoked|declined)", re.IGNORECASE)
_TO = re.compile(r"\bto ", re.IGNORECASE)
_LONGEST = 503
_PERSONAL = frozenset({"none", "-", "n/a", "personal", "(none)", "individual", "no team"})


def parse(mail: Mail) -> Alert | None:
    """See ``parsers``."""
    if added := _ADDED.match(mail.subject):
        return _added(mail, added)
    subject = _SUBJECT.match(mail.subject)
    if subject is None:
        return None
    said = sections(mail.text, _LABELS, _ROWS)
    fields = {
        name: next((text for label, text in said.items() if label in labels), "")
        for name, labels in _FIELDS.items()
    }
    app = first_line(fields["app"]) or ""
    named = re.fullmatch(r"(?P<display>.{1,200}?)\s{0,3}\((?P<name>[a-z0-9][a-z0-9_.-]{0,100})\)", app)
    display = named["display"] if named else app
    app_id = (_UUID.search(fields["app_id"]) or _UUID.search(mail.text) or [""])[0].lower()
    request = subject["what"].lower() in ("access request", "api product approval required")
    if not display and subject["what"].lower().startswith("access"):
        display = subject["rest"].strip()
    if not (display or app_id):
        raise UnreadableAlert(SOURCE, "it names no app")
    decided = "" if request or fields["products"] else _decided(mail.text)
    products = _products(decided or fields["products"])
    developer = _MAIL.search(fields["developer"])
    team = (first_line(fields["team"]) or "").strip()
    url = _CONSOLE.search("\n".join(mail.links)) or _CONSOLE.search(mail.text)
    return Alert(
        source=SOURCE,
        kind=MailKind.ACCESS_REQUEST if request else MailKind.INFORMATION,
        title=(display or app_id)[:200],
        fingerprint=f"apigee|{app_id or display}|{'+'.join(sorted(products))}",
        incident_url=url[0].rstrip(").,;") if url else None,
        details={
            "app_id": app_id,
            "app_name": named["name"] if named else "",
            "app_display_name": display,
            "team": "" if team.lower() in _PERSONAL or "personal" in team.lower() else team,
            "developer_email": developer[0] if developer else "",
            "api_products": products,
            "callback_url": first_line(fields["callback"]) or "",
            "description": (first_line(fields["description"]) or "")[:500],
        },
    )


def _added(mail: Mail, added: re.Match[str]) -> Alert:
    """The portal's stock rule: it names the app alone, so that everything else is looked up."""
    request = added["what"].lower().startswith("added")
    name = added["name"].strip()
    return Alert(
        source=SOURCE,
        kind=MailKind.ACCESS_REQUEST if request else MailKind.INFORMATION,
        title=name[:200],
        fingerprint=f"apigee|app|{name}",
        details={"app_display_name": name, "api_products": []},
    )


def _decided(text: str) -> str:
    """Return what a sentence such as "access to these products was approved" is about; empty where none is there.

    It looks for the decision first: one pattern for all of it takes a fifth of a second on a text full of "to".
    """
    for found in _DECISION.finditer(text):
        begin = max(text.rfind("\n", 0, found.start()) + 1, found.start() - _LONGEST)
        line = text[begin : found.start()]
        if to := _TO.search(line):
            return line[to.end() :]
    return ""


def _products(text: str) -> list[str]:
    lines = [line.strip(" -*\u2022\t") for line in text.split("\n")]
    found = [part for line in lines if line for part in (line.split(",") if "," in line else [line])]
    products = [_STATUS.sub("", each).strip() for each in found if not each.startswith(("http:", "https:"))]
    return list(dict.fromkeys(each[:100] for each in products if each))[:30]
