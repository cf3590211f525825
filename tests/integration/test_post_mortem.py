"""Lessons, the story to be copied, and the post-mortem document in the issue."""

from __future__ import annotations

from models.domain.requests import AddLesson, AddNote, Close, PostMortem
from models.operations import incidents
from tests.integration.test_gitlab_hearing import raised
from tests.integration.test_gitlab_outbox import ADA, MEGAN, Team, team
from tests.integration.test_review import resolved
from tests.support.gitlab_contract import needs_contracts

__all__ = ["team"]
pytestmark = needs_contracts


async def test_the_document_tells_who_did_what_when_and_what_was_learnt(team: Team) -> None:
    await resolved(team)
    await team.asks(AddNote("restarted it | @all `x`"), MEGAN)
    await team.asks(AddLesson("the rollback was quick", "well"), ADA)
    await team.asks(AddLesson("nobody saw the first mail", "badly"), ADA)
    await team.asks(PostMortem(), MEGAN)
    await team.delivered()
    (issue, *_) = team.server.issues
    documents = [note.body for note in issue.notes if "# Post-mortem of incident 1" in note.body]
    assert len(documents) == 1
    (document,) = documents
    assert "| when | who | what |" in document
    assert "restarted it" in document
    assert "@all" not in document
    assert document.index("What went well") < document.rindex("the rollback was quick")
    assert document.index("What went badly") < document.rindex("nobody saw the first mail")
    assert "blames nobody" in document
    assert "## Cause" in document
    assert "## Follow-ups" in document
    await team.asks(Close("watch the cache"), MEGAN)
    await team.asks(PostMortem(), MEGAN)
    await team.delivered()
    assert sum("# Post-mortem of" in note.body for note in issue.notes) == 2  # asked for again: as known then


async def test_an_open_incident_has_no_post_mortem_yet(team: Team) -> None:
    await raised(team)
    done = await incidents.act(await incidents.load(1), PostMortem(), ADA, team.process)
    assert done.refusal is not None
    assert "once it is resolved" in done.refusal.text


async def test_a_lesson_is_kept_once(team: Team) -> None:
    await resolved(team)
    for _ in range(2):
        await team.asks(AddLesson("mind the cache"), ADA)
    assert len((await incidents.load(1)).lessons) == 1
