"""What a typed command about a case means. Pure, as ``bot.commands``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from cards.blocks import clean
from cards.case_actions import CaseForm
from cards.payload import NOTE, SHORT
from models.domain import case_requests as requests
from models.domain.access import LIST

WORDS = ("take", "approve", "decline", "ask", "refer", "done", "note", "reopen", "status", "help")
_ALONE = frozenset({"take", "approve", "status"})
"""What is obeyed without a mention, where the bot hears everything: people also talk to each other."""


@dataclass(frozen=True, slots=True)
class CaseAct:
    """Do something to the thread's case."""

    request: requests.CaseRequest


@dataclass(frozen=True, slots=True)
class ShowCaseForm:
    """Answer with a form."""

    form: CaseForm


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with ``status``, ``help``, ``access list`` or ``support``."""

    what: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Answer with the form that begins a procedure; ``given`` is what was typed behind its name."""

    procedure: str
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """It is not clear what is meant; the text says what would be."""

    text: str


@dataclass(frozen=True, slots=True)
class Bring:
    """Make a case of a support call; ``call`` is its number or its address."""

    call: str


CaseCommand = CaseAct | ShowCaseForm | Say | Begin | Bring | Wrong | None
"""``None``: people talk to each other."""


def parse_case(text: str, steps: Collection[str], *, addressed: bool) -> CaseCommand:
    """Return what somebody typed in a case's thread means.

    Args:
        text: Plain, with the bot's own mention taken off.
        steps: The keys that ``done`` may name.
        addressed: Whether the bot was mentioned.
    """
    word, _, rest = clean(text, NOTE + 100, lines=True).partition(" ")
    word, rest = word.casefold().rstrip(":,."), rest.strip()
    if not addressed and not (word in _ALONE and not rest) and not (word == "done" and _step(rest, steps)[0]):
        return None
    one_line = clean(rest, SHORT)
    match word:
        case "":
            return Say("help") if addressed else None
        case "take":
            return _take(rest)
        case "approve" if not rest:
            return CaseAct(requests.Approve())
        case "decline":
            return CaseAct(requests.Decline(one_line)) if rest else ShowCaseForm(CaseForm.DECLINE)
        case "refer":
            return CaseAct(requests.Refer(one_line)) if rest else ShowCaseForm(CaseForm.REFER)
        case "reopen":
            return CaseAct(requests.ReopenCase(one_line)) if rest else ShowCaseForm(CaseForm.REOPEN)
        case "note":
            return CaseAct(requests.NoteCase(rest[:NOTE])) if rest else ShowCaseForm(CaseForm.NOTE)
        case "ask":
            return _ask(rest)
        case "done":
            step, note = _step(rest, steps)
            if step:
                return CaseAct(requests.TickStep(step, note[:SHORT]))
            return (
                Wrong(f"Say what is done: {', '.join(steps) or 'nothing is left'}.")
                if rest
                else ShowCaseForm(CaseForm.STEPS)
            )
        case "status" | "help":
            return Say(word)
    near = difflib.get_close_matches(word[:20], WORDS, 3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Wrong(f"I don't know “{word[:60]}” here.{hint} help lists what I know.")


def parse_channel(text: str, procedures: Collection[str], *, calls: bool = False) -> CaseCommand:
    """Return what is meant by ``access …`` or ``support …`` in a channel; ``None`` where it is neither.

    Args:
        calls: Whether the process says how support calls are judged.
    """
    typed = clean(text, 600).split()
    words = [word.casefold() for word in typed[:2]] + typed[2:]
    match words:
        case ["access"] | ["access", "list"]:
            return Say("access list")
        case ["access", *_]:
            return Wrong("access list shows the requests for API access.")
        case ["support"] | ["support", "list"]:
            return Say("support")
        case ["support", "call", call] if calls:
            return Bring(call)
        case ["support", "call", *_] if calls:
            return Wrong("Which call? support call 12345, or its address.")
        case ["support", name, *given] if name in procedures:
            return Begin(name, tuple(given))
        case ["support", *_]:
            return Wrong(
                f"Which procedure? There is: {', '.join(f'support {each}' for each in procedures) or 'none'}."
            )
    return None


def _take(rest: str) -> CaseCommand:
    if not rest:
        return CaseAct(requests.TakeCase())
    found = re.fullmatch(r"with #?(\d{1,9})", rest)
    if found:
        return CaseAct(requests.TakeCase(int(found[1])))
    return Wrong("Say take, or take with 12 to use the issue of number 12.")


def _ask(rest: str) -> CaseCommand:
    match rest.casefold().removeprefix("for ").removeprefix("a ").strip("?. "):
        case "team":
            return ShowCaseForm(CaseForm.ASK_TEAM)
        case "why":
            return ShowCaseForm(CaseForm.ASK_WHY)
    return Wrong("Ask for what? ask team, or ask why.")


def _step(rest: str, steps: Collection[str]) -> tuple[str, str]:
    word, _, note = rest.partition(" ")
    key = re.sub(r"[^a-z0-9]+", "_", word.casefold().rstrip(":,.")).strip("_")
    for each in steps:
        if key and key in (each, each.removeprefix(LIST)):
            return each, clean(note.strip(" -–:"), SHORT)
    return "", ""
