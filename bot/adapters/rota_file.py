"""Who is on call, from a file that a team keeps by hand: TOML, YAML or CSV, by its suffix.

::

    [people.megan]
    name = "Megan Bright"
    id = "5f0c…"              # object id in the directory
    teams_id = "29:…"         # optional, to mention her
    username = "mb2345"       # optional, at the issue tracker

    [week]                    # whoever no shift says otherwise for
    monday = "megan"
    tuesday = ["megan", "ali"]

    [[shifts]]                # both days included; of several for one day the last one holds, so a swap goes below
    from = 2026-11-16
    to = 2026-11-20
    who = "megan"             # [] for nobody

YAML holds the same entries. CSV has a line for each shift: ``from,to,who`` (or ``date,who``), and where they are
known ``id``, ``teams_id`` and ``username``; people without them are known by their name in the team. Columns stand
in any order, parted by commas, semicolons or tabs; several people in ``who`` are parted by ``&``, ``+``, ``/``,
``and`` or a semicolon, or by a comma between whole names.

A day runs from midnight to midnight of the rota's time zone, also when that is 23 or 25 hours.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from models.domain.people import Person
from models.ports.checks import Finding
from models.ports.errors import Permanent

_SEVERAL = re.compile(r"\s*(?:[;&+/]|\band\b)\s*")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class _Shift:
    first: date
    last: date
    who: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class _Rota:
    week: Mapping[int, tuple[Person, ...]]
    shifts: tuple[_Shift, ...]

    def on(self, day: date) -> tuple[Person, ...]:
        for shift in reversed(self.shifts):
            if shift.first <= day <= shift.last:
                return shift.who
        return self.week.get(day.weekday(), ())


class FileRota:
    """A rota in a file, which is read anew each time, so that an edit holds at once.

    Args:
        path: The TOML file.
        timezone: Whose midnights part the days, for example ``Europe/London``.

    Raises:
        Permanent: There is no such time zone.
    """

    def __init__(self, path: Path, timezone: str) -> None:
        self._path = path
        try:
            self._zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Permanent(f"rota.timezone holds {timezone!r}; it needs a name such as Europe/London") from None

    async def on_call(self, at: datetime) -> Sequence[Person]:
        rota = await asyncio.to_thread(self._read)
        return rota.on(at.astimezone(self._zone).date())

    async def check(self) -> Sequence[Finding]:
        try:
            await asyncio.to_thread(self._read)
        except Permanent as error:
            return [Finding("rota", False, str(error), "correct the file")]
        return [Finding("rota", True, f"{self._path} can be read")]

    def _read(self) -> _Rota:
        kind = self._path.suffix.lower()
        try:
            text = self._path.read_text(encoding="utf-8-sig")
            if kind == ".csv":
                return _Rota({}, tuple(_csv_shifts(self._path, text)))
            held = yaml.safe_load(text) if kind in (".yaml", ".yml") else tomllib.loads(text)
        except OSError as error:
            raise Permanent(f"{self._path}: can't be read ({error.strerror})") from error
        except UnicodeDecodeError:
            raise Permanent(f"{self._path}: is not UTF-8: save it as CSV UTF-8, or as text in UTF-8") from None
        except (tomllib.TOMLDecodeError, yaml.YAMLError, RecursionError) as error:
            name = "YAML" if kind in (".yaml", ".yml") else "TOML"
            said = " ".join(str(error).split())
            raise Permanent(f"{self._path}: is not valid {name}: {said}") from None
        if not isinstance(held, dict):
            raise Permanent(f"{self._path}: needs [people] and shifts, held {type(held).__name__}")
        return _Reader(self._path).rota(held)


def _csv_shifts(path: Path, text: str) -> Iterator[_Shift]:
    head = text.partition("\n")[0]
    parted_by = max(",;\t", key=head.count)  # Excel writes semicolons where the comma is the decimal point
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, delimiter=parted_by, restkey="")
    known = {"date", "from", "to", "who", "id", "teams_id", "username"}
    names = {(each or "").strip().lower() for each in reader.fieldnames or ()} - {""}
    if "who" not in names or not names & {"date", "from"} or names - known:
        wanted = "who, date or from and to, and where they are known id, teams_id, username"
        raise Permanent(f"{path}:1: needs the columns {wanted}; held {', '.join(sorted(names)) or 'none'}")
    for row in reader:
        told = {(key or "").strip().lower(): (value or "").strip() for key, value in row.items() if key}
        if row.get("") is not None and any(row[""]):
            text = "holds more than there are columns; part several people in who by &"
            raise Permanent(f"{path}:{reader.line_num}: {text}")
        if not any(told.values()):
            continue
        first = told.get("date") or told.get("from") or ""
        try:
            begins = date.fromisoformat(first)
            ends = date.fromisoformat(told.get("to") or first)
        except ValueError:
            raise Permanent(f"{path}:{reader.line_num}: needs days such as 2026-11-16, held {first!r}") from None
        if begins > ends:
            raise Permanent(f"{path}:{reader.line_num}: begins on {begins}, after its end on {ends}")
        who = told.get("who", "")
        ids = {name: told.get(name, "") for name in ("id", "teams_id", "username")}
        several = _names(who)
        if len(several) > 1 and any(ids.values()):
            raise Permanent(f"{path}:{reader.line_num}: ids belong to one person; give {who!r} a line each")
        yield _Shift(begins, ends, tuple(Person(name=each, **ids) for each in several))


def _names(who: str) -> list[str]:
    """Return the people in one cell. A comma parts whole names alone: "Bright, Megan" is one person."""
    found = []
    for part in _SEVERAL.split(who):
        names = [each.strip() for each in part.split(",")]
        found += names if all(len(each.split()) > 1 for each in names) else [part]
    return [each for each in found if each]


class NoRota:
    """No rota is kept: nobody is named."""

    async def on_call(self, at: datetime) -> Sequence[Person]:
        return ()

    async def check(self) -> Sequence[Finding]:
        return [Finding("rota", True, "none is configured, so cards name nobody who is on call")]


class _Reader:
    """Turns what the file holds into a rota, or says which entry is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._people: dict[str, Person] = {}

    def rota(self, held: dict[str, object]) -> _Rota:
        self._only(held, {"people", "week", "shifts"}, "the file")
        for key, entry in self._table(held.get("people", {}), "[people]").items():
            self._people[key] = self._person(key, entry)
        week = self._table(held.get("week", {}), "[week]")
        self._only(week, set(_WEEKDAYS), "[week]")
        shifts = held.get("shifts", [])
        if not isinstance(shifts, list):
            raise self._wrong("shifts", "needs to be written as [[shifts]]")
        return _Rota(
            {_WEEKDAYS.index(day): self._who(who, f"[week] {day}") for day, who in week.items()},
            tuple(
                self._shift(entry, f"[[shifts]] number {number}") for number, entry in enumerate(shifts, start=1)
            ),
        )

    def _person(self, key: str, entry: object) -> Person:
        where = f"[people.{key}]"
        told = self._table(entry, where)
        self._only(told, {"name", "id", "teams_id", "username"}, where)
        texts = {name: self._text(value, f"{where} {name}") for name, value in told.items()}
        for name in ("name", "id"):
            if not texts.get(name):
                raise self._wrong(where, f"needs {name}")
        return Person(**texts)

    def _shift(self, entry: object, where: str) -> _Shift:
        told = self._table(entry, where)
        self._only(told, {"from", "to", "who"}, where)
        first, last = told.get("from"), told.get("to")
        if not isinstance(first, date) or not isinstance(last, date) or datetime in (type(first), type(last)):
            raise self._wrong(where, "needs from and to as dates without quotes, such as 2026-11-16")
        if first > last:
            raise self._wrong(where, f"begins on {first}, after its end on {last}")
        if "who" not in told:
            raise self._wrong(where, "needs who")
        return _Shift(first, last, self._who(told["who"], where))

    def _who(self, value: object, where: str) -> tuple[Person, ...]:
        keys = value if isinstance(value, list) else [value]
        for key in keys:
            if not isinstance(key, str) or key not in self._people:
                known = ", ".join(self._people) or "none"
                raise self._wrong(where, f"there is no [people.{key}] (there are: {known})")
        return tuple(self._people[key] for key in dict.fromkeys(keys))

    def _table(self, value: object, where: str) -> dict[str, object]:
        if not isinstance(value, dict):
            raise self._wrong(where, f"needs a table, held {value!r}")
        return value

    def _text(self, value: object, where: str) -> str:
        if not isinstance(value, str):
            raise self._wrong(where, f"needs a text in quotes, held {value!r}")
        return value.strip()

    def _only(self, told: Mapping[str, object], known: set[str], where: str) -> None:
        for key in told:
            if key not in known:
                raise self._wrong(where, f"there is no {key!r} here (there are: {', '.join(sorted(known))})")

    def _wrong(self, where: str, what: str) -> Permanent:
        return Permanent(f"{self._path}: {where}: {what}")
