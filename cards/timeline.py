"""What happened, as a sentence: what the thread is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cards.blocks import escape, host_of, link, mention, plain, safe_url
from cards.words import NOTES, source_name, times
from models.domain.lesson_rules import lesson_kind
from models.domain.outside import VENDOR
from models.domain.people import Person
from models.domain.process import Process
from models.domain.recent_changes import span
from models.domain.timeline import Entry, NoteKind, Verb


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Wilson's.

    Attributes:
        text: Markdown; foreign text in it is escaped.
        mentions: Whom it mentions; ``blocks.mention_entity`` of each goes along.
    """

    text: str
    mentions: tuple[Person, ...] = ()


def sentence(entry: Entry, *, plain: bool = False) -> str:
    """Return what happened as one sentence.

    Args:
        entry: What happened.
        plain: Whether it is for a place without Markdown.
    """
    return _SENTENCES[entry.verb](_Words(entry, as_plain=plain))


def announcement(entry: Entry, process: Process, mentions: Sequence[Person] = ()) -> Message:
    """Return what the thread is told of something that happened.

    Whoever the sentence names is mentioned where their name stands, the others at its end. An urgent incident asks
    for the brief meeting.
    """
    words = _Words(entry, mentions)
    parts = [_SENTENCES[entry.verb](words)]
    if entry.verb is Verb.ASSESSED and entry.data.get("then") == "decide":
        parts.append(f"**{escape(process.decision_question, 300)}**")
        if url := safe_url(process.meeting_url):
            parts.append(f"{link('Start the meeting', url)}, then press **Decide** on the card.")
        else:
            parts.append("Meet, then press **Decide** on the card.")
    rest = [mention(person) for person in mentions if person not in words.mentioned]
    if rest:
        parts.append(" ".join(rest))
    return Message(" ".join(parts), tuple(mentions))


class _Words:
    """What a sentence takes from its entry, escaped."""

    def __init__(self, entry: Entry, mentions: Sequence[Person] = (), *, as_plain: bool = False) -> None:
        self.entry = entry
        self.mentions = mentions
        self.mentioned: list[Person] = []
        self.as_plain = as_plain

    def escaped(self, text: str, limit: int) -> str:
        return plain(text, limit) if self.as_plain else escape(text, limit)

    def has(self, key: str) -> bool:
        return self.entry.data.get(key) not in (None, "", False)

    def text(self, key: str, limit: int = 300) -> str:
        value = self.entry.data.get(key)
        return "" if value is None else self.escaped(str(value), limit)

    def bold(self, key: str, limit: int = 80) -> str:
        text = self.text(key, limit)
        return text if self.as_plain or not text else f"**{text}**"

    @property
    def actor(self) -> str:
        actor = self.entry.actor
        return self.escaped(actor.name, 80) if actor else "Wilson"

    def person(self, key: str) -> str:
        """Return a name from the data; a mention where that person is to be mentioned."""
        name = self.entry.data.get(key)
        for each in self.mentions:
            if each.name == name and each not in self.mentioned:
                self.mentioned.append(each)
                return mention(each)
        return self.text(key, 80) or "somebody"

    def link(self) -> str:
        address = str(self.entry.data.get("url") or "")
        label = str(self.entry.data.get("label") or address)
        url = safe_url(address)
        if url is None or self.as_plain:
            return self.escaped(label, 120) if label == address else f"{self.escaped(label, 120)}"
        host = host_of(url)
        return link(escape(host if label == address else f"{label[:80]} ({host})", 160), url)

    def tail(self, key: str, before: str, limit: int = 300) -> str:
        """Return ``before`` and the text, where there is one."""
        return f"{before}{self.text(key, limit)}" if self.has(key) else ""


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…", ".”")) else f"{text}."


def _reported(words: _Words) -> str:
    source = source_name(str(words.entry.data.get("source") or ""))
    return _ended(f"{words.escaped(source, 60)} reported it{words.tail('summary', ': ')}")


def _tests(words: _Words) -> str:
    """Return how the tests of an incident were answered; nothing where nobody was asked."""
    if not words.has("tests"):
        return ""
    against = ", although they say that it is none" if words.has("against") else ""
    return f" By the process's tests{against}: {words.text('tests', 1200)}"


def _count(words: _Words) -> str:
    value = words.entry.data.get("count")
    return times(value) if isinstance(value, int) and not isinstance(value, bool) else "again"


def _claimed(words: _Words) -> str:
    taken = f" (taken over from {words.person('from')})" if words.has("from") else ""
    return f"{words.actor} owns this now{taken}."


def _assigned(words: _Words) -> str:
    taken = f" It was {words.person('from')}'s before." if words.has("from") else ""
    return f"{words.actor} assigned this to {words.person('to')}, who owns it now.{taken}"


def _handed_over(words: _Words) -> str:
    before = words.entry.data.get("from")
    actor = words.entry.actor
    whose = "" if (actor and actor.name == before) or not before else f" from {words.person('from')}"
    return f"{words.actor} handed this over{whose} to {words.person('to')}, who owns it now."


def _assessed(words: _Words) -> str:
    said = _ended(f"{words.actor} set the urgency to {words.bold('urgency')}{words.tail('because', ': ')}")
    return f"{said} By the process's tests this is not an incident." if words.has("against") else said


def _noted(words: _Words) -> str:
    kinds = {kind.value: name for kind, name in NOTES.items()}
    kind = kinds.get(str(words.entry.data.get("kind")), NOTES[NoteKind.OBSERVATION]).lower()
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{words.actor} added {article} {kind} to the issue."


def _proposed(words: _Words) -> str:
    what = _ended(f"{words.actor} makes change {words.text('number', 10)} by hand: {words.text('what')}")
    why = _ended(f"Not by merge request because {words.text('why')}") if words.has("why") else ""
    return " ".join(filter(None, (what, why, "A second developer, on a call, must confirm it.")))


def _confirmed(words: _Words) -> str:
    return f"{words.actor} confirmed change {words.text('number', 10)} by hand, which {words.person('by')} makes."


def _not_safe(words: _Words) -> str:
    mark = "" if words.as_plain else "**"
    names = words.text("repositories")
    return f"{mark}Do not push to {names}:{mark} {words.actor} says its trunk is not safe to deploy again."


def _resolved(words: _Words) -> str:
    parts = [_ended(f"{words.actor} resolved this{words.tail('cause', '. Cause: ')}")]
    if words.has("repositories"):
        parts.append(_ended(f"Rolled back and safe to deploy again: {words.text('repositories')}"))
    if words.has("follow_ups"):
        parts.append(_ended(f"Follow-ups: {words.text('follow_ups', 500)}"))
    elif words.has("none_reason"):
        parts.append(_ended(f"No follow-up is needed: {words.text('none_reason')}"))
    if words.has("past"):
        parts.append(_ended(f"Done without {words.text('past')}: {words.text('past_reason')}"))
    return " ".join(parts)


def _made_private(words: _Words) -> str:
    if words.has("whole"):
        return f"This is a matter of security, as incident {words.text('whole', 20)} is, of which it is a part."
    if words.has("before"):
        return f"This is a matter of security, as incident {words.text('before', 20)} of the same alert is."
    return _ended(f"{words.actor} marked this as a matter of security{words.tail('reason', ': ')}")


def _heard(words: _Words) -> str:
    who = words.escaped(words.entry.actor.name, 200) if words.entry.actor else "Somebody"
    match words.entry.data.get("what"):
        case "closed":
            return f"{who} closed the issue in the tracker, and with it this incident."
        case "reopened":
            return f"{who} reopened the issue in the tracker: the incident is open again."
        case "review":
            said = f"{who} set the issue to await its review in the tracker, so this counts as resolved."
            return f"{said} The conditions of resolving were not asked: reopen it here to record them."
        case "assigned":
            if not words.has("to"):
                return f"{who} took the assignee off the issue in the tracker: nobody owns this now."
            return f"{who} assigned the issue in the tracker to {words.person('to')}, who owns this now."
        case "severity":
            return f"{who} set the severity in the tracker to {words.bold('severity')}."
        case "gone":
            said = f"{who} did it" if words.entry.actor else "who did it is not known"
            gone = f"The issue is gone from the tracker ({words.text('where')}; {said})."
            return f"{gone} Nothing more is written there: `link` the new one, if there is one."
        case "back":
            return "The issue is in the tracker again. What was said meanwhile is in the card's timeline alone."
    several = words.entry.data.get("count")
    comments = f"{several} comments" if isinstance(several, int) and several > 1 else "a comment"
    return f"{who} wrote {comments} in the issue."


def _merge_request(words: _Words) -> str:
    title = words.tail("title", ": ", 160)
    name = words.text("name", 200)
    address = safe_url(str(words.entry.data.get("url") or ""))
    if address and not words.as_plain:
        name = link(name, address)
    by = f" by {words.escaped(words.entry.actor.name, 80)}" if words.entry.actor else ""
    match words.entry.data.get("what"):
        case "review":
            return _ended(f"Who reviews merge request {name}{title}")
        case "hidden":
            return f"Wilson is not allowed to see merge request {name}, so its state is not shown."
        case _:
            return _ended(f"Merge request {name} was {words.text('what', 20)}{by}{title}")


def _changed_before(words: _Words) -> str:
    held = (words.entry.data.get(key) for key in ("count", "more", "minutes"))
    count, more, minutes = (each if isinstance(each, int) else 0 for each in held)
    several = "One change" if count == 1 else f"{count} changes"
    long = span(minutes) if minutes else "time"
    rest = f"; and {more} more" if more else ""
    return _ended(f"{several} went out in the {long} before it: {words.text('text', 1200)}{rest}")


_LACKS = {
    "unjudged": "Nobody has judged this candidate",
    "unowned": "Nobody has owned this",
    "undecided": "The team's decision about this urgent incident has not been recorded",
    "unassessed": "Nobody has said how urgent this is",
    "unfilled": "A role that the process requires has been held by nobody",
    "silent": "Nothing has been noted about this",
}


def _long(words: _Words) -> str:
    minutes = words.entry.data.get("minutes")
    took = minutes if isinstance(minutes, int) else 0
    return f"{took} minutes" if took < 120 else f"{took // 60} hours"


def _reminded(words: _Words) -> str:
    if words.entry.data.get("what") == "parked":
        return _ended(f"This was put off until now{words.tail('reason', ': ')}")
    long = _long(words)
    if words.entry.data.get("what") == VENDOR:
        ticket = f"the ticket {words.text('ref', 80)} with {words.text('name', 80)}"
        ask = "Ask them, and note what they say with its number."
        moves = words.tail("escalation", " If it does not move: ")
        return _ended(f"Nothing was heard about {ticket} for {long}. {ask}{moves}")
    return f"{_LACKS.get(str(words.entry.data.get('what')), 'This lacks something')} for {long}."


def _vendor(words: _Words) -> str:
    name, ref = words.text("name", 80), words.text("ref", 80)
    match words.entry.data.get("what"):
        case "again":
            return _ended(f"{words.actor} asked {name} again about the ticket {ref}")
        case "closed":
            return f"{words.actor} says that the ticket {ref} with {name} is closed."
        case _:
            url = words.tail("url", ", ", 300) if words.as_plain else ""
            return _ended(f"{words.actor} raised a ticket with {name}: {ref}{url}")


def _role_taken(words: _Words) -> str:
    to, actor = words.entry.data.get("to"), words.entry.actor
    before = f", in place of {words.person('from')}" if words.has("from") else ""
    if actor is not None and actor.name == to:
        return f"{words.actor} is {words.bold('role')} now{before}."
    return f"{words.actor} asked {words.person('to')} to be {words.bold('role')}{before}."


def _joined(words: _Words) -> str:
    who, actor = words.entry.data.get("who"), words.entry.actor
    if actor is not None and actor.name == who:
        return _ended(f"{words.actor} offers help{words.tail('why', ': ')}")
    return _ended(f"{words.actor} involves {words.person('who')}{words.tail('why', ': ')}")


def _lesson(words: _Words) -> str:
    name = words.text("name", 80) or words.escaped(
        lesson_kind(str(words.entry.data.get("kind") or ""), ()).name, 80
    )
    return _ended(f"{words.actor} noted a lesson, “{name}”{words.tail('text', ': ', 600)}")


def _security_mailed(words: _Words) -> str:
    if words.has("failed"):
        return _ended(f"The mail to {words.text('whom', 160)} could not be sent: {words.text('failed')}")
    return f"A mail about this went to {words.text('whom', 160)}."


def _paged(words: _Words) -> str:
    return f"Paged through {words.text('through', 80)}: nobody has owned this for {_long(words)}."


_SENTENCES: Mapping[Verb, Callable[[_Words], str]] = {
    Verb.REPORTED: _reported,
    Verb.REPEATED: lambda words: f"It was reported {_count(words)} now.",
    Verb.RECOVERED: lambda words: "The alert recovered. That alone does not resolve the incident.",
    Verb.FIRED_AGAIN: lambda words: f"The alert fires again ({_count(words)} so far).",
    Verb.FLAPPING: lambda words: (
        "The alert is flapping: it goes on and off. The card counts on, the thread stays quiet."
    ),
    Verb.DECLARED: lambda words: (
        _ended(f"{words.actor} declared this incident{words.tail('summary', ': ')}") + _tests(words)
    ),
    Verb.RAISED: lambda words: f"{words.actor} raised this as an incident.{_tests(words)} Who takes it?",
    Verb.CLAIMED: _claimed,
    Verb.ASSIGNED: _assigned,
    Verb.HANDED_OVER: _handed_over,
    Verb.ASSESSED: _assessed,
    Verb.DECIDED: lambda words: _ended(
        f"The team decided: {words.bold('option')}. Present: {words.text('present')}. Recorded by {words.actor}"
    ),
    Verb.NOTED: _noted,
    Verb.LINKED: lambda words: f"{words.actor} linked {words.link()}.",
    Verb.CHANGE_PROPOSED: _proposed,
    Verb.CHANGE_CONFIRMED: _confirmed,
    Verb.NOT_SAFE: _not_safe,
    Verb.RESOLVED: _resolved,
    Verb.FOLLOW_UP: lambda words: _ended(
        f"{words.actor} raised a follow-up ({words.text('kind', 80)}): {words.text('title', 200)}"
    ),
    Verb.ROLE_TAKEN: _role_taken,
    Verb.ROLE_LEFT: lambda words: (
        f"{words.person('from')} is not {words.bold('role')} any more"
        + (": who takes it over?" if words.has("required") else ".")
    ),
    Verb.JOINED: _joined,
    Verb.ME_TOO: lambda words: _ended(
        f"{words.actor} sees this, too"
        + (f" ({words.text('count', 10)} people so far)" if words.entry.data.get("count") != 1 else "")
        + words.tail("where", ": ")
    ),
    Verb.LEFT: lambda words: f"{words.actor} does not help with this any more.",
    Verb.ALERTING_KEPT: lambda words: f"{words.actor} considered the alert, and leaves it as it is.",
    Verb.INFORMED: lambda words: f"Informed of this incident: {words.text('who', 500)}.",
    Verb.LESSON: _lesson,
    Verb.PARKED: lambda words: _ended(
        f"{words.actor} put this off until {words.text('until', 40)}{words.tail('reason', ': ')}"
    ),
    Verb.UNPARKED: lambda words: f"{words.actor} goes on with this.",
    Verb.KEPT: lambda words: _ended(f"{words.actor} keeps this for the next review: {words.text('reason')}"),
    Verb.POST_MORTEM: lambda words: f"{words.actor} had the post-mortem written into the issue.",
    Verb.CLOSED: lambda words: _ended(f"{words.actor} closed this at the review{words.tail('learnt', ': ', 1500)}"),
    Verb.REOPENED: lambda words: _ended(f"{words.actor} reopened this{words.tail('reason', ': ')}"),
    Verb.DISMISSED: lambda words: (
        _ended(f"{words.actor} says that this is not an incident{words.tail('reason', ': ')}") + _tests(words)
    ),
    Verb.MERGED: lambda words: _ended(
        f"{words.actor} merged this into incident {words.text('into', 20)}{words.tail('title', ': ', 200)}"
    ),
    Verb.HEARD: _heard,
    Verb.MERGE_REQUEST: _merge_request,
    Verb.CHANGED_BEFORE: _changed_before,
    Verb.REMINDED: _reminded,
    Verb.VENDOR: _vendor,
    Verb.UPDATED: lambda words: _ended(
        f"{words.actor} told stakeholders ({words.text('stage', 40)}): {words.text('text', 1000)}"
    ),
    Verb.NO_UPDATES: lambda words: f"{words.actor} says that stakeholders need no further updates.",
    Verb.CHANNEL: lambda words: (
        f"{words.actor} asked for a channel of its own."
        if words.has("asked")
        else _ended(f"No channel could be made: {words.text('failed')}")
        if words.has("failed")
        else f"This incident has a channel of its own now: {words.link()}."
    ),
    Verb.FIRE: lambda words: f"{words.actor} asks everybody to help: channel, issue and log page are being made.",
    Verb.LOG_PAGE: lambda words: f"The log of this incident is kept on a page of its own: {words.link()}.",
    Verb.MADE_PRIVATE: _made_private,
    Verb.SECURITY_TOLD: lambda words: _ended(f"{words.actor} recorded that {words.text('whom', 160)} was told"),
    Verb.SECURITY_MAILED: _security_mailed,
    Verb.PAGED: _paged,
    Verb.ABSORBED: lambda words: _ended(
        f"{words.actor} merged incident {words.text('part', 20)} into this one{words.tail('title', ': ', 200)}"
    ),
}
