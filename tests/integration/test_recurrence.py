"""A candidate's card says where the same rule alerted on the last weekdays like this one, too (T37)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from models import directory, store
from models.directory import INCIDENT
from models.domain.alerts import Alert, MailKind
from models.domain.decisions import Decision
from models.domain.incident_effects import PostCard
from models.domain.incident_parts import Privacy
from models.domain.incidents import Incident, State
from models.domain.intake import candidate
from models.domain.requests import Claim
from models.operations import incidents
from tests.integration.test_gitlab_outbox import ADA, Team, team
from tests.support.gitlab_contract import needs_contracts

__all__ = ["team"]
pytestmark = needs_contracts


async def came(weeks: int, **more: object) -> Incident:
    """Record that the alert "Alert a" came so many weeks ago, on some resource, and was over soon."""
    at = datetime.now(UTC) - timedelta(weeks=weeks)
    alert = Alert("gcp_monitoring", MailKind.FIRING, "Alert a", f"{weeks}", resource=f"vm-{weeks}")
    incident = replace(candidate(alert, at=at).incident, state=State.DISMISSED)
    return await store.create(Decision(replace(incident, **more)))  # type: ignore[arg-type] # names are checked


def posted(team: Team) -> str:
    return "\n".join(str(body) for _, _, body, _ in team.teams.asked if "AdaptiveCard" in str(body))


async def now(team: Team, number: int) -> Incident:
    await team.fires("a")
    await team.delivered()
    return await incidents.load(number)


async def test_the_card_that_is_posted_says_it(team: Team) -> None:
    for weeks in (3, 2, 1):
        await came(weeks)
    incident = await now(team, 4)
    assert incident.recurrence is not None
    weekday = f"{datetime.now(team.around.zone):%A}"
    assert (incident.recurrence.count, incident.recurrence.weekday) == (3, weekday)
    said = f"The same alert came on the last 3 {weekday}s, too"
    assert posted(team).count(said) == 1
    assert "(#1, #2, #3)" in posted(team)
    done = await incidents.act(incident, Claim(), ADA, team.process)
    await team.delivered()
    assert done.incident.recurrence == incident.recurrence
    (issue,) = team.server.issues
    assert said in issue.description


async def test_what_comes_for_the_second_time_is_no_pattern(team: Team) -> None:
    await came(1)
    incident = await now(team, 2)
    assert incident.recurrence is None
    assert "The same alert came on" not in posted(team)


async def test_another_rule_is_no_part_of_it(team: Team) -> None:
    await came(1)
    await came(2, title="Alert b")
    assert (await now(team, 3)).recurrence is None


async def test_what_is_handled_in_private_is_not_named(team: Team) -> None:
    secret = Privacy(ADA, datetime.now(UTC), "a key is out")
    await came(3)
    await came(2, privacy=secret)
    await came(1)
    assert (await now(team, 4)).recurrence is None  # the week in between is not told of


async def test_a_second_delivery_of_the_card_looks_at_nothing_anew(team: Team) -> None:
    for weeks in (2, 1):
        await came(weeks)
    incident = await now(team, 3)
    await came(3)
    (card,) = await directory.cards_of(INCIDENT, 3)
    await store.leave([PostCard(3)])
    await team.delivered()
    assert await directory.cards_of(INCIDENT, 3) == [card]
    assert (await incidents.load(3)).recurrence == incident.recurrence
