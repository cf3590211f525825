"""What happened to a case, as sentences: for the thread, the card and the issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cards.blocks import escape, mention, plain
from models.domain.case_timeline import CaseEntry, CaseVerb
from models.domain.people import Person


def case_sentence(entry: CaseEntry, *, markdown: bool = True) -> str:
    """Return a timeline entry as one sentence.

    Args:
        markdown: Whether it is for Teams, with foreign text escaped; otherwise it is plain text, to be escaped
            by whoever shows it.
    """
    return _SENTENCES[entry.verb](_Words(entry, markdown))


def case_announcement(entry: CaseEntry, mentions: Sequence[Person]) -> str:
    """Return what the thread is told; ``<at>`` marks those who are mentioned."""
    called = " ".join(mention(person) for person in mentions if person.teams_id)
    said = f"{case_sentence(entry)} {called}".strip()
    if entry.verb is CaseVerb.ANSWERED and (text := str(entry.data.get("text") or "").strip()):
        return f"{said}\n\n> {escape(text, 700)}"
    return said


class _Words:
    def __init__(self, entry: CaseEntry, markdown: bool) -> None:
        self.entry = entry
        self._show = escape if markdown else plain

    @property
    def actor(self) -> str:
        return self._show(self.entry.actor.name, 80) if self.entry.actor else "Wilson"

    def has(self, key: str) -> bool:
        return bool(self.entry.data.get(key))

    def text(self, key: str, limit: int = 300) -> str:
        return self._show(str(self.entry.data.get(key) or ""), limit)

    def tail(self, key: str, before: str = ": ", limit: int = 300) -> str:
        return f"{before}{self.text(key, limit)}" if self.has(key) else ""


def _opened(words: _Words) -> str:
    how = {
        "mail": "A mail asks for access.",
        "gateway": "The gateway says that access is asked for.",
        "queue": "It stands in the team's queue at the service desk.",
    }
    return how.get(str(words.entry.data.get("how")), f"{words.actor} began this.")


def _carried(words: _Words) -> str:
    if words.entry.data.get("how") == "gateway":
        return "The gateway says that access is given. It informs the requester itself."
    return f"{words.actor} says that it is approved in the console. The gateway informs the requester itself."


def _asked(words: _Words) -> str:
    kinds = {"team": "for a team", "why": "why they need it"}
    kind = kinds.get(str(words.entry.data.get("kind")), "")
    return f"{words.actor} asks the requester {kind}; waiting for the answer."


def _answered(words: _Words) -> str:
    other = " – another address than the one that was asked" if words.has("other_address") else ""
    return f"The requester answered ({words.text('from', 120)}{other}). It can be decided again."


def _not_mailed(words: _Words) -> str:
    if words.has("certain"):
        return f"The mail was not sent: {words.text('why', 300)}. Ask again once that is mended."
    return f"It is not known whether the mail was sent ({words.text('why', 300)}); it is not sent again by itself."


def _taken(words: _Words) -> str:
    before = f", from {words.text('from', 80)}" if words.has("from") else ""
    shares = f" Its issue is that of number {words.text('shares', 20)}." if words.has("shares") else ""
    return f"{words.actor} has taken this{before}.{shares}"


def _due(words: _Words) -> str:
    hours = words.entry.data.get("hours")
    late = hours if isinstance(hours, int) else 0
    since = "is due now" if late < 1 else f"has been due for {late} hours" if late < 48 else ""
    return f"This {since or f'has been due for {late // 24} days'}: {words.text('step', 200)}."


def _judged(words: _Words) -> str:
    to = f" to {words.text('team', 120) or words.text('to', 80)}" if words.has("team") or words.has("to") else ""
    if words.has("asks"):
        return f"{words.actor} asks the team{words.tail('note')} – who knows, takes it."
    return f"{words.actor} judged this call: {words.text('outcome', 80)}{to}{words.tail('note')}."


def _went_on(words: _Words) -> str:
    what = "an incident" if words.has("incident") else "a standard procedure"
    number = f" (#{words.text('number', 20)})" if words.has("number") and words.has("incident") else ""
    number = number or (f" (number {words.text('number', 20)})" if words.has("number") else "")
    return f"{words.actor} made this {what}{number}; it goes on there."


def _reminded(words: _Words) -> str:
    what = "taken this call" if words.entry.data.get("what") == "untaken" else "decided about this"
    return f"Nobody has {what} for {words.text('hours', 10)} hours."


_SENTENCES: Mapping[CaseVerb, Callable[[_Words], str]] = {
    CaseVerb.OPENED: _opened,
    CaseVerb.REPEATED: lambda words: "It was asked for again.",
    CaseVerb.LOOKED_UP: lambda words: (
        "The gateway does not know this app any more." if words.has("gone") else "Looked up what is known of it."
    ),
    CaseVerb.TAKEN: _taken,
    CaseVerb.TICKED: lambda words: f"{words.actor} says: {words.text('step', 200)}{words.tail('note', ' – ')}.",
    CaseVerb.UNTICKED: lambda words: f"{words.actor} takes back: {words.text('step', 200)}.",
    CaseVerb.NOTED: lambda words: f"{words.actor} noted: {words.text('text', 1500)}",
    CaseVerb.APPROVED: lambda words: f"{words.actor} approved access to {words.text('products')}.",
    CaseVerb.SECONDED: lambda words: (
        f"{words.actor} approved access to {words.text('products')}; a second person must, too."
    ),
    CaseVerb.CARRIED_OUT: _carried,
    CaseVerb.FAILED: lambda words: f"The approval was not carried out: {words.text('why', 400)}.",
    CaseVerb.ASKED: _asked,
    CaseVerb.MAILED: lambda words: f"The mail was sent to {words.text('to', 120)}.",
    CaseVerb.NOT_MAILED: _not_mailed,
    CaseVerb.ANSWERED: _answered,
    CaseVerb.REFERRED: lambda words: (
        f"{words.actor} referred this to {words.text('to', 80) or 'the team lead'}{words.tail('reason')}."
    ),
    CaseVerb.DECLINED: lambda words: f"{words.actor} declined this{words.tail('reason')}.",
    CaseVerb.REOPENED: lambda words: f"{words.actor} reopened this{words.tail('reason')}.",
    CaseVerb.DUE: _due,
    CaseVerb.REMINDED: _reminded,
    CaseVerb.FINISHED: lambda words: "All steps are done.",
    CaseVerb.JUDGED: _judged,
    CaseVerb.REPLIED: lambda words: f"{words.actor} answered the user at the service desk.",
    CaseVerb.ENDED: lambda words: f"{words.actor} closed this{words.tail('reason')}.",
    CaseVerb.WENT_ON: _went_on,
    CaseVerb.WITHHELD: lambda words: "This is handled in private from now on.",
    CaseVerb.FOLDED: lambda words: f"This is the same request as number {words.text('into', 20)}: go on there.",
}
