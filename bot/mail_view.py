"""What a card shows of a mail that is no alert."""

from __future__ import annotations

from models.domain.alerts import MailKind
from models.domain.views import MailView
from models.mails import MailRecord


def mail_view(record: MailRecord) -> MailView:
    """Return what a card shows of a mail."""
    reading = record.reading
    alert = reading.alert
    details = alert.details if alert else {}
    facts = tuple((label, _fact(details[key])) for key, label in _ACCESS_FACTS if details.get(key))
    return MailView(
        record.id,
        reading.kind,
        alert.title if alert and reading.kind is MailKind.ACCESS_REQUEST else reading.subject,
        reading.sender,
        reading.reason,
        record.received_at,
        url=(alert.incident_url or "") if alert else "",
        facts=facts,
        incident_id=record.incident_id,
        set_aside_by=record.set_aside_by,
    )


_ACCESS_FACTS = (
    ("app_name", "App"),
    ("app_id", "App id"),
    ("team", "Team"),
    ("developer_email", "Requested by"),
    ("api_products", "API products"),
)


def _fact(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
