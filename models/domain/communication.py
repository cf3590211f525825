"""Telling people outside of the team, and asking third parties. What is told was confirmed by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from models.domain.decisions import Decision, Outcome, Refusal, refused, told
from models.domain.effects import Effect
from models.domain.handling import is_address
from models.domain.incident_effects import Announce, AskUpdate, OpenChannel, PostUpdate, RefreshCard, ShowOnPage
from models.domain.incidents import Incident, State
from models.domain.outside import STAGES, VENDOR, StatusUpdate, VendorCall
from models.domain.people import Person
from models.domain.process import Process
from models.domain.reminders import is_urgent
from models.domain.timeline import Entry, Verb


def vendor(
    incident: Incident, name: str, ref: str, url: str, by: Person, *, at: datetime, closed: bool = False
) -> Outcome:
    """Record a third party's ticket (P47), that it was asked about again, or that it is closed."""
    if refusal := refused(incident, "vendor"):
        return refusal
    name, ref, url = name.strip(), ref.strip(), url.strip()
    if not name or not ref:
        return Refusal("Say whose ticket it is and its number: vendor AWS 1234567 https://…", fields=("ref",))
    if url and not is_address(url):
        return Refusal("A ticket's address starts with https:// and a host, and holds no blank.", fields=("url",))
    held = next((each for each in incident.vendors if each.is_it(name, ref)), None)
    if held is not None:
        return _vendor_again(incident, held, url, by, at, closed=closed)
    if closed:
        return Refusal(f"No ticket {ref} with {name} is recorded here.", fields=("ref",))
    changed = replace(incident, vendors=(*incident.vendors, VendorCall(name, ref, url, by, at)))
    entry = Entry(at, Verb.VENDOR, by, {"name": name, "ref": ref, "url": url or None})
    return told(changed, (entry,))


def _vendor_again(
    incident: Incident, held: VendorCall, url: str, by: Person, at: datetime, *, closed: bool
) -> Decision:
    if closed and held.closed_at is not None:
        return Decision(incident, notice="It is recorded as closed already.")
    made = replace(held, url=url or held.url, news_at=at, closed_at=at if closed else None)
    changed = replace(incident, vendors=tuple(made if each is held else each for each in incident.vendors))
    what = "closed" if closed else "again"
    entry = Entry(at, Verb.VENDOR, by, {"name": held.name, "ref": held.ref, "url": url or None, "what": what})
    return told(changed, (entry,))


def chase(
    incident: Incident,
    process: Process,
    on_call: Sequence[Person],
    timeline: Sequence[Entry],
    zone: tzinfo,
    now: datetime,
) -> Decision | None:
    """Remind the owner of third parties' tickets about which nothing was heard (P47); ``None`` for none.

    Once per interval of the process, inside working hours unless the incident is urgent, until it ends.

    Args:
        on_call: Who is reminded where nobody owns it.
        timeline: The incident's.
    """
    if incident.state is not State.OPEN or not (_is_urgent(incident, process) or process.hours.contains(now, zone)):
        return None
    entries, calls = [], []
    for call in incident.vendors:
        party = next((each for each in process.vendors if each.name.casefold() == call.name.casefold()), None)
        every = (party.chase_after if party else None) or process.communication.chase_after
        news = call.news(timeline)
        if every is None or call.closed_at is not None or now - max(news, call.chased_at or news) < every:
            calls.append(call)
            continue
        calls.append(replace(call, chased_at=now))
        minutes = int((now - news).total_seconds() // 60)
        data: dict[str, str | int | bool | None] = {"what": VENDOR, "name": call.name, "ref": call.ref}
        data |= {"minutes": minutes, "escalation": party.escalation[:300] or None if party else None}
        entries.append(Entry(now, Verb.REMINDED, None, data))
    if not entries:
        return None
    whom = (incident.owner,) if incident.owner is not None else tuple(on_call)
    effects: list[Effect] = [Announce(incident.id, each, whom) for each in entries]
    effects.append(RefreshCard(incident.id))
    return Decision(replace(incident, vendors=tuple(calls)), tuple(entries), tuple(effects))


def _is_urgent(incident: Incident, process: Process) -> bool:
    level = process.urgency(incident.urgency)
    return is_urgent(incident, process.reminders, level.then if level else "")


def update(
    incident: Incident, headline: str, text: str, stage: str, by: Person, process: Process, *, at: datetime
) -> Outcome:
    """Tell stakeholders what a person has read and confirmed."""
    if incident.private:
        return Refusal("It is handled in private: nothing about it is told to stakeholders from here.")
    if refusal := refused(incident, "update"):
        return refusal
    missing = tuple(name for name, value in (("headline", headline), ("text", text)) if not value.strip())
    if missing or stage not in STAGES:
        return Refusal("An update needs a headline, a text and a stage.", fields=missing or ("stage",))
    made = StatusUpdate(headline.strip(), text.strip(), stage, by, at)
    last = incident.updates[-1] if incident.updates else None
    if last is not None and (last.headline, last.text, last.stage) == (made.headline, made.text, made.stage):
        return Decision(incident, notice="That update went out already.")
    changed = replace(incident, updates=(*incident.updates, made), updates_off=stage == "resolved")
    entry = Entry(at, Verb.UPDATED, by, {"stage": stage, "text": made.text})
    decision = told(changed, (entry,))
    effects: tuple[Effect, ...] = (*decision.effects, ShowOnPage(incident.id, len(incident.updates)))
    if process.communication.channel:
        effects = (*effects, PostUpdate(incident.id, len(incident.updates)))
    return replace(decision, effects=effects, notice="The update is recorded, and goes out.")


def shown(incident: Incident, entry: str, number: int) -> Decision:
    """Record that the status page has an update. An entry that is resolved is over: the next update begins one."""
    over = incident.updates[number].stage == "resolved"
    return Decision(replace(incident, page_entry="" if over else entry, page_shown=number + 1))


def no_updates(incident: Incident, by: Person, *, at: datetime) -> Outcome:
    """Say that stakeholders need not be told any more (P17)."""
    if incident.updates_off:
        return Decision(incident, notice="No update is asked for already.")
    return told(replace(incident, updates_off=True), (Entry(at, Verb.NO_UPDATES, by),))


def ask(incident: Incident, process: Process, zone: tzinfo, now: datetime) -> Decision | None:
    """Ask for an update where its time has come: once a period; ``None`` where it has not.

    Outside working hours nobody is asked unless the incident is urgent. Periods are counted from the newest of: the
    urgency was set, an update went out, one was asked for.
    """
    if incident.state is State.RESOLVED:
        return _ask_for_the_end(incident, now)
    every = process.communication.rhythm(incident.urgency)
    if every is None or incident.state is not State.OPEN or incident.updates_off or incident.private:
        return None
    if not (_is_urgent(incident, process) or process.hours.contains(now, zone)):
        return None
    made = incident.assessment
    began = (made.at if made else None) or incident.raised_at or incident.created_at
    last = max([began, *(each.at for each in incident.updates), *filter(None, (incident.update_asked,))])
    if now - last < every:
        return None
    return Decision(replace(incident, update_asked=now), (), (AskUpdate(incident.id),))


def _ask_for_the_end(incident: Incident, now: datetime) -> Decision | None:
    """Ask for the last update, once, where stakeholders were told of the disruption and not of its end (P52)."""
    ended = incident.resolution.at if incident.resolution else None
    if not incident.updates or incident.updates_off or incident.private or ended is None:
        return None
    if incident.update_asked is not None and incident.update_asked >= ended:
        return None
    return Decision(replace(incident, update_asked=now), (), (AskUpdate(incident.id),))


def draft(incident: Incident, now: datetime) -> tuple[str, str, str]:
    """Return headline, text and stage of the next update, for a person to correct."""
    last = incident.updates[-1] if incident.updates else None
    headline = last.headline if last else incident.title
    began = incident.first_seen or incident.created_at
    if incident.state is not State.OPEN:
        return headline, "The disruption is over. We apologise for it.", "resolved"
    owner = "A developer is working on it." if incident.owner else "We are looking into it."
    long = max(int((now - began) / timedelta(minutes=1)), 0)
    text = f"Since {began:%H:%M} UTC ({long} minutes) there has been a disruption: {headline}. {owner}"
    return headline, text, last.stage if last and last.stage != "resolved" else "investigating"


def channel(incident: Incident, by: Person, *, at: datetime) -> Outcome:
    """Ask for a channel of its own (T6). A channel is public to the team, so a private incident gets none."""
    if incident.private:
        return Refusal("It is handled in private: a channel of its own would be public to the team.")
    if refusal := refused(incident, "channel"):
        return refusal
    if incident.channel_name:
        return Decision(incident, notice=f"It has a channel already: {incident.channel_name}")
    entry = Entry(at, Verb.CHANNEL, by, {"asked": True})
    return Decision(
        incident,
        (entry,),
        (OpenChannel(incident.id),),
        "The channel is being made; its link follows in the thread.",
    )


def channel_name(incident: Incident, pattern: str) -> str:
    """Return what its channel is called."""
    day = incident.raised_at or incident.created_at
    return pattern.replace("{id}", str(incident.id)).replace("{date}", f"{day:%Y-%m-%d}")


def channel_made(incident: Incident, name: str, url: str, *, at: datetime, failed: str = "") -> Decision:
    """Record the channel, or why there is none."""
    changed = replace(incident, channel_failed=failed[:300])
    if not failed:
        changed = replace(changed, channel_name=name, channel_url=url)
    return told(changed, (Entry(at, Verb.CHANNEL, None, {"label": name, "url": url, "failed": failed or None}),))
