"""The same alert is no incident twice: the card asks about the alerting, and the issue has the counts."""

from __future__ import annotations

from datetime import UTC, datetime

from cards.incident import incident_card
from models.domain.alerts import Alert, MailKind, Reading
from models.domain.incidents import Incident, Refusal, State
from models.domain.requests import Dismiss, Improve
from models.operations import incidents
from models.operations.alerts import record_mails
from tests.integration.test_gitlab_hearing import told
from tests.integration.test_gitlab_outbox import ADA, MEGAN, Team, team
from tests.support.gitlab_contract import needs_contracts

__all__ = ["team", "told"]
pytestmark = needs_contracts


async def dismissed(team: Team, number: int) -> Incident:
    alert = Alert(
        "gcp_monitoring", MailKind.FIRING, "CPU is high", "a", incident_url="https://console.example/policy"
    )
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
