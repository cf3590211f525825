"""The letter that asks why: sent once or held, and answered."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise
from models import cases as rows
from models import mails
from models.domain import access
from models.domain.alerts import MailKind, Reading
from models.domain.case_timeline import CaseVerb
from models.domain.cases import Case, CaseDecision, CaseState
from models.domain.mail import Outcome
from models.operations import cases
from models.operations.alerts import record_mails
from models.ports.errors import Ambiguous, Permanent, Temporary
from tests.support.access_world import CARD, World, text_of, told, world

__all__ = ["world"]


async def asked(world: World) -> Case:
    await world.asks()
    await world.delivered()
    await world.ready()
    form = await world.press("case_open", form="ask_why")
    assert "abc12@example.ac.uk" in text_of(form)
    await world.press("case_ask_why", to="abc12@example.ac.uk", subject="Why?", body="Please tell us.\n.\nBye")
    return await cases.load(1)


def answer_to(raw: bytes, text: str) -> Reading:
    """Return what the mail watcher makes of an answer to a letter."""
    letter = message_from_bytes(raw, policy=policy.default)
    mail = (
        f"From: ABC <abc12@example.ac.uk>\r\nTo: {letter['From']}\r\nSubject: RE: {letter['Subject']}\r\n"
        f"Message-ID: <a-{hash(text)}@example.ac.uk>\r\nIn-Reply-To: {letter['Message-ID']}\r\n\r\n{text}\r\n\r\n"
        "On Friday, Team Wilson wrote:\r\n> Please tell us.\r\n"
    )
    return recognise(read_mail(mail.encode()))


async def test_a_letter_goes_out_once_and_the_answer_opens_the_decision_again(world: World) -> None:
    case = await asked(world)
    assert (case.state, world.sent) == (CaseState.ASKED, [])
    await world.delivered()
    (raw,) = world.sent
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["To"] == "abc12@example.ac.uk"
    assert letter.get_content().split() == ["Please", "tell", "us.", ".", "Bye"]
    assert "Team Wilson" in letter["From"]
    reading = answer_to(raw, "For the <at>All</at> turnstiles.")
    assert reading.kind is MailKind.INFORMATION
    await record_mails([(reading, datetime.now(UTC))] * 2, world.process)
    await world.delivered()
    case = await cases.load(1)
    assert case.state is CaseState.OPEN
    assert (await told()).count(CaseVerb.ANSWERED) == 1
    assert "turnstiles" in world.said()
    assert "<at>All</at>" not in world.said()
    assert "Please tell us" not in str((await rows.timeline(1))[-1].data.get("text"))
    assert (await mails.mails_of(reading.message_id))[0].outcome is Outcome.INFORMATION


async def test_a_copy_of_our_own_letter_is_no_answer(world: World) -> None:
    await asked(world)
    await world.delivered()
    assert recognise(read_mail(world.sent[0])).kind is MailKind.IGNORED


async def test_what_was_not_sent_is_tried_again(world: World) -> None:
    world.refuse = [Temporary("away"), Temporary("away")]
    await asked(world)
    await world.delivered()
    assert len(world.sent) == 1
    assert (await cases.load(1)).letters[0].state == "sent"


@pytest.mark.parametrize(
    ("error", "said"),
    [(Ambiguous("the answer was lost"), "not known whether"), (Permanent("not allowed"), "was not sent")],
)
async def test_a_letter_that_may_have_gone_out_is_held_and_shown(world: World, error: Exception, said: str) -> None:
    world.refuse = [error]
    await asked(world)
    await world.delivered()
    assert world.sent == []
    assert (await cases.load(1)).letters[0].state == "unknown"
    assert said in world.said()


async def test_killed_while_it_was_sent_a_letter_is_held(world: World) -> None:
    case = await asked(world)
    token = case.letters[0].token
    await cases.change(case, lambda before: CaseDecision(access.letter_is(before, token, "sending")))
    await world.delivered()
    assert world.sent == []
    assert "stopped while it was being sent" in world.said()


async def test_a_letter_needs_an_address(world: World) -> None:
    await world.asks("X", (CARD,), developer_email="")
    await world.delivered()
    await world.press("case_take")
    for to in ("", "nobody", "a@b, c@d", "a@b\nBcc: c@d"):
        await world.press("case_ask_team", to=to, subject="s", body="b")
        assert (await cases.load(1)).letters == ()
