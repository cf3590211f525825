"""Paging through an outside system: once, of what nobody owns, and taken back when somebody does."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from bot import outbox as outbox_module
from bot.adapters.pager import NoPager, PagerDuty, WebhookPager
from bot.outbox import Outbox
from bot.pacing import Pacer
from bot.paging import Paging
from bot.posting import Channels
from bot.tracker_health import PAGER_TRIES, TrackerHealth
from doctor import examine
from fittings import pager_of
from models import directory, queue, store
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.decisions import Decision
from models.domain.paging_rules import PagingRules
from models.domain.people import Person
from models.domain.requests import Assess, Claim, Close, Dismiss, MarkPrivate, Merge, Raise, Reopen, Resolve
from models.domain.timeline import Entry, Verb
from models.operations import incidents
from models.operations.alerts import record_mails
from models.ports.errors import Permanent, Unauthorised
from models.ports.pager import Pager
from models.settings import Paging as PagingSettings
from models.settings import Settings, SettingsError
from models.sql import reading
from tests.integration.test_private import ADA, DEVS, SECRET, House, house, private, security
from tests.support.handling import deliveries_of
from tests.support.pager import KEY, TOKEN, PagerSystem
from tests.unit.domain.samples import INTERNAL, OVER, PROCESS_FILE

__all__ = ["house", "private", "security"]
pytestmark = pytest.mark.usefixtures("connected")
WILSON = PROCESS_FILE.read_text(encoding="utf-8")
AFTER = PagingRules((timedelta(minutes=10), timedelta(minutes=30)))


@pytest.fixture
async def system() -> AsyncIterator[PagerSystem]:
    async with PagerSystem().running() as made:
        yield made


def settings(system: PagerSystem, kind: Any = "pagerduty", **more: Any) -> PagingSettings:
    url = system.url if kind == "pagerduty" else f"{system.url}/hook?x=1"
    keys = {"routing_key": SecretStr(KEY), "token": SecretStr(TOKEN), "timeout_seconds": 2}
    return PagingSettings(kind=kind, url=SecretStr(url), **(keys | more))


@pytest.fixture
async def pager(system: PagerSystem) -> AsyncIterator[Pager]:
    made = PagerDuty(settings(system), lambda: datetime.now(UTC))
    yield made
    await made.close()


class Team:
    """The house with a pager, two replicas of the clock and of the outbox, and a clock of its own."""

    def __init__(self, house: House, pager: Pager) -> None:
        self.house = house
        self.start = datetime.now(UTC)
        house.around.process = replace(house.around.process, paging=AFTER)
        self.clocks = [Paging(house.around, lambda: None) for _ in range(2)]
        pacer = Pacer(itertools.count(step=60.0).__next__)
        health = TrackerHealth(house.tracker, ZoneInfo("UTC"))
        self.outboxes: list[Outbox] = []
        for _ in range(2):
            delivers = deliveries_of(
                house.teams, house.tracker, house.around, Channels("Devs", "Devs", "Den"), pacer, pager=pager
            )
            self.outboxes.append(Outbox(delivers.deliver, delivers.prepare, health=health))

    async def fires(self, title: str = "Disk full") -> int:
        alert = Alert(
            "gcp_monitoring", MailKind.FIRING, title, title, severity="critical", resource="db-1", summary=SECRET,
            incident_url="https://console.example/1",
        )  # fmt: skip
        told = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{title}>", "0", alert=alert)
        await record_mails([(told, self.start)], self.house.around.process)
        await self.deliver()
        return max(each.id for each in await incidents.unfinished())

    async def look(self, *minutes: float) -> None:
        for each in minutes:
            now = datetime.now(UTC) + timedelta(minutes=each)
            await asyncio.gather(*(clock.look(now) for clock in self.clocks))

    async def deliver(self) -> None:
        """Deliver until nothing waits; what failed in passing is due at once."""
        for _ in range(40):
            await asyncio.gather(*(outbox.drain() for outbox in self.outboxes))
            if all(item.state == "parked" for item in await queue.waiting()):
                return
            await reading().run("UPDATE outbox SET due_ms = 0 WHERE state = 'waiting'")
        raise AssertionError([(item.kind, item.error) for item in await queue.waiting()])

    async def asks(self, request: Any, number: int = 1) -> None:
        done = await incidents.act(await incidents.load(number), request, ADA, self.house.around.process)
        assert done.refusal is None, done.refusal

    async def paged(self, number: int = 1) -> int:
        return sum(entry.verb is Verb.PAGED for entry in await store.timeline(number))

    @property
    def thread(self) -> list[str]:
        return [said.text for _, said in self.house.teams.replies if "Paged through" in said.text]


@pytest.fixture
async def team(house: House, pager: Pager) -> Team:
    return Team(house, pager)


async def test_it_is_paged_once_each_time_whatever_many_replicas(team: Team, system: PagerSystem) -> None:
    await team.fires()
    for minutes in (1, 9, 10.5, 11, 29, 31, 32, 100, 10_000):
        await team.look(minutes)
        await team.deliver()
    assert system.said == ["trigger", "trigger"]
    assert system.keys == {f"wilson-{await directory.instance()}-1"}
    assert await team.paged() == 2
    assert team.thread[0] == "Paged through PagerDuty: nobody has owned this for 10 minutes."
    assert len(team.thread) == 2
    payload = system.taken[0]["payload"]
    assert payload["summary"] == "Nobody owns candidate incident 1: Disk full"
    assert (payload["source"], payload["severity"]) == ("db-1", "critical")
    assert payload["custom_details"]["summary"] == SECRET
    assert [link["text"] for link in system.taken[0]["links"]] == ["Teams thread", "Source"]


async def test_a_claim_before_it_is_sent_means_that_nobody_is_paged(team: Team, system: PagerSystem) -> None:
    await team.fires()
    await team.look(11)
    await team.asks(Claim())
    await team.deliver()
    await team.look(40)
    await team.deliver()
    assert system.taken == []
    assert await team.paged() == 0
    assert team.thread == []


ENDS = {
    "dismissed": [Dismiss("a test")],
    "dismissed once raised": [Raise(), Dismiss("a test")],
    "resolved and closed": [Claim(), Assess(INTERNAL), Resolve(OVER), Close()],
    "merged": [Merge(2)],
}


@pytest.mark.parametrize("how", ENDS)
async def test_the_pager_hears_when_it_is_in_hand_and_when_it_is_over(
    team: Team, system: PagerSystem, how: str
) -> None:
    await team.fires()
    await team.look(11)
    await team.deliver()
    await team.fires("Another one")
    for request in ENDS[how]:
        await team.asks(request)
        await team.deliver()
    acknowledged = ["acknowledge"] if Claim() in ENDS[how] else []
    assert system.said == ["trigger", *acknowledged, "resolve"]
    assert len(system.keys) == 1
    assert len(team.thread) == 1


async def test_all_at_once_is_told_as_it_stands_in_the_end(team: Team, system: PagerSystem) -> None:
    await team.fires()
    await team.look(11)
    await team.deliver()
    for request in (Claim(), Assess(INTERNAL), Resolve(OVER)):
        await team.asks(request)
    await team.deliver()
    assert system.said == ["trigger", "resolve"]


async def test_whose_owner_goes_is_paged_anew(team: Team, system: PagerSystem) -> None:
    await team.fires()
    await team.look(11)
    await team.deliver()
    await team.asks(Claim())
    await team.deliver()
    owned = await incidents.load(1)
    freed = Entry(datetime.now(UTC), Verb.HEARD, Person("", "Tom"), {"what": "assigned", "to": None})
    await store.commit([(owned, Decision(replace(owned, owner=None, owned_at=None), (freed,)))])
    await team.look(12)  # the pager has not heard of it yet
    await team.deliver()
    assert system.said == ["trigger", "acknowledge", "resolve"]
    await team.look(9, 11, 12)
    await team.deliver()
    await team.asks(Dismiss("a test"))
    await team.deliver()
    assert system.said == ["trigger", "acknowledge", "resolve", "trigger", "resolve"]


async def test_what_is_reopened_without_an_owner_is_paged_anew(team: Team, system: PagerSystem) -> None:
    await team.fires()
    await team.look(11, 31)
    await team.deliver()
    for request in (Dismiss("a test"), Reopen("it is one")):
        await team.asks(request)
        await team.deliver()
    await team.look(11)
    await team.deliver()
    assert system.said[-2:] == ["resolve", "trigger"]


FAULTS: list[list[int | str]] = [[500], ["lost"], [429, 503], ["lost", 500, "lost"], [408]]


@pytest.mark.parametrize("faults", FAULTS, ids=str)
async def test_what_fails_in_passing_is_sent_again_under_the_same_key(
    team: Team, system: PagerSystem, faults: list[int | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FIRST_DELAY", 0.01)
    await team.fires()
    system.faults = list(faults)
    await team.look(11)
    await team.deliver()
    assert system.said == ["trigger"] * (1 + faults.count("lost"))
    assert len(system.keys) == 1
    assert len(team.thread) == await team.paged() == 1


async def test_a_page_of_which_nobody_knows_whether_it_left_is_acknowledged(
    team: Team, system: PagerSystem
) -> None:
    await team.fires()
    await team.look(11)
    system.faults = ["lost"]
    await team.outboxes[0].drain()
    assert await team.paged() == 0
    await team.asks(Claim())
    await team.deliver()
    assert system.said == ["trigger", "acknowledge"]


async def test_a_page_that_is_refused_is_told_in_the_channel_and_can_be_sent_again(
    team: Team, system: PagerSystem
) -> None:
    await team.fires()
    system.faults = [400]
    await team.look(11)
    await team.deliver()
    seen = team.house.teams.seen(DEVS)
    assert "Given up at the pager** for incident 1" in seen
    assert "not now; of" in seen
    assert KEY not in seen
    assert await team.paged() == 0
    assert await queue.retry([], store.now_ms()) == 1
    await team.deliver()
    assert system.said == ["trigger"]
    assert len(team.thread) == 1


async def test_a_pager_that_stays_away_is_told_before_it_is_given_up(team: Team, system: PagerSystem) -> None:
    await team.fires()
    system.faults = [503] * (PAGER_TRIES + 2)
    await team.look(11)
    await team.deliver()
    said = [
        message.text for message in team.house.teams.shows.values() if "can't be told of incident 1" in message.text
    ]
    assert len(said) == 1
    assert system.said == ["trigger"]


async def test_of_a_private_incident_only_number_and_state_are_told(team: Team, system: PagerSystem) -> None:
    await team.fires()
    await team.asks(MarkPrivate(SECRET))
    await team.deliver()
    await team.look(11)
    await team.deliver()
    (event,) = system.taken
    said = json.dumps(event)
    for word in (SECRET, "Disk full", "db-1", "http"):
        assert word not in said
    assert event["payload"]["summary"] == "Nobody owns open incident 1: handled in private"
    assert event["payload"]["custom_details"] == {"incident": "1", "state": "open"}
    assert event["payload"]["source"] == "wilson"
    assert "Paged through" not in team.house.teams.seen(DEVS)


async def test_a_webhook_gets_the_same_facts(house: House, system: PagerSystem) -> None:
    pager = WebhookPager(settings(system, "webhook"), lambda: datetime.now(UTC))
    team = Team(house, pager)
    await team.fires()
    await team.look(11)
    await team.deliver()
    await team.asks(Claim())
    await team.deliver()
    await team.asks(Dismiss("a test"))
    await team.deliver()
    key = f"wilson-{await directory.instance()}-1"
    assert system.taken[1:] == [{"event": "acknowledge", "key": key}, {"event": "resolve", "key": key}]
    first = system.taken[0]
    assert first.keys() == {"event", "key", "summary", "source", "severity", "at", "details", "links"}
    assert (first["event"], first["key"]) == ("trigger", key)
    assert first["details"]["state"] == "candidate"
    assert [each.replace("\u2060", "") for each in team.thread] == [
        "Paged through 127.0.0.1: nobody has owned this for 11 minutes."
    ]
    await pager.close()


async def test_a_process_without_the_section_pages_nobody(team: Team, system: PagerSystem) -> None:
    team.house.around.process = replace(team.house.around.process, paging=PagingRules())
    await team.fires()
    await team.look(11, 10_000)
    await team.deliver()
    assert system.taken == []


async def test_a_section_that_is_taken_out_meanwhile_pages_nobody(team: Team, system: PagerSystem) -> None:
    await team.fires()
    await team.look(11)
    team.house.around.process = replace(team.house.around.process, paging=PagingRules())
    await team.deliver()
    assert system.taken == []


# -- settings and doctor ----------------------------------------------------------------------------------


async def test_the_doctor_pages_nobody(system: PagerSystem) -> None:
    for kind, makes in (("pagerduty", PagerDuty), ("webhook", WebhookPager)):
        pager = pager_of(Settings(paging=settings(system, kind)))
        assert isinstance(pager, makes)
        (finding,) = await pager.check()
        assert finding.ok is None
        assert "127.0.0.1 would be asked to page" in finding.text
        await pager.close()
    (finding,) = await pager_of(Settings(paging=settings(system, routing_key=SecretStr("short")))).check()
    assert (finding.ok, finding.text) == (False, "paging.routing_key has 5 characters; PagerDuty's have 32")
    assert system.taken == []
    (finding,) = await NoPager().check()
    assert finding.ok


async def test_the_doctor_says_where_one_half_is_missing(system: PagerSystem, tmp_path: Any) -> None:
    given = {"database": {"url": f"sqlite://{tmp_path}/none.db"}, "mailbox": {"kind": "none"}}
    given |= {"tracker": {"path": tmp_path}, "teams": {"auth": "disabled", "messenger": "console"}}
    (tmp_path / "ours.toml").write_text(f"{WILSON}\n[paging]\nafter_minutes = [10]\n", encoding="utf-8")
    unsaid = Settings.model_validate(given | {"paging": {"kind": "webhook", "url": f"{system.url}/hook"}})
    unset = Settings.model_validate(given | {"process": {"path": tmp_path / "ours.toml"}})
    found = [each for each in await examine(unsaid) if each.subject == "pager"]
    assert "the process has nobody paged" in found[0].text
    found = [each for each in await examine(unset) if each.subject == "pager"]
    assert (found[0].ok, found[0].text) == (False, "the process has somebody paged, and no pager is configured")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kind": "pagerduty"}, "paging.routing_key"),
        ({"kind": "pagerduty", "routing_key": KEY, "url": "http://events.example"}, "TLS"),
        ({"kind": "webhook"}, "paging.url"),
        ({"kind": "webhook", "url": "hook.example"}, "paging.url"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        pager_of(Settings.model_validate({"paging": given}))


async def test_a_wrong_token_waits_for_a_person_and_a_wrong_key_is_given_up(system: PagerSystem) -> None:
    hook = WebhookPager(settings(system, "webhook", token=SecretStr("wrong")), lambda: datetime.now(UTC))
    with pytest.raises(Unauthorised, match=r"paging\.token"):
        await hook.resolve("k")
    duty = PagerDuty(settings(system, routing_key=SecretStr("f" * 32)), lambda: datetime.now(UTC))
    with pytest.raises(Permanent, match="400: Event object is invalid"):
        await duty.resolve("k")
    for each in (hook, duty):
        await each.close()
