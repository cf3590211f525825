"""Mails to requesters, in the team's name: sent once, or held and shown where nobody knows whether they were."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from models.domain import access
from models.domain.cases import Case, CaseDecision, Letter
from models.operations import cases
from models.ports.errors import Ambiguous, Permanent, Temporary, Unauthorised

log = logging.getLogger(__name__)

HEADER = "X-Wilson-Letter"
"""Marks our own mails, so that a copy of one that comes back is not taken for an answer."""


def subject_of(case: Case, letter: Letter) -> str:
    """Return the subject with what an answer is recognised by."""
    return f"{letter.subject} [Wilson {case.id}-{letter.token}]"


def compose(case: Case, letter: Letter, sender: str, team: str) -> bytes:
    """Return a letter as a mail."""
    mail = EmailMessage(policy=SMTP)
    local, _, domain = sender.rpartition("@")
    mail["From"] = Address(team, local, domain)
    mail["To"] = letter.to
    mail["Subject"] = subject_of(case, letter)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(f"wilson-{case.id}", domain or "wilson.invalid")
    mail[HEADER] = letter.token
    mail.set_content(letter.body.rstrip() + "\n")
    return mail.as_bytes()


@dataclass(frozen=True, slots=True)
class Letters:
    """Sends letters.

    Attributes:
        send_mail: Sends a mail in the mailbox's name; ``None`` where there is no mailbox to send from.
        sender: The mailbox's address.
        team: The name that stands before it.
    """

    send_mail: Callable[[bytes], Awaitable[None]] | None
    sender: str
    team: str

    async def send(self, case: Case, token: str) -> None:
        """Send one letter.

        It is written down before that it is being sent. Whoever finds that (a process was killed in between) does
        not send it again: nobody wants a letter twice, and a person can see whether it went out.

        Raises:
            Temporary: It was not sent and will be tried again.
        """
        letter = next((each for each in case.letters if each.token == token), None)
        if letter is None or letter.state in ("sent", "unknown"):
            return
        if letter.state == "sending":
            await self._not_sent(case, token, "Wilson was stopped while it was being sent", certain=False)
            return
        if self.send_mail is None or not self.sender:
            await self._not_sent(case, token, "no mailbox is configured to send from: set mailbox.address")
            return
        try:
            mail = compose(case, letter, self.sender, self.team)
        except (ValueError, IndexError) as error:
            await self._not_sent(case, token, f"it can't be written as a mail: {error}")
            return
        case = await self._state(case, token, "sending")
        try:
            await self.send_mail(mail)
        except (Temporary, Unauthorised):
            await self._state(case, token, "waiting")
            raise
        except (Permanent, Ambiguous) as error:
            await self._not_sent(case, token, str(error), certain=isinstance(error, Permanent))
            return
        await cases.change(case, lambda before: access.mailed(before, token, datetime.now(UTC)))

    @staticmethod
    async def _state(case: Case, token: str, state: str) -> Case:
        return (await cases.change(case, lambda before: CaseDecision(access.letter_is(before, token, state)))).case

    @staticmethod
    async def _not_sent(case: Case, token: str, why: str, *, certain: bool = True) -> None:
        await cases.change(
            case, lambda before: access.not_mailed(before, token, why, datetime.now(UTC), certain=certain)
        )
