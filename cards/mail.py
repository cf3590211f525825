"""Quiet cards about mails that make nothing by themselves."""

from __future__ import annotations

from collections.abc import Iterable

from cards.actions import encode
from cards.blocks import (
    Element,
    adaptive_card,
    escape,
    execute,
    plain,
    rich_text,
    row,
    text_block,
    text_run,
    when,
)
from models.domain.mail import Outcome
from models.domain.views import MailView

_FACTS = 12


_TITLES = {
    Outcome.UNREADABLE: "A mail that Wilson could not read",
    Outcome.UNVERIFIED: "A mail whose sender is not confirmed",
    Outcome.SUPPORT_CALL: "A support call",
}
_QUESTIONS = {
    Outcome.UNVERIFIED: "Anybody can write such a mail. Look at the source itself before you accept it.",
}


def mail_card(view: MailView) -> Element:
    """Return the card of a mail that became no incident by itself. Once somebody judged it, it offers nothing."""
    title = _TITLES.get(view.outcome, "A mail that Wilson does not recognise")
    doubted = view.outcome is Outcome.UNVERIFIED
    body = [
        text_block(title, weight="Bolder", size="Small", subtle=not doubted, color="Attention" if doubted else ""),
        rich_text(text_run(view.subject or "(no subject)", 200, weight="Bolder"), spacing="Small"),
        *([] if view.withheld else _told(view)),
        row("Received", text_block(when(view.received_at))),
    ]
    buttons: list[Element] = []
    if view.incident_id is not None:
        body.append(text_block(f"It is incident #{view.incident_id}.", weight="Bolder"))
    elif view.outcome is Outcome.ACCESS_REQUEST:
        body.append(text_block("It is genuine: the request has a card of its own.", weight="Bolder"))
    elif view.set_aside_by is not None:
        body.append(text_block(f"{escape(view.set_aside_by.name, 80)} says that it is not ours.", weight="Bolder"))
    else:
        body.append(text_block(_QUESTIONS.get(view.outcome, "Is it about something that is going wrong?")))
        buttons = [
            execute("It is genuine" if doubted else "Make it a candidate", encode("adopt_mail", mail=view.id)),
            execute("Not ours", encode("set_mail_aside", mail=view.id)),
        ]
    return adaptive_card(body, buttons, speak=f"{title}: {plain(view.subject, 200)}")


def _told(view: MailView) -> Iterable[Element]:
    yield row("From", rich_text(text_run(view.sender or "unknown", 120)))
    for label, value in view.facts[:_FACTS]:
        yield row(escape(label, 40), rich_text(text_run(value, 200)))
    yield row("Why", rich_text(text_run(view.reason, 360)))
