"""Commands that are lists of clauses: resolving, and declaring."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from bot.command_answers import NOT_KNOWN, YES, answers_in, how_urgent, kind_in, read_urgency
from bot.command_types import Act, Declare, Wrong
from bot.typed_text import kept_text
from cards.blocks import clean
from cards.payload import LONG, REPOSITORIES, SHORT, TITLE
from models.domain.process import Answer, Process
from models.domain.requests import Assess, Resolve
from models.domain.resolving import ResolveAnswers
from models.domain.services import find_service

_CLAUSE = re.compile(
    r"(over|no\slonger\soccurs|cause|limit(?:\sof\sunderstanding)?(?:\sreached)?|rolled[\s_-]?back|roll[\s_-]?backs?"
    r"|repositor(?:y|ies)|not\ssafe|safe|none(?:\sneeded)?|no\sfollow[\s_-]?ups?(?:\sneeded)?|follow[\s_-]?ups?"
    r"|without\s(?:them|him|her))"
    r"(?![\w-])\s?[=:]?\s?",
    re.IGNORECASE,
)

_HELD: Mapping[str, str] = {
    "over": "over", "nol": "over", "cau": "cause", "lim": "limit", "rol": "rolled back", "rep": "rolled back",
    "not": "not safe", "saf": "safe", "non": "none", "nof": "none", "fol": "follow-up",
    "wit": "without",
}  # fmt: skip

_HOW_RESOLVED = "resolve over=yes; cause: the disk was full; rolled back: none; none: nothing is left to do"


def read_resolve(rest: str, process: Process) -> Act:
    """Read the conditions."""
    held: dict[str, str] = {}
    follow_ups: dict[str, str] = {}
    for clause in re.split(r"[;\n]", rest):
        clause = clause.strip(" \t,.")
        if not clause:
            continue
        found = _CLAUSE.match(clause)
        if found is None:
            raise Wrong(f"I don't know {clean(clause, 40)!r} here. For example: {_HOW_RESOLVED}")
        word = re.sub(r"[\s_-]", "", found[1]).lower()
        name, value = _HELD["over" if word == "over" else word[:3]], clause[found.end() :].strip()
        if name == "follow-up":
            kind, title = kind_in(value, process)
            follow_ups[kind.key] = kept_text(title, TITLE, "The title")
        else:
            held[name] = value
    safe = _yes_no("safe", held)
    if "not safe" in held:
        safe = False
    rolled_back, repositories = _rolled_back(held.get("rolled back"))
    answers = ResolveAnswers(
        over=_yes_no("over", held),
        cause=kept_text(held.get("cause", ""), LONG, "The cause"),
        limit_reached=_yes_no("limit", held) is True,
        rolled_back=rolled_back,
        repositories=repositories,
        safe=safe,
        follow_ups=follow_ups,
        none_reason=kept_text(held.get("none", ""), SHORT, "The reason"),
        past_reason=kept_text(held.get("without", ""), SHORT, "The reason"),
    )
    return Act(Resolve(answers))


def _yes_no(name: str, held: Mapping[str, str]) -> bool | None:
    """Return what was answered; the bare word (``over``) is a yes."""
    value = held.get(name)
    if value is None or value.lower() in NOT_KNOWN:
        return None
    if not value:
        return True
    if value.lower() not in YES:
        raise Wrong(f"{name} holds {clean(value, 40)!r}; it needs yes or no. For example: {_HOW_RESOLVED}")
    return YES[value.lower()]


def _rolled_back(value: str | None) -> tuple[bool | None, tuple[str, ...]]:
    if value is None or value.lower() in NOT_KNOWN:
        return None, ()
    said = value.lower().rstrip(".!")
    if said in ("none", "nothing", "no", "n", "false"):
        return False, ()
    value = kept_text(value, REPOSITORIES, "The list of repositories")
    names = tuple(name for name in re.split(r"[\s,]+", value) if name and name.lower() not in ("and", "&"))
    return True, () if said in ("yes", "y", "true", "") else names


_DESCRIPTION = re.compile(r"(?:description|details)\s?[=:]\s?", re.IGNORECASE)

_SERVICE = re.compile(r"service\s?[=:]\s?", re.IGNORECASE)
_URGENCY = re.compile(r"urgency\s?[=:]?\s?", re.IGNORECASE)


def read_declare(rest: str, process: Process) -> Declare:
    """Read title, description and urgency."""
    said, *clauses = re.split(r"[;\n]", rest)
    title = clean(said.strip(" \t\"“”'"), TITLE)
    if not title:
        raise Wrong(
            "Say in a few words what is wrong. For example: incident Login is slow; urgency: users=20 critical=no"
        )
    # A title that is too long is cut and kept whole in the description: better raised than refused (W10).
    described = [said.strip()] if len(said.strip()) > TITLE else []
    urgency, reason, service, answers = "", "", "", dict[str, Answer]()
    for clause in (each.strip() for each in clauses):
        if found := _DESCRIPTION.match(clause):
            described.append(clause[found.end() :])
        elif (found := _SERVICE.match(clause)) and process.services:
            service = _known_service(clause[found.end() :], process)
        elif found := _URGENCY.match(clause):
            assess = _assessed(clause[found.end() :], process)
            urgency, reason, answers = (
                assess.urgency or urgency,
                assess.reason or reason,
                {**answers, **assess.answers},
            )
        else:
            given, left = answers_in(clause, process)
            answers |= given
            if not given:
                _typo(clause, process)
            if left.strip(" ,."):
                described.append(clause)
    description = kept_text("\n".join(described), LONG, "The description", lines=True)
    return Declare(title, description, urgency, reason, answers, service=service)


def _known_service(said: str, process: Process) -> str:
    service = find_service(clean(said, SHORT), process.services)
    if service is None:
        known = ", ".join(each.name for each in process.services[:20])
        raise Wrong(f"There is no service {clean(said, 60)!r}; they are {known}")
    return service.name


def _assessed(text: str, process: Process) -> Assess:
    command = read_urgency(text, process)
    if isinstance(command, Act) and isinstance(command.request, Assess):
        return command.request
    raise Wrong(how_urgent(process))


def _typo(clause: str, process: Process) -> None:
    """Refuse a clause whose key is nearly one that means something, rather than take it for a description."""
    found = re.match(r"([A-Za-z][\w -]{0,40}?)\s?[=:]", clause)
    if found is None:
        return
    known = ["description", "urgency", *(question.key for question in process.all_questions)]
    near = difflib.get_close_matches(found[1].lower(), known, 1, 0.75)
    if near:
        raise Wrong(f"I don't know {found[1]!r} here. Did you mean {near[0]}?")
