"""What several commands are made of: answers to the process's questions, levels, reasons, follow-ups."""

from __future__ import annotations

import re

from bot.command_types import Act, Command, Wrong
from bot.typed_text import kept_text
from cards.blocks import clean
from cards.payload import SHORT
from models.domain.process import Answer, FollowUpKind, Process
from models.domain.requests import Assess

NO_DECISION = "This team's process knows no decision; say how bad it is: urgency"
NO_FOLLOW_UPS = "This team's process knows no follow-ups."

YES = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}

NOT_KNOWN = frozenset({"unknown", "?", "unclear", "unsure"})


def split_at(text: str, pattern: str) -> tuple[str, bool, str]:
    """Return what stands before a pattern, whether it is there, and what stands after it."""
    found = re.search(pattern, text, re.IGNORECASE)
    if found is None:
        return text.strip(), False, ""
    return text[: found.start()].strip(" \t\n:,;"), True, text[found.end() :].strip(" \t\n:,")


BECAUSE = r"\bbecause\b|\breason\s?[=:]"


def spoken(key: str) -> str:
    """Return a pattern for a key of the process as people type it: blanks, hyphens and underscores are alike."""
    return r"[\s_-]?".join(re.escape(part) for part in re.split(r"[\s_-]+", key.strip()) if part)


def same_word(said: str) -> str:
    """Return a text so that what people type alike is alike."""
    return re.sub(r"[\s_-]+", " ", said.strip()).casefold()


def answers_in(text: str, process: Process) -> tuple[dict[str, Answer], str]:
    """Return the answers in a text, and the text without them."""
    answers: dict[str, Answer] = {}
    left = text
    for question in process.all_questions:
        pattern = re.compile(rf"(?<![\w-]){spoken(question.key)}\s?[=:]\s?([^\s,;]{{1,40}})", re.IGNORECASE)
        found = pattern.search(left)
        if found is None:
            continue
        value = found[1].lower().rstrip(".!")
        if value in NOT_KNOWN or not value:
            answers[question.key] = None
        elif question.kind == "number" and value.isascii() and value.isdigit() and int(value) <= 10_000_000:
            answers[question.key] = int(value)
        elif question.kind == "yes_no" and value in YES:
            answers[question.key] = YES[value]
        else:
            needs = "a whole number" if question.kind == "number" else "yes, no"
            raise Wrong(f"{question.key} holds {clean(value, 40)!r}; it needs {needs} or unknown.")
        left = f"{left[: found.start()]} {left[found.end() :]}"
    return answers, left


def _level(text: str, process: Process) -> str:
    said = same_word(text)
    for level in process.urgencies:
        if said and said in (same_word(level.key), same_word(level.name)):
            return level.key
    return ""


def read_urgency(rest: str, process: Process) -> Command:
    """Read the level or the answers."""
    head, _, reason = split_at(rest, BECAUSE)
    answers, left = answers_in(kept_text(head, SHORT, "That"), process)
    left = re.sub(r"^(?:is|to|level|=)\s", "", left.strip(" ,;.=")).strip(" ,;.")
    level = _level(left, process)
    if left and not level:
        asked = ", ".join(question.key for question in process.questions)
        if re.search(r"[=:]", left):
            raise Wrong(f"{clean(left, 60)!r} answers none of the questions; they are {asked}.")
        levels = ", ".join(each.key for each in process.urgencies)
        raise Wrong(f"There is no urgency {clean(left, 60)!r}; it is one of {levels}.")
    if not level and not answers:
        raise Wrong(how_urgent(process))
    return Act(Assess(answers, level, kept_text(reason, SHORT, "The reason")))


def how_urgent(process: Process) -> str:
    """Return how the urgency is said."""
    samples = " ".join(f"{each.key}={'150' if each.kind == 'number' else 'no'}" for each in process.questions)
    gravest = process.urgencies[-1].key
    return f"Answer the questions, or name a level and why: urgency {samples}, or urgency {gravest} because …"


def kind_in(text: str, process: Process) -> tuple[FollowUpKind, str]:
    """Return the follow-up that a text begins with, and the rest of the text."""
    if not process.follow_ups:
        raise Wrong(NO_FOLLOW_UPS)
    for kind in process.follow_ups:
        for name in (kind.key, kind.name):
            found = re.match(rf"{spoken(name)}(?![\w-])[\s:=–—-]*", text, re.IGNORECASE)
            if found is not None:
                return kind, text[found.end() :]
    kinds = ", ".join(kind.key for kind in process.follow_ups)
    said = clean(re.split(r"[\s:=]", text.strip(), maxsplit=1)[0], 40)
    raise Wrong(
        f"There is no follow-up {said!r}; it is one of {kinds}. For example: follow-up {process.follow_ups[0].key}"
    )
