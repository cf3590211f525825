"""Lessons, the story to be copied, and the post-mortem document in the issue."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.places import Place
from cards.actions import encode
from models import directory, queue, store
from models.directory import INCIDENT
from models.domain.decisions import Decision
from models.domain.incident_effects import WritePostMortem
from models.domain.requests import AddLesson, AddNote, Close, PostMortem
from models.operations import incidents
from tests.integration.test_gitlab_hearing import raised
from tests.integration.test_gitlab_outbox import ADA, MEGAN, Team, team
from tests.integration.test_review import resolved
from tests.support.gitlab_contract import needs_contracts
from tests.support.handling import clicks_of, speech_of

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


async def place(team: Team, activity: str, content: str = "") -> Place:
    """Return a place under the incident's card; each activity is another one."""
    (card,) = await directory.cards_of(INCIDENT, 1)
    thread = card.thread
    channel = thread.conversation_id.partition(";")[0]
    url, tenant = thread.service_url, thread.tenant_id
    return Place(activity, thread.conversation_id, thread.activity_id, channel, url, tenant, content)


async def says(team: Team, activity: str, text: str) -> str:
    """Say something in the thread; return what is said there because of it."""
    before = len(team.teams.asked)
    await speech_of(team.around).say(text, [], MEGAN, await place(team, activity, text))
    await team.delivered()
    return "\n".join(str(body.get("text")) for _, _, body, _ in team.teams.asked[before:])


def documents(team: Team) -> list[str]:
    (issue, *_) = team.server.issues
    return [note.body for note in issue.notes if "# Post-mortem of incident 1" in note.body]


async def announced() -> int:
    return sum(entry.verb == "post_mortem" for entry in await store.timeline(1))


async def test_the_command_answers_with_the_document_and_writes_it_where_it_changed(team: Team) -> None:
    await resolved(team)
    told = await says(team, "1", "post-mortem")
    assert "is being written into the issue. [Issue " in told
    assert "```\n# Post-mortem of incident 1" in told
    again = await says(team, "2", "post-mortem")
    assert "stands in the issue already; nothing has changed since. [Issue " in again
    assert "```\n# Post-mortem of incident 1" in again
    assert "had the post-mortem written" not in again
    assert (len(documents(team)), await announced()) == (1, 1)
    await team.asks(Close("watch the cache"), MEGAN)
    assert "is being written" in await says(team, "3", "post-mortem")
    assert (len(documents(team)), await announced()) == (2, 2)
    assert "watch the cache" not in documents(team)[0]
    assert "watch the cache" in documents(team)[1]


async def test_the_button_shows_the_document_to_be_copied(team: Team) -> None:
    await resolved(team)
    for activity, said in (("1", "is being written"), ("2", "being written into the issue already")):
        shown = await clicks_of(team.around).press(encode("post_mortem"), MEGAN, await place(team, activity))
        assert shown.card is not None
        assert said in str(shown.card)
        (box,) = [each for each in shown.card["body"] if each["type"] == "Input.Text"]
        assert box["value"].startswith("# Post-mortem of incident 1")
    await team.delivered()
    assert (len(documents(team)), await announced()) == (1, 1)


async def test_two_people_who_ask_at_once_get_one_comment(team: Team) -> None:
    await resolved(team)
    press = clicks_of(team.around).press
    places = [await place(team, str(number)) for number in range(4)]
    await asyncio.gather(*(press(encode("post_mortem"), MEGAN, each) for each in places))
    waiting = [item for item in await queue.waiting() if item.kind == "WritePostMortem"]
    assert len(waiting) == 1
    await team.delivered()
    assert (len(documents(team)), await announced()) == (1, 1)


async def test_a_process_killed_after_the_comment_writes_no_second_one(team: Team) -> None:
    await resolved(team)
    await says(team, "1", "post-mortem")
    incident = await incidents.load(1)
    assert incident.documented is not None
    asked = replace(incident, documented=replace(incident.documented, written=False))
    await store.commit([(incident, Decision(asked, effects=(WritePostMortem(1),)))])
    await team.delivered()
    assert len(documents(team)) == 1
    assert (await incidents.load(1)).documented == incident.documented
    assert "stands in the issue already" in await says(team, "2", "post-mortem")


async def test_what_was_dropped_from_the_outbox_is_written_when_it_is_asked_for_again(team: Team) -> None:
    await resolved(team)
    await clicks_of(team.around).press(encode("post_mortem"), MEGAN, await place(team, "1"))
    await queue.drop([item.id for item in await queue.waiting() if item.kind == "WritePostMortem"])
    await team.delivered()
    assert documents(team) == []
    assert "being written into the issue already" in await says(team, "2", "post-mortem")
    assert (len(documents(team)), await announced()) == (1, 1)


async def test_a_long_one_fits_into_a_message(team: Team) -> None:
    await resolved(team)
    for number in range(60):
        await team.asks(AddNote(f"{number}: " + "x" * 400), MEGAN)
    told = await says(team, "1", "post-mortem")
    assert "earlier lines are left out" in told
    assert "59: xxx" in told
    assert all(len(each) < 13_000 for each in told.split("# Post-mortem of"))
    (document,) = documents(team)
    assert "0: xxx" in document


async def test_where_the_issue_is_gone_nothing_is_promised(team: Team) -> None:
    await resolved(team)
    incident = await incidents.load(1)
    await store.commit([(incident, Decision(replace(incident, issue_gone="it was deleted")))])
    assert "Its issue is gone" in await says(team, "1", "post-mortem")
    assert await announced() == 0


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
