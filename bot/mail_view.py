"""What a card shows of a mail that is no alert."""

from __future__ import annotations

from collections.abc import Iterator

from cards.words import PRIVATE_TITLE, source_name
from models.domain.alerts import Alert, MailKind
from models.domain.mail import Outcome
from models.domain.views import MailView
from models.mails import MailRecord


def mail_view(record: MailRecord, *, withheld: bool = False) -> MailView:
    """Return what a card shows of a mail; of one about a matter of security no text."""
    if withheld:
        return MailView(
            record.id,
            _shown_as(record),
            PRIVATE_TITLE.capitalize(),
            "",
            "",
            record.received_at,
            incident_id=record.incident_id,
            set_aside_by=record.set_aside_by,
            withheld=True,
        )
    reading = record.reading
    alert = reading.alert
    return MailView(
        record.id,
        _shown_as(record),
        alert.title if alert and record.outcome is Outcome.ACCESS_REQUEST else reading.subject,
        reading.sender,
        f"{reading.reason}; {record.why}".removesuffix("; ") if _judged_by_rule(record) else reading.reason,
        record.received_at,
        url=(alert.incident_url or "") if alert else "",
        facts=tuple(_facts(alert)) if alert else (),
        about_gateway=bool(alert and alert.kind is MailKind.ACCESS_REQUEST),
        incident_id=record.incident_id,
        set_aside_by=record.set_aside_by,
    )


def _judged_by_rule(record: MailRecord) -> bool:
    return record.set_aside_by is None and record.incident_id is None


def _shown_as(record: MailRecord) -> Outcome:
    """Return what the card was posted as, also when a person has decided since."""
    if record.outcome not in (Outcome.NOT_OURS, Outcome.CANDIDATE, Outcome.JOINED):
        return record.outcome
    kinds = {MailKind.UNREADABLE: Outcome.UNREADABLE, MailKind.UNRECOGNISED: Outcome.UNRECOGNISED}
    return kinds.get(record.reading.kind, Outcome.UNVERIFIED)


def _facts(alert: Alert) -> Iterator[tuple[str, str]]:
    if alert.kind is not MailKind.ACCESS_REQUEST:
        about = (
            ("Title", alert.title),
            ("Source", source_name(alert.source)),
            ("Project", alert.project),
            ("Resource", alert.resource),
        )
        yield from ((label, value) for label, value in about if value)
    for key, label in _ACCESS_FACTS:
        if value := alert.details.get(key):
            yield label, _fact(value)


_ACCESS_FACTS = (
    ("app_name", "App"),
    ("app_id", "App id"),
    ("team", "Team"),
    ("developer_email", "Requested by"),
    ("api_products", "API products"),
)


def _fact(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
