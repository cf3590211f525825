"""What a typed command about a support call means. Pure, as ``bot.case_commands``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from bot.case_commands import CaseAct, CaseCommand, Say, ShowCaseForm, Wrong
from cards.blocks import clean
from cards.case_actions import CaseForm
from cards.payload import NOTE, SHORT
from models.domain import case_requests as requests
from models.domain.call_process import CallProcess

WORDS = ("take", "triage", "answered", "close", "note", "reopen", "status", "help")
_ALONE = frozenset({"take", "answered", "status"})


def parse_call(text: str, process: CallProcess, *, addressed: bool) -> CaseCommand:
    """Return what somebody typed in a call's thread means.

    Args:
        text: Plain, with the bot's own mention taken off.
        process: What a call may be, and why it may be closed.
        addressed: Whether the bot was mentioned.
    """
    word, _, rest = clean(text, NOTE + 100, lines=True).partition(" ")
    word, rest = word.casefold().rstrip(":,."), rest.strip()
    if not addressed and not (word in _ALONE and not rest):
        return None
    one_line = clean(rest, SHORT)
    match word:
        case "":
            return Say("help") if addressed else None
        case "take":
            return CaseAct(requests.TakeCase())
        case "triage" | "judge":
            return _triage(one_line, process)
        case "answered" | "replied":
            return CaseAct(requests.Replied())
        case "close":
            return _close(one_line, process)
        case "note":
            return CaseAct(requests.NoteCase(rest[:NOTE])) if rest else ShowCaseForm(CaseForm.NOTE)
        case "reopen":
            return CaseAct(requests.ReopenCase(one_line)) if rest else ShowCaseForm(CaseForm.REOPEN)
        case "status" | "help":
            return Say(word)
    said = f"{word} {one_line}"
    if _named(said, [each.key for each in process.outcomes])[0]:
        return _triage(said, process)
    near = difflib.get_close_matches(word[:20], WORDS, 3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Wrong(f"I don't know “{word[:60]}” here.{hint} help lists what I know.")


def _triage(said: str, process: CallProcess) -> CaseCommand:
    if not said:
        return ShowCaseForm(CaseForm.JUDGE)
    key, rest = _named(said, [each.key for each in process.outcomes])
    outcome = process.outcome(key)
    if outcome is None:
        return Wrong(f"What is it? triage {' | '.join(each.key for each in process.outcomes)}, and why.")
    if outcome.then != "pass_on":
        return CaseAct(requests.JudgeCall(outcome.key, rest))
    team, note = rest, ""
    known = next((each for each in outcome.teams if team.casefold().startswith(each.casefold())), None)
    if known is not None:
        team, note = known, team[len(known) :]
    elif ":" in team:
        team, _, note = team.partition(":")
    elif outcome.teams:
        return Wrong(f"Passed on to whom? One of {', '.join(outcome.teams)}.")
    else:
        team, note = "", team
    return CaseAct(requests.JudgeCall(outcome.key, note.strip(" :–-"), team.strip()))


def _close(said: str, process: CallProcess) -> CaseCommand:
    if not said:
        return ShowCaseForm(CaseForm.END)
    key, rest = _named(said, [each.key for each in process.endings])
    ending = process.ending(key)
    if ending is None:
        return Wrong(f"Why may it be closed? close {' | '.join(each.key for each in process.endings)}")
    return CaseAct(requests.EndCall(ending.key, rest))


def _named(said: str, keys: Sequence[str]) -> tuple[str, str]:
    """Return the key that stands in front, however its words are joined, and what follows; or an empty one."""
    for key in sorted(keys, key=len, reverse=True):
        found = re.match(rf"{key.replace('_', '[ _-]?')}(?![\w-])", said, re.IGNORECASE)
        if found:
            return key, said[found.end() :].strip(" :–-")
    return "", said
