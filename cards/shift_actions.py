"""The payload of the buttons of a shift's hand-over: what they send, and what is believed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cards.payload import VERSION, BadAction, PayloadReader


@dataclass(frozen=True, slots=True)
class ShiftButton:
    """What was pressed: ``take`` for *Taken over*, otherwise the card as it is now is wanted."""

    take: bool
    hint: int | None = None


def encode_shift(do: str, shift: int) -> dict[str, object]:
    """Return a button's payload; ``do`` is ``shift_take`` or ``shift_show``."""
    return {"wilson": VERSION, "do": do, "shift": shift}


def is_about_a_shift(data: object) -> bool:
    """Tell whether a payload is one of this module's."""
    return isinstance(data, Mapping) and str(data.get("do")).startswith("shift_")


def decode_shift(data: object) -> ShiftButton:
    """Return what was pressed.

    Raises:
        BadAction: It is nothing that a button of ours sends.
    """
    read = PayloadReader.of(data)
    do = read.word("do")
    if do not in ("shift_take", "shift_show"):
        raise BadAction("This button is not known. Refresh the card.")
    return ShiftButton(do == "shift_take", read.hint("shift"))
