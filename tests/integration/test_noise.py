"""The same alert is no incident twice: the card asks about the alerting, and the issue has the counts."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from types import SimpleNamespace

import pytest
from tortoise import connections

from cards.incident import incident_card
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.decisions import Refusal
from models.domain.incidents import Incident, State
from models.domain.requests import Dismiss, Improve, MarkPrivate, Reopen
from models.operations import incidents
from models.operations.alerts import record_mails
from models.process_file import read_process_text
from tests.integration.test_gitlab_hearing import told
from tests.integration.test_gitlab_outbox import ADA, MEGAN, Team, team
from tests.support.gitlab_contract import needs_contracts

__all__ = ["team", "told"]
pytestmark = needs_contracts


async def dismissed(
    team: Team, number: int, *, fingerprint: str = "a", title: str = "CPU is high", resource: str | None = None
) -> Incident:
    url = "https://console.example/policy"
    alert = Alert("gcp_monitoring", MailKind.FIRING, title, fingerprint, resource=resource, incident_url=url)
    mail = Reading(MailKind.FIRING, alert.source, "", "s", "a@b.example", f"<{number}>", str(number), alert=alert)
    await record_mails([(mail, datetime.now(UTC))], team.process)
    done = await incidents.act(await incidents.load(number), Dismiss("a test"), ADA, team.process)
    assert done.refusal is None
    await team.delivered()
    return done.incident


def card(team: Team, incident: Incident) -> str:
    return str(incident_card(team.around.view(incident), now=incident.created_at))


async def test_the_second_time_an_issue_is_offered_with_the_counts(team: Team) -> None:
    first = await dismissed(team, 1)
    assert first.noise is None
    assert "improve" not in card(team, first)
    second = await dismissed(team, 2)
    assert second.noise is not None
    assert (second.noise.dismissed, second.noise.reports) == (2, 2)
    assert "no incident twice" in card(team, second)
    for who in (MEGAN, ADA):  # two people press at once: one issue
        await incidents.act(second, Improve(), who, team.process)
    await team.delivered()
    (issue,) = team.server.issues
    assert issue.title.startswith("Improve alerting")
    assert "dismissed as no incident 2 times, and reported 2 times" in issue.description
    after = await incidents.load(2)
    assert after.state is State.DISMISSED
    assert "Should the alerting be improved" not in card(team, after)
    third = await dismissed(team, 3)
    assert third.noise is None  # the issue is there already


@pytest.mark.parametrize("name", ["wilson", "modernisation_platform", "tis", "twoi2c", "wellcome"])
async def test_each_shipped_process_can_improve_its_alerting(team: Team, name: str) -> None:
    text = (resources.files("models.processes") / f"{name}.toml").read_text(encoding="utf-8")
    team.process = read_process_text(text, name)
    await dismissed(team, 1)
    second = await dismissed(team, 2)
    assert second.noise is not None
    done = await incidents.act(second, Improve(), MEGAN, team.process)
    assert done.refusal is None
    assert [each.kind for each in done.incident.follow_ups] == ["alerting"]


async def test_a_process_without_such_a_follow_up_asks_nothing_that_it_would_refuse(team: Team) -> None:
    kinds = tuple(each for each in team.process.follow_ups if each.key != "alerting")
    team.process = replace(team.process, follow_ups=kinds)
    await dismissed(team, 1)
    assert (await dismissed(team, 2)).noise is None


async def test_one_rule_on_several_resources_is_one_source_of_noise(team: Team) -> None:
    for number in (1, 2, 3):
        done = await dismissed(team, number, fingerprint=f"gcp|incident|{number}", resource=f"db-{number % 2}")
    assert done.noise is not None
    assert (done.noise.dismissed, done.noise.incidents, done.noise.resources) == (3, (1, 2, 3), ("db-1", "db-0"))
    assert "3 times on 2 resources" in card(team, done)
    assert "(#1, #2, #3)" in card(team, done)
    await incidents.act(done, Improve(), MEGAN, team.process)
    await team.delivered()
    (issue,) = team.server.issues
    assert "Incidents 1, 2, 3. It spoke of 2 resources: db-1, db-0." in issue.description
    assert "#1" not in issue.description  # which would be an issue of the tracker
    other = await dismissed(team, 4, fingerprint="gcp|incident|4", title="Another rule")
    assert other.noise is None


async def test_incidents_of_before_are_found_by_their_rule_after_an_upgrade(team: Team) -> None:
    await dismissed(team, 1, fingerprint="one")
    connection = connections.get("default")
    await connection.execute_query("UPDATE incidents SET policy = ''")  # as it was before the column was there
    upgrade = importlib.import_module("models.migrations.0006_incidents_by_their_policy")
    await upgrade.fill(None, SimpleNamespace(client=connection))
    second = await dismissed(team, 2, fingerprint="two")
    assert second.noise is not None
    assert second.noise.incidents == (1, 2)


async def test_what_is_private_is_no_part_of_what_a_public_card_tells(team: Team) -> None:
    await dismissed(team, 1, fingerprint="one")
    await incidents.act(await incidents.load(1), Reopen("it is"), ADA, team.process)
    await incidents.act(await incidents.load(1), MarkPrivate("a key"), ADA, team.process)
    await incidents.act(await incidents.load(1), Dismiss("no key"), ADA, team.process)
    second = await dismissed(team, 2, fingerprint="two")
    assert second.noise is None


async def test_considered_and_left_is_an_answer_too(team: Team) -> None:
    await dismissed(team, 1)
    second = await dismissed(team, 2)
    done = await incidents.act(second, Improve(wanted=False), MEGAN, team.process)
    assert done.incident.noise is not None
    assert done.incident.noise.answered
    await team.delivered()
    assert team.server.issues == []


async def test_only_what_was_dismissed_twice_has_such_an_answer(team: Team) -> None:
    first = await dismissed(team, 1)
    done = await incidents.act(first, Improve(), MEGAN, team.process)
    assert isinstance(done.refusal, Refusal)
