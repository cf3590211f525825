"""The whole story of a request for access in a real client: two people, one of whom may not decide."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from cards.case_actions import encode_case
from demo.people import DEVS_CHANNEL, GENERAL_CHANNEL, TEAMMATES, VIEWER
from tests.support.apigee import ORGANIZATION, Apigee
from tests.support.playground import Client, until
from tests.support.program import Program

pytestmark = pytest.mark.acceptance
Start = Callable[[str], Awaitable[Client]]
SANA = TEAMMATES[0]
SHIPPED = Path("models/processes/wilson.toml")


@dataclass
class Scene:
    """The program, and the gateway that it speaks to."""

    wilson: Program
    apigee: Apigee


@pytest.fixture
async def scene(tmp_path: Path, real_client: None) -> AsyncIterator[Scene]:
    process = SHIPPED.read_text().replace("approvers = []", f'approvers = ["{VIEWER.aad_object_id}"]')
    (tmp_path / "team.toml").write_text(process)
    async with Apigee().running() as apigee:
        app = apigee.add("room-finder", ["university-card-v1"], team="estates-web")
        app["appId"] = "2f6d4c1a-88b3-4e0f-9a57-5b1c3d7e9f02"
        apigee.products["university-card-v1"]["displayName"] = "University Card"
        apigee.groups["estates-web"] = {"name": "estates-web", "displayName": "Estates web team"}
        more = (
            f'[apigee]\nkind = "apigee"\nbase_url = "{apigee.url}"\norganization = "{ORGANIZATION}"\n'
            f'credentials = "{apigee.credentials(tmp_path)}"\n[process]\npath = "{tmp_path}/team.toml"\n'
        )
        async with Program(tmp_path, more).running() as program:
            yield Scene(program, apigee)
        assert apigee.violations == []


def letters(wilson: Program) -> list[bytes]:
    """Return what was sent: a folder mailbox delivers to itself, and knows its own letters again."""
    files = [*(wilson.folder / "mail").rglob("*.eml"), *(wilson.folder / "mail").rglob("*.part")]
    return [raw for file in files if b"X-Wilson-Letter" in (raw := file.read_bytes())]


def answer(wilson: Program, raw: bytes, text: str) -> None:
    letter = message_from_bytes(raw, policy=policy.default)
    mail = (
        f"From: Keiko <keiko@example.com>\nTo: identity@example.com\nSubject: Re: {letter['Subject']}\n"
        f"Message-ID: <answer-1@example.com>\nIn-Reply-To: {letter['Message-ID']}\n"
        f"Date: Fri, 20 Nov 2026 10:00:00 +0000\n\n{text}\n\n> {letter.get_content()[:40]}\n"
    )
    (wilson.inbox / "answer.tmp").write_text(mail)
    (wilson.inbox / "answer.tmp").rename(wilson.inbox / "answer.eml")


async def test_a_request_is_checked_asked_about_and_given(scene: Scene, playground: Start, pictures: Path) -> None:
    wilson, apigee = scene.wilson, scene.apigee
    client = await playground(wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("Wilson is here")
    await client.open_channel(GENERAL_CHANNEL)
    wilson.send("access-request")
    await client.shows("Room Finder")
    thread = client.thread("Room Finder")
    await thread.card.shows("Estates web team")
    await thread.card.shows("2 times")  # the gateway and the mail told of the same request
    await client.screenshot(pictures / "access-request.png", height=1100)

    post, sana = client.tap.post("Room Finder"), client.colleague(SANA)
    seen = await sana.click(post, "Decide")
    assert seen is not None
    assert "case_approve" not in str(seen["value"])
    assert "decide about this" in str(seen["value"])
    forged = {"type": "Action.Execute", "verb": "case_approve", "data": encode_case("case_approve", case=1)}
    refused = await sana.invoke(post, forged)
    assert refused is not None
    assert "Only those whom the process names" in str(refused["value"])
    assert apigee.approved == []

    await thread.card.click("Decide")
    await thread.card.click("Take")
    await thread.shows(f"{VIEWER.name} has taken this")
    await until(lambda: wilson.waiting() == 0)  # nothing renews the card while the form is filled in
    await thread.card.shows("Decide")  # this client knows no card of one's own: it shows what everybody sees
    await thread.card.click("Decide")
    await thread.card.click("More")
    await thread.card.click("Ask why")
    await thread.card.shows("It goes out in the team's name")
    await client.screenshot(pictures / "access-letter.png", height=1100)
    await thread.card.click("Send this mail")
    await thread.shows("waiting for the answer")
    await until(lambda: len(letters(wilson)) == 1)
    answer(wilson, letters(wilson)[0], "Porters want to see which doors a card opens.")
    await thread.shows("which doors a card opens")

    await until(lambda: wilson.waiting() == 0)
    await thread.card.click("Decide")
    await thread.card.click("Tick checks")
    await thread.card.fill(
        {
            "The requester may see personal information (IT or computer officer staff)": True,
            "The app is on the list CARD_READER, and that is deployed": True,
            "How do you know?": "she is a computer officer, !31 is deployed",
        }
    )
    await thread.card.click("Tick")
    await until(lambda: wilson.waiting() == 0)
    await thread.card.click("Decide")
    await thread.card.shows("All checks hold")
    await client.screenshot(pictures / "access-checked.png", height=1300)
    await thread.card.click("Approve")
    await thread.shows("The gateway says that access is given")
    await thread.card.shows("Done")
    await client.screenshot(pictures / "access-done.png", height=1400)
    assert apigee.approved == [("key/1", "university-card-v1")]
    await until(lambda: 'state: "closed"' in wilson.issues()[0])
    (issue,) = wilson.issues()
    for part in (
        "issuetype::Support",
        "team::Identity",
        "keiko",
        "2f6d4c1a",
        "computer officer",
        "access is given",
    ):
        assert part in issue

    await client.say("access list")
    await client.shows("No request for access waits")
    assert f"{SANA.aad_object_id} may not decide about case 1" in (wilson.folder / "log").read_text()


async def test_a_support_procedure_is_begun_by_a_form_and_ticked(
    scene: Scene, playground: Start, pictures: Path
) -> None:
    client = await playground(scene.wilson.bot_url)
    await client.open_channel(DEVS_CHANNEL)
    await client.shows("Wilson is here")
    await client.say("support drive")
    await client.shows("CRSId(s) of the users who left")
    form = client.thread("Somebody needs files")
    await form.card.fill({"HALO ticket (number or address)": "4711", "CRSId(s) of the users who left": "xyz98"})
    await form.card.click("Begin")
    await client.shows("Its card follows")
    thread = client.thread("xyz98")
    await thread.card.shows("Next: Assign the HALO ticket")
    await thread.card.click("Tick steps")
    await thread.card.fill({"Assign the HALO ticket to yourself": True})
    await thread.card.click("Tick")
    await thread.say("done restored")
    await thread.shows("Restore the files")
    await client.screenshot(pictures / "support.png", height=1300)
    await until(lambda: "xyz98" in scene.wilson.issues()[0])
