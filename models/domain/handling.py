"""What is done while an incident is open: the decision about an urgent one, notes, links, changes by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from models.domain.alerts import Link
from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.effects import Effect
from models.domain.incident_effects import Announce, AskUpdate, NoteIssue, RefreshCard, WriteLogPage
from models.domain.incident_parts import Escalation, ManualChange
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.timeline import Entry, NoteKind, Verb


def decide(incident: Incident, option: str, present: str, by: Person, process: Process, *, at: datetime) -> Outcome:
    """Record what the team decided about an urgent incident, and who was there (W37)."""
    if refusal := refused(incident, "decide"):
        return refusal
    level = process.urgency(incident.urgency)
    if level is None or level.then != "decide":
        return Refusal("Only an urgent incident needs this decision: set the urgency first.")
    chosen = process.decision(option)
    if chosen is None:
        known = ", ".join(each.key for each in process.decision_options)
        return Refusal(f"There is no decision {option!r}; it is one of {known}.", fields=("option",))
    if not present.strip():
        return Refusal("Say who took part in the decision.", fields=("present",))
    made = incident.escalation
    if made is not None and (made.option, made.present) == (option, present.strip()):
        return Decision(incident, notice="That decision is recorded already.")
    changed = replace(incident, escalation=Escalation(option, by, present.strip(), at))
    entry = Entry(at, Verb.DECIDED, by, {"option": chosen.name, "present": present.strip()})
    if chosen.updates != "now" or incident.private:
        off = incident.updates_off or chosen.updates == "never"
        return told(replace(changed, updates_off=off), (entry,), sync=True)
    decision = told(replace(changed, updates_off=False, update_asked=at), (entry,), sync=True)
    return replace(decision, effects=(*decision.effects, AskUpdate(incident.id)))


def note(incident: Incident, kind: NoteKind, text: str, by: Person, *, at: datetime) -> Outcome:
    """Write a finding into the issue, not into the channel (W24, W40-W42)."""
    if refusal := refused(incident, "note"):
        return refusal
    if not text.strip():
        return Refusal("The note is empty.", fields=("text",))
    entry = Entry(at, Verb.NOTED, by, {"kind": kind.value, "text": text.strip()})
    if not incident.raised:
        return Decision(incident, (entry,), notice="Noted; the issue gets it once the incident is raised.")
    page = (WriteLogPage(incident.id),) if incident.log_key else ()
    return Decision(incident, (entry,), (NoteIssue(incident.id, entry), *page), "Noted in the issue.")


def me_too(incident: Incident, where: str, by: Person, *, at: datetime) -> Outcome:
    """Count somebody who sees it, too, once (T40). The thread hears of the first alone; the card counts on.

    Args:
        where: What they add, which goes into the issue; empty for nothing.
    """
    if refusal := refused(incident, "me_too"):
        return refusal
    if by.same(incident.declared_by):
        return Decision(incident, notice="You declared it: you are counted already.")
    if any(by.same(each) for each in incident.affected):
        return Decision(incident, notice="You are counted already. Write down what you find with a note.")
    changed = replace(incident, affected=(*incident.affected, by))
    count, said = len(changed.affected), where.strip()[:300]
    entry = Entry(at, Verb.ME_TOO, by, {"count": count, "where": said or None})
    effects: list[Effect] = []
    if changed.raised and (count == 1 or said):
        effects.append(NoteIssue(incident.id, entry))
    if changed.log_key:
        effects.append(WriteLogPage(incident.id))
    if count == 1:
        effects.append(Announce(incident.id, entry))
    notice = f"You are counted: {count} people see it, too." if count > 1 else ""
    return Decision(changed, (entry,), (*effects, RefreshCard(incident.id)), notice)


def link(incident: Incident, url: str, label: str, by: Person, *, at: datetime) -> Outcome:
    """Attach an address: a merge request, a document, a call (W43)."""
    if refusal := refused(incident, "link"):
        return refusal
    if not is_address(url):
        return Refusal("A link starts with https:// and a host, and holds no blank.", fields=("url",))
    if any(each.url == url for each in incident.links):
        return Decision(incident, notice="It is linked already.")
    changed = replace(incident, links=(*incident.links, Link(label.strip() or url, url)))
    entry = Entry(at, Verb.LINKED, by, {"url": url, "label": label.strip() or url})
    return told(changed, (entry,))


def is_address(url: str) -> bool:
    """Tell whether a text is a web address."""
    if not url.startswith(("https://", "http://")) or len(url) > 2000 or not url.isprintable() or " " in url:
        return False
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def propose_change(incident: Incident, what: str, why: str, by: Person, *, at: datetime) -> Outcome:
    """Record a change made by hand; it waits for a second, different developer (W45-W47)."""
    if refusal := refused(incident, "change"):
        return refusal
    missing = tuple(name for name, value in (("what", what), ("why", why)) if not value.strip())
    if missing:
        return Refusal("Say what is changed by hand, and why not by merge request.", fields=missing)
    if any(
        (each.what, each.why) == (what.strip(), why.strip()) and by.same(each.by) for each in incident.unconfirmed
    ):
        return Decision(incident, notice="That change is recorded already, and waits for its confirmation.")
    number = len(incident.changes) + 1
    change = ManualChange(number, what.strip(), why.strip(), by, at)
    changed = replace(incident, changes=(*incident.changes, change))
    entry = Entry(at, Verb.CHANGE_PROPOSED, by, {"number": number, "what": change.what, "why": change.why})
    return told(changed, (entry,))


def confirm_change(incident: Incident, number: int, by: Person, *, at: datetime) -> Outcome:
    """Confirm somebody else's change by hand, as the second developer on the call (W46)."""
    if refusal := refused(incident, "confirm_change"):
        return refusal
    change = next((each for each in incident.changes if each.id == number), None)
    if change is None:
        return Refusal(f"There is no change by hand number {number}.")
    if change.confirmed_by is not None:
        return Decision(incident, notice=f"{change.confirmed_by.name} confirmed it already.")
    if by.same(change.by):
        return Refusal("The second developer must be somebody else than the one who makes the change.")
    changes = tuple(replace(each, confirmed_by=by) if each.id == number else each for each in incident.changes)
    entry = Entry(at, Verb.CHANGE_CONFIRMED, by, {"number": number, "what": change.what, "by": change.by.name})
    return told(replace(incident, changes=changes), (entry,), mentions=(change.by,))
