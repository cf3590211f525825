"""What a typed command means. Pure: text in, request out."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from models.domain.incidents import NoteKind
from models.domain.people import Person
from models.domain.process import Answer, Process
from models.domain.requests import (
    AddFollowUp,
    AddLink,
    AddNote,
    Assess,
    Assign,
    Claim,
    ConfirmChange,
    Decide,
    Dismiss,
    HandOver,
    Merge,
    ProposeChange,
    Raise,
    Reopen,
    Request,
    Resolve,
)
from models.domain.resolving import ResolveAnswers

LONGEST = 8000
"""Characters of a message that are looked at."""


@dataclass(frozen=True, slots=True)
class Act:
    """Do something to the thread's incident."""

    request: Request | Merge


@dataclass(frozen=True, slots=True)
class ShowForm:
    """Answer with a form, since details are needed."""

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

    what: Literal["status", "help", "list", "oncall"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a command; ``nearest`` are the ones that it resembles."""

    text: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misused:
    """A command that lacks something. ``text`` says how to use it."""

    text: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A command that belongs somewhere else. ``text`` says where."""

    text: str


Command = Act | ShowForm | Declare | Show | Unknown | Misused | Elsewhere

_AT = re.compile(r"<at\b[^<>]{0,200}>([^<>]{0,200})</at>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,300}>")
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MENTION = "\ue000"
"""Stands for a mentioned person in the normalised text."""

_THREAD: Mapping[str, tuple[str, ...]] = {
    "raise": ("raise",),
    "claim": ("claim", "mine"),
    "take over": ("take over", "takeover", "take-over"),
    "assign": ("assign to", "assign"),
    "hand over": ("hand over to", "hand over", "handover to", "handover", "hand-over to", "hand-over"),
    "urgency": ("urgency", "assess"),
    "decide": ("decide", "decision"),
    "note": ("note",),
    "link": ("link",),
    "change": ("change",),
    "confirm": ("confirm",),
    "resolve": ("resolve", "resolved"),
    "follow-up": ("follow-up", "follow up", "followup"),
    "reopen": ("reopen", "re-open"),
    "dismiss": ("dismiss", "not an incident"),
    "merge": ("merge into", "merge with", "merge"),
    "status": ("status",),
}
_ANYWHERE: Mapping[str, tuple[str, ...]] = {
    "incident": ("incident", "declare"),
    "list": ("list",),
    "oncall": ("oncall", "on call", "on-call", "who is on call", "who"),
    "help": ("help", "?"),
}
_WORDS = sorted(
    ((word, name) for names in (_THREAD, _ANYWHERE) for name, words in names.items() for word in words),
    key=lambda pair: -len(pair[0]),
)
_YES = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False, "none": False}
_PAIR = re.compile(r"([a-z_][a-z_ -]{0,40}?)\s{0,3}[=:]\s{0,3}([^\s,;=]{1,40})", re.IGNORECASE)


def strip_mention(text: str, bot_names: Collection[str]) -> str:
    """Return what was typed, without the bot's mention, tags, entities and invisible characters.

    Other people's mentions become one character each, in their order.
    """
    names = {_folded(name) for name in bot_names}

    def said(match: re.Match[str]) -> str:
        return " " if _folded(html.unescape(match[1])) in names else f" {_MENTION} "

    text = text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"<br\s{0,3}/?>|</p>|</div>", "\n", text, flags=re.IGNORECASE)
    text = _TAG.sub(" ", _AT.sub(said, text))
    text = _INVISIBLE.sub("", html.unescape(text).replace("\xa0", " "))
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _folded(name: str) -> str:
    return " ".join(name.replace("\xa0", " ").split()).casefold()


def parse(text: str, mentioned: Sequence[Person], process: Process, *, in_thread: bool) -> Command:
    """Say what was meant. Never raises.

    Args:
        text: As ``strip_mention`` returns it.
        mentioned: The people whose mentions stand in it, in their order.
        process: For its levels, decisions, follow-ups and questions.
        in_thread: Whether it was said in an incident's thread.
    """
    name, rest = _verb(text[:LONGEST])
    if name is None:
        first = " ".join(text.split()[:2]).lower()
        known = [*_ANYWHERE, *(_THREAD if in_thread else ())]
        near = difflib.get_close_matches(first, known, 3, 0.5) or difflib.get_close_matches(
            first.partition(" ")[0], known, 3, 0.6
        )
        return Unknown(text[:100], tuple(near)) if first else Show("help")
    if name in _THREAD and not in_thread:
        return Elsewhere(f"“{name}” belongs into the thread under an incident's card. “list” shows the incidents.")
    return _meaning(name, rest, mentioned, process)


def _verb(text: str) -> tuple[str | None, str]:
    lowered = text.lower()
    for word, name in _WORDS:
        if lowered.startswith(word):
            rest = text[len(word) :]
            if not rest or not (rest[0].isalnum() or rest[0] in "-_"):
                return name, rest.lstrip(" \t:,.!" if name != "note" else " \t,.!")
    return None, text


def _meaning(name: str, rest: str, mentioned: Sequence[Person], process: Process) -> Command:
    match name:
        case "raise":
            return Act(Raise())
        case "claim":
            return Act(Claim())
        case "take over":
            return Act(Claim(take_over=True))
        case "assign" | "hand over":
            return _give(name, rest, mentioned)
        case "urgency":
            return _urgency(rest, process)
        case "decide":
            return _decide(rest, process)
        case "note":
            return _note(rest)
        case "link":
            url, _, label = rest.partition(" ")
            return Act(AddLink(url, label.strip()[:200])) if url else ShowForm("link")
        case "change":
            return _change(rest)
        case "confirm":
            number = _number(rest)
            return Act(ConfirmChange(number)) if number else Misused("Say which change: confirm 1")
        case "resolve":
            return _resolve(rest, process)
        case "follow-up":
            return _follow_up(rest, process)
        case "reopen":
            return Act(Reopen(_said(rest)))
        case "dismiss":
            improve = bool(re.search(r"improve alert", rest, re.IGNORECASE))
            return Act(Dismiss(_said(rest), improve))
        case "merge":
            number = _number(rest)
            return Act(Merge(number)) if number else ShowForm("merge")
        case "incident":
            return _declare(rest, process)
        case "status":
            return Show("status")
        case "list":
            return Show("list")
        case "oncall":
            return Show("oncall")
        case _:
            return Show("help")


def _said(text: str) -> str:
    return text.replace(_MENTION, "").strip()[:1000]


def _number(text: str) -> int | None:
    found = re.match(r"[#\s]{0,5}(\d{1,9})\b", text, re.ASCII)
    return int(found[1]) if found else None


def _give(name: str, rest: str, mentioned: Sequence[Person]) -> Command:
    if not mentioned:
        return Misused(f"Mention who: {name} @person") if rest else ShowForm(name.replace(" ", "_"))
    take_over = bool(re.search(r"\btake over\b", rest, re.IGNORECASE))
    kind = Assign if name == "assign" else HandOver
    return Act(kind(mentioned[0], take_over))


def _answers(text: str, process: Process) -> tuple[dict[str, Answer], str]:
    """Return the answers in a text, and what is wrong with them."""
    answers: dict[str, Answer] = {}
    kinds = {question.key: question.kind for question in process.questions}
    for match in _PAIR.finditer(text):
        key = match[1].strip().lower().replace(" ", "_").replace("-", "_")
        value = match[2].lower().strip(".")
        if key not in kinds:
            return {}, f"There is no question {match[1].strip()!r}; there are {', '.join(kinds)}."
        if value in ("unknown", "?", "unclear"):
            answers[key] = None
        elif kinds[key] == "number" and value.isascii() and value.isdigit() and len(value) < 10:
            answers[key] = int(value)
        elif kinds[key] == "yes_no" and value in _YES:
            answers[key] = _YES[value]
        else:
            needs = "a number" if kinds[key] == "number" else "yes, no"
            return {}, f"{key} holds {value!r}; it needs {needs} or unknown."
    return answers, ""


def _level(text: str, process: Process) -> str:
    said = text.strip().casefold().replace("-", " ").replace("_", " ")
    for level in process.urgencies:
        if said in (level.key.casefold().replace("_", " "), level.name.casefold()):
            return level.key
    return ""


def _urgency(rest: str, process: Process) -> Command:
    if not rest:
        return ShowForm("assess")
    head, _, reason = _split(rest, "because")
    answers, wrong = _answers(head, process)
    if wrong:
        return Misused(wrong)
    level = _level(_PAIR.sub("", head).strip(" ,;"), process)
    if not level and not answers:
        levels = ", ".join(each.key for each in process.urgencies)
        keys = " ".join(f"{each.key}=…" for each in process.questions)
        return Misused(
            f"Answer the questions (urgency {keys}), or name a level and why (urgency {levels} because …)."
        )
    return Act(Assess(answers, level, _said(reason)))


def _split(text: str, word: str) -> tuple[str, str, str]:
    found = re.search(rf"\b{word}\b", text, re.IGNORECASE)
    if not found:
        return text, "", ""
    return text[: found.start()].strip(), found[0], text[found.end() :].strip(" :,")


def _decide(rest: str, process: Process) -> Command:
    if not rest:
        return ShowForm("decide")
    head, _, present = _split(rest, "with")
    said = head.strip().casefold().replace("_", " ")
    for option in process.decision_options:
        names = (option.key.casefold().replace("_", " "), option.name.casefold())
        if said and any(said in name or name in said for name in names):
            return Act(Decide(option.key, _said(present)))
    options = " | ".join(option.key for option in process.decision_options)
    return Misused(f"Say what was decided, and with whom: decide {options} with Ada, Ben")


def _note(rest: str) -> Command:
    text = rest.lstrip(": ")
    for kind in NoteKind:
        found = re.match(rf"\[?{kind.value}\]?\s{{0,3}}:\s{{0,3}}", text, re.IGNORECASE)
        if found:
            text = text[found.end() :]
            return (
                Act(AddNote(text[:4000], kind)) if text.strip() else Misused(f"note {kind.value}: what you found")
            )
    return Act(AddNote(text[:4000])) if text else ShowForm("note")


def _change(rest: str) -> Command:
    if not rest:
        return ShowForm("change")
    what, word, why = _split(rest, "because")
    if not word or not what or not why:
        return Misused("Say what is changed, and why not by merge request: change … because …")
    return Act(ProposeChange(_said(what), _said(why)))


def _clauses(text: str) -> list[tuple[str, str]]:
    """Split ``key: value; key=value`` into pairs; a clause without a key has an empty one."""
    pairs = []
    for clause in re.split(r"[;\n]", text):
        found = re.match(r"\s{0,5}([A-Za-z][A-Za-z _-]{0,60}?)\s{0,3}[=:]\s{0,3}", clause)
        key = found[1].strip().lower().replace("-", " ").replace("_", " ") if found else ""
        value = clause[found.end() :] if found else clause
        if clause.strip():
            pairs.append((key, value.strip()))
    return pairs


def _resolve(rest: str, process: Process) -> Command:
    if not rest:
        return ShowForm("resolve")
    held: dict[str, str] = {}
    follow_ups: dict[str, str] = {}
    for key, value in _clauses(rest):
        kind = key.removeprefix("follow up").strip().replace(" ", "_")
        if key.startswith("follow up"):
            kind, title = (kind, value) if kind else (value.partition(" ")[0], value.partition(" ")[2])
            follow_ups[kind] = title.strip()
        elif not key and value.lower().replace("-", " ").startswith("follow up "):
            follow_ups[value.split()[-1].lower()] = ""
        elif key in ("over", "cause", "limit", "rolled back", "rollbacks", "safe", "none", "no follow up"):
            held[{"rollbacks": "rolled back", "no follow up": "none"}.get(key, key)] = value
        else:
            said = key or value[:40]
            return Misused(
                f"I don't know {said!r} here. For example: resolve over=yes; cause: disk full; rolled back: none;"
                " none: nothing is left to do"
            )
    rolled = held.get("rolled back", "")
    answered = _YES.get(rolled.lower())
    repositories = tuple(name.strip() for name in rolled.split(",") if name.strip()) if answered is None else ()
    titles = {}
    for key, title in follow_ups.items():
        known = process.follow_up(key)
        titles[key] = title or (known.name if known else key)
    return Act(
        Resolve(
            ResolveAnswers(
                over=_YES.get(held.get("over", "").lower()),
                cause=held.get("cause", "")[:2000],
                limit_reached=_YES.get(held.get("limit", "").lower()) is True,
                rolled_back=True if repositories else answered,
                repositories=repositories,
                safe=_YES.get(held.get("safe", "").lower()),
                follow_ups=titles,
                none_reason=held.get("none", "")[:1000],
            )
        )
    )


def _follow_up(rest: str, process: Process) -> Command:
    if not rest:
        return ShowForm("follow_up")
    kind, _, title = rest.partition(" ")
    key = kind.lower().strip(":").replace("-", "_")
    if process.follow_up(key) is None:
        kinds = ", ".join(each.key for each in process.follow_ups)
        return Misused(f"There is no follow-up {kind[:40]!r}; there are {kinds}.")
    return Act(AddFollowUp(key, title.strip()[:200]))


def _declare(rest: str, process: Process) -> Command:
    if not rest:
        return ShowForm("declare")
    title, *clauses = re.split(r"[;\n]", rest)
    description, urgency, reason = "", "", ""
    answers: dict[str, Answer] = {}
    for key, value in _clauses("\n".join(clauses)):
        if key == "description" or not key:
            description = f"{description}\n{value}".strip()
        elif key == "urgency":
            head, _, reason = _split(value, "because")
            urgency = _level(head, process)
            if not urgency:
                levels = ", ".join(each.key for each in process.urgencies)
                return Misused(f"There is no urgency {head[:40]!r}; it is one of {levels}.")
        else:
            found, wrong = _answers(f"{key}={value}", process)
            if wrong:
                return Misused(wrong)
            answers |= found
    return Declare(_said(title)[:200], description[:2000], urgency, _said(reason), answers)
