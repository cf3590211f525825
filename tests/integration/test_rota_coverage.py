"""What ``wilson doctor`` says of the rota: its gaps, with what was changed by command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.adapters.rota_file import FileRota
from bot.rota import coverage, days, remember_swap, swaps
from doctor import examine
from models import database
from models.domain.people import Person
from models.domain.rota import Swap
from models.domain.working_hours import WorkingHours
from models.ports.checks import Finding
from models.settings import Settings

LONDON = ZoneInfo("Europe/London")
HOURS = WorkingHours()
NOW = datetime(2026, 11, 20, 22, 15, tzinfo=UTC)  # a Friday
ALI, BEN, CAT = Person("id-ali", "Ali", "29:a"), Person("id-ben", "Ben", "29:b"), Person("id-cat", "Cat", "29:c")
PEOPLE = '[people.ali]\nname = "Ali"\nid = "id-ali"\n[people.ben]\nname = "Ben"\nid = "id-ben"\n'
WEEKDAYS = "[week]\n" + "".join(
    f'{day} = "ali"\n' for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
)
NOBODY = "[[shifts]]\nfrom = 2026-11-24\nto = 2026-11-25\nwho = []\n"
TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


async def told(tmp_path: Path, rota: str, *changes: Swap, hours: WorkingHours = HOURS) -> dict[str, Finding]:
    (tmp_path / "rota.toml").write_text(PEOPLE + rota, encoding="utf-8")
    source = FileRota(tmp_path / "rota.toml", "Europe/London")
    assert [each.ok for each in await source.check()] == [True]
    return {each.subject: each for each in await coverage(source, NOW, LONDON, hours, changes)}


def cover(first: date, last: date, into: Person, out: Person | None = None) -> Swap:
    return Swap(first, last, into, ALI, NOW, out)


class Nights:
    """A rota of the night alone: from six in the evening until eight; nobody begins on a Saturday."""

    async def on_call(self, at: datetime) -> Sequence[Person]:
        here = at.astimezone(LONDON)
        begun = here.date() if here.hour >= 18 else here.date() - timedelta(days=1)
        awake = here.hour >= 18 or here.hour < 8
        return [(ALI, BEN)[begun.toordinal() % 2]] if awake and begun.weekday() != 5 else []

    async def check(self) -> Sequence[Finding]:
        return []


async def test_a_night_shift_is_the_day_s_on_which_it_begins() -> None:
    found = await days(Nights(), date(2026, 11, 20), 4, LONDON)
    assert [[each.name for each in people] for _, people in found] == [["Ali"], ["Ali"], ["Ali"], ["Ben"]]
    assert found[1][0].weekday() == 5, "whose night ends on the day that nobody's begins"


async def test_gaps_of_a_fortnight_count_on_working_days(tmp_path: Path) -> None:
    (found,) = (await told(tmp_path, WEEKDAYS)).values()
    assert found.ok
    assert "Sat 2026-11-21" in found.text
    assert "Fri" not in found.text
    (found,) = (await told(tmp_path, WEEKDAYS + NOBODY)).values()
    assert found.ok is False
    assert "Tue 2026-11-24, Wed 2026-11-25" in found.text
    assert "oncall cover" in found.advice
    off = WorkingHours(holidays=frozenset({TUESDAY, WEDNESDAY}))
    (found,) = (await told(tmp_path, WEEKDAYS + NOBODY, hours=off)).values()
    assert found.ok
    whole = '[[shifts]]\nfrom = 2026-11-20\nto = 2026-12-03\nwho = "ali"\n'
    (found,) = (await told(tmp_path, whole)).values()
    assert (found.ok, found.text) == (True, "somebody is on call on each of the next 14 days")


async def test_a_day_that_somebody_covers_is_no_gap(tmp_path: Path) -> None:
    (found,) = (await told(tmp_path, WEEKDAYS + NOBODY, cover(TUESDAY, TUESDAY, BEN))).values()
    assert found.ok is False
    assert "Tue 2026-11-24" not in found.text
    assert "Wed 2026-11-25" in found.text
    assert "with 1 change made by command" in found.text
    (found,) = (await told(tmp_path, WEEKDAYS + NOBODY, cover(TUESDAY, WEDNESDAY, BEN))).values()
    assert found.ok


async def test_a_change_that_changes_nothing_any_more_is_told_of(tmp_path: Path) -> None:
    used, idle = cover(TUESDAY, TUESDAY, BEN, ALI), cover(WEDNESDAY, WEDNESDAY, BEN, CAT)
    found = await told(tmp_path, WEEKDAYS, used, idle)
    assert found["rota days"].ok
    assert found["rota changes"].ok is False
    assert found["rota changes"].text == "Ben stands in for Cat on 2026-11-25, who is not on call then"
    assert "oncall undo 2026-11-25" in found["rota changes"].advice
    later = cover(WEDNESDAY, WEDNESDAY, CAT, BEN)
    assert "rota changes" not in await told(tmp_path, WEEKDAYS, cover(WEDNESDAY, WEDNESDAY, BEN, ALI), later)


@pytest.mark.parametrize("covered", [False, True])
async def test_the_doctor_knows_the_changes_of_the_database(tmp_path: Path, covered: bool) -> None:
    (tmp_path / "rota.toml").write_text(PEOPLE, encoding="utf-8")
    url = f"sqlite://{tmp_path}/wilson.db"
    await database.upgrade(url)
    if covered:
        await database.connect(url)
        today = datetime.now(LONDON).date()
        await remember_swap(cover(today - timedelta(days=1), today + timedelta(days=20), BEN), "message-1")
        assert len(await swaps()) == 1
        await database.disconnect()
    held = {"kind": "file", "path": f"{tmp_path}/rota.toml"}
    local = {"database": {"url": url}, "tracker": {"path": f"{tmp_path}/issues"}, "mailbox": {"kind": "none"}}
    found = await examine(Settings.model_validate(local | {"teams": {"auth": "disabled"}, "rota": held}))
    assert {each.subject: each.ok for each in found if each.subject.startswith("rota")} == {
        "rota": True,
        "rota days": covered,
    }


async def test_without_a_database_and_without_a_rota_it_is_looked_at_too(tmp_path: Path) -> None:
    local = {
        "database": {"url": f"sqlite://{tmp_path}/none.db"},
        "tracker": {"path": f"{tmp_path}/issues"},
        "mailbox": {"kind": "none"},
        "teams": {"auth": "disabled"},
    }
    found = await examine(Settings.model_validate(local))
    assert [each.ok for each in found if each.subject.startswith("rota")] == [True]
    (tmp_path / "rota.toml").write_text(PEOPLE, encoding="utf-8")
    held = {"kind": "file", "path": f"{tmp_path}/rota.toml"}
    found = await examine(Settings.model_validate(local | {"rota": held}))
    assert [each.ok for each in found if each.subject.startswith("rota")] == [True, False]
