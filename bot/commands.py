"""What a typed command means. Pure: text in, meaning out; nothing is looked up and nothing raises.

``strip_mention`` makes a plain text of what Teams sends, ``parse`` says what it means. Both take time in proportion
to the text's length. Of people and incidents they know only what is typed: who may do what is decided by the same
operations that the buttons call.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from cards.actions import Form
from cards.blocks import clean
from cards.payload import LONG, NOTE, REPOSITORIES, SHORT, TITLE, URL
from models.domain.incidents import LessonKind, NoteKind
from models.domain.people import Person
from models.domain.process import Answer, FollowUpKind, Process
from models.domain.requests import (
    AddFollowUp,
    AddLesson,
    AddLink,
    AddNote,
    AddVendor,
    Assess,
    Assign,
    Claim,
    Close,
    ConfirmChange,
    Decide,
    Dismiss,
    GiveRole,
    HandOver,
    Join,
    Leave,
    LeaveRole,
    MakeChannel,
    MarkPrivate,
    Merge,
    NoUpdates,
    PostMortem,
    ProposeChange,
    Raise,
    Reopen,
    Request,
    Resolve,
    TellSecurity,
)
from models.domain.resolving import ResolveAnswers

LONGEST = 30_000
"""Characters of a message that are looked at; Teams itself sends no more than 28 KB."""


@dataclass(frozen=True, slots=True)
class Act:
    """Do something to the thread's incident."""

    request: Request | Merge


@dataclass(frozen=True, slots=True)
class ShowForm:
    """Answer with the form that asks for the details; ``form`` is one of ``cards.actions.Form``."""

    form: str


@dataclass(frozen=True, slots=True)
class Declare:
    """Declare an incident that no mail announced."""

    title: str
    description: str = ""
    urgency: str = ""
    reason: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Show:
    """Answer with something to read."""

    what: Literal["status", "help", "list", "oncall", "review", "runbook", "story", "handoff", "vendors"]


@dataclass(frozen=True, slots=True)
class AskReport:
    """Tell how some days went. ``None`` for the seven days before today; ``days`` counts from the last one."""

    first: date | None = None
    last: date | None = None
    days: int = 7


@dataclass(frozen=True, slots=True)
class ChangeRota:
    """Change who is on call.

    Attributes:
        out: Whose shift; ``None`` for whoever's it is.
        into: Who takes it; ``None`` to take changes back.
        days: What was typed.
    """

    days: str
    into: Person | None = None
    out: Person | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a command; ``nearest`` are the ones that it resembles."""

    text: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misused:
    """A command that lacks something. ``text`` says how to use it; words of the person's may be in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A command that belongs somewhere else. ``text`` says where."""

    text: str


@dataclass(frozen=True, slots=True)
class Chatter:
    """People talking to each other: not meant for the bot, which stays silent."""


Command = Act | ShowForm | Declare | Show | AskReport | ChangeRota | Unknown | Misused | Elsewhere | Chatter


class _Wrong(Exception):
    """Used wrongly; the text becomes that of ``Misused``."""


# Somebody's mention within a text: their name between two signs that mean nothing to anybody else.
_FROM, _TO = "\ue000", "\ue001"
_SIGNS = re.compile(r"[\ue000\ue001]|&#(?:x0{0,6}e00[01]|0{0,6}5734[45]);?", re.IGNORECASE)
_PERSON = re.compile(r"\ue000([^\ue000\ue001]*)\ue001")
_AT = re.compile(r"<at\b[^<>]{0,200}>([^<>]{0,200})</at\s{0,3}>", re.IGNORECASE)
_ANCHOR = re.compile(r"""<a\b[^<>]{0,2000}?href=["'](https?://[^"'<>\s]{1,2000})["'][^<>]{0,200}>""", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>|</(?:p|div|li|tr|h[1-6]|blockquote|pre)\s{0,3}>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:at|a|p|div|span|br|b|i|u|s|em|strong|strike|code|pre|ul|ol|li|h[1-6]|blockquote|font|table|tbody|thead|tr"
    r"|td|th|img|emoji|attachment|hr)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"
)
_LINES = re.compile("\r\n?|[\x85\u2028\u2029]")


def strip_mention(text: str, bot_names: Collection[str]) -> str:
    """Return what was typed, without the bot's mention, mark-up, entities and invisible characters.

    Other people's mentions stay, between signs that only ``parse`` knows.

    Args:
        text: As Teams sent it.
        bot_names: What the bot is called in its mention.
    """
    names = {_folded(name) for name in bot_names}

    def said(match: re.Match[str]) -> str:
        name = _folded(match[1])
        return " " if name in names else f" {_FROM}{' '.join(match[1].split())}{_TO} "

    text = _SIGNS.sub("", _LINES.sub("\n", text[:LONGEST]))
    text = _ANCHOR.sub(r"\1 ", text)
    text = _TAG.sub(" ", _AT.sub(said, _BREAK.sub("\n", text)))
    text = _NOTHING.sub("", _LINES.sub("\n", html.unescape(text)))
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _folded(name: str) -> str:
    return " ".join(html.unescape(name).split()).removeprefix("@").casefold()


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
    "escalate": r"escalate",
    "role": r"roles?",
    "join": r"join|offer\shelp|i\shelp|i\scan\shelp",
    "leave": r"leave",
    "involve": r"involve",
    "lesson": r"lesson",
    "post-mortem": r"post-?mortem",
    "story": r"story",
    "runbook": r"run-?book(?:\sadd)?",
}
_ANYWHERE: Mapping[str, str] = {
    "incident": r"(?:declare|new)\s(?:an\s)?incident|declare|incident",
    "list": r"list|incidents",
    "review": r"review",
    "report": r"report",
    "oncall": r"who(?:['’]s|\sis)?\son[\s-]?call|on[\s-]?call|who",
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
_FILLER = re.compile(
    r"(?:[\s.,!?:;-]|\b(?:it|this|that|one|the|an|incident|now|please|pls|thanks|thank\syou|for\sme|me|again|today)"
    r"\b)*",
    re.IGNORECASE,
)
ALONE = frozenset(
    {
        "raise", "claim", "take over", "status", "list", "review", "oncall", "help", "runbook", "story",
        "post-mortem", "join",
    }
)  # fmt: skip
"""Commands that take nothing more."""

_YES = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_NOT_KNOWN = frozenset({"unknown", "?", "unclear", "unsure"})


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
    text = text[_end(_POLITE, text) :]
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
    try:
        return _meaning(name, rest, mentioned, process)
    except _Wrong as wrong:
        # Prose that begins like a command is no command; what has the form of one gets told what is wrong.
        meant = addressed or "=" in rest[:SHORT] or ";" in rest[:SHORT]
        return Misused(str(wrong)) if meant else Chatter()


def _end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0


def _without_strangers(text: str, mentioned: Sequence[Person]) -> str:
    """Leave out mentions at the beginning that nobody stands for: the bot's, under a name that it has there."""
    names = {_folded(person.name) for person in mentioned}
    start = 0
    while found := _PERSON.match(text, start):
        if _folded(found[1]) in names:
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
    if name in ("close", "escalate", "incident", "security", "vendor", "update", "handoff", "channel"):
        return False
    if name in ALONE:
        return _only_filler(rest)
    if name in ("assign", "hand over", "involve"):
        return _only_filler(_PERSON.sub("", rest))
    return True


def _only_filler(text: str) -> bool:
    return _end(_FILLER, text[:SHORT]) == len(text)


def _meaning(name: str, rest: str, mentioned: Sequence[Person], process: Process) -> Command:
    bare = rest.lstrip(" \t\n:,.!–—-").rstrip()
    match name:
        case "raise" | "claim" | "take over":
            return _alone(name, rest)
        case "assign" | "hand over":
            return _give(name, bare, mentioned)
        case "urgency":
            return _urgency(bare, process) if bare else ShowForm(Form.ASSESS.value)
        case "decide":
            return _decide(bare, process) if bare else ShowForm(Form.DECIDE.value)
        case "note":
            return _note(rest.lstrip(" \t\n:,").rstrip())
        case "link":
            return _link(bare) if bare else ShowForm(Form.LINK.value)
        case "change":
            return _change(bare) if bare else ShowForm(Form.CHANGE.value)
        case "confirm":
            return Act(ConfirmChange(_number(bare, "Say which change you confirm, by its number: confirm 1")))
        case "resolve":
            return ShowForm(Form.RESOLVE.value) if _only_filler(bare) else _resolve(bare, process)
        case "follow-up":
            return _follow_up(bare, process) if bare else ShowForm(Form.FOLLOW_UP.value)
        case "reopen":
            return Act(Reopen(_reason(bare)))
        case "dismiss":
            return _dismiss(bare)
        case "merge":
            how = "Say into which incident, by its number: merge into 12"
            return Act(Merge(_number(bare, how))) if bare else ShowForm(Form.MERGE.value)
        case "incident":
            return _declare(bare, process) if bare else ShowForm(Form.DECLARE.value)
        case "close":
            if at_review := re.match(
                r"(?:it\s)?at\s(?:the\s)?(?:incident\s)?review\b[\s:;,.–-]*", bare, re.IGNORECASE
            ):
                return Act(Close(_text(bare[at_review.end() :], LONG, "What was learnt", lines=True)))
            how = "when it is over, say: resolve. At the review, say: close at the review"
            raise _Wrong(f"Only the incident review closes an incident; {how}")
        case "escalate":
            if not process.decision_options:
                raise _Wrong("This team's process knows no decision; say how bad it is: urgency")
            option = process.decision_options[0].key
            raise _Wrong(f"Record the team's decision, and who took part: decide {option} with Ada, Ben")
        case "handoff":
            return Show("handoff")
        case "vendor":
            return _vendor(rest.strip(), process) if rest.strip() else Show("vendors")
        case "update":
            off = re.fullmatch(r"(?:is\s|are\s)?not\sneeded[.!]?", bare, re.IGNORECASE)
            return Act(NoUpdates()) if off else ShowForm(Form.UPDATE.value)
        case "channel":
            return Act(MakeChannel())
        case "security":
            return _security(bare)
        case "status":
            return Show("status")
        case "story":
            return Show("story")
        case "post-mortem":
            return Act(PostMortem())
        case "role":
            return _role(bare, mentioned, process)
        case "join":
            return Act(Join(why=_text(bare, SHORT, "What you say")))
        case "leave":
            return Act(Leave())
        case "involve":
            return _involve(bare, mentioned)
        case "lesson":
            return _lesson(rest.lstrip(" \t\n:,").rstrip())
        case "runbook":
            return Show("runbook")
        case "list":
            return Show("list")
        case "review":
            return Show("review")
        case "report":
            return _report(bare)
        case "oncall":
            return _oncall(bare, mentioned)
        case _:
            return Show("help")


def _text(text: str, limit: int, what: str, *, lines: bool = False) -> str:
    """Return a text as it may be stored. What does not fit is refused, not cut: nothing typed gets lost."""
    whole = text.strip()
    if len(whole) > limit:
        raise _Wrong(f"{what} is longer than {limit} characters: shorten it, or write it into the issue.")
    return clean(whole, limit, lines=lines)


def _alone(name: str, rest: str) -> Act:
    """``claim``, ``claim it``, ``claim: I am on it``; but not ``raise the limit``, which is something else."""
    after = rest.lstrip()
    comment = after[:1] in (":", ",", ".", ";", "!", "?", "-", "–", "—", "(")
    if not comment and not rest.startswith("\n") and not _only_filler(rest):
        raise _Wrong(f"“{name}” stands alone: say just {name}")
    if name == "raise":
        return Act(Raise())
    return Act(Claim(take_over=name == "take over"))


def _give(name: str, rest: str, mentioned: Sequence[Person]) -> Command:
    if re.fullmatch(r"(?:to\s)?(?:me|myself)[.!]?", rest, re.IGNORECASE) and name == "assign":
        return Act(Claim())
    people: list[Person] = []
    for person in _named(rest, mentioned):
        if not any(person is each or person.same(each) for each in people):
            people.append(person)
    if len(people) > 1:
        raise _Wrong(f"One person owns an incident; mention just one: {name} @person")
    take_over = re.search(r"\btake\s?over\b", rest[:SHORT], re.IGNORECASE) is not None
    if people:
        return Act(Assign(people[0], take_over) if name == "assign" else HandOver(people[0], take_over))
    if rest:
        raise _Wrong(f"Say to whom with an @mention, so that it is certain who is meant: {name} @person")
    return ShowForm((Form.ASSIGN if name == "assign" else Form.HAND_OVER).value)


def _named(text: str, mentioned: Sequence[Person]) -> list[Person]:
    """Return the people mentioned in a text; all that came with the message where names don't tell."""
    names = [_folded(name) for name in _PERSON.findall(text)]
    found = [person for name in names for person in mentioned if _folded(person.name) == name]
    return found or list(mentioned)


def _role(rest: str, mentioned: Sequence[Person], process: Process) -> Command:
    if not rest:
        return ShowForm(Form.ROLE.value)
    roles = process.roles.all
    if not roles:
        raise _Wrong("This team's process names no roles besides the owner")
    said = " ".join(_PERSON.sub("", rest).split())
    leaving = re.search(r"\s?\b(?:leave|vacant|none)$", said, re.IGNORECASE)
    name = re.sub(r"\b(?:to|is|for|me|myself|leave|vacant|none)\b|[:,.!=]", " ", said, flags=re.IGNORECASE)
    role = process.roles.of(" ".join(name.split()))
    if role is None:
        known = ", ".join(each.key for each in roles)
        raise _Wrong(f"Say which role: {known}. For example: role {roles[-1].key} @person")
    if leaving:
        return Act(LeaveRole(role.key))
    people = _named(rest, mentioned)
    if len(people) > 1:
        raise _Wrong(f"One person holds a role; mention just one: role {role.key} @person")
    return Act(GiveRole(role.key, people[0] if people else None))


def _involve(rest: str, mentioned: Sequence[Person]) -> Command:
    people = _named(rest, mentioned)
    if len(people) != 1:
        raise _Wrong("Mention whom to involve: involve @person, and why")
    return Act(Join(people[0], _text(_PERSON.sub("", rest), SHORT, "The reason")))


def _oncall(rest: str, mentioned: Sequence[Person]) -> Command:
    found = re.match(r"(swap|cover|undo)\b", rest, re.IGNORECASE)
    if found is None:
        return Show("oncall")
    days = " ".join(_PERSON.sub(" ", rest[found.end() :]).split())
    days = re.sub(r"^(?:with|and|by|on|for|the|,|\s)+", "", days)
    people = _named(rest, mentioned)
    what = found[1].lower()
    if not days:
        raise _Wrong(f"Say on which day: oncall {what} … 2026-12-24, or tomorrow, or monday")
    if what == "undo":
        return ChangeRota(days)
    if what == "cover":
        if len(people) != 1:
            raise _Wrong("Mention who covers: oncall cover @person 2026-12-24..2026-12-28")
        return ChangeRota(days, people[0])
    if len(people) != 2 or people[0].same(people[1]):
        raise _Wrong("Mention two people, first whose shift it is: oncall swap @a @b 2026-12-24")
    return ChangeRota(days, people[1], people[0])


def _report(text: str) -> Command:
    said = text.strip(" .!?").lower()
    if not said or re.fullmatch(r"(?:of\s|for\s)?(?:the\s)?(?:(?:last|past|this)\s)?week", said):
        return AskReport()
    if re.fullmatch(r"(?:of\s|for\s)?(?:the\s)?(?:(?:last|past|this)\s)?month", said):
        return AskReport(days=30)
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:\s?(?:\.\.|to|–|-)\s?(\d{4}-\d\d-\d\d))?", said, re.ASCII)
    if found is None:
        raise _Wrong("Say which days: report, report month, or report 2026-11-01..2026-11-15")
    try:
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2]) if found[2] else first
    except ValueError:
        raise _Wrong(f"There is no such day: {text.strip()}. For example: report 2026-11-01..2026-11-15") from None
    if last < first:
        raise _Wrong("The first day comes first: report 2026-11-01..2026-11-15")
    return AskReport(first, last)


def _lesson(text: str) -> Command:
    if not text:
        return ShowForm(Form.LESSON.value)
    kinds = "|".join(kind.value for kind in LessonKind)
    found = re.match(rf"({kinds})\s?[:,-]\s*", text, re.IGNORECASE)
    kind = LessonKind(found[1].lower()) if found else LessonKind.LEARNT
    return Act(AddLesson(_text(text[found.end() if found else 0 :], SHORT, "The lesson", lines=True), kind))


def _number(text: str, how: str) -> int:
    found = re.match(
        r"(?:into|with|to|the|in|change|incident|number|no\.?|[#\s]){0,8}(\d{1,9})(?![\w-])", text, re.I | re.A
    )
    if found is None or int(found[1]) < 1 or not _only_filler(text[found.end() :]):
        raise _Wrong(how)
    return int(found[1])


def _split(text: str, pattern: str) -> tuple[str, bool, str]:
    found = re.search(pattern, text, re.IGNORECASE)
    if found is None:
        return text.strip(), False, ""
    return text[: found.start()].strip(" \t\n:,;"), True, text[found.end() :].strip(" \t\n:,")


_BECAUSE = r"\bbecause\b|\breason\s?[=:]"


def _spoken(key: str) -> str:
    """Return a pattern for a key of the process as people type it: blanks, hyphens and underscores are alike."""
    return r"[\s_-]?".join(re.escape(part) for part in re.split(r"[\s_-]+", key.strip()) if part)


def _same_word(said: str) -> str:
    return re.sub(r"[\s_-]+", " ", said.strip()).casefold()


def _answers(text: str, process: Process) -> tuple[dict[str, Answer], str]:
    """Return the answers in a text, and the text without them."""
    answers: dict[str, Answer] = {}
    left = text
    for question in process.questions:
        pattern = re.compile(rf"(?<![\w-]){_spoken(question.key)}\s?[=:]\s?([^\s,;]{{1,40}})", re.IGNORECASE)
        found = pattern.search(left)
        if found is None:
            continue
        value = found[1].lower().rstrip(".!")
        if value in _NOT_KNOWN or not value:
            answers[question.key] = None
        elif question.kind == "number" and value.isascii() and value.isdigit() and int(value) <= 10_000_000:
            answers[question.key] = int(value)
        elif question.kind == "yes_no" and value in _YES:
            answers[question.key] = _YES[value]
        else:
            needs = "a whole number" if question.kind == "number" else "yes, no"
            raise _Wrong(f"{question.key} holds {clean(value, 40)!r}; it needs {needs} or unknown.")
        left = f"{left[: found.start()]} {left[found.end() :]}"
    return answers, left


def _level(text: str, process: Process) -> str:
    said = _same_word(text)
    for level in process.urgencies:
        if said and said in (_same_word(level.key), _same_word(level.name)):
            return level.key
    return ""


def _urgency(rest: str, process: Process) -> Command:
    head, _, reason = _split(rest, _BECAUSE)
    answers, left = _answers(_text(head, SHORT, "That"), process)
    left = re.sub(r"^(?:is|to|level|=)\s", "", left.strip(" ,;.=")).strip(" ,;.")
    level = _level(left, process)
    if left and not level:
        asked = ", ".join(question.key for question in process.questions)
        if re.search(r"[=:]", left):
            raise _Wrong(f"{clean(left, 60)!r} answers none of the questions; they are {asked}.")
        levels = ", ".join(each.key for each in process.urgencies)
        raise _Wrong(f"There is no urgency {clean(left, 60)!r}; it is one of {levels}.")
    if not level and not answers:
        raise _Wrong(_how_urgent(process))
    return Act(Assess(answers, level, _text(reason, SHORT, "The reason")))


def _how_urgent(process: Process) -> str:
    samples = " ".join(f"{each.key}={'150' if each.kind == 'number' else 'no'}" for each in process.questions)
    gravest = process.urgencies[-1].key
    return f"Answer the questions, or name a level and why: urgency {samples}, or urgency {gravest} because …"


def _decide(rest: str, process: Process) -> Command:
    head, _, present = _split(rest, r"\bwith\b|\bpresent\s?[=:]")
    names = _PERSON.findall(head)
    if names and not present:
        present = ", ".join(names)
    said = _same_word(_PERSON.sub("", head).strip(" .,:;"))
    options = [option for option in process.decision_options if said in map(_same_word, (option.key, option.name))]
    if not options and len(said) >= 3:
        options = [
            option
            for option in process.decision_options
            if any(f" {said}" in f" {_same_word(name)}" for name in (option.key, option.name))
        ]
    if len(options) != 1:
        known = " or ".join(option.key for option in process.decision_options)
        example = process.decision_options[-1].key
        raise _Wrong(f"Say what was decided ({known}), and with whom: decide {example} with Ada, Ben")
    present = re.sub(r"\ue001[\s,]*(?:and\b|&)?\s*(?=\ue000)", ", ", present)
    return Act(Decide(options[0].key, _text(present, REPOSITORIES, "The list of who took part")))


_KIND = re.compile(
    rf"(?:\[\s?({'|'.join(NoteKind)})\s?\]\s?[:-]?|(?:service\s)?({'|'.join(NoteKind)})\s?:)\s*", re.IGNORECASE
)


def _note(rest: str) -> Command:
    if not rest:
        return ShowForm(Form.NOTE.value)
    kind, found = NoteKind.OBSERVATION, _KIND.match(rest)
    if found is not None:
        kind, rest = NoteKind((found[1] or found[2]).lower()), rest[found.end() :]
    text = _text(rest, NOTE, "The note", lines=True)
    if not text:
        raise _Wrong("The note is empty. For example: note observation: the disk is full")
    return Act(AddNote(text, kind))


def _link(rest: str) -> Act:
    url, _, label = rest.replace("\n", " ").partition(" ")
    url = url.strip("<>")
    if not url.lower().startswith(("https://", "http://")) or len(url) > URL:
        raise _Wrong("An address starts with https:// and comes first: link https://example.com/page The dashboard")
    scheme, _, where = url.partition("://")
    return Act(AddLink(f"{scheme.lower()}://{clean(where, URL)}", _text(label, TITLE, "The label")))


def _change(rest: str) -> Act:
    what, because, why = _split(rest, rf"{_BECAUSE}|\bwhy\s?[=:]")
    if not because or not what or not why:
        raise _Wrong(
            "Say what is changed by hand, and why not by merge request:"
            " change restarted the gateway because the pipeline is down"
        )
    return Act(ProposeChange(_text(what, SHORT, "What is changed"), _text(why, SHORT, "The reason")))


def _vendor(rest: str, process: Process) -> Act:
    rest = " ".join(rest.split())
    known = sorted((each.name for each in process.vendors), key=len, reverse=True)
    name = next((each for each in known if rest.casefold().startswith(f"{each.casefold()} ")), "")
    said = rest[: len(name)] if name else rest.partition(" ")[0]
    words = rest[len(said) :].split()
    url = next((each.strip("<>") for each in words if each.lower().startswith(("http://", "https://"))), "")
    ref = " ".join(each for each in words if not each.lower().startswith(("http://", "https://")))
    if not ref or len(url) > URL:
        raise _Wrong("Say whose ticket it is, its number and its address: vendor AWS 1234567 https://example.com/1")
    return Act(AddVendor(clean(name or said, 80), _text(ref, 80, "The number"), url))


def _security(rest: str) -> Act:
    if told := re.match(r"told\b[\s:,]*", rest, re.IGNORECASE):
        whom = _text(_PERSON.sub(r"\1", rest[told.end() :]), SHORT, "Who was told")
        if not whom:
            raise _Wrong("Say who was told: security told Jo, the head of information security")
        return Act(TellSecurity(whom))
    return Act(MarkPrivate(_reason(rest)))


def _reason(text: str) -> str:
    return _text(re.sub(r"^because\b[\s:,]*", "", text, flags=re.IGNORECASE), SHORT, "The reason")


_IMPROVE = re.compile(
    r"(?:^|[;,.\n]|\band\b)\s?(?:and\s)?(?:please\s)?improve(?:\sthe)?\salert(?:ing|s)?(?:\s?[=:]\s?yes)?\s?(?=$|[;,.\n!])",
    re.IGNORECASE,
)


def _dismiss(rest: str) -> Act:
    improve = _IMPROVE.search(rest)
    if improve is not None:
        rest = f"{rest[: improve.start()]}{rest[improve.end() :]}"
    return Act(Dismiss(_reason(rest.strip(" ;,.\n")), improve is not None))


def _kind(text: str, process: Process) -> tuple[FollowUpKind, str]:
    """Return the follow-up that a text begins with, and the rest of the text."""
    for kind in process.follow_ups:
        for name in (kind.key, kind.name):
            found = re.match(rf"{_spoken(name)}(?![\w-])[\s:=–—-]*", text, re.IGNORECASE)
            if found is not None:
                return kind, text[found.end() :]
    kinds = ", ".join(kind.key for kind in process.follow_ups)
    said = clean(re.split(r"[\s:=]", text.strip(), maxsplit=1)[0], 40)
    raise _Wrong(
        f"There is no follow-up {said!r}; it is one of {kinds}. For example: follow-up {process.follow_ups[0].key}"
    )


def _follow_up(rest: str, process: Process) -> Act:
    kind, title = _kind(rest, process)
    return Act(AddFollowUp(kind.key, _text(title, TITLE, "The title")))


_CLAUSE = re.compile(
    r"(over|no\slonger\soccurs|cause|limit(?:\sof\sunderstanding)?(?:\sreached)?|rolled[\s_-]?back|roll[\s_-]?backs?"
    r"|repositor(?:y|ies)|not\ssafe|safe|none(?:\sneeded)?|no\sfollow[\s_-]?ups?(?:\sneeded)?|follow[\s_-]?ups?)"
    r"(?![\w-])\s?[=:]?\s?",
    re.IGNORECASE,
)
_HELD: Mapping[str, str] = {
    "over": "over", "nol": "over", "cau": "cause", "lim": "limit", "rol": "rolled back", "rep": "rolled back",
    "not": "not safe", "saf": "safe", "non": "none", "nof": "none", "fol": "follow-up",
}  # fmt: skip
_HOW_RESOLVED = "resolve over=yes; cause: the disk was full; rolled back: none; none: nothing is left to do"


def _resolve(rest: str, process: Process) -> Act:
    held: dict[str, str] = {}
    follow_ups: dict[str, str] = {}
    for clause in re.split(r"[;\n]", rest):
        clause = clause.strip(" \t,.")
        if not clause:
            continue
        found = _CLAUSE.match(clause)
        if found is None:
            raise _Wrong(f"I don't know {clean(clause, 40)!r} here. For example: {_HOW_RESOLVED}")
        word = re.sub(r"[\s_-]", "", found[1]).lower()
        name, value = _HELD["over" if word == "over" else word[:3]], clause[found.end() :].strip()
        if name == "follow-up":
            kind, title = _kind(value, process)
            follow_ups[kind.key] = _text(title, TITLE, "The title")
        else:
            held[name] = value
    safe = _yes_no("safe", held)
    if "not safe" in held:
        safe = False
    rolled_back, repositories = _rolled_back(held.get("rolled back"))
    answers = ResolveAnswers(
        over=_yes_no("over", held),
        cause=_text(held.get("cause", ""), LONG, "The cause"),
        limit_reached=_yes_no("limit", held) is True,
        rolled_back=rolled_back,
        repositories=repositories,
        safe=safe,
        follow_ups=follow_ups,
        none_reason=_text(held.get("none", ""), SHORT, "The reason"),
    )
    return Act(Resolve(answers))


def _yes_no(name: str, held: Mapping[str, str]) -> bool | None:
    """Return what was answered; the bare word (``over``) is a yes."""
    value = held.get(name)
    if value is None or value.lower() in _NOT_KNOWN:
        return None
    if not value:
        return True
    if value.lower() not in _YES:
        raise _Wrong(f"{name} holds {clean(value, 40)!r}; it needs yes or no. For example: {_HOW_RESOLVED}")
    return _YES[value.lower()]


def _rolled_back(value: str | None) -> tuple[bool | None, tuple[str, ...]]:
    if value is None or value.lower() in _NOT_KNOWN:
        return None, ()
    said = value.lower().rstrip(".!")
    if said in ("none", "nothing", "no", "n", "false"):
        return False, ()
    value = _text(value, REPOSITORIES, "The list of repositories")
    names = tuple(name for name in re.split(r"[\s,]+", value) if name and name.lower() not in ("and", "&"))
    return True, () if said in ("yes", "y", "true", "") else names


_DESCRIPTION = re.compile(r"(?:description|details)\s?[=:]\s?", re.IGNORECASE)
_URGENCY = re.compile(r"urgency\s?[=:]?\s?", re.IGNORECASE)


def _declare(rest: str, process: Process) -> Declare:
    said, *clauses = re.split(r"[;\n]", rest)
    title = clean(said.strip(" \t\"“”'"), TITLE)
    if not title:
        raise _Wrong(
            "Say in a few words what is wrong. For example: incident Login is slow; urgency: users=20 critical=no"
        )
    # A title that is too long is cut and kept whole in the description: better raised than refused (W10).
    described = [said.strip()] if len(said.strip()) > TITLE else []
    urgency, reason, answers = "", "", dict[str, Answer]()
    for clause in (each.strip() for each in clauses):
        if found := _DESCRIPTION.match(clause):
            described.append(clause[found.end() :])
        elif found := _URGENCY.match(clause):
            assess = _assessed(clause[found.end() :], process)
            urgency, reason, answers = (
                assess.urgency or urgency,
                assess.reason or reason,
                {**answers, **assess.answers},
            )
        else:
            given, left = _answers(clause, process)
            answers |= given
            if not given:
                _typo(clause, process)
            if left.strip(" ,."):
                described.append(clause)
    return Declare(
        title, _text("\n".join(described), LONG, "The description", lines=True), urgency, reason, answers
    )


def _assessed(text: str, process: Process) -> Assess:
    command = _urgency(text, process)
    if isinstance(command, Act) and isinstance(command.request, Assess):
        return command.request
    raise _Wrong(_how_urgent(process))


def _typo(clause: str, process: Process) -> None:
    """Refuse a clause whose key is nearly one that means something, rather than take it for a description."""
    found = re.match(r"([A-Za-z][\w -]{0,40}?)\s?[=:]", clause)
    if found is None:
        return
    known = ["description", "urgency", *(question.key for question in process.questions)]
    near = difflib.get_close_matches(found[1].lower(), known, 1, 0.75)
    if near:
        raise _Wrong(f"I don't know {found[1]!r} here. Did you mean {near[0]}?")
