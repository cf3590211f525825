"""Reads one table of a process file, so that whatever is wrong in it is said with its place and what it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any


class ProcessError(Exception):
    """A process file does not hold what a process needs. The text says which entry and what it needs."""


@dataclass(slots=True)
class Reader:
    """One table. Each method takes one entry out of it; ``done`` refuses what nobody took.

    Attributes:
        values: The table as ``tomllib`` read it.
        where: What errors call it, for example ``wilson.toml: [tracker]``.
        used: The entries that were taken.
    """

    values: Mapping[str, Any]
    where: str
    used: set[str] = field(default_factory=set)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there and not empty."""
        value: str = self.typed(key, str, "a text", default)
        if default is None and not value.strip():
            raise ProcessError(f"{self.where}: {key} is empty; it needs a text")
        return value

    def key(self) -> str:
        """Return the entry ``key``: small letters, digits and ``_``."""
        value = self.text("key")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", value):
            raise ProcessError(f"{self.where}: key holds {value!r}; it needs small letters, digits and _")
        return value

    def number(self, key: str, most: int, default: int | None = None) -> int:
        """Return a whole number from 1 to ``most``."""
        value: int = self.typed(key, int, "a whole number", default)
        if not 1 <= value <= most:
            raise ProcessError(f"{self.where}: {key} holds {value}; it needs a whole number from 1 to {most}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty where it is missing."""
        value = self.typed(key, list, "a list of texts", [])
        if not all(isinstance(item, str) for item in value):
            raise ProcessError(f"{self.where}: {key} holds {value!r}; it needs a list of texts")
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return ``true`` or ``false``."""
        return bool(self.typed(key, bool, "true or false", default))

    def optional_tables(self, key: str) -> list[Reader]:
        """Return the tables of that name; none where it is missing."""
        return self.tables(key) if key in self.values else []

    def clock(self, key: str) -> time | None:
        """Return a time of day (``HH:MM``); ``None`` where it is missing or empty."""
        value = self.text(key, "")
        try:
            return time.fromisoformat(value) if value else None
        except ValueError:
            raise ProcessError(f"{self.where}: {key} holds {value!r}; it needs a time as 09:00") from None

    def table(self, key: str) -> Reader:
        """Return the table of that name, which must be there."""
        return Reader(self.typed(key, dict, "a table", None), f"{self.where}: [{key}]")

    def tables(self, key: str) -> list[Reader]:
        """Return the tables of that name, of which there must be one."""
        value = self.typed(key, list, "tables ([[…]])", None)
        if not value or not all(isinstance(item, dict) for item in value):
            raise ProcessError(f"{self.where}: {key} needs at least one [[{key}]]")
        return [Reader(item, f"{self.where}: [[{key}]] number {n}") for n, item in enumerate(value, 1)]

    def one_of(self, key: str, choices: tuple[str, ...]) -> Any:
        """Return a text that is one of ``choices``."""
        value = self.text(key)
        if value not in choices:
            raise ProcessError(f"{self.where}: {key} holds {value!r}; it needs one of {', '.join(choices)}")
        return value

    def rest(self) -> dict[str, Any]:
        """Return what nobody took."""
        return {key: value for key, value in self.values.items() if key not in self.used}

    def done(self) -> None:
        """Refuse entries that nobody took."""
        for key in self.rest():
            raise ProcessError(f"{self.where}: there is no such entry as {key!r}")

    def typed(self, key: str, kind: type, needs: str, default: Any) -> Any:
        """Return an entry of that type; ``needs`` says in errors what it should be."""
        self.used.add(key)
        value = self.values.get(key, default)
        if value is None:
            raise ProcessError(f"{self.where}: {key} is missing; it needs {needs}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ProcessError(f"{self.where}: {key} holds {value!r}; it needs {needs}")
        return value
