"""Every mail ends as one outcome, with the reason; the balance adds up; doubted mail waits for a person."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.mail_view import mail_view
from bot.watchkeeping import Watchkeeping
from models import directory, mails, queue, store
from models.domain.alerts import Alert, Authenticated, MailKind, Reading
from models.domain.decisions import Refusal
from models.domain.effects import Tell
from models.domain.mail import MailRules, Outcome, Trust
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.domain.requests import Claim
from models.domain.timeline import Verb
from models.operations import incidents
from models.operations.alerts import record_mails

ADA = Person("aad-ada", "Ada Example", "29:ada")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FILE = Path("models/processes/wilson.toml")
RULES = """
[mail]
balance_at = "09:00"
pipeline_refs = ["main", "release/*"]
[[mail.rules]]
name = "restore test"
because = "it is meant to fail"
then = "mute"
project = "iam/RESTORE-*"
[[mail.rules]]
name = "service desk"
because = "its mails are support calls"
then = "support"
sender = "*@desk.example"
"""


def process_with(rules: str = "") -> Process:
    values = tomllib.loads(FILE.read_text(encoding="utf-8"))
    values["mail"] = tomllib.loads(rules)["mail"] if rules else {}
    return read_process(values, "test.toml")


def mail(
    message_id: str,
    kind: MailKind = MailKind.FIRING,
    *,
    source: str | None = "gcp_monitoring",
    fingerprint: str = "gcp|1",
    authenticated: Authenticated = Authenticated.PASS,
    sender: str = "Alerts <a@b.example>",
    says: MailKind | None = None,
    **alert: str | None,
) -> tuple[Reading, datetime]:
    reported = Alert(source or "", says or kind, "CPU saturated", fingerprint, **alert)  # type: ignore[arg-type]
    reading = Reading(kind, source, "as read", f"subject {message_id}", sender, message_id, "0" * 64, authenticated)
    if kind in (MailKind.UNRECOGNISED, MailKind.UNREADABLE) or (kind is MailKind.IGNORED and says is None):
        return reading, NOW
    return replace(reading, alert=reported), NOW


async def outcome(message_id: str) -> tuple[Outcome, str]:
    (record,) = await mails.mails_of(message_id)
    return record.outcome, record.why


@pytest.mark.usefixtures("connected")
async def test_every_mail_ends_as_one_outcome_and_they_add_up() -> None:
    batch = [
        mail("<1>"),
        mail("<2>"),
        mail("<3>", MailKind.RECOVERED),
        mail("<4>", MailKind.INFORMATION, fingerprint="budget"),
        mail("<5>", project="iam/restore-2", fingerprint="x"),
        mail("<6>", MailKind.ACCESS_REQUEST, source="api_gateway", fingerprint="app"),
        mail("<7>", MailKind.UNRECOGNISED, source=None, sender="Desk <help@desk.example>"),
        mail("<8>", MailKind.IGNORED, source=None),
        mail("<9>", MailKind.UNRECOGNISED, source=None),
        mail("<10>", MailKind.UNREADABLE, source=None),
        mail("<11>", MailKind.UNREADABLE),
        mail("<12>", source="gitlab_pipeline", resource="feature/x", fingerprint="ref"),
        mail("<13>", source="gitlab_pipeline", resource="release/2", fingerprint="ref2"),
        mail("<14>", MailKind.IGNORED, says=MailKind.FIRING, authenticated=Authenticated.FAIL),
    ]
    await record_mails(batch, process_with(RULES))
    await record_mails(batch, process_with(RULES))  # delivered again: nothing is counted twice
    ended = [(await outcome(f"<{number}>"))[0] for number in range(1, 15)]
    assert ended == [
        Outcome.CANDIDATE,
        Outcome.JOINED,
        Outcome.RECOVERY,
        Outcome.INFORMATION,
        Outcome.MUTED,
        Outcome.ACCESS_REQUEST,
        Outcome.SUPPORT_CALL,
        Outcome.NOT_OURS,
        Outcome.UNRECOGNISED,
        Outcome.UNREADABLE,
        Outcome.UNREADABLE,
        Outcome.MUTED,
        Outcome.CANDIDATE,
        Outcome.UNVERIFIED,
    ]
    assert sum((await mails.outcomes_between(0, store.now_ms() + 1)).values()) == len(batch)
    assert (await outcome("<5>"))[1] == "the rule “restore test”: it is meant to fail"
    assert "feature/x" in (await outcome("<12>"))[1]
    shown = [item.subject for item in await queue.waiting() if item.kind in ("PostMail", "OpenCase")]
    assert len(shown) == len(set(shown)) == 5  # 6, 7, 9, 10 and 14


@pytest.mark.usefixtures("connected")
async def test_the_same_event_by_another_route_joins() -> None:
    one, two = mail("<1>", event_key="e1"), mail("<2>", event_key="e1")
    await record_mails([one, two], process_with())
    assert (await outcome("<2>"))[0] is Outcome.JOINED
    (found,) = await incidents.unfinished()
    assert found.count == 1


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("authenticated", "required", "expected"),
    [
        (Authenticated.PASS, True, Outcome.CANDIDATE),
        (Authenticated.NONE, False, Outcome.CANDIDATE),
        (Authenticated.NONE, True, Outcome.UNVERIFIED),
        (Authenticated.FAIL, False, Outcome.UNVERIFIED),
        (Authenticated.FAIL, True, Outcome.UNVERIFIED),
    ],
)
async def test_who_must_be_confirmed(authenticated: Authenticated, required: bool, expected: Outcome) -> None:
    await record_mails([mail("<1>", authenticated=authenticated)], process_with(), Trust(required))
    assert (await outcome("<1>"))[0] is expected
    assert bool(await incidents.unfinished()) is (expected is Outcome.CANDIDATE)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("GitLab <gitlab@git.harbour.example>", Outcome.CANDIDATE),
        ("ines@harbour.example", Outcome.CANDIDATE),
        ("GitLab <gitlab@git.harbour.example.evil.example>", Outcome.UNVERIFIED),
        ("GitLab <gitlab@notharbour.example>", Outcome.UNVERIFIED),
        ("", Outcome.UNVERIFIED),
    ],
)
async def test_only_named_domains_are_believed_where_any_are_named(sender: str, expected: Outcome) -> None:
    await record_mails([mail("<1>", sender=sender)], process_with(), Trust(domains=("harbour.example",)))
    assert (await outcome("<1>"))[0] is expected


@pytest.mark.usefixtures("connected")
async def test_a_doubted_alert_is_shown_once_and_becomes_a_candidate_when_a_person_says_so() -> None:
    process = process_with()
    doubted = [mail(f"<{n}>", authenticated=Authenticated.FAIL, severity="critical") for n in (1, 2)]
    await record_mails(doubted, process)
    await record_mails([mail("<3>", authenticated=Authenticated.FAIL)], process)
    (item,) = await queue.waiting()
    record = await mails.mail(item.subject)
    assert record is not None
    view = mail_view(record)
    assert view.outcome is Outcome.UNVERIFIED
    assert ("Title", "CPU saturated") in view.facts
    done = await incidents.adopt_mail(item.subject, ADA, process)
    assert isinstance(done, incidents.Done)
    assert (done.incident.title, done.incident.severity) == ("CPU saturated", "critical")
    assert isinstance(await incidents.adopt_mail(item.subject, ADA, process), Refusal)
    await record_mails([mail("<4>")], process)  # a confirmed one of the same alert joins
    (found,) = await incidents.unfinished()
    assert found.count == 2


@pytest.mark.usefixtures("connected")
async def test_a_doubted_alert_joins_what_is_open_when_it_is_accepted() -> None:
    process = process_with()
    await record_mails([mail("<1>"), mail("<2>", authenticated=Authenticated.FAIL)], process)
    (record,) = await mails.mails_of("<2>")
    done = await incidents.adopt_mail(record.id, ADA, process)
    assert isinstance(done, incidents.Done)
    assert done.incident.count == 2
    assert await outcome("<2>") == (Outcome.JOINED, "Ada Example said that it is one")


@pytest.mark.usefixtures("connected")
async def test_whoever_makes_an_incident_of_a_mail_is_its_steward_where_the_process_says_so() -> None:
    text = (resources.files("models.processes") / "twoi2c.toml").read_text(encoding="utf-8")
    process = read_process(tomllib.loads(text), "twoi2c.toml")
    await record_mails([mail("<1>", MailKind.UNRECOGNISED, source=None)], process)
    (record,) = await mails.mails_of("<1>")
    done = await incidents.adopt_mail(record.id, ADA, process)
    assert isinstance(done, incidents.Done)
    assert dict(done.incident.roles) == {"steward": ADA}
    assert [entry.verb for entry in await store.timeline(done.incident.id)] == [Verb.REPORTED, Verb.ROLE_TAKEN]
    claimed = await incidents.act(done.incident, Claim(), ADA, process)
    assert "Both together are discouraged" in claimed.notice
    await record_mails(
        [mail("<2>", fingerprint="b"), mail("<3>", fingerprint="b", authenticated=Authenticated.FAIL)], process
    )
    (record,) = await mails.mails_of("<3>")
    joined = await incidents.adopt_mail(record.id, ADA, process)
    assert isinstance(joined, incidents.Done)
    assert joined.incident.roles == ()  # it was there already
    declared = await incidents.declare_incident("No hub", "", ADA, process)
    assert isinstance(declared, incidents.Done)
    assert (dict(declared.incident.roles), declared.notice) == ({"steward": ADA}, "You are Support steward.")
    (stored,) = [each for each in await incidents.unfinished() if each.id == declared.incident.id]
    assert dict(stored.roles) == {"steward": ADA}


@pytest.mark.usefixtures("connected")
async def test_a_doubted_recovery_changes_nothing() -> None:
    process = process_with()
    await record_mails([mail("<1>"), mail("<2>", MailKind.RECOVERED, authenticated=Authenticated.FAIL)], process)
    (found,) = await incidents.unfinished()
    assert found.alerting is True
    assert [item.kind for item in await queue.waiting()] == ["PostCard"]


@pytest.mark.usefixtures("connected")
async def test_a_doubted_request_for_access_is_accepted_as_one() -> None:
    process = process_with()
    await record_mails([mail("<1>", MailKind.ACCESS_REQUEST, authenticated=Authenticated.FAIL)], process)
    (item,) = await queue.waiting()
    assert await incidents.adopt_mail(item.subject, ADA, process) is None
    assert (await outcome("<1>"))[0] is Outcome.ACCESS_REQUEST
    assert await incidents.unfinished() == []


@pytest.mark.usefixtures("connected")
async def test_what_a_person_says_is_not_ours_counts_as_that() -> None:
    await record_mails([mail("<1>", MailKind.UNRECOGNISED, source=None)], process_with())
    (item,) = await queue.waiting()
    assert await incidents.set_mail_aside(item.subject, ADA) is None
    assert await outcome("<1>") == (Outcome.NOT_OURS, "Ada Example said that it is not ours")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[mail]\nbalance_at = '25:00'", "needs a time as 09:00"),
        ("[mail]\nbalanced = 1", "no such entry as 'balanced'"),
        ("[[mail.rules]]\nname='a'\nbecause='b'\nthen='mute'", "names no pattern"),
        ("[[mail.rules]]\nname='a'\nbecause='b'\nthen='drop'\nsubject='x'", "mute, support"),
        ("[[mail.rules]]\nname='a'\nbecause='b'\nthen='mute'\nbody='x'", "body = 'x' is not a pattern"),
    ],
)
def test_a_wrong_rule_is_named(rules: str, said: str) -> None:
    with pytest.raises(ProcessError, match=said):
        process_with(rules)


# -- signs of life ----------------------------------------------------------------------------------------


def watch(started: datetime, silent_hours: float = 0, rules: MailRules | None = None) -> Watchkeeping:
    return Watchkeeping(
        rules or MailRules(),
        ZoneInfo("Europe/London"),
        away_minutes=15,
        silent_hours=silent_hours,
        wake=lambda: None,
        started=started,
    )


async def told() -> list[str]:
    return [item.effect.text for item in await queue.waiting() if isinstance(item.effect, Tell)]


@pytest.mark.usefixtures("connected")
async def test_an_unread_mailbox_is_told_once_and_its_return_once() -> None:
    for replica in (watch(NOW), watch(NOW)):
        await replica.look(NOW + timedelta(minutes=14))
    assert await told() == []
    await directory.remember_fact("mailbox_error", "login refused")
    for minute in (16, 17, 60):
        for replica in (watch(NOW), watch(NOW + timedelta(minutes=1))):
            await replica.look(NOW + timedelta(minutes=minute))
    (first,) = await told()
    assert "login refused" in first
    back = NOW + timedelta(minutes=70)
    await directory.remember_fact("mailbox_polled_ms", str(store.to_ms(back)))
    for _ in range(2):
        await watch(NOW).look(back)
    assert len(await told()) == 2
    assert "is read again" in (await told())[1]
    await watch(NOW).look(back + timedelta(minutes=20))
    assert len(await told()) == 3  # away again, told again


@pytest.mark.usefixtures("connected")
async def test_a_silent_mailbox_is_told_once() -> None:
    await record_mails([mail("<1>")], process_with())
    later = datetime.now(UTC) + timedelta(hours=25)
    await directory.remember_fact("mailbox_polled_ms", str(store.to_ms(later)))
    for silent in (0.0, 24.0, 24.0, 48.0):
        await watch(later, silent).look(later)
    (said,) = await told()
    assert "No mail at all" in said


@pytest.mark.usefixtures("connected")
async def test_the_balance_of_yesterday_is_told_once_and_adds_up() -> None:
    rules = process_with(RULES).mail
    batch = [mail(f"<{n}>") for n in range(3)]
    batch.append(mail("<mute>", project="iam/restore-1", fingerprint="m"))
    batch.append(mail("<info>", MailKind.INFORMATION, fingerprint="i"))
    await record_mails(batch, process_with(RULES))
    zone = ZoneInfo("Europe/London")
    today = datetime.now(zone)
    nine = datetime(today.year, today.month, today.day, 9, tzinfo=zone) + timedelta(days=1)
    for at in (nine - timedelta(minutes=1), nine, nine + timedelta(hours=3)):
        await directory.remember_fact("mailbox_polled_ms", str(store.to_ms(at)))
        await watch(at, rules=rules).look(at)
    balances = [text for text in await told() if "Mail of" in text]
    assert len(balances) >= 1
    assert "5 arrived = 1 new candidate + 2 joined + 1 information + 1 muted" in balances[-1]
    assert "restore test" in balances[-1]
    assert "subject" in balances[-1]
    assert sum("5 arrived" in text for text in balances) == 1
