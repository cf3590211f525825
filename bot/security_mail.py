"""The mail to whoever must know of incidents of security: sent once, or shown as not sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from bot.case_letters import Letters
from bot.surroundings import Surroundings
from models import store
from models.domain.decisions import Decision
from models.domain.incidents import Incident
from models.domain.privacy import mailed
from models.operations.incidents import load
from models.ports.errors import Ambiguous, Permanent, Temporary

STOPPED = "Wilson was stopped while it was being sent, so it may have arrived"


async def report(incident_id: int, letters: Letters, around: Surroundings) -> None:
    """Send the mail, unless they are in the team and are mentioned, or there is nothing to send with.

    It is written down before that it is being sent: whoever finds that does not send it again.

    Raises:
        Temporary: It was not sent and will be tried again.
    """
    incident, security = await load(incident_id), around.process.security
    to = security.mail_address
    if incident.privacy is None or incident.privacy.told or incident.privacy.mail in ("sent", "failed"):
        return
    in_team = security.head_of(around.team) is not None
    if not to or letters.send_mail is None or not letters.sender or in_team:
        return
    if incident.privacy.mail == "sending":
        await _ended(incident_id, to, STOPPED)
        return
    mail = _compose(incident, to, letters)
    await _state(incident_id, "sending")
    try:
        await letters.send_mail(mail)
    except Temporary:
        await _state(incident_id, "")
        raise
    except (Permanent, Ambiguous) as error:
        await _ended(incident_id, to, str(error))
        return
    await _ended(incident_id, to, "")


def _compose(incident: Incident, to: str, letters: Letters) -> bytes:
    mail = EmailMessage(policy=SMTP)
    local, _, domain = letters.sender.rpartition("@")
    mail["From"] = Address(letters.team, local, domain)
    mail["To"] = to
    mail["Subject"] = f"Incident {incident.id} is a matter of security"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(f"wilson-security-{incident.id}", domain or "wilson.invalid")
    made = incident.privacy
    lines = [f"Incident {incident.id} of {letters.team} was marked as a matter of security."]
    if made is not None:
        lines.append(f"By: {made.by.name}, {made.at:%Y-%m-%d %H:%M} UTC")
        lines += [f"Why: {made.reason}"] if made.reason else []
    lines.append(f"Its confidential issue: {incident.issue_url}" if incident.issue_url else "")
    lines.append("The team handles it in private. What is known stands in the issue, not in this mail.")
    mail.set_content("\n".join(line for line in lines if line) + "\n")
    return mail.as_bytes()


async def _state(incident_id: int, state: str) -> None:
    while True:
        incident = await load(incident_id)
        if incident.privacy is None:
            return
        changed = replace(incident, privacy=replace(incident.privacy, mail=state))
        try:
            await store.commit([(incident, Decision(changed))])
        except store.Conflict:
            continue
        return


async def _ended(incident_id: int, to: str, failed: str) -> None:
    while True:
        incident = await load(incident_id)
        try:
            await store.commit([(incident, mailed(incident, to, at=datetime.now(UTC), failed=failed))])
        except store.Conflict:
            continue
        return
