"""Cards as text."""

from __future__ import annotations

from io import StringIO

from bot.adapters.console import ConsoleMessenger
from cards.actions import Form
from cards.forms import form_card
from cards.incident import incident_card
from models.domain.views import IncidentView
from models.ports.messenger import ChannelAddress, Message
from tests.unit.domain.samples import AT, LATER, OPEN, PROCESS


async def test_a_card_can_be_read_without_teams() -> None:
    out = StringIO()
    messenger = ConsoleMessenger("Devs", "Gateway", out)
    channel = ChannelAddress("console://", "console", "console", "Devs")
    thread = await messenger.post(channel, Message(card=incident_card(IncidentView(OPEN, PROCESS), now=LATER)))
    await messenger.reply(thread, Message(text="Ada owns this now."))
    form = form_card(IncidentView(OPEN, PROCESS), Form.NOTE, once="x", now=LATER)
    await messenger.update(thread, Message(card=form))
    said = out.getvalue()
    assert OPEN.title in said
    assert "[Claim]" in said
    assert f"{AT:%Y-%m-%d}" in said
    assert "{{" not in said
    assert "Ada owns this now." in said
    assert "Note: ______" in said
