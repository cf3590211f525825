"""The rota from YAML and CSV files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.rota_file import FileRota
from models.domain.people import Person
from models.ports.errors import Permanent

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
YAML = """
people:
  megan: {name: Megan Bright, id: 5f0c, username: mb1}
week: {monday: megan}
shifts:
  - {from: 2026-11-16, to: 2026-11-16, who: [megan]}
"""
CSV = (
    "\ufefffrom, to, who, id, username\n2026-11-01,2026-11-30,Ada,,\n\n2026-11-16,2026-11-16,Megan Bright,5f0c,mb1"
)


async def on_call(folder: Path, name: str, text: str) -> list[Person]:
    (folder / name).write_text(text, encoding="utf-8")
    return list(await FileRota(folder / name, "Europe/London").on_call(NOON))


@pytest.mark.parametrize(("name", "text"), [("rota.yaml", YAML), ("rota.yml", YAML), ("rota.csv", CSV)])
async def test_who_is_on_call(tmp_path: Path, name: str, text: str) -> None:
    assert await on_call(tmp_path, name, text) == [Person("5f0c", "Megan Bright", "", "mb1")]


async def test_a_line_may_name_several_and_one_day(tmp_path: Path) -> None:
    assert await on_call(tmp_path, "r.csv", "date,who\n2026-11-16,Ada; Ben\n") == [
        Person("", "Ada"),
        Person("", "Ben"),
    ]
    assert await on_call(tmp_path, "r.csv", "date,who\n2026-11-16,\n") == []


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("r.csv", "", "r.csv:1: needs the columns"),
        ("r.csv", "day,who\n", "r.csv:1: needs the columns"),
        ("r.csv", "date,who\n16.11.2026,Ada\n", "r.csv:2: needs days such as 2026-11-16, held '16.11.2026'"),
        ("r.csv", "from,to,who\n2026-11-17,2026-11-16,Ada\n", "r.csv:2: begins on 2026-11-17"),
        ("r.csv", "date,who,id\n2026-11-16,Ada; Ben,x\n", "r.csv:2: ids belong to one person"),
        ("r.yaml", "people: [", "is not valid YAML"),
        ("r.yaml", "- a", "needs [people] and shifts, held list"),
        ("r.yaml", "!!python/object/apply:os.system ['true']", "is not valid YAML"),
        ("r.yaml", "shifts: [{from: 2026-11-16, to: 2026-11-16, who: x}]", "there is no [people.x]"),
    ],
)
async def test_each_mistake_names_file_and_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(Permanent) as error:
        await on_call(tmp_path, name, text)
    assert told in str(error.value)
