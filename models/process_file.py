"""A process file from its text, so that a mistake is told with the line that it stands in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace

from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError

_TABLE = re.compile(r"\[(\[)?([a-z_]+)\]?\](?: number (\d+))?")
_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)")


def read_process_text(text: str, name: str) -> Process:
    """Read a process file.

    Args:
        text: What stands in it.
        name: What errors call it.

    Raises:
        ProcessError: It is not TOML, or lacks what a process needs. Each mistake begins with the name and the line;
            they come in the order of their lines.
    """
    text = text.removeprefix("\ufeff")  # which some editors put in front
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _SYNTAX.search(str(error))
        at = f"{name}:{line[1]}" if line else f"{name}:{text.count(chr(10)) + 1}"
        raise ProcessError(f"{at}: is no valid TOML: {error}") from None
    try:
        made = read_process(values, name)
    except ProcessError as error:
        raise ProcessError(*_placed(error.mistakes, text, name)) from None
    return replace(made, warnings=_placed(made.warnings, text, name))


def _placed(said: Sequence[str], text: str, name: str) -> tuple[str, ...]:
    """Return what readers said with the lines, in their order."""
    told = [each.removeprefix(f"{name}: ") for each in said]
    placed = sorted(((line_of(text, each), each) for each in told), key=lambda each: each[0])
    return tuple(f"{name}:{line}: {each}" for line, each in placed)


def line_of(text: str, told: str) -> int:
    """Return the line that an error of a reader is about: of the entry, or else of its table; from 1.

    Args:
        text: The whole file.
        told: The error, such as ``[decision]: [[options]] number 2: name is missing``.
    """
    lines = text.splitlines()
    begin, path = 0, ""
    rest = told
    while found := _TABLE.match(rest):
        path = f"{path}.{found[2]}" if path else found[2]
        begin = _header(lines, path, begin, int(found[3] or 1), several=found[1] is not None)
        rest = rest[found.end() :].lstrip(": ")
    end = next((n for n in range(begin + 1, len(lines)) if _is_header(lines[n])), len(lines))
    first = 0 if not path else begin
    above = next((n for n in range(len(lines)) if _is_header(lines[n])), len(lines))
    key = re.match(r"(?:there is no such entry as ')?([A-Za-z_][\w-]*)", rest)
    for number in range(first, end if path else len(lines)):
        inside = bool(path) or number < above  # what stands in a table is no entry of the file itself
        if key is not None and inside and re.match(rf"\s*\"?{re.escape(key[1])}\"?\s*=", lines[number]):
            return number + 1
        if key is not None and not path and re.match(rf"\s*\[+{re.escape(key[1])}[\].]", lines[number]):
            return number + 1
    return begin + 1


def _header(lines: list[str], path: str, begin: int, number: int, *, several: bool) -> int:
    """Return where a table begins; one that stands inline begins where it is set."""
    wanted = f"[[{path}]]" if several else f"[{path}]"
    passed = 0
    for at in range(begin, len(lines)):
        if lines[at].split("#")[0].strip().replace(" ", "") == wanted:
            passed += 1
            if passed == number:
                return at
    last = path.rpartition(".")[2]
    inline = (n for n in range(begin, len(lines)) if re.match(rf"\s*{re.escape(last)}\s*=", lines[n]))
    return next(inline, begin)


def _is_header(line: str) -> bool:
    return re.match(r"\s*\[[^\]]", line) is not None and "=" not in line
