"""What people do in GitLab reaches the incident, naming who did it; Wilson's own doings come back as nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from bot.hearing import Listener
from models import directory, queue, store
from models.domain.effects import Tell
from models.domain.incident_effects import ReadIssue
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.requests import AddNote, Assess, Claim, HandOver, Reopen, Resolve
from models.domain.timeline import Verb
from models.operations import incidents
from models.process_file import read_process_text
from tests.integration.test_gitlab_outbox import ADA, MEGAN, OVER, Team, team
from tests.support.gitlab import Fault
from tests.support.gitlab_contract import needs_contracts
from tests.support.gitlab_state import User

__all__ = ["team"]
pytestmark = needs_contracts
REVIEW = "workflow::Review Required"


async def raised(team: Team) -> None:
    """Have an incident that Ada owns, known to GitLab, of which nothing is waiting."""
    await directory.remember_people([ADA, MEGAN])
    await team.around.refresh()
    await team.fires()
    await team.asks(Claim())
    await team.delivered()
    await heard(team)


async def heard(team: Team) -> Incident:
    """Read the issue, as the webhook or the look behind it would have it."""
    await store.leave([ReadIssue(1)])
    await team.delivered()
    return await incidents.load(1)


async def told(incident_id: int = 1) -> list[tuple[str, str]]:
    entries = await store.timeline(incident_id)
    return [
        (str(each.data["what"]), each.actor.name if each.actor else "")
        for each in entries
        if each.verb is Verb.HEARD
    ]


async def test_our_own_doings_do_not_come_back(team: Team) -> None:
    await raised(team)
    await team.asks(AddNote("looking"))
    await team.asks(Assess({}, "resolve_internally", "few people"))
    await team.asks(HandOver(MEGAN))
    await team.delivered()
    for _ in range(3):
        assert (await heard(team)).owner == MEGAN
    await team.asks(Resolve(OVER), MEGAN)
    await heard(team)
    await team.asks(Reopen("again"), MEGAN)
    await heard(team)
    assert await told() == []
    asked = len(team.server.asked)
    await heard(team)
    assert team.server.asked[asked:] == ["GET issue"]  # nothing has changed: one look


async def test_who_closed_and_reopened_it_is_told_and_the_incident_follows(team: Team) -> None:
    await raised(team)
    team.server.acts("mb2345", "close")
    assert (await heard(team)).state is State.CLOSED
    team.server.acts("ak101", "reopen")
    assert (await heard(team)).state is State.OPEN
    assert await told() == [("closed", "Megan Byte"), ("reopened", "Ada Example")]
    assert (await heard(team)).state is State.OPEN
    assert len(await told()) == 2


async def test_who_is_assigned_there_owns_it(team: Team) -> None:
    await raised(team)
    team.server.acts("mb2345", "assign", "mb2345")
    assert (await heard(team)).owner == MEGAN
    team.server.acts("mb2345", "assign", "stranger")
    owner = (await heard(team)).owner
    assert owner == Person("", "stranger", username="stranger")
    team.server.acts("mb2345", "assign", "")
    assert (await heard(team)).owner is None
    assert await told() == [("assigned", "Megan Byte")] * 3
    assert [each.username for each in team.server.issues[0].assignees] == []


async def test_the_review_label_resolves_it_and_taking_it_off_reopens_it(team: Team) -> None:
    await raised(team)
    team.server.acts("mb2345", "label", REVIEW)
    incident = await heard(team)
    assert (incident.state, incident.resolution) == (State.RESOLVED, None)
    team.server.acts("mb2345", "unlabel", REVIEW)
    assert (await heard(team)).state is State.OPEN
    assert await told() == [("review", "Megan Byte"), ("reopened", "Megan Byte")]


@pytest.mark.parametrize("name", ["modernisation_platform", "tis", "twoi2c", "wellcome"])
async def test_only_the_reviews_own_label_resolves_it_where_others_are_on_it_from_the_beginning(
    team: Team, name: str
) -> None:
    text = (resources.files("models.processes") / f"{name}.toml").read_text(encoding="utf-8")
    process = read_process_text(text, name)
    labels = (process.incident_labels, process.review_labels, process.closed_labels)
    team.process = team.around.process = replace(
        team.process, incident_labels=labels[0], review_labels=labels[1], closed_labels=labels[2]
    )
    common, (own,) = labels[0][0], process.awaits_review
    assert common in process.review_labels
    await raised(team)
    for act in ("unlabel", "label"):
        team.server.acts("mb2345", act, common)
        assert (await heard(team)).state is State.OPEN
    team.server.acts("mb2345", "label", own)
    assert (await heard(team)).state is State.RESOLVED
    team.server.acts("mb2345", "unlabel", own)
    assert (await heard(team)).state is State.OPEN
    for request in (Assess({}, "resolve_internally", "few"), Resolve(OVER), Reopen("again")):
        await team.asks(request)
        await team.delivered()
    assert (await heard(team)).state is State.OPEN  # the label that we set ourselves is off again
    assert set(team.server.issues[0].labels) == set(process.incident_labels)


async def test_a_severity_set_there_is_kept_until_the_urgency_is_set_anew(team: Team) -> None:
    await raised(team)
    team.server.acts("mb2345", "severity", "CRITICAL")
    assert (await heard(team)).tracker_severity == "critical"
    await team.asks(HandOver(MEGAN))
    await team.delivered()
    assert team.server.issues[0].severity == "CRITICAL"
    await team.asks(Assess({}, "resolve_internally", "few"), MEGAN)
    await team.delivered()
    assert team.server.issues[0].severity != "CRITICAL"
    assert await told() == [("severity", "Megan Byte")]


async def test_comments_of_people_are_told_once_and_not_repeated_in_the_channel(team: Team) -> None:
    await raised(team)
    team.server.acts("mb2345", "comment", "the password is hunter2 @all")
    team.server.acts("ak101", "comment", "thanks")
    await heard(team)
    await heard(team)
    assert await told() == [("commented", "Megan Byte, Ada Example")]
    entry = next(each for each in await store.timeline(1) if each.verb is Verb.HEARD)
    assert "hunter2" not in repr(entry)
    team.server.mentioned.clear()


@pytest.mark.parametrize(
    ("what", "argument", "where"), [("move", "iam/other#3", "moved to iam/other#3"), ("delete", "", "deleted")]
)
async def test_an_issue_that_is_gone_is_said_once_and_left_alone(
    team: Team, what: str, argument: str, where: str
) -> None:
    await raised(team)
    team.server.acts("mb2345", what, argument)
    assert (await heard(team)).issue_gone.startswith(where)
    await team.asks(AddNote("still looking"))
    await team.asks(HandOver(MEGAN))
    await team.delivered()
    assert [each for each, _ in await told()] == ["gone"]
    assert await queue.waiting() == []


async def test_an_issue_that_was_hidden_for_a_while_is_kept_again(team: Team) -> None:
    await raised(team)
    hidden = team.server.issues.pop()
    assert (await heard(team)).issue_gone.startswith("deleted")
    await team.asks(HandOver(MEGAN))
    await team.delivered()
    team.server.issues.append(hidden)
    assert (await heard(team)).issue_gone == ""
    assert [each.username for each in hidden.assignees] == ["mb2345"]
    assert [each for each, _ in await told()] == ["gone", "back"]


async def test_a_project_that_is_hidden_loses_no_issue(team: Team) -> None:
    await raised(team)
    team.server.faults = [Fault(each, 404) for each in ("GET issue", "GET project")]
    assert (await heard(team)).issue_gone == ""
    assert await told() == []


async def test_whom_gitlab_will_not_have_as_assignee_stays_the_owner(team: Team) -> None:
    await raised(team)
    team.server.not_assignable.add("mb2345")
    await team.asks(HandOver(MEGAN))
    await team.delivered()
    assert team.server.issues[0].assignees == []
    assert (await heard(team)).owner == MEGAN
    assert await told() == []


async def test_of_two_at_once_the_newest_wins_and_nothing_flaps(team: Team) -> None:
    team.server.users.append(User(4, "ct1", "Chris Third"))
    chris = Person("aad-9", "Chris Third", "29:9", "ct1")
    await raised(team)
    # Megan takes it in GitLab; a moment later Ada hands it to Chris in Teams, before anybody looked
    team.server.acts("mb2345", "assign", "mb2345", at=datetime.now(UTC) - timedelta(minutes=1))
    await team.asks(HandOver(chris))
    await team.delivered()
    for _ in range(3):
        assert (await heard(team)).owner == chris
    assert [each.username for each in team.server.issues[0].assignees] == ["ct1"]
    # and the other way round: the hand-over is older than what Megan does in GitLab before it is delivered
    await team.asks(HandOver(ADA), chris)
    team.server.acts("mb2345", "assign", "mb2345", at=datetime.now(UTC) + timedelta(seconds=1))
    await team.delivered()
    for _ in range(3):
        assert (await heard(team)).owner == MEGAN
    assert [each.username for each in team.server.issues[0].assignees] == ["mb2345"]


async def test_the_look_behind_the_webhook_finds_what_changed(team: Team) -> None:
    await raised(team)
    listener = Listener(team.tracker, 300, lambda: None)
    now = datetime.now(UTC)
    await listener.look(now)
    await team.delivered()
    team.server.acts("mb2345", "close")
    await listener.look(now + timedelta(minutes=5))
    assert [each.kind for each in await queue.waiting()] == ["ReadIssue"]
    await team.delivered()
    assert (await incidents.load(1)).state is State.CLOSED


async def test_a_refused_token_is_told_once_and_so_is_its_return(team: Team) -> None:
    await raised(team)
    team.server.faults.append(Fault("GET issue", 401, times=3))
    for text in ("one", "two", "three"):
        await team.asks(AddNote(text))
    await store.leave([ReadIssue(1)])
    await team.delivered()
    posted = [str(body) for _, _, body, _ in team.teams.asked if "issue tracker" in str(body)]
    assert len([each for each in posted if "does not let me in" in each]) == 1
    assert len([each for each in posted if "lets me in again" in each]) == 1
    assert not any(isinstance(each.effect, Tell) for each in await queue.waiting())
