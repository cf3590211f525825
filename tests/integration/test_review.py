"""The incident review: what awaits it, and closing, which the issue follows."""

from __future__ import annotations

from bot.places import Place
from models.domain.incidents import State
from models.domain.requests import Assess, Close, Reopen, Resolve
from models.operations import incidents
from tests.integration.test_gitlab_hearing import heard, raised, told
from tests.integration.test_gitlab_outbox import ADA, MEGAN, OVER, Team, team
from tests.support.botframework import TENANT
from tests.support.gitlab_contract import needs_contracts
from tests.support.handling import speech_of

__all__ = ["team"]
pytestmark = needs_contracts


async def say(team: Team, text: str) -> str:
    before = len(team.teams.asked)
    channel = "19:devs@thread.tacv2"
    place = Place(f"{text}:{before}", channel, "", channel, team.teams.url, TENANT, text)
    await speech_of(team.around).say(text, [], ADA, place)
    await team.delivered()
    return str([body for _, _, body, _ in team.teams.asked[before:]])


async def resolved(team: Team) -> None:
    await raised(team)
    await team.asks(Assess({"users": 50, "critical": False, "workaround": False, "self_resolved": False}))
    await team.asks(Resolve(OVER))
    await team.delivered()


async def test_the_review_lists_what_is_resolved_and_closes_it_with_its_issue(team: Team) -> None:
    assert "Nothing awaits the incident review" in await say(team, "review")
    await resolved(team)
    listed = await say(team, "review")
    assert "1 awaits the incident review" in listed
    assert "1 follow-up" in listed
    await team.asks(Close("watch the cache"), MEGAN)
    await team.delivered()
    (issue, *_) = team.server.issues
    assert issue.state == "closed"
    assert any("watch the cache" in note.body for note in issue.notes)
    for _ in range(3):
        assert (await heard(team)).state is State.CLOSED
    assert await told() == []  # our own closing is not taken for somebody else's
    assert "Nothing awaits" in await say(team, "review ")


async def test_reopening_after_the_review_opens_the_issue_again(team: Team) -> None:
    await resolved(team)
    await team.asks(Close(), ADA)
    await team.delivered()
    await team.asks(Reopen("it is back"), ADA)
    await team.delivered()
    assert team.server.issues[0].state == "opened"
    for _ in range(3):
        assert (await heard(team)).state is State.OPEN
    assert await told() == []


async def test_what_is_open_is_not_closed(team: Team) -> None:
    await raised(team)
    done = await incidents.act(await incidents.load(1), Close(), ADA, team.process)
    assert done.refusal is not None
    assert "resolve it first" in done.refusal.text
    assert team.server.issues[0].state == "opened"
