"""The rota from GitLab's on-call schedules: who and when, who that is in the team, what a server may lack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from bot.adapters.rota_gitlab import FRESH, GitLabRota
from bot.surroundings import Surroundings
from fittings import rota_of
from models import directory
from models.domain.people import Person
from models.ports.errors import Permanent, PortError, Temporary
from models.settings import Settings, SettingsError, Tracker
from tests.integration.test_outbox import House, house
from tests.support.gitlab import TOKEN, Fault, GitLab
from tests.support.gitlab_contract import needs_contracts
from tests.support.gitlab_state import Schedule
from tests.unit.cards.samples import PROCESS

__all__ = ["house"]
pytestmark = needs_contracts
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
CAT = "0b8ab4a5-1c5e-4c35-a1ad-5f6f0e7c3d11"


class Clock:
    now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[GitLab]:
    async with GitLab().running() as server:
        _, megan, ada = server.users
        first = [(MONDAY + n * WEEK, MONDAY + (n + 1) * WEEK, (megan, ada)[n % 2]) for n in range(20)]
        night = (MONDAY + timedelta(hours=9), MONDAY + timedelta(hours=23))
        server.schedules = [Schedule(1, "Support", [first, [(*night, ada)]])]
        yield server
        assert server.violations == []


def rota_at(server: GitLab, clock: Clock, schedule: str = "", users: dict[str, str] | None = None) -> GitLabRota:
    settings = Tracker(kind="gitlab", url=server.url, token=SecretStr(TOKEN), timeout_seconds=1, users=users or {})
    return GitLabRota(settings, schedule, clock)


async def names(rota: GitLabRota, at: datetime) -> list[str]:
    return [each.name for each in await rota.on_call(at)]


async def test_shifts_hold_from_their_beginning_to_before_their_end(server: GitLab) -> None:
    rota = rota_at(server, Clock())
    second = timedelta(seconds=1)
    assert await names(rota, MONDAY - second) == []
    assert await names(rota, MONDAY) == ["Megan Byte"]
    assert await names(rota, MONDAY + timedelta(hours=10)) == ["Megan Byte", "Ada Example"]
    assert await names(rota, MONDAY + WEEK - second) == ["Megan Byte"]
    assert await names(rota, MONDAY + WEEK) == ["Ada Example"]


async def test_a_quarter_ahead_is_told_in_pieces_that_gitlab_gives(server: GitLab) -> None:
    rota = rota_at(server, Clock())
    for number in range(95):
        who = "Ada Example" if number // 7 % 2 else "Megan Byte"
        assert await names(rota, MONDAY + timedelta(days=number, hours=1)) == [who]
    assert server.asked.count("OnCall") <= 5


async def test_a_rotation_of_more_shifts_than_a_page_is_read_whole(server: GitLab) -> None:
    _, megan, ada = server.users
    hours = [
        (MONDAY + timedelta(hours=n), MONDAY + timedelta(hours=n + 1), (megan, ada)[n % 2]) for n in range(500)
    ]
    server.schedules = [Schedule(1, "Support", [hours])]
    rota = rota_at(server, Clock())
    for n in range(500):
        assert await names(rota, MONDAY + timedelta(hours=n, minutes=30)) == [("Megan Byte", "Ada Example")[n % 2]]


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ({}, Person("", "Megan Byte", username="mb2345")),
        ({"meg12@example.ac.uk": "MB2345"}, Person("", "Megan Byte", username="meg12")),
        ({CAT: "mb2345"}, Person(CAT, "Megan Byte")),
        ({"Megan Bright": "mb2345"}, Person("", "Megan Bright")),
        ({"Ada Bright": "ak101"}, Person("", "Megan Byte", username="mb2345")),
    ],
)
async def test_a_user_is_whom_the_settings_say(server: GitLab, users: dict[str, str], expected: Person) -> None:
    assert await rota_at(server, Clock(), users=users).on_call(MONDAY) == (expected,)


@pytest.mark.parametrize(
    ("member", "users"),
    [
        (Person("aad-1", "M. Byte", "29:m", "mb2345"), {}),
        (Person("aad-1", "megan byte", "29:m", "xy9"), {}),
        (Person("aad-1", "Meg", "29:m", "meg12"), {"meg12@example.ac.uk": "mb2345"}),
        (Person(CAT, "Meg", "29:m", "xy9"), {CAT: "mb2345"}),
        (Person("aad-1", "Megan Bright", "29:m", "xy9"), {"Megan Bright": "mb2345"}),
    ],
)
async def test_they_are_found_in_the_team(
    house: House, server: GitLab, member: Person, users: dict[str, str]
) -> None:
    await directory.remember_people([member, Person("aad-2", "Another", "29:a", "an1")])
    rota = rota_at(server, Clock(), users=users)
    around = Surroundings(PROCESS, rota)
    await around.refresh()
    assert [around.known(each) for each in await rota.on_call(MONDAY)] == [member]


async def test_gitlab_is_asked_again_after_a_while_and_what_was_read_holds_while_it_is_away(server: GitLab) -> None:
    clock = Clock()
    rota = rota_at(server, clock)
    for _ in range(5):
        await rota.on_call(clock.now)
    assert server.asked.count("OnCall") == 1
    clock.now += FRESH
    server.faults = [Fault("OnCall", 503)]
    assert await names(rota, clock.now) == ["Megan Byte"]
    clock.now += FRESH
    server.schedules[0].rotations[0][0] = (MONDAY, MONDAY + WEEK, server.users[2])
    assert await names(rota, clock.now) == ["Ada Example"]


FAILURES: list[tuple[str | int, type[PortError]]] = [
    ("drop before", Temporary),
    ("drop after", Temporary),
    (500, Temporary),
    (429, Temporary),
    (401, Temporary),
    (403, Permanent),
    ("garbage", Temporary),
]


@pytest.mark.parametrize(
    ("call", "kind", "error"),
    [
        *(("GET project", *failure) for failure in FAILURES),
        *(("OnCall", *failure) for failure in [*FAILURES, ("refused", Permanent)]),
    ],
)
async def test_a_failure_is_told_and_holds_for_no_longer_than_it_lasts(
    server: GitLab, call: str, kind: str | int, error: type[PortError]
) -> None:
    rota = rota_at(server, Clock())
    server.faults = [Fault(call, kind, times=9)]
    with pytest.raises(error):
        await rota.on_call(MONDAY)
    (finding,) = await rota.check()
    assert finding.ok is False
    assert TOKEN not in finding.text + finding.advice
    server.faults = []
    assert await names(rota, MONDAY) == ["Megan Byte"]


async def test_the_doctor_says_what_is_missing(server: GitLab) -> None:
    clock = Clock()

    async def told(schedule: str = "") -> tuple[bool | None, str]:
        (finding,) = await rota_at(server, clock, schedule).check()
        assert bool(finding.advice) is (finding.ok is not True)
        return finding.ok, finding.text

    assert await told() == (True, "the schedule can be read; on call now: Megan Byte")
    assert await told("Sup") == (
        False,
        "rota.schedule holds 'Sup'; it needs the name or the number of one schedule: Support (1)",
    )
    server.schedules.append(Schedule(2, "Nights", []))
    ok, text = await told()
    assert ok is False
    assert text.endswith("of one schedule: Support (1), Nights (2)")
    assert (await told("support"))[0]
    assert (await told("1"))[0]
    assert await told("2") == (None, "the schedule can be read, and nobody is on call now")
    server.schedules = []
    ok, text = await told()
    assert ok is False
    assert "has no on-call schedule" in text
    server.premium = False
    ok, text = await told()
    assert ok is False
    assert text.endswith("has no on-call schedules: they need GitLab Premium")


async def test_a_participant_who_has_left_is_nobody(server: GitLab) -> None:
    server.schedules = [Schedule(1, "Support", [[(MONDAY, MONDAY + WEEK, None)]])]
    assert await names(rota_at(server, Clock()), MONDAY) == []


GITLAB = {"kind": "gitlab", "url": "https://gitlab.example.org", "token": "glpat-x", "project": "iam/admin"}


def test_the_trackers_gitlab_is_taken() -> None:
    held = Settings.model_validate({"rota": {"kind": "gitlab"}, "tracker": GITLAB})
    assert isinstance(rota_of(held), GitLabRota)


@pytest.mark.parametrize(
    ("tracker", "told"),
    [({"kind": "local"}, "rota.kind holds 'gitlab'.*tracker.kind"), (GITLAB | {"token": ""}, "tracker.token")],
)
def test_without_a_gitlab_it_is_refused_in_one_line(tracker: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        rota_of(Settings.model_validate({"rota": {"kind": "gitlab"}, "tracker": tracker}))
    assert "\n" not in str(caught.value)
