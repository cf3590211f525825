from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.rota_file import FileRota, NoRota
from models.domain.people import Person
from models.ports.errors import Permanent

MEGAN = Person("id-megan", "Megan Bright", "29:megan", "mb2345")
ALI = Person("id-ali", "Ali Khan")
PEOPLE = """
[people.megan]
name = "Megan Bright"
id = "id-megan"
teams_id = "29:megan"
username = "mb2345"
[people.ali]
name = "Ali Khan"
id = "id-ali"
"""
NOW = datetime(2026, 11, 20, 22, 15, tzinfo=UTC)  # a Friday


def rota(tmp_path: Path, text: str, zone: str = "Europe/London") -> FileRota:
    path = tmp_path / "rota.toml"
    path.write_text(PEOPLE + text, encoding="utf-8")
    return FileRota(path, zone)


async def names(rota: FileRota, at: str) -> list[str]:
    return [person.name.split()[0] for person in await rota.on_call(datetime.fromisoformat(at))]


async def test_a_shift_holds_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    given = rota(tmp_path, '[[shifts]]\nfrom = 2026-11-16\nto = 2026-11-20\nwho = "megan"\n')
    assert await given.on_call(NOW) == (MEGAN,)
    assert await names(given, "2026-11-15T23:59:59+00:00") == []
    assert await names(given, "2026-11-16T00:00:00+00:00") == ["Megan"]
    assert await names(given, "2026-11-20T23:59:59+00:00") == ["Megan"]
    assert await names(given, "2026-11-21T00:00:00+00:00") == []


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-03-29T00:59:59+00:00", "Megan"),  # clocks go forward at 01:00 UTC: the day has 23 hours
        ("2026-03-29T22:59:59+00:00", "Megan"),
        ("2026-03-29T23:00:00+00:00", "Ali"),
        ("2026-10-24T22:59:59+00:00", "Ali"),
        ("2026-10-24T23:00:00+00:00", "Megan"),  # clocks go back: the day has 25 hours
        ("2026-10-25T23:59:59+00:00", "Megan"),
        ("2026-10-26T00:00:00+00:00", "Ali"),
    ],
)
async def test_days_begin_at_midnight_there_when_the_clocks_change(tmp_path: Path, at: str, who: str) -> None:
    every = "".join(
        f'{day} = "ali"\n' for day in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    )
    assert await names(rota(tmp_path, f'[week]\n{every}sunday = "megan"\n'), at) == [who]


async def test_a_later_shift_overrides_an_earlier_and_the_week(tmp_path: Path) -> None:
    given = rota(
        tmp_path,
        '[week]\nthursday = ["megan", "ali", "megan"]\nfriday = "megan"\n'
        '[[shifts]]\nfrom = 2026-11-20\nto = 2026-11-20\nwho = "megan"\n'
        '[[shifts]]\nfrom = 2026-11-20\nto = 2026-11-20\nwho = "ali"\n'
        "[[shifts]]\nfrom = 2026-11-27\nto = 2026-11-27\nwho = []\n",
    )
    assert await given.on_call(NOW) == (ALI,)
    assert await given.on_call(NOW - timedelta(days=1)) == (MEGAN, ALI)
    assert await given.on_call(NOW + timedelta(days=7)) == ()
    assert await given.on_call(NOW + timedelta(days=14)) == (MEGAN,)


async def test_an_edit_holds_at_once(tmp_path: Path) -> None:
    given = rota(tmp_path, '[week]\nfriday = "megan"\n')
    assert await given.on_call(NOW) == (MEGAN,)
    rota(tmp_path, '[week]\nfriday = "ali"\n')
    assert await given.on_call(NOW) == (ALI,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[week]\nfriday = "bob"', r"\[week\] friday: there is no \[people.bob\] \(there are: megan, ali\)"),
        ('[week]\nfreitag = "ali"', r"\[week\]: there is no 'freitag'"),
        ("[week]\nfriday = 5", r"\[week\] friday: there is no \[people.5\]"),
        ("week = 5", "valid TOML|there is no"),
        ('[[shifts]]\nfrom = 2026-11-16\nto = 2026-11-15\nwho = "ali"', r"\[\[shifts\]\] number 1: begins on"),
        ('[[shifts]]\nfrom = "2026-11-16"\nto = 2026-11-16\nwho = "ali"', "number 1: needs from and to as dates"),
        ('[[shifts]]\nfrom = 2026-11-16T00:00:00\nto = 2026-11-16\nwho = "ali"', "number 1: needs from and to"),
        ("[[shifts]]\nfrom = 2026-11-16\nto = 2026-11-16", "number 1: needs who"),
        ("[shifts]\nfrom = 2026-11-16", r"needs to be written as \[\[shifts\]\]"),
        ('[people.bob]\nname = "Bob"', r"\[people.bob\]: needs id"),
        ('[people.bob]\nname = 5\nid = "x"', r"\[people.bob\] name: needs a text in quotes, held 5"),
        ('[people.bob]\nnam = "Bob"', r"\[people.bob\]: there is no 'nam'"),
        ("[rota]", "the file: there is no 'rota'"),
        ("nonsense", "is not valid TOML"),
    ],
)
async def test_a_mistake_is_named_with_file_and_entry(tmp_path: Path, text: str, told: str) -> None:
    given = rota(tmp_path, text)
    with pytest.raises(Permanent, match=rf"rota\.toml: .*({told})"):
        await given.on_call(NOW)
    (finding,) = await given.check()
    assert finding.ok is False
    assert finding.advice


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"none\.toml: can't be read"):
        await FileRota(tmp_path / "none.toml", "Europe/London").on_call(NOW)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc", "/etc/passwd"])
def test_an_unknown_time_zone_is_named(tmp_path: Path, zone: str) -> None:
    with pytest.raises(Permanent, match=r"rota\.timezone"):
        rota(tmp_path, "", zone)


async def test_without_a_rota_nobody_is_named() -> None:
    assert await NoRota().on_call(NOW) == ()
    assert [finding.ok for finding in await NoRota().check()] == [True]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("who;to;from\nMegan Bright;2026-11-20;2026-11-16\n", ["Megan Bright"]),
        ("date;who\n2026-11-20;Megan Bright & Ali Khan\n", ["Megan Bright", "Ali Khan"]),
        ("\ufeffdate\twho\r\n2026-11-20\tMegan Bright\r\n", ["Megan Bright"]),
        ('date,who\n2026-11-20,"Megan Bright, Ali Khan"\n', ["Megan Bright", "Ali Khan"]),
        ('date,who\n2026-11-20,"Bright, Megan and Ali"\n', ["Bright, Megan", "Ali"]),
        ("date,who\n2026-11-20,Megan Anderson; Ali\n", ["Megan Anderson", "Ali"]),
    ],
)
async def test_a_table_is_read_as_spreadsheets_write_it(tmp_path: Path, text: str, who: list[str]) -> None:
    path = tmp_path / "rota.csv"
    path.write_bytes(text.encode())
    assert [each.name for each in await FileRota(path, "Europe/London").on_call(NOW)] == who


@pytest.mark.parametrize(
    ("held", "what"),
    [
        (b"date,who\n2026-11-20,Megan,Ali\n", r"rota\.csv:2: holds more than there are columns"),
        ("date,who\n2026-11-20,Zoë\n".encode("cp1252"), r"is not UTF-8"),
    ],
)
async def test_nobody_is_dropped_from_a_table_in_silence(tmp_path: Path, held: bytes, what: str) -> None:
    path = tmp_path / "rota.csv"
    path.write_bytes(held)
    with pytest.raises(Permanent, match=what):
        await FileRota(path, "Europe/London").on_call(NOW)
