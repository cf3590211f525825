"""A support call in a real client: from the queue, judged, taken by whoever knows, answered, closed."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.people import DEVS_CHANNEL, TEAMMATES, VIEWER
from tests.support.halo import CLIENT_ID, SECRET, Halo
from tests.support.playground import Client, until
from tests.support.program import Program

pytestmark = pytest.mark.acceptance
Start = Callable[[str], Awaitable[Client]]
SANA = TEAMMATES[0]


@dataclass
class Scene:
    """The program, and the service desk that it reads."""

    wilson: Program
    halo: Halo


@pytest.fixture
async def scene(tmp_path: Path, real_client: None) -> AsyncIterator[Scene]:
    halo = Halo()
    halo.ticket(4711, summary="How do I get a token for the Lookup API?", user_name="Sam Smith")
    halo.ticket(5001, summary="My printer is on fire", team="Printing", team_id=3)
    async with halo.running():
        more = (
            f'[halo]\nkind = "halo"\nbase_url = "{halo.url}"\nclient_id = "{CLIENT_ID}"\n'
            f'client_secret = "{SECRET}"\nqueue = "Wilson"\n'
        )
        async with Program(tmp_path, more).running() as program:
            yield Scene(program, halo)
        assert halo.violations == []


async def test_a_call_of_the_queue_is_asked_about_taken_answered_and_closed(
    scene: Scene, playground: Start, pictures: Path
) -> None:
    wilson, halo = scene.wilson, scene.halo
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("How do I get a token")
    thread = client.thread("How do I get a token")
    await thread.card.shows("To be judged")
    await thread.card.shows("Sam Smith")

    await thread.card.click("What is it?")
    outcome = "Somebody else may know: The team is asked; who knows takes it and answers."
    asked = {"It is": outcome, "Why, or what you ask": "Who knows about tokens?"}
    await thread.card.fill(asked)
    await thread.card.click("Judge")
    await thread.shows("asks the team: Who knows about tokens?")
    await until(lambda: wilson.waiting() == 0)
    sana = client.colleague(SANA)
    await sana.click(client.tap.post("How do I get a token"), "I know: take it")
    await thread.shows(f"{SANA.name} has taken this")
    await until(lambda: wilson.waiting() == 0)
    await sana.click(client.tap.post("How do I get a token"), "Answered")
    await thread.card.shows("Waiting for the user")

    await wilson.stop(signal.SIGKILL)
    await wilson.start()
    await client.screenshot(pictures / "call.png", height=1000)
    await thread.say("close confirmed")
    await thread.shows(f"{VIEWER.name} closed this: The user confirms that it is resolved")
    await thread.card.shows("Closed")
    await until(lambda: wilson.waiting() == 0)
    notes = [each["note_html"] for each in halo.notes(4711)]
    assert ["judged" in each or "asks the team" in each for each in notes] == [True, False]
    assert "closed this" in notes[1]
    assert not [post for post in client.tap.posts if "printer" in post.text]
