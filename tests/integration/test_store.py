"""What is promised of the record: each mail once, one incident for one problem, one winner of two."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import mails, queue, store
from models.domain.alerts import Alert, Authenticated, MailKind, Reading
from models.domain.decisions import Refusal
from models.domain.incidents import State
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.requests import AddNote, Assess, Claim, Dismiss, Merge, Raise, Reopen
from models.operations import incidents
from models.operations.alerts import record_mails
from models.sql import reading as rows_of

ADA = Person("aad-ada", "Ada Example", "29:ada")
BEN = Person("aad-ben", "Ben Sample", "29:ben")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def process() -> Process:
    file = Path("models/processes/wilson.toml")
    return read_process(tomllib.loads(file.read_text(encoding="utf-8")), file.name)


def mail(
    message_id: str, fingerprint: str = "gcp|1", kind: MailKind = MailKind.FIRING, **changes: object
) -> tuple[Reading, datetime]:
    alert = Alert("gcp_monitoring", kind, "CPU saturated", fingerprint, severity="critical", incident_id="0.a")
    reading = Reading(
        kind,
        "gcp_monitoring",
        "an alert",
        "[ALERT] CPU saturated",
        "a@b.example",
        message_id,
        "0" * 64,
        Authenticated.PASS,
        replace(alert, **changes),  # type: ignore[arg-type]
    )
    return reading, NOW


async def count(table: str) -> int:
    return int((await rows_of().rows(f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"])


@pytest.mark.usefixtures("connected")
async def test_repeats_join_one_candidate(process: Process) -> None:
    await record_mails([mail("<1>"), mail("<2>"), mail("<3>")], process)
    await record_mails([mail("<4>")], process)
    (found,) = await incidents.unfinished()
    assert (found.count, found.state, found.alerting) == (4, State.CANDIDATE, True)
    assert [item.kind for item in await queue.waiting()] == ["PostCard", "RefreshCard"]


@pytest.mark.usefixtures("connected")
async def test_the_same_mail_delivered_twice_is_one(process: Process) -> None:
    await record_mails([mail("<1>"), mail("<1>")], process)
    await record_mails([mail("<1>")], process)
    (found,) = await incidents.unfinished()
    assert found.count == 1
    assert await count("mails") == 1


@pytest.mark.usefixtures("connected")
async def test_a_recovery_marks_and_never_resolves(process: Process) -> None:
    await record_mails([mail("<1>"), mail("<2>", kind=MailKind.RECOVERED)], process)
    (found,) = await incidents.unfinished()
    assert (found.state, found.alerting) == (State.CANDIDATE, False)


@pytest.mark.usefixtures("connected")
async def test_a_recovery_that_came_first_is_remembered(process: Process) -> None:
    await record_mails([mail("<2>", kind=MailKind.RECOVERED, ended_at=NOW)], process)
    assert await incidents.unfinished() == []
    await record_mails([mail("<1>", started_at=NOW)], process)
    (found,) = await incidents.unfinished()
    assert found.alerting is False


@pytest.mark.usefixtures("connected")
async def test_a_firing_after_the_end_links_the_old_incident(process: Process) -> None:
    await record_mails([mail("<1>")], process)
    (old,) = await incidents.unfinished()
    await incidents.act(await incidents.load(old.id), Dismiss("noise"), ADA, process)
    await record_mails([mail("<2>")], process)
    (new,) = await incidents.unfinished()
    assert (new.previous_id, new.count) == (old.id, 1)
    reopened = await incidents.act(await incidents.load(old.id), Reopen(), ADA, process)
    assert isinstance(reopened.refusal, Refusal)
    assert str(new.id) in reopened.refusal.text


@pytest.mark.usefixtures("connected")
async def test_of_two_who_claim_at_once_one_owns_it(process: Process) -> None:
    await record_mails([mail("<1>")], process)
    (found,) = await incidents.unfinished()
    answers = await asyncio.gather(
        *(incidents.act(found, Claim(), Person(f"aad-{n}", f"P{n}", f"29:{n}"), process) for n in range(12))
    )
    winners = [answer for answer in answers if answer.refusal is None]
    owner = winners[0].incident.owner
    assert len(winners) == 1
    assert owner is not None
    assert all(owner.name in answer.refusal.text for answer in answers if answer.refusal)


@pytest.mark.usefixtures("connected")
async def test_one_form_sent_twice_has_its_effect_once(process: Process) -> None:
    await record_mails([mail("<1>")], process)
    (found,) = await incidents.unfinished()
    await incidents.act(found, Raise(), ADA, process)
    for _ in range(3):
        done = await incidents.act(
            await incidents.load(found.id), AddNote("disk is full"), ADA, process, once=("form-1",)
        )
        assert done.refusal is None
    notes = [entry for entry in await store.timeline(found.id) if entry.verb == "noted"]
    assert len(notes) == 1


@pytest.mark.usefixtures("connected")
async def test_alerts_of_a_merged_part_join_the_whole(process: Process) -> None:
    await record_mails([mail("<1>", "a"), mail("<2>", "b")], process)
    whole, part = sorted(await incidents.unfinished(), key=lambda each: each.id)
    done = await incidents.act(part, Merge(whole.id), ADA, process)
    assert done.incident.merged_into == whole.id
    await record_mails([mail("<3>", "b")], process)
    (left,) = await incidents.unfinished()
    assert (left.id, left.count) == (whole.id, 3)


@pytest.mark.usefixtures("connected")
async def test_declared_incident_is_raised_and_posted(process: Process) -> None:
    done = await incidents.declare_incident("Portal is slow", "since nine", ADA, process, once=("m1",))
    assert not isinstance(done, Refusal)
    kinds = [(item.kind, item.subject) for item in await queue.waiting()]
    assert kinds == [("PostCard", done.incident.id), ("RaiseIssue", done.incident.id)]
    again = await incidents.declare_incident("Portal is slow", "since nine", ADA, process, once=("m1",))
    assert isinstance(again, Refusal)


@pytest.mark.usefixtures("connected")
async def test_what_is_declared_and_not_urgent_is_left_for_whoever_claims_it(process: Process) -> None:
    done = await incidents.declare_incident(
        "Printer is slow", "", ADA, process, assess=Assess({}, "not_urgent", "there is another")
    )
    assert not isinstance(done, Refusal)
    assert (done.incident.state, done.incident.urgency) == (State.OPEN, None)
    assert "claim it first" in done.notice
    why = await incidents.declare_incident("Printer", "", ADA, process, assess=Assess({}, "not_urgent", ""))
    assert isinstance(why, Refusal)
    assert why.fields == ("reason",)


@pytest.mark.usefixtures("connected")
async def test_a_stream_goes_in_order_and_others_beside_it(process: Process) -> None:
    await record_mails([mail("<1>", "a"), mail("<2>", "b")], process)
    for found in await incidents.unfinished():
        await incidents.act(found, Claim(), ADA, process)
    now = store.now_ms() + 10
    first = await queue.lease(now, lease_ms=1000, limit=50)
    assert sorted(item.kind for item in first) == ["PostCard", "PostCard", "RaiseIssue", "RaiseIssue"]
    assert await queue.lease(now, lease_ms=1000, limit=50) == []
    await queue.settle(first[0])
    assert len(await queue.lease(now, lease_ms=1000, limit=50)) == 1
    assert len(await queue.lease(now + 2000, lease_ms=1000, limit=50)) == 4


@pytest.mark.usefixtures("connected")
async def test_a_lost_lease_settles_nothing(process: Process) -> None:
    await record_mails([mail("<1>")], process)
    now = store.now_ms() + 10
    (old,) = await queue.lease(now, lease_ms=1000, limit=5)
    (new,) = await queue.lease(now + 2000, lease_ms=1000, limit=5)
    assert await queue.settle(old) is False
    assert await queue.settle(new) is True
    assert await queue.waiting() == []


@pytest.mark.usefixtures("connected")
async def test_an_unrecognised_mail_is_shown_and_can_be_adopted_once(process: Process) -> None:
    reading = Reading(MailKind.UNRECOGNISED, None, "nobody knows it", "disk low", "x@y.example", "<9>", "1" * 64)
    await record_mails([(reading, NOW)], process)
    (item,) = await queue.waiting()
    assert item.kind == "PostMail"
    assert not isinstance(await incidents.adopt_mail(item.subject, ADA, process), Refusal)
    assert isinstance(await incidents.adopt_mail(item.subject, BEN, process), Refusal)
    record = await mails.mail(item.subject)
    assert record is not None
    assert record.incident_id == (await incidents.unfinished())[0].id


@pytest.mark.usefixtures("connected")
async def test_a_garbled_mail_of_a_known_source_is_a_candidate_that_says_so(process: Process) -> None:
    def garbled(message_id: str) -> tuple[Reading, datetime]:
        reason = "a mail of gcp_monitoring, but it names no incident"
        subject = "[ALERT] something"
        return Reading(MailKind.UNREADABLE, "gcp_monitoring", reason, subject, "a@b.example", message_id, "0"), NOW

    await record_mails([garbled("<1>"), garbled("<2>")], process)
    (found,) = await incidents.unfinished()
    assert (found.state, found.count, found.source) == (State.CANDIDATE, 2, "gcp_monitoring")
    assert "names no incident" in found.unreadable


@pytest.mark.usefixtures("connected")
async def test_an_alert_that_comes_and_goes_is_flapping_on_one_card(process: Process) -> None:
    batch = [
        mail(f"<{number}>", kind=MailKind.FIRING if number % 2 == 0 else MailKind.RECOVERED) for number in range(50)
    ]
    await record_mails(batch, process)
    (found,) = await incidents.unfinished()
    assert found.flapping is True
    kinds = [item.kind for item in await queue.waiting()]
    assert kinds.count("PostCard") == 1
    assert kinds.count("RefreshCard") == 1
    assert kinds.count("Announce") <= 2 * process.flapping_cycles + 1
