"""The whole story in a real client: mails arrive, cards appear, an incident is handled from claim to resolved."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from demo.people import DEVS_CHANNEL, GENERAL_CHANNEL, TEAMMATES, VIEWER
from tests.support.playground import Client, until
from tests.support.program import Program

pytestmark = pytest.mark.acceptance
Start = Callable[[str], Awaitable[Client]]
SANA, JONAS = TEAMMATES[0], TEAMMATES[1]
NO = "No"


@pytest.fixture
async def wilson(tmp_path: Path, real_client: None) -> AsyncIterator[Program]:
    async with Program(tmp_path).running() as program:
        yield program


async def test_from_a_mail_to_resolved_by_buttons(wilson: Program, playground: Start, pictures: Path) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("Wilson is here")

    wilson.send("gcp-firing")
    await client.shows("Sign-in is slow")
    thread = client.thread("Sign-in is slow")
    await client.screenshot(pictures / "candidate.png", height=1000)

    wilson.send("gcp-repeats")
    await thread.card.shows("twice")
    assert await client.threads.filter(has_text="Sign-in is slow").count() == 1

    await thread.card.click("Claim")
    await thread.card.shows(VIEWER.name)
    await thread.shows(f"{VIEWER.name} owns this")

    post = client.tap.post("Sign-in is slow")
    answer = await client.colleague(SANA).click(post, "Take over")
    assert answer is not None
    assert VIEWER.name in str(answer["value"])

    await thread.card.click("Urgency")
    await thread.card.fill(
        {
            "How many users can't do their work?": 5,
            "Is it critical work?": NO,
            "Is there a workaround, or does business go on as usual?": NO,
            "Has it resolved itself?": NO,
            "Does it stop further development work?": NO,
        }
    )
    await client.screenshot(pictures / "urgency-form.png", height=1300)
    await thread.card.click("Set the urgency")
    await thread.card.shows("Resolve internally")
    await client.screenshot(pictures / "claimed.png", height=1100)

    await thread.say("note observation: the token cache was cold after the deployment")
    await thread.shows("Noted in the issue")

    wilson.send("gcp-recovered")
    await thread.shows("That alone does not resolve the incident")
    await client.screenshot(pictures / "thread.png", height=1300)

    await thread.card.click("Resolve")
    await thread.card.fill({"Has it stopped occurring?": "Yes"})
    await thread.card.click("Resolve")
    await thread.card.shows("Name the cause")
    await thread.card.fill(
        {"What was the cause?": "The token cache was emptied by the deployment", "Was anything rolled back?": NO}
    )
    await thread.card.fill({"It was hotfixed, and a more lasting solution is wanted": True})
    await client.screenshot(pictures / "resolve-form.png", height=1600)
    await thread.card.click("Resolve")
    await thread.card.shows("Resolved incident")
    await thread.shows("resolved this")
    await until(lambda: len(wilson.issues()) == 2)
    await client.screenshot(pictures / "resolved.png", height=1200)

    incident, follow_up = wilson.issues()
    assert "token cache was cold" in incident
    assert '"workflow::Review Required"' in incident
    assert "workflow::In Progress" not in incident.split("---")[1]
    assert 'state: "opened"' in incident
    assert "incident-remedial" in follow_up


async def test_an_urgent_incident_by_commands(wilson: Program, playground: Start) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("Wilson is here")
    await client.say("incident Nobody can sign in; description: since nine, all apps")
    await client.shows("Declared as incident")
    await until(lambda: any("Nobody can sign in" in post.text for post in client.tap.posts))
    thread = client.thread("As of ")

    await thread.say("claim")
    await thread.shows(f"{VIEWER.name} owns this")
    await thread.say("urgency users=150 critical=no workaround=no self_resolved=no development_blocked=no")
    await thread.shows("Major Incident Process")
    await thread.say("resolve over=yes; cause: a bad certificate; rolled back: none; none: renewed")
    await thread.shows("decision is not recorded")
    await thread.say(f"decide internal with {SANA.name}, {JONAS.name}")
    await thread.shows("decided")
    await thread.say("hlep")
    await thread.shows("Did you mean")
    await thread.say("resolve over=yes; cause: a bad certificate; rolled back: none; none: renewed and monitored")
    await thread.shows("resolved this")
    await client.say("list")
    await client.shows("no unfinished incident")


async def test_other_mail_finds_its_place(wilson: Program, playground: Start, pictures: Path) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(GENERAL_CHANNEL)
    wilson.send("access-request")
    await client.shows("Room Finder")
    await client.open_channel(DEVS_CHANNEL)
    wilson.send("unknown")
    await client.shows("Humidity in rack room 2")
    await client.screenshot(pictures / "unrecognised.png", height=800)
    thread = client.thread("Humidity in rack room 2")
    await thread.card.click("Make it a candidate")
    await client.shows("Candidate incident")
    for folder, count in (("processed", 1), ("unrecognised", 1)):
        await until(
            lambda folder=folder, count=count: len(list((wilson.folder / "mail" / folder).iterdir())) == count
        )
    assert list(wilson.inbox.iterdir()) == []


async def test_a_mail_in_anothers_name_waits_for_a_person(
    wilson: Program, playground: Start, pictures: Path
) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    wilson.send("imitation")
    await client.shows("A mail whose sender is not confirmed")
    await client.screenshot(pictures / "unverified.png", height=900)
    thread = client.thread("Billing account suspended: confirm")
    await thread.card.click("Not ours")
    await client.shows("says that it is not ours")
    wilson.send("imitation", incident="z9y8x7w6v5u5", unique="another")
    await client.shows("It is genuine")
    assert wilson.issues() == []


async def test_a_failed_pipeline_is_fixed_and_merged_into_another(wilson: Program, playground: Start) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    wilson.send("alert-triggered")
    await client.shows("Login errors above 5%")
    wilson.send("pipeline-failed")
    await client.shows("Failed pipeline for main")
    thread = client.thread("Failed pipeline for main")
    wilson.send("pipeline-fixed")
    await thread.shows("That alone does not resolve the incident")
    await thread.say("merge into 1")
    await thread.card.shows("part of incident")
    wilson.send("pipeline-failed", pipeline="4800")
    whole = client.thread("merged incident 2 into this one")
    await whole.card.shows("3 times")


async def test_killed_in_the_middle_it_goes_on_where_it_was(wilson: Program, playground: Start) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    wilson.send("gcp-firing")
    await client.shows("Sign-in is slow")
    await wilson.stop(signal.SIGKILL)
    wilson.send("gcp-repeats")
    await wilson.start()
    thread = client.thread("Sign-in is slow")
    await thread.card.shows("twice")
    await thread.card.click("Claim")
    await thread.shows(f"{VIEWER.name} owns this")
    assert await client.threads.filter(has_text="Sign-in is slow").count() == 1
    assert await wilson.stop() == 0


async def test_every_button_under_more_can_be_pressed(wilson: Program, playground: Start) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("Wilson is here")
    wilson.send("gcp-firing")
    await client.shows("Sign-in is slow")
    thread = client.thread("Sign-in is slow")
    await thread.card.click("Claim")
    await until(lambda: len(wilson.issues()) == 1 and wilson.waiting() == 0)
    await thread.card.shows("Issue 1")
    await thread.card.click("More")
    for button in ("Link", "Change by hand", "Merge", "Update stakeholders", "Security"):
        await thread.card.shows(button)
    await thread.card.click("Story")
    await thread.card.shows("The story, to be copied")
    await thread.card.click("Back")
    await thread.card.shows("How bad is it?")


async def test_the_review_and_a_shift_are_gone_through_on_their_cards(
    wilson: Program, playground: Start, pictures: Path
) -> None:
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("Wilson is here")
    for mail, title in (("gcp-firing", "Sign-in is slow"), ("pipeline-failed", "Failed pipeline for main")):
        wilson.send(mail)
        await client.shows(title)
        thread = client.thread(title)
        await thread.say("claim")
        await thread.shows("owns this")
        await thread.say("urgency users=5 critical=no workaround=no self_resolved=no development_blocked=no")
        await thread.shows("Resolve internally")
    parked = client.thread("Failed pipeline for main")
    await parked.say("put off until tomorrow 10:00: the runner's new disk")
    await parked.shows("put this off until")
    await parked.card.shows("the runner's new disk")

    await client.say("shift")
    await client.shows("Shift hand-over")
    shift = client.thread("Shift hand-over")
    await shift.card.shows("Put off (1)")
    await client.screenshot(pictures / "shift.png", height=900)
    await shift.card.click("Taken over")
    await shift.card.shows(f"{VIEWER.name} took over")

    thread = client.thread("Request latency of sign-in-api")
    await thread.say("resolve over=yes; cause: a bad certificate; rolled back: none; none: renewed")
    await thread.shows("resolved this")
    await client.say("review")
    await until(
        lambda: any(
            "awaits the incident review" in post.text and "Discuss" in post.text for post in client.tap.posts
        )
    )
    review = client.thread("Raise follow-up")
    await review.card.click("Discuss")
    await review.card.shows("What happened")
    await client.screenshot(pictures / "review.png", height=1100)
    said = "What the review says: what was learnt, what it waits for, a further concern"
    await review.card.fill({said: "Renew certificates before they end"})
    await review.card.click("Close")
    await client.shows("All are done")
    await until(lambda: 'state: "closed"' in wilson.issues()[0])
    assert "workflow::Done" in wilson.issues()[0]
