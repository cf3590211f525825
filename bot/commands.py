"""What a typed command means. Pure: text in, meaning out; nothing is looked up and nothing raises.

``strip_mention`` makes a plain text of what Teams sends, ``parse`` says what it means. Both take time in proportion
to the text's length. Of people and incidents they know only what is typed: who may do what is decided by the same
operations that the buttons call.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.command_answers import NO_DECISION, read_urgency, spoken
from bot.command_clauses import read_declare, read_resolve
from bot.command_details import (
    read_alone,
    read_change,
    read_decide,
    read_dismiss,
    read_follow_up,
    read_give,
    read_involve,
    read_lesson,
    read_link,
    read_note,
    read_oncall,
    read_park,
    read_reason,
    read_report,
    read_role,
    read_security,
    read_vendor,
)
from bot.command_types import (
    Act,
    AskService,
    Chatter,
    Command,
    Elsewhere,
    Misused,
    Show,
    ShowForm,
    Unknown,
    Wrong,
)
from bot.typed_text import LONGEST, PERSON, end_of, folded, kept_text, number_in, only_filler
from cards.actions import Form
from cards.blocks import clean
from cards.payload import LONG, SHORT
from models.domain.people import Person
from models.domain.process import Process
from models.domain.requests import (
    Close,
    ConfirmChange,
    FireFire,
    Join,
    Keep,
    Leave,
    MakeChannel,
    Merge,
    MeToo,
    NoUpdates,
    PostMortem,
    Reopen,
    Unpark,
)

_THREAD: Mapping[str, str] = {
    "raise": r"raise",
    "take over": r"take(?:\sit|\sthis)?[\s-]?over",
    "claim": r"claim|i(?:['’]ll|\swill)?\stake\s(?:it|this)|take\s(?:it|this)|mine|ack(?:nowledge)?",
    "assign": r"assign(?:\sto)?|give(?:\sit)?\sto",
    "hand over": r"hand(?:\sit)?[\s-]?over(?:\sto)?|pass\s(?:it\s)?on(?:\sto)?",
    "urgency": r"urgency|assess",
    "decide": r"decided?|decision",
    "note": r"note|finding",
    "link": r"link",
    "change": r"change(?:\sby\shand)?",
    "confirm": r"confirm",
    "resolve": r"resolved?",
    "follow-up": r"follow[\s-]?up",
    "reopen": r"re-?open",
    "dismiss": r"dismiss|not\san\sincident",
    "merge": r"merge",
    "channel": r"channel",
    "security": r"security",
    "vendor": r"vendor",
    "update": r"update(?:\sstakeholders)?",
    "handoff": r"hand-?off",
    "status": r"status",
    "close": r"closed?",
    "keep": r"keep",
    "park": r"park|defer|put(?:\sit)?\soff",
    "go on": r"go\son|un-?park",
    "escalate": r"escalate",
    "role": r"roles?",
    "join": r"join|offer\shelp|i\shelp|i\scan\shelp",
    "me too": r"me[\s-]?too",
    "leave": r"leave",
    "involve": r"involve",
    "lesson": r"lesson",
    "post-mortem": r"post-?mortem",
    "story": r"story",
    "runbook": r"run-?book(?:\sadd)?",
}
_ANYWHERE: Mapping[str, str] = {
    "fire-fire": r"fire[\s_-]?fire",
    "incident": r"(?:declare|new)\s(?:an\s)?incident|declare|incident",
    "list": r"list|incidents",
    "review": r"review",
    "report": r"report",
    "shift": r"shift(?:\shand-?over)?",
    "oncall": r"who(?:['’]s|\sis)?\son[\s-]?call|on[\s-]?call|rota|who",
    "services": r"services|what\sruns\swhere",
    "service": r"service(?!\sstatus)",
    "definition": r"definition|what\sis\san\sincident",
    "help": r"help|commands|\?",
}
_SUGGESTED = tuple(name for name in (*_THREAD, *_ANYWHERE) if name not in ("close", "escalate"))
_POLITE = re.compile(
    r"(?:[\s/!>*`\"'“”.,:;-]|(?:please|pls|hey|hi|hello|ok|okay|wilson)(?=[\s,:]))*", re.IGNORECASE
)
_COMMAND = re.compile(
    "|".join(f"(?P<c{n}>{words})" for n, words in enumerate((*_THREAD.values(), *_ANYWHERE.values()))).join(
        ("(?:", r")(?![\w-])")
    ),
    re.IGNORECASE | re.ASCII,
)
_NAMES = (*_THREAD, *_ANYWHERE)
ALONE = frozenset(
    {
        "raise", "claim", "take over", "status", "list", "review", "oncall", "help", "runbook", "story",
        "post-mortem", "join", "definition", "shift", "services",
    }
)  # fmt: skip
"""Commands that take nothing more."""


def parse(
    text: str, mentioned: Sequence[Person], process: Process, *, in_thread: bool, addressed: bool = True
) -> Command:
    """Say what was meant. Never raises.

    Args:
        text: As ``strip_mention`` returns it.
        mentioned: The people whose mentions stand in it, the bot not among them.
        process: For its levels, decisions, follow-ups and questions.
        in_thread: Whether it was said in an incident's thread.
        addressed: Whether the bot was mentioned. Where it was not (the RSC permission lets it hear everything),
            only what is unmistakably a command is one; the rest is ``Chatter``.
    """
    text = _without_strangers(text[:LONGEST], mentioned)
    text = text[end_of(_POLITE, text) :]
    found = _COMMAND.match(text)
    if found is None:
        if not addressed:
            return Chatter()
        return _unknown(text, in_thread=in_thread) if text.strip() else Show("help")
    name = _NAMES[int((found.lastgroup or "c0")[1:])]
    rest = text[found.end() :]
    if not addressed and not _unmistakable(name, found[0], rest):
        return Chatter()
    if name in _THREAD and not in_thread:
        where = f"“{name}” belongs into the thread under an incident's card; “list” shows what is unfinished."
        return Elsewhere(where) if addressed else Chatter()
    if name == "incident" and in_thread:
        where = (
            "A new incident is declared in the channel, outside this thread. For example: incident Login is slow"
        )
        return Elsewhere(where) if addressed else Chatter()
    if name == "fire-fire" and in_thread:
        return Act(FireFire())
    try:
        return _meaning(name, rest, mentioned, process)
    except Wrong as wrong:
        # Prose that begins like a command is no command; what has the form of one gets told what is wrong.
        meant = addressed or "=" in rest[:SHORT] or ";" in rest[:SHORT]
        return Misused(str(wrong)) if meant else Chatter()


def _review(process: Process) -> str:
    """Return a pattern for the review by its usual name, the process's, or the last word of that."""
    name = process.review.name
    names = "|".join((r"(?:incident\s)?review", spoken(name), spoken(name.split()[-1])))
    return rf"(?:{names})(?![\w-])[\s:;,.–-]*"


def _without_strangers(text: str, mentioned: Sequence[Person]) -> str:
    """Leave out mentions at the beginning that nobody stands for: the bot's, under a name that it has there."""
    names = {folded(person.name) for person in mentioned}
    start = 0
    while found := PERSON.match(text, start):
        if folded(found[1]) in names:
            break
        start = found.end()
        while start < len(text) and text[start].isspace():
            start += 1
    return text[start:]


def _unknown(text: str, *, in_thread: bool) -> Unknown:
    words = clean(text, 100).lower().split()[:2]
    known = _SUGGESTED if in_thread else (*_ANYWHERE, *(name for name in _SUGGESTED if name in _THREAD))
    near: list[str] = []
    for said, alike in ((" ".join(words), 0.7), ("".join(words[:1]), 0.6)):
        near += difflib.get_close_matches(said[:40], known, 3, alike)
    return Unknown(clean(text, 100), tuple(dict.fromkeys(near))[:3])


def _unmistakable(name: str, said: str, rest: str) -> bool:
    """Tell whether words that nobody addressed to the bot are a command all the same."""
    if said.lower() in ("who", "?", "mine", "closed", "decided", "resolved", "finding", "incidents", "commands"):
        return False
    if name in (
        "close", "escalate", "incident", "security", "vendor", "update", "handoff", "channel", "keep", "fire-fire",
        "park", "go on",
        "service", "me too",
    ):  # fmt: skip
        return False
    if name in ALONE:
        return only_filler(rest)
    if name in ("assign", "hand over", "involve"):
        return only_filler(PERSON.sub("", rest))
    return True


def _meaning(name: str, rest: str, mentioned: Sequence[Person], process: Process) -> Command:
    bare = rest.lstrip(" \t\n:,.!–—-").rstrip()
    match name:
        case "raise" | "claim" | "take over":
            return read_alone(name, rest, process)
        case "assign" | "hand over":
            return read_give(name, bare, mentioned)
        case "urgency":
            return read_urgency(bare, process) if bare else ShowForm(Form.ASSESS.value)
        case "decide":
            asked = bool(bare) or not process.decision_options
            return read_decide(bare, process) if asked else ShowForm(Form.DECIDE.value)
        case "note":
            return read_note(rest.lstrip(" \t\n:,").rstrip())
        case "link":
            return read_link(bare) if bare else ShowForm(Form.LINK.value)
        case "change":
            return read_change(bare) if bare else ShowForm(Form.CHANGE.value)
        case "confirm":
            return Act(ConfirmChange(number_in(bare, "Say which change you confirm, by its number: confirm 1")))
        case "resolve":
            return ShowForm(Form.RESOLVE.value) if only_filler(bare) else read_resolve(bare, process)
        case "follow-up":
            asked = bool(bare) or not process.follow_ups
            return read_follow_up(bare, process) if asked else ShowForm(Form.FOLLOW_UP.value)
        case "reopen":
            return Act(Reopen(read_reason(bare)))
        case "dismiss":
            return read_dismiss(bare)
        case "merge":
            how = "Say into which incident, by its number: merge into 12"
            return Act(Merge(number_in(bare, how))) if bare else ShowForm(Form.MERGE.value)
        case "incident":
            return read_declare(bare, process) if bare else ShowForm(Form.DECLARE.value)
        case "fire-fire":
            if not bare:
                raise Wrong("Say in a few words what is wrong: fire-fire Nobody can log in")
            return replace(read_declare(bare, process), fire=True)
        case "close":
            if at_review := re.match(rf"(?:it\s)?at\s(?:the\s)?{_review(process)}", bare, re.IGNORECASE):
                return Act(Close(kept_text(bare[at_review.end() :], LONG, "What was learnt", lines=True)))
            how = "when it is over, say: resolve. At the review, say: close at the review"
            raise Wrong(f"Only the {process.review.name} closes an incident; {how}")
        case "park":
            return read_park(rest) if bare else ShowForm(Form.PARK.value)
        case "go on":
            return Act(Unpark())
        case "keep":
            how = "Say what it waits for: keep for the next review: the vendor's answer"
            for_next = re.match(rf"(?:it\s)?for\s(?:the\s)?next\s{_review(process)}", bare, re.IGNORECASE)
            if not for_next or not bare[for_next.end() :]:
                raise Wrong(how)
            return Act(Keep(kept_text(bare[for_next.end() :], LONG, "What it waits for", lines=True)))
        case "escalate":
            if not process.decision_options:
                raise Wrong(NO_DECISION)
            option = process.decision_options[0].key
            raise Wrong(f"Record the team's decision, and who took part: decide {option} with Ada, Ben")
        case "handoff":
            return Show("handoff")
        case "vendor":
            return read_vendor(rest.strip(), process) if rest.strip() else Show("vendors")
        case "update":
            off = re.fullmatch(r"(?:is\s|are\s)?not\sneeded[.!]?", bare, re.IGNORECASE)
            return Act(NoUpdates()) if off else ShowForm(Form.UPDATE.value)
        case "channel":
            return Act(MakeChannel())
        case "security":
            return read_security(bare)
        case "status":
            return Show("status")
        case "story":
            return Show("story")
        case "post-mortem":
            return Act(PostMortem())
        case "role":
            return read_role(bare, mentioned, process)
        case "join":
            return Act(Join(why=kept_text(bare, SHORT, "What you say")))
        case "me too":
            return Act(MeToo(kept_text(bare, SHORT, "What you add")))
        case "leave":
            return Act(Leave())
        case "involve":
            return read_involve(bare, mentioned)
        case "lesson":
            return read_lesson(rest.lstrip(" \t\n:,").rstrip(), process)
        case "runbook":
            return Show("runbook")
        case "list":
            return Show("list")
        case "review":
            return Show("review")
        case "shift":
            return Show("shift")
        case "services":
            return AskService()
        case "service":
            return AskService(kept_text(bare, SHORT, "The name"))
        case "definition":
            return Show("definition")
        case "report":
            return read_report(bare)
        case "oncall":
            return read_oncall(bare, mentioned)
        case _:
            return Show("help")
