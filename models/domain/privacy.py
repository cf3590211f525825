"""An incident that is a matter of security: handled where few can read, and reported to whoever must know.

What is public of it afterwards is its number, its state and its owner.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.domain.alerts import policy_of
from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.effects import Effect, PostDigest
from models.domain.incident_effects import (
    Announce,
    MailSecurity,
    NoteIssue,
    PostPrivate,
    RaiseFollowUp,
    RaiseIssue,
    RefreshCard,
    SyncIssue,
    WriteLogPage,
)
from models.domain.incident_parts import Privacy
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.security_rules import Security
from models.domain.timeline import Entry, Verb

IN_PRIVATE = "This incident is a matter of security and is handled in private."
"""What the public place of a private incident says to everybody, whatever is asked there."""


def without_channel(security: Security) -> str:
    """Return what whoever marks an incident is told where there is no private channel to handle it in."""
    text = (
        "There is no private channel (teams.private_channel), so nothing more is said about it in Teams: go on in"
        " its confidential issue."
    )
    whom = " ".join(part for part in (security.name, security.contact, security.report_url) if part)
    return f"{text} Report it: {whom}." if whom else text


def mark(incident: Incident, reason: str, by: Person, *, at: datetime) -> Outcome:
    """Make an incident private (L42). A candidate is raised by it, so that there is an issue that holds it."""
    if incident.privacy is not None:
        return Decision(incident, notice="It is handled in private already.")
    if refusal := refused(incident, "security"):
        return refusal
    raises = not incident.raised
    changed = replace(incident, privacy=Privacy(by, at, reason.strip()))
    if raises:
        changed = replace(changed, state=State.OPEN, raised_at=at)
    entry = Entry(at, Verb.MADE_PRIVATE, by, {"reason": reason.strip() or None})
    effects = (*_withheld(changed, entry, raises=raises), MailSecurity(incident.id))
    return Decision(changed, (entry,), effects, f"It is handled in private from now on. {_left(incident)}")


def mark_part(part: Incident, whole: Incident, *, at: datetime) -> Decision:
    """Make a part private that was merged into an incident of security, since it tells of the same.

    Args:
        whole: The incident as it is from now on.
    """
    made = whole.privacy
    if made is None or part.privacy is not None:
        return Decision(part)
    changed = replace(part, privacy=Privacy(made.by, at, made.reason))
    entry = Entry(at, Verb.MADE_PRIVATE, None, {"whole": whole.id})
    return Decision(changed, (entry,), _withheld(changed, entry))


def _withheld(incident: Incident, entry: Entry, *, raises: bool = False) -> tuple[Effect, ...]:
    """Return what takes an incident's text out of public places, those first that are seen first."""
    cards: list[Effect] = [PostDigest(incident.digest_id)] if incident.digest_id is not None else []
    cards += [RefreshCard(incident.id), PostPrivate(incident.id), Announce(incident.id, entry)]
    # The issue is confidential before anything is written into it, and so are those raised because of it.
    tracker: list[Effect] = [RaiseIssue(incident.id)] if raises else []
    if incident.raised:
        tracker += [SyncIssue(incident.id), NoteIssue(incident.id, entry)]
    tracker += [RaiseFollowUp(incident.id, each.id) for each in incident.follow_ups]
    page: list[Effect] = [WriteLogPage(incident.id)] if incident.log_key else []
    return (*cards, *tracker, *page)


def _left(incident: Incident) -> str:
    """Return what stays where it was told before, for whoever marks it."""
    places = ["in the public thread"]
    if incident.channel_name:
        places.append(f"in the channel {incident.channel_name}")
    if incident.updates:
        places.append("to stakeholders")
    if incident.paged is not None:
        places.append("to whoever was paged")
    told = " and ".join((", ".join(places[:-1]), places[-1])) if len(places) > 1 else places[0]
    return f"What was said {told} before can't be taken back by Wilson: delete it there by hand."


def same_alert(
    fingerprint: str, source: str, project: str | None, title: str, resource: str | None
) -> tuple[str, ...]:
    """Return under which keys what is private is known again: the alert, and its rule on the same resource.

    Sources that number each firing anew give each a fingerprint of its own.
    """
    return (fingerprint, f"{policy_of(source, project, title)}|{resource or ''}") if fingerprint else ()


def again(decision: Decision, earlier: Incident, *, at: datetime) -> Decision:
    """Handle a new candidate in private, because an incident of the same alert is, or was until it ended.

    It stays a candidate: people in the private channel judge it. Whoever must know of incidents of security is
    mentioned there, or gets a mail once it is raised.
    """
    made, incident = earlier.privacy, decision.incident
    if made is None or incident.privacy is not None:
        return decision
    changed = replace(incident, privacy=Privacy(made.by, at, made.reason))
    entry = Entry(at, Verb.MADE_PRIVATE, None, {"before": earlier.id})
    return replace(
        decision,
        incident=changed,
        entries=(*decision.entries, entry),
        effects=(*decision.effects, PostPrivate(incident.id), Announce(incident.id, entry)),
    )


def raise_unseen(incident: Incident, *, at: datetime) -> Decision | None:
    """Raise a private candidate that nobody sees without a private channel; ``None`` for anything else."""
    if incident.privacy is None or incident.state is not State.CANDIDATE:
        return None
    raised = replace(incident, state=State.OPEN, raised_at=incident.raised_at or at)
    return told(raised, (Entry(at, Verb.RAISED),), raises=not incident.raised, sync=True)


def tell(incident: Incident, whom: str, by: Person, *, at: datetime) -> Outcome:
    """Record that somebody was told of an incident of security (L43)."""
    if incident.privacy is None:
        return Refusal("It is not marked as a matter of security: say `security` first.")
    if not whom.strip():
        return Refusal("Say who was told: security told Jo, the head of information security", fields=("whom",))
    if incident.privacy.told == whom.strip():
        return Decision(incident, notice="That is recorded already.")
    privacy = replace(incident.privacy, told=whom.strip(), told_at=at)
    entry = Entry(at, Verb.SECURITY_TOLD, by, {"whom": whom.strip()})
    return told(replace(incident, privacy=privacy), (entry,))


def mailed(incident: Incident, address: str, *, at: datetime, failed: str = "") -> Decision:
    """Record that a mail to whoever must know was sent, or why it was not."""
    if incident.privacy is None:
        return Decision(incident)
    privacy = replace(incident.privacy, mail="failed" if failed else "sent")
    entry = Entry(at, Verb.SECURITY_MAILED, None, {"whom": address, "failed": failed or None})
    return told(replace(incident, privacy=privacy), (entry,))
