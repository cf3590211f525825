"""What people do to incidents. Buttons and commands call the same functions.

Each loads, decides (``domain``), and carries the decision out in one transaction whose first statement is the
compare-and-set. When somebody was quicker it loads and decides again, so that the answer is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from models import directory, mails, queue, recording, store
from models.domain import finishing, intake, staffing
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.case_effects import OpenCase
from models.domain.decisions import Decision, Refusal
from models.domain.effects import Effect, PostMail
from models.domain.finishing import ALERTING
from models.domain.firing import ISSUE
from models.domain.incident_effects import PostCard, RefreshCard
from models.domain.incident_parts import Noise
from models.domain.incidents import Incident, State
from models.domain.judging import ASK as NOT_AN_INCIDENT
from models.domain.judging import Answers
from models.domain.people import Person
from models.domain.privacy import without_channel
from models.domain.process import Process
from models.domain.requests import Assess, Claim, Dismiss, FireFire, MarkPrivate, Merge, Raise, Request, carry_out
from models.domain.services import find_service
from models.operations.alerts import decider
from models.operations.hiding import hidden

TRIES = 20
REPEATABLE = (Claim, Raise)
"""What changes nothing when it is delivered twice, however late, so that no key of it is kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """The incident as it stands now.

    Attributes:
        notice: One sentence for the person who acted; empty where the card says enough.
        refusal: Why nothing changed; ``None`` where it was done, or was done before.
    """

    incident: Incident
    notice: str = ""
    refusal: Refusal | None = None


class NoSuchIncident(Exception):
    """There is no incident of that number."""


async def act(
    incident: Incident, request: Request | Merge, by: Person, process: Process, *, once: Sequence[str] = ()
) -> Done:
    """Carry out what a person asks of an incident.

    Args:
        incident: Found by the clicked message or the thread, never by what a card's data says. Where it is not
            the newest any more, it is loaded again.
        once: Keys of the activity and the form; a second delivery changes nothing and gets the same answer.

    Raises:
        NoSuchIncident: There is none of that number.
    """
    before = incident
    if isinstance(request, REPEATABLE) and not getattr(request, "take_over", False):
        once = ()
    for attempt in range(TRIES):
        if attempt:
            before = await load(incident.id)
        if isinstance(request, Merge):
            changes, first = await _merge(before, request, by)
        else:
            first = carry_out(request, before, by, process, at=_now())
            if isinstance(request, Dismiss) and isinstance(first, Decision):
                first = await _with_noise(before, first, process)
            changes = [(before, first)] if isinstance(first, Decision) else []
        if isinstance(first, Refusal):
            return Done(before, refusal=first)
        if isinstance(request, MarkPrivate) and changes:
            changes = await hidden(before, changes[0][1], at=_now())
        changes = [(old, decision) for old, decision in changes if _changes(old, decision)]
        if not changes:
            return Done(before, first.notice)
        try:
            stored = await store.commit(await _with_card(changes), once=once)
        except store.Conflict:
            continue
        except store.DoneAlready:
            return Done(await load(incident.id), "That was done already.")
        except store.FingerprintTaken as taken:
            text = f"Incident {taken.incident_id} is open for the same alert: merge into that one."
            return Done(before, refusal=Refusal(text))
        notice = first.notice
        if isinstance(request, FireFire):
            parked = [item.id for item in await queue.held_of(incident.id, [ISSUE]) if item.state == "parked"]
            if parked:
                await queue.retry(parked, store.now_ms())
        if isinstance(request, MarkPrivate) and not await directory.has_private_channel():
            notice = f"{without_channel(process.security)} {notice}"
        return Done(stored[0], notice)
    return Done(before, refusal=Refusal("Too many people are changing this incident just now: try again."))


async def _with_noise(before: Incident, decision: Decision, process: Process) -> Decision:
    """Note how often alerts of the same rule were no incidents, so that the card asks what is to be done.

    A process without a follow-up that improves alerting has nothing to offer.
    """
    dismissed = decision.incident
    if before.state is State.DISMISSED or dismissed.state is not State.DISMISSED or not dismissed.fingerprint:
        return decision
    if process.follow_up(ALERTING) is None:
        return decision
    earlier = await store.dismissed_before(dismissed)
    if not earlier or any(each.kind == ALERTING for one in (*earlier, dismissed) for each in one.follow_ups):
        return decision
    several = (*earlier, dismissed)
    noise = Noise(
        len(several),
        sum(each.count for each in several),
        earlier[0].first_seen or earlier[0].created_at,
        incidents=tuple(each.id for each in several),
        resources=tuple(dict.fromkeys(each.resource for each in several if each.resource)),
    )
    return replace(decision, incident=replace(dismissed, noise=noise))


def _changes(before: Incident, decision: Decision) -> bool:
    return decision.incident != before or bool(decision.entries or decision.effects)


async def _merge(
    part: Incident, request: Merge, by: Person
) -> tuple[list[tuple[Incident, Decision]], Decision | Refusal]:
    whole = await store.incident(request.into)
    if whole is None:
        return [], Refusal(f"There is no incident {request.into}.", fields=("into",))
    gone, grown = finishing.merge(part, whole, by, at=_now())
    if isinstance(gone, Refusal) or isinstance(grown, Refusal):
        return [], gone
    return [(part, gone), (whole, grown)], gone


async def _with_card(changes: list[tuple[Incident, Decision]]) -> list[tuple[Incident, Decision]]:
    """Give a candidate that stood in a digest a card of its own as soon as somebody acts on it."""
    result = []
    for before, decision in changes:
        if before.digest_id is not None and decision.incident.digest_id is not None:
            decision = _own_card(decision)
        result.append((before, decision))
    return result


def _own_card(decision: Decision) -> Decision:
    incident = replace(decision.incident, digest_id=None)
    return Decision(incident, decision.entries, (PostCard(incident.id), *decision.effects), decision.notice)


async def show_card(incident_id: int) -> Done:
    """Give a candidate of a digest a card of its own."""
    for _ in range(TRIES):
        before = await load(incident_id)
        if before.digest_id is None:
            return Done(before, "It has a card of its own.")
        try:
            stored = await store.commit([(before, _own_card(Decision(before)))])
        except store.Conflict:
            continue
        return Done(stored[0])
    return Done(before, refusal=Refusal("Too many people are changing this incident just now: try again."))


async def declare_incident(
    title: str,
    description: str,
    by: Person,
    process: Process,
    *,
    assess: Assess | None = None,
    answers: Answers | None = None,
    anyway: bool = False,
    fire: bool = False,
    service: str = "",
    once: Sequence[str] = (),
) -> Done | Refusal:
    """Declare an incident that no mail announced.

    Args:
        assess: How urgent it is, where that was said at once. An urgency that goes straight to resolved is left for
            later, since somebody must own it first: it is better declared than refused (W10).
        answers: To the tests that decide whether it is an incident.
        anyway: Whether it is declared although they say that it is none; its urgency is then left for later unless
            it was named.
        service: The name of the impacted service; one that the process does not know is left out.
        fire: Whether it gets a channel and a log page, too, in the same action.
    """
    if not title.strip():
        return Refusal("An incident needs a title.", fields=("title",))
    answers = answers or {}
    against = process.judging.verdict(answers) is False
    if against and not anyway:
        return Refusal(process.judging.why_not(answers), ask=NOT_AN_INCIDENT)
    known = find_service(service, process.services)
    name = known.name if known else ""
    decision = intake.declare(
        title.strip()[:200], description.strip(), by, process.judging, answers, name, at=_now()
    )
    decision = staffing.declared(decision, by, process, at=decision.incident.created_at)
    if fire:
        decision = _also(decision, carry_out(FireFire(), decision.incident, by, process, at=_now()))
    if assess is not None and (assess.urgency or not against):
        assessed = carry_out(assess, decision.incident, by, process, at=_now())
        if isinstance(assessed, Refusal) and assessed.fields:
            return assessed
        decision = _also(decision, assessed)
        if isinstance(assessed, Refusal):
            decision = replace(decision, notice=f"{decision.notice} {assessed.text} Then set its urgency.".strip())
    try:
        return Done(await store.create(decision, once=once), decision.notice)
    except store.DoneAlready:
        return Refusal("That incident was declared already.")


def _also(decision: Decision, more: Decision | Refusal) -> Decision:
    """Add what is done to a new incident at once; its card is posted, so that it needs no refresh."""
    if isinstance(more, Refusal):
        return decision
    effects = tuple(each for each in more.effects if not isinstance(each, RefreshCard))
    entries = (*decision.entries, *more.entries)
    return Decision(more.incident, entries, (*decision.effects, *effects), decision.notice)


async def adopt_mail(mail_id: int, by: Person, process: Process) -> Done | Refusal | None:
    """Believe a mail because a person does: nobody could parse it, or its sender was doubted.

    Returns:
        The incident that it makes or joins; ``None`` where it is a request for access.
    """
    record = await mails.mail(mail_id)
    if record is None:
        return Refusal("There is no such mail.")
    alert = record.reading.alert
    if alert is not None and alert.kind is MailKind.ACCESS_REQUEST:
        accepted = await mails.accept_request(mail_id, by, [_mail_card(mail_id), OpenCase(mail_id)])
        return None if accepted else Refusal("Somebody has decided about this mail already.")
    if alert is None:
        title = record.reading.subject or "(no subject)"
        about = f"Mail from {record.reading.sender}"[:500]
        alert = Alert("mail", MailKind.FIRING, title[:200], f"mail|{record.id}", summary=about)
        record = replace(record, reading=replace(record.reading, alert=alert))
    decide = decider(process)

    def declared(
        incident: Incident | None, alert: Alert, reading: Reading, previous: int | None, recovered_before: bool
    ) -> Decision:
        decision = decide(incident, alert, reading, previous, recovered_before)
        return decision if incident is not None else staffing.declared(decision, by, process, at=_now())

    for _ in range(TRIES):
        try:
            incident_id = await recording.adopt_mail(record, by, declared, [_mail_card(mail_id)])
        except store.Conflict:
            continue
        if incident_id is None:
            return Refusal("Somebody has decided about this mail already.")
        return Done(await load(incident_id))
    return Refusal("Too many mails of this alert arrive just now: try again.")


async def set_mail_aside(mail_id: int, by: Person) -> Refusal | None:
    """Record that a mail is not ours."""
    if await mails.set_mail_aside(mail_id, by, [_mail_card(mail_id)]):
        return None
    return Refusal("Somebody has decided about this mail already.")


def _mail_card(mail_id: int) -> Effect:
    return PostMail(mail_id)


async def load(incident_id: int) -> Incident:
    """Return an incident. Raises ``NoSuchIncident``."""
    incident = await store.incident(incident_id)
    if incident is None:
        raise NoSuchIncident(f"there is no incident {incident_id}")
    return incident


async def unfinished(limit: int = 200) -> list[Incident]:
    """Return the incidents that are not over, newest first."""
    return await store.incidents_in((State.CANDIDATE, State.OPEN), limit)


async def team() -> list[Person]:
    """Return the people who can be assigned."""
    return await directory.people()


def _now() -> datetime:
    return datetime.now(UTC)
