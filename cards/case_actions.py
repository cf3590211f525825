"""The payload of the buttons of cases: what they send, and what is believed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from cards.payload import NOTE, SHORT, TITLE, VERSION, BadAction, PayloadReader
from models.domain import case_requests as requests

MAIL = 4000
"""How many characters a letter may have."""
STEP, FIELD = "step_", "field_"
"""How the inputs of steps and of a procedure's fields begin."""


class CaseForm(StrEnum):
    """The forms that a button can open in place of a case's card."""

    TAKE = "take"
    STEPS = "steps"
    ASK_TEAM = "ask_team"
    ASK_WHY = "ask_why"
    REFER = "refer"
    DECLINE = "decline"
    NOTE = "note"
    REOPEN = "reopen"
    JUDGE = "judge"
    END = "end"


@dataclass(frozen=True, slots=True)
class CaseDo:
    """Do something to the case, one after the other. ``form`` is the form that it was filled in on."""

    requests: tuple[requests.CaseRequest, ...]
    form: CaseForm | None = None
    once: str = ""
    hint: int | None = None


@dataclass(frozen=True, slots=True)
class OpenCaseForm:
    """Show a form in place of the card."""

    form: CaseForm
    hint: int | None = None


@dataclass(frozen=True, slots=True)
class RefreshCaseCard:
    """Show the card as it is now."""

    hint: int | None = None


@dataclass(frozen=True, slots=True)
class BeginSupport:
    """Begin a support procedure. ``call`` is the number of the case of the support call that asks for it."""

    procedure: str
    answers: Mapping[str, str]
    shares: int | None = None
    once: str = ""
    call: int | None = None


@dataclass(frozen=True, slots=True)
class OpenProcedure:
    """Show the form that begins a procedure, filled in with a support call."""

    procedure: str
    hint: int | None = None


CaseButton = CaseDo | OpenCaseForm | RefreshCaseCard | BeginSupport | OpenProcedure


def encode_case(do: str, *, case: int | None = None, once: str = "", **more: str | int) -> dict[str, object]:
    """Return a button's payload; ``do`` is a verb that ``decode_case`` knows."""
    data: dict[str, object] = {"wilson": VERSION, "do": do}
    if case is not None:
        data["case"] = case
    if once:
        data["once"] = once
    return data | more


def is_about_a_case(data: object) -> bool:
    """Tell whether a payload is one that ``decode_case`` reads."""
    return isinstance(data, Mapping) and data.get("do") in VERBS


def decode_case(data: object) -> CaseButton:
    """Return what was pressed.

    Raises:
        BadAction: It is nothing that a button of ours sends.
    """
    reader = PayloadReader.of(data)
    do, hint, once = reader.word("do"), reader.hint("case"), reader.once()
    if do == "case_refresh":
        return RefreshCaseCard(hint)
    if do == "case_open":
        return OpenCaseForm(reader.one_of("form", CaseForm), hint)
    if do == "support_begin":
        return BeginSupport(reader.word("procedure"), _fields(reader), _shares(reader), once, hint)
    if do == "call_procedure":
        return OpenProcedure(reader.word("procedure"), hint)
    build = _REQUESTS.get(do)
    if build is None:
        raise BadAction("This button is not known. Refresh the card.")
    form, read = build
    return CaseDo(read(reader), form, once, hint)


def _fields(reader: PayloadReader) -> dict[str, str]:
    names = [key for key in reader.data if isinstance(key, str) and key.startswith(FIELD)]
    return {key.removeprefix(FIELD): reader.text(key, SHORT) for key in names}


def _shares(reader: PayloadReader) -> int | None:
    return reader.number("shares") if reader.chosen("shares") else None


def _steps(reader: PayloadReader) -> tuple[requests.CaseRequest, ...]:
    note = reader.text("text", SHORT)
    names = [key for key in reader.data if isinstance(key, str) and key.startswith(STEP) and reader.flag(key)]
    if not names:
        raise BadAction("Nothing was ticked.")
    return tuple(requests.TickStep(key.removeprefix(STEP), note) for key in names)


def _ask(kind: Literal["team", "why"]) -> Callable[[PayloadReader], tuple[requests.CaseRequest, ...]]:
    def read(reader: PayloadReader) -> tuple[requests.CaseRequest, ...]:
        body = reader.text("body", MAIL, lines=True)
        return (requests.Ask(kind, reader.text("subject", TITLE), body, reader.text("to", TITLE)),)

    return read


_Read = Callable[[PayloadReader], tuple[requests.CaseRequest, ...]]

_REQUESTS: Mapping[str, tuple[CaseForm | None, _Read]] = {
    "case_take": (CaseForm.TAKE, lambda read: (requests.TakeCase(_shares(read)),)),
    "case_steps": (CaseForm.STEPS, _steps),
    "case_tick": (None, lambda read: (requests.TickStep(read.word("pick")),)),
    "case_approve": (None, lambda read: (requests.Approve(),)),
    "case_ask_team": (CaseForm.ASK_TEAM, _ask("team")),
    "case_ask_why": (CaseForm.ASK_WHY, _ask("why")),
    "case_refer": (CaseForm.REFER, lambda read: (requests.Refer(read.text("text", SHORT)),)),
    "case_decline": (CaseForm.DECLINE, lambda read: (requests.Decline(read.text("text", SHORT)),)),
    "case_note": (
        CaseForm.NOTE,
        lambda read: (requests.NoteCase(read.text("text", NOTE, lines=True)),),
    ),
    "case_reopen": (CaseForm.REOPEN, lambda read: (requests.ReopenCase(read.text("text", SHORT)),)),
    "call_judge": (
        CaseForm.JUDGE,
        lambda read: (requests.JudgeCall(read.key("outcome"), read.text("text", SHORT), read.text("team", SHORT)),),
    ),
    "call_replied": (None, lambda read: (requests.Replied(),)),
    "call_end": (CaseForm.END, lambda read: (requests.EndCall(read.key("ending"), read.text("text", SHORT)),)),
}

VERBS = frozenset(_REQUESTS) | {"case_refresh", "case_open", "support_begin", "call_procedure"}
"""Every verb that ``decode_case`` knows."""
