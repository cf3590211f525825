"""What leaves the system: in order, not too fast, again where it may, parked where it must."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.connector import TeamsMessenger
from bot.adapters.local_tracker import LocalTracker
from bot.adapters.rota_file import NoRota
from bot.clicks import Place
from bot.outbox import AMBIGUOUS_TRIES, BATCH, GIVE_UP_MS, Outbox, next_try
from bot.pacing import Pacer
from bot.posting import Channels
from bot.surroundings import Surroundings
from cards.actions import encode
from models import directory, queue, store
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.incident_effects import RefreshCard
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.requests import Claim
from models.operations import incidents
from models.operations.alerts import record_mails
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary, Unauthorised
from models.queue import Item
from models.settings import Teams
from models.sql import reading
from tests.support.botframework import TENANT, Connector
from tests.support.handling import clicks_of, deliveries_of

ADA = Person("aad-ada", "Ada Example", "29:ada")


class House:
    """Everything that delivers, with a stand-in for Teams and a clock for the limits."""

    def __init__(self, folder: Path, teams: Connector) -> None:
        file = Path("models/processes/wilson.toml")
        self.process: Process = read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
        self.teams = teams
        self.now = 0.0
        self.around = Surroundings(self.process, NoRota())
        self.messenger = TeamsMessenger(Teams(auth="disabled"))
        self.tracker: Any = LocalTracker(folder, "iam/admin", lambda: datetime.now(UTC))
        channels = Channels("Devs", "Gateway")
        pacer = Pacer(lambda: self.now)
        self.deliveries = deliveries_of(self.messenger, self.tracker, self.around, channels, pacer)
        self.outbox = Outbox(self.deliveries.deliver, self.deliveries.prepare)

    async def fires(self, *names: str, severity: str = "critical") -> None:
        mails = []
        for name in names:
            alert = Alert("gcp_monitoring", MailKind.FIRING, f"Alert {name}", name, severity=severity)
            reading = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{name}>", "0", alert=alert)
            mails.append((reading, datetime.now(UTC)))
        await record_mails(mails, self.process)

    @property
    def posts(self) -> list[str]:
        return [str(body) for method, path, body, _ in self.teams.asked if path.endswith("/v3/conversations")]


@pytest.fixture
async def house(tmp_path: Path, connected: str) -> AsyncIterator[House]:
    async with Connector().running() as teams:
        made = House(tmp_path, teams)
        await directory.remember_installation("19:team", TENANT, teams.url, "Wilson")
        await made.outbox.drain()
        teams.asked.clear()
        yield made
        await made.messenger.close()


async def test_an_incident_reaches_channel_thread_and_tracker(house: House, tmp_path: Path) -> None:
    await house.fires("a")
    (found,) = await incidents.unfinished()
    await incidents.act(found, Claim(), ADA, house.process)
    await house.outbox.drain()
    assert await queue.waiting() == []
    assert len(house.posts) == 1
    said = [body["text"] for method, path, body, _ in house.teams.asked if method == "POST" and "text" in body]
    assert said == ["Ada Example owns this now."]
    (issue,) = (tmp_path / "issues").glob("*.md")
    text = issue.read_text(encoding="utf-8")
    assert 'assignee: "Ada Example"' in text
    assert "workflow::In Progress" in text
    assert (await incidents.load(found.id)).issue_key == "1"


async def test_429_is_not_tried_earlier_than_told(house: House) -> None:
    house.teams.told = [(429, {"Retry-After": "30"})]
    await house.fires("a")
    await house.outbox.drain()
    (item,) = await queue.waiting()
    assert item.due_ms - store.now_ms() > 25_000
    assert len(house.posts) == 1


async def test_what_is_forbidden_is_parked_and_holds_nobody_else_up(house: House) -> None:
    house.teams.told = [403]
    await house.fires("a")
    await house.outbox.drain()
    await house.fires("b")
    await house.outbox.drain()
    (parked,) = await queue.waiting()
    assert parked.state == "parked"
    assert "403" in parked.error
    assert len(house.posts) == 2
    assert await queue.retry([], store.now_ms()) == 1
    await house.outbox.drain()
    assert await queue.waiting() == []


async def test_a_tracker_that_is_away_holds_no_card(house: House) -> None:
    async def away(*_: object) -> None:
        raise Temporary("the tracker is away")

    house.tracker.create = away
    await house.fires("a")
    (found,) = await incidents.unfinished()
    await incidents.act(found, Claim(), ADA, house.process)
    await house.outbox.drain()
    assert {item.target for item in await queue.waiting()} == {"tracker"}
    assert any("owns this" in str(body) for *_, body, _ in house.teams.asked)


async def test_after_a_lost_answer_the_issue_is_looked_for(house: House, tmp_path: Path) -> None:
    create = house.tracker.create

    async def lost(issue: Any) -> None:
        await create(issue)
        raise Ambiguous("the answer was lost")

    house.tracker.create = lost
    await house.fires("a")
    (found,) = await incidents.unfinished()
    await incidents.act(found, Claim(), ADA, house.process)
    await house.outbox.drain()
    house.tracker.create = create
    await _everything_is_due()
    await house.outbox.drain()
    assert await queue.waiting() == []
    assert len(list((tmp_path / "issues").glob("*.md"))) == 1


async def _everything_is_due() -> None:
    await reading().run("UPDATE outbox SET due_ms = 0 WHERE state = 'waiting'")


async def test_a_card_posted_twice_works_on_both_messages(house: House) -> None:
    house.teams.told = [504]
    await house.fires("a")
    await house.outbox.drain()
    await _everything_is_due()
    await house.outbox.drain()
    assert len(house.posts) == 2
    (found,) = await incidents.unfinished()
    clicks = clicks_of(house.around)
    twin = Place("i1", "19:c@thread.tacv2;messageid=99", "99", "19:c@thread.tacv2", house.teams.url, TENANT)
    await clicks.press(encode("claim", incident=found.id), ADA, twin)
    assert (await incidents.load(found.id)).owner == ADA
    house.teams.asked.clear()
    await house.outbox.drain()
    assert len({path for method, path, *_ in house.teams.asked if method == "PUT"}) == 2


async def test_many_refreshes_that_wait_are_one(house: House) -> None:
    await house.fires("a")
    await house.outbox.drain()
    (found,) = await incidents.unfinished()
    house.teams.asked.clear()
    for number in range(20):
        await house.fires("a") if number == 0 else await store.leave([RefreshCard(found.id)])
    await house.outbox.drain()
    assert [method for method, *_ in house.teams.asked].count("PUT") == 1


async def test_a_storm_becomes_some_cards_and_one_digest_the_severe_first(house: House) -> None:
    most = house.process.digest_cards_per_minute
    await house.fires(*(f"mild-{n}" for n in range(60)), severity="warning")
    await house.fires(*(f"grave-{n}" for n in range(5)), severity="critical")
    for _ in range(200):
        await house.outbox.drain()
        house.now += 5
        await _everything_is_due()
        if not await queue.waiting():
            break
    assert await queue.waiting() == []
    cards = [post for post in house.posts if "more new candidates" not in post]
    digests = [post for post in house.posts if "more new candidates" in post]
    assert (len(cards), len(digests)) == (most, 1)
    assert sum("Alert grave" in post for post in cards[:BATCH]) == 5
    assert len(await store.incidents_of_digest(1)) == 65 - most


async def test_a_candidate_of_a_digest_gets_its_card_when_somebody_acts(house: House) -> None:
    await house.fires(*(f"a{n}" for n in range(30)))
    for _ in range(40):
        await house.outbox.drain()
        house.now += 5
        await _everything_is_due()
    (first, *_) = await store.incidents_of_digest(1)
    before = len(house.posts)
    await incidents.act(first, Claim(), ADA, house.process)
    await house.outbox.drain()
    assert len(house.posts) == before + 1


def item(**changes: Any) -> Item:
    values: dict[str, Any] = {
        "id": 1, "uid": "u", "target": "teams", "stream": "s", "kind": "RefreshCard", "subject": 1,
        "effect": RefreshCard(1), "state": "leased", "attempts": 1, "due_ms": 0, "created_ms": 0, "attempted_ms": 0,
        "lease": "l", "error": "",
    }  # fmt: skip
    return Item(**(values | changes))


@pytest.mark.parametrize(
    ("attempts", "error", "now", "due"),
    [
        (1, Temporary("x"), 0, 2_000),
        (2, Temporary("x"), 0, 4_000),
        (5, Temporary("x"), 0, 32_000),
        (50, Temporary("x"), 0, 600_000),
        (1, Temporary("x", 90), 0, 90_000),
        (1, Permanent("x"), 0, None),
        (1, Ambiguous("x"), 0, 2_000),
        (1, Ambiguous("x", 60), 0, 60_000),
        (AMBIGUOUS_TRIES, Ambiguous("x"), 0, None),
        (3, Temporary("x"), GIVE_UP_MS + 1, None),
        (3, Unauthorised("x"), GIVE_UP_MS + 1, GIVE_UP_MS + 1 + 8_000),
    ],
)
def test_when_it_is_tried_again(attempts: int, error: PortError, now: int, due: int | None) -> None:
    assert next_try(item(attempts=attempts), error, now, 1.0) == due


def test_what_the_tracker_may_have_done_is_looked_for_as_often_as_needed() -> None:
    assert next_try(item(target="tracker", attempts=AMBIGUOUS_TRIES * 2), Ambiguous("x"), 0, 1.0) == 600_000


async def test_what_a_newer_version_wrote_waits_for_it_and_stops_nothing(house: House) -> None:
    await house.fires("a", "b")
    await reading().run("UPDATE outbox SET kind = 'PostHologram', payload = '{}' WHERE subject = 1")
    await house.outbox.drain()
    kinds = await reading().rows("SELECT kind, state, attempts FROM outbox")
    assert {row["kind"] for row in kinds} == {"PostHologram"}
    assert {(row["state"], row["attempts"]) for row in kinds} == {("waiting", 0)}
    assert await queue.waiting() == []
    assert any("b" in str(body) for _, _, body, _ in house.teams.asked)
