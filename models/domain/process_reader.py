"""Reads one table of a process file, so that whatever is wrong in it is said with its place and what it needs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

_STAND_INS: Mapping[type, Any] = {str: "", int: 1, bool: False, list: [], dict: {}, date: date.min}
"""What a reader that gathers mistakes goes on with where an entry is wrong. Nothing is made of it in the end."""


class ProcessError(Exception):
    """A process file does not hold what a process needs. The text says which entries and what they need.

    Args:
        mistakes: One sentence each, that begins with the place.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(slots=True)
class Reader:
    """One table. Each method takes one entry out of it; ``done`` refuses what nobody took.

    Attributes:
        values: The table as ``tomllib`` read it.
        where: What errors call it, for example ``wilson.toml: [tracker]``.
        used: The entries that were taken.
        mistakes: Where mistakes are gathered, for this table and those in it; ``None``: the first one is raised.
        warnings: What can be meant so, but hardly is; for this table and those in it.
    """

    values: Mapping[str, Any]
    where: str
    used: set[str] = field(default_factory=set)
    mistakes: list[str] | None = None
    warnings: list[str] = field(default_factory=list)

    def wrong(self, what: str) -> None:
        """Say that something is wrong in the table.

        Raises:
            ProcessError: Mistakes are not gathered.
        """
        text = f"{self.where}: {what}"
        if self.mistakes is None:
            raise ProcessError(text)
        self.mistakes.append(text)

    def warn(self, what: str) -> None:
        """Say that something is as it may be, but does nothing."""
        self.warnings.append(f"{self.where}: {what}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there and not empty."""
        value: str = self.typed(key, str, "a text", default)
        held = self.values.get(key)
        if default is None and isinstance(held, str) and not held.strip():
            self.wrong(f"{key} is empty; it needs a text")
        return value

    def template(self, key: str, stand_ins: Sequence[str], default: str | None = None) -> str:
        """Return a text in which names between braces are filled in; another name would be sent as it stands."""
        value = self.text(key, default)
        for name in re.findall(r"\{(\w+)\}", value):
            if name not in stand_ins:
                known = ", ".join(f"{{{each}}}" for each in stand_ins)
                self.wrong(f"{key} holds '{{{name}}}'; it may hold {known}")
        return value

    def key(self) -> str:
        """Return the entry ``key``: small letters, digits and ``_``."""
        value = self.text("key")
        if value.strip() and not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", value):
            self.wrong(f"key holds {value!r}; it needs small letters, digits and _")
        return value

    def number(self, key: str, most: int, default: int | None = None) -> int:
        """Return a whole number from 1 to ``most``."""
        value: int = self.typed(key, int, "a whole number", default)
        if not 1 <= value <= most:
            self.wrong(f"{key} holds {value}; it needs a whole number from 1 to {most}")
            return 1
        return value

    def hours(self, key: str, default: tuple[timedelta, ...], *, at_once: bool = False) -> tuple[timedelta, ...]:
        """Return growing numbers of hours as lengths of time.

        Args:
            at_once: Whether the first may be 0.
        """
        if not self.has(key):
            return default
        value = self.typed(key, list, "a list of hours", [])
        fits = all(
            isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each <= 10_000 for each in value
        )
        if not fits or sorted(value) != value or (0 in value and not at_once):
            self.wrong(f"{key} holds {value!r}; it needs growing hours, such as [4, 24]")
            return default
        return tuple(timedelta(hours=each) for each in value)

    def minutes(self, key: str) -> tuple[timedelta, ...]:
        """Return a list of growing minutes; empty where it is missing."""
        value = self.typed(key, list, "a list of minutes", [])
        fits = all(isinstance(each, int) and not isinstance(each, bool) and 0 < each <= 100_000 for each in value)
        if not fits or sorted(value) != value:
            self.wrong(f"{key} holds {value!r}; it needs growing minutes, such as [15, 60]")
            return ()
        return tuple(timedelta(minutes=each) for each in value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty where it is missing."""
        value = self.typed(key, list, "a list of texts", [])
        if not all(isinstance(item, str) for item in value):
            self.wrong(f"{key} holds {value!r}; it needs a list of texts")
        return tuple(item for item in value if isinstance(item, str))

    def flag(self, key: str, default: bool) -> bool:
        """Return ``true`` or ``false``."""
        return bool(self.typed(key, bool, "true or false", default))

    def has(self, key: str) -> bool:
        """Tell whether an entry is there that may be left out; ``done`` proposes it for one that is misspelt."""
        self.used.add(key)
        return key in self.values

    def optional_tables(self, key: str) -> list[Reader]:
        """Return the tables of that name; none where it is missing."""
        return self.tables(key) if self.has(key) else []

    def clock(self, key: str) -> time | None:
        """Return a time of day (``HH:MM``); ``None`` where it is missing or empty."""
        value = self.text(key, "")
        if not value:
            return None
        try:
            if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", value):
                return time.fromisoformat(value.zfill(5))
        except ValueError:
            pass
        self.wrong(f"{key} holds {value!r}; it needs a time as 09:00")
        return None

    def table(self, key: str) -> Reader:
        """Return the table of that name, which must be there."""
        value = self.typed(key, dict, "a table", None)
        inside = self._inside(value, f"{self.where}: [{key}]")
        if value is not self.values.get(key) and self.mistakes is not None:
            inside.mistakes = []  # that it is missing is said; not that each of its entries is
        return inside

    def tables(self, key: str) -> list[Reader]:
        """Return the tables of that name, of which there must be one."""
        value = self.typed(key, list, "tables ([[…]])", None)
        if not value or not all(isinstance(item, dict) for item in value):
            if isinstance(self.values.get(key), list):
                self.wrong(f"{key} needs at least one [[{key}]]")
            return []
        return [self._inside(item, f"{self.where}: [[{key}]] number {n}") for n, item in enumerate(value, 1)]

    def _inside(self, values: Mapping[str, Any], where: str) -> Reader:
        return Reader(values, where, mistakes=self.mistakes, warnings=self.warnings)

    def one_of(self, key: str, choices: tuple[str, ...]) -> Any:
        """Return a text that is one of ``choices``."""
        value = self.text(key)
        if value in choices:
            return value
        if value.strip() and choices:
            self.wrong(f"{key} holds {value!r}; it needs one of {', '.join(choices)}")
        return choices[0] if choices else ""

    def rest(self) -> dict[str, Any]:
        """Return what nobody took."""
        return {key: value for key, value in self.values.items() if key not in self.used}

    def done(self) -> None:
        """Refuse entries that nobody took."""
        for key in self.rest():
            near = difflib.get_close_matches(key, self.used, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it may hold {', '.join(sorted(self.used))}"
            self.wrong(f"there is no such entry as {key!r}{hint}")

    def typed(self, key: str, kind: type, needs: str, default: Any) -> Any:
        """Return an entry of that type; ``needs`` says in errors what it should be."""
        self.used.add(key)
        value = self.values.get(key, default)
        if value is None:
            self.wrong(f"{key} is missing; it needs {needs}")
        elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.wrong(f"{key} holds {value!r}; it needs {needs}")
        else:
            return value
        return _STAND_INS[kind] if default is None else default


def all_known(keys: Sequence[str]) -> bool:
    """Tell whether the keys of other tables are known, so that what names none of them is a mistake of its own."""
    return all(key.strip() for key in keys)


def each_its_own(readers: Sequence[Reader], keys: Sequence[str]) -> None:
    """Say which tables have a key that one before them has."""
    for number, (reader, key) in enumerate(zip(readers, keys, strict=True)):
        if key.strip() and key in keys[:number]:
            reader.wrong(f"key holds {key!r}, as another does; each needs its own")
