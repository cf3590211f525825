"""The service desk: calls are read, and each note is written once, whatever fails at whichever call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.adapters.halo import HaloDesk, NoDesk
from models.ports.errors import Ambiguous, Permanent, PortError, Temporary, Unauthorised
from models.ports.service_desk import ServiceDesk, SupportCall
from models.settings import Halo as HaloSettings
from tests.support.halo import CLIENT_ID, SECRET, Fault, Halo
from tests.unit.test_issue_text import HOSTILE

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MARKER = "<!-- wilson:note:17 -->"


class Clock:
    """Tells the time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def halo() -> AsyncIterator[Halo]:
    async with Halo().running() as server:
        server.ticket(4711)
        yield server
        assert server.violations == []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(halo: Halo, clock: Clock) -> AsyncIterator[Callable[..., HaloDesk]]:
    made: list[HaloDesk] = []

    def desk(**changes: Any) -> HaloDesk:
        made.append(HaloDesk(settings_of(halo.url, **changes), clock))
        return made[-1]

    yield desk
    for each in made:
        await each.close()


@pytest.fixture
def desk(make: Callable[..., HaloDesk]) -> HaloDesk:
    return make()


def settings_of(url: str, **changes: Any) -> HaloSettings:
    given = {"kind": "halo", "base_url": url, "client_id": CLIENT_ID, "client_secret": SecretStr(SECRET)}
    return HaloSettings(**(given | {"timeout_seconds": 0.3} | changes))


# -- reading ----------------------------------------------------------------------------------------------


async def test_a_call_is_read(halo: Halo, desk: HaloDesk) -> None:
    halo.ticket(5, summary=" Can't\nlog in\u202e ", status_id=9, user_email="ada@example.org")
    url = f"{halo.url}/ticket?id=5"
    assert await desk.call("5") == SupportCall(
        "5", url, "Can't log in", "Ada Example", "ada@example.org", closed=True
    )
    found = await desk.call("4711")
    assert found is not None
    assert (found.closed, found.requester_mail) == (False, "")
    halo.ticket(6, user={"emailaddress": "ben@example.org"}, user_name=None)
    found = await desk.call("6")
    assert found is not None
    assert (found.requester, found.requester_mail) == ("", "ben@example.org")
    assert await desk.call("99") is None
    assert (halo.asked.count("GET authinfo"), len(halo.tokens)) == (1, 1)


async def test_which_statuses_are_closed_is_set(halo: Halo, make: Callable[..., HaloDesk]) -> None:
    halo.ticket(5, status_id=31)
    found = await make(closed_status_ids="9, 31").call("5")
    assert found is not None
    assert found.closed


@pytest.mark.parametrize("told", [[], "x", {}, {"id": 12}, {"id": None}])
async def test_an_answer_about_something_else_is_not_believed(halo: Halo, desk: HaloDesk, told: Any) -> None:
    halo.tickets[4711] = told or {"id": 12}
    with pytest.raises(Temporary):
        await desk.call("4711")


@pytest.mark.parametrize("key", ["", "0", "012", "-1", "4711/../1", "4711?x", "1\n", "1" * 13, "١"])
async def test_what_is_no_number_is_never_asked_for(halo: Halo, desk: HaloDesk, key: str) -> None:
    for asked in (desk.call(key), desk.note(key, "x", MARKER)):
        with pytest.raises(Permanent, match="number of a call"):
            await asked
    assert desk.url_of(key) == ""
    assert halo.asked == []


# -- notes ------------------------------------------------------------------------------------------------


async def test_a_note_is_private_and_found_again(halo: Halo, desk: HaloDesk) -> None:
    await desk.note("4711", "one\ntwo", MARKER)
    await desk.note("4711", "one\ntwo", MARKER)
    (note,) = halo.notes(4711)
    assert (note["ticket_id"], note["outcome"], note["hiddenfromuser"]) == (4711, "Private Note", True)
    assert note["note_html"].startswith("<p>one<br>two</p>")
    assert "wilson:note" not in note["note"]
    await desk.note("4711", "three", "<!-- wilson:note:1 -->")
    assert len(halo.notes(4711)) == 2, "the end of another marker is another marker"


async def test_another_process_finds_it_too(halo: Halo, make: Callable[..., HaloDesk]) -> None:
    await make().note("4711", "one", MARKER)
    await make().note("4711", "one", MARKER)
    assert len(halo.notes(4711)) == 1


async def test_two_at_once_write_one(halo: Halo, desk: HaloDesk) -> None:
    await asyncio.gather(*(desk.note("4711", "one", MARKER) for _ in range(5)))
    assert len(halo.notes(4711)) == 1


async def test_nothing_in_foreign_text_acts(halo: Halo, desk: HaloDesk) -> None:
    nasty = ["<script>alert(1)</script>", "</p><img src=x onerror=y>", "&lt;b&gt; \" '", "\x00\u202e", *HOSTILE]
    for number, text in enumerate(nasty):
        await desk.note("4711", text, f"<!-- wilson:note:{number} -->")
    notes = halo.notes(4711)
    assert len(notes) == len(nasty)
    assert "<script>alert(1)</script>" in notes[0]["note"], "it can be read as it was written"
    assert "\u202e" not in "".join(each["note"] for each in notes)


async def test_text_that_quotes_a_marker_keeps_no_note_out(halo: Halo, desk: HaloDesk) -> None:
    await desk.note("4711", f"{MARKER} wilson:note:17", "<!-- wilson:note:16 -->")
    await desk.note("4711", "the real one", MARKER)
    assert len(halo.notes(4711)) == 2


async def test_the_outcome_is_set_by_name_or_number(halo: Halo, make: Callable[..., HaloDesk]) -> None:
    await make(note_outcome_id=7).note("4711", "x", MARKER)
    assert halo.notes(4711)[0]["outcome_id"] == 7
    assert "outcome" not in halo.notes(4711)[0]
    with pytest.raises(Permanent, match="An Outcome must be entered"):
        await make(note_outcome="No such").note("4711", "x", "another")


async def test_a_desk_that_shows_the_note_is_told_of(
    halo: Halo, desk: HaloDesk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await desk.note("4711", "x", "hidden")
        assert caplog.text == ""
        halo.visible = True
        await desk.note("4711", "x", MARKER)
        await desk.note("4711", "x", MARKER)
    assert "halo.note_outcome" in caplog.text
    assert len(halo.notes(4711)) == 2


async def test_where_not_all_actions_are_shown_a_person_writes(halo: Halo, desk: HaloDesk) -> None:
    for number in range(3):
        await desk.note("4711", "x", f"n{number}")
    halo.limit = 2
    await desk.note("4711", "x", "n2")  # among those that are shown
    with pytest.raises(Permanent, match="2 of the 3 actions"):
        await desk.note("4711", "x", "new")
    assert len(halo.notes(4711)) == 3


CALLS = ("GET authinfo", "POST token", "GET actions", "POST actions")
FAULTS: dict[tuple[str | int, str], tuple[type[PortError] | None, type[PortError] | None]] = {
    # What befalls a call: what is raised where it may be repeated, and what at the note itself.
    ("drop before", ""): (Temporary, Ambiguous),
    ("drop after", ""): (Temporary, Ambiguous),
    ("slow", ""): (Temporary, Ambiguous),
    ("garbage", ""): (Temporary, Ambiguous),
    ("500 after", ""): (Temporary, Ambiguous),
    (500, ""): (Temporary, Ambiguous),
    (503, "20"): (Temporary, Ambiguous),
    (429, ""): (Temporary, Temporary),
    (429, "30"): (Temporary, Temporary),
    (429, "Fri, 20 Nov 2026 09:00:45 GMT"): (Temporary, Temporary),
    (401, ""): (None, None),
    (403, ""): (Permanent, Permanent),
    (404, ""): (Permanent, Permanent),
    (302, ""): (Permanent, Permanent),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("kind", "header"), FAULTS, ids=lambda each: str(each).replace(" ", "_"))
async def test_each_failure_at_each_call_leaves_one_note(
    halo: Halo, desk: HaloDesk, call: str, kind: str | int, header: str
) -> None:
    # The client itself repeats once what may be repeated, where a connection was closed on it.
    times = 2 if "drop" in str(kind) and call.startswith("GET") else 1
    halo.faults = [Fault(call, kind, {"Retry-After": header} if header else {}, times)]
    expected = FAULTS[kind, header][call == "POST actions"]
    if kind == 401 and call in CALLS[:2]:
        expected = Unauthorised
    raised: list[PortError] = []
    for _ in range(4):
        try:
            await desk.note("4711", "x", MARKER)
        except PortError as error:
            raised.append(error)
            if isinstance(error, Ambiguous):
                await asyncio.sleep(max(error.settle_after, halo.slow_seconds if kind == "slow" else 0))
    assert len(raised) == (1 if expected else 0), raised
    assert all(expected is not None and isinstance(each, expected) for each in raised)
    assert len(halo.notes(4711)) == 1
    if kind == 429:
        (error,) = raised
        assert isinstance(error, Temporary)
        assert error.retry_after == {"": 60, "30": 30}.get(header, 45)
    assert all(SECRET not in str(each) and "token-" not in str(each) for each in raised)


@pytest.mark.parametrize("kind", ["drop before", "slow", "garbage", 500, 429, 403, 404])
@pytest.mark.parametrize("call", ["GET authinfo", "POST token", "GET ticket"])
async def test_a_failure_while_reading_is_not_taken_for_no_call(
    halo: Halo, desk: HaloDesk, call: str, kind: str | int
) -> None:
    halo.faults = [Fault(call, kind, times=2)]
    if (call, kind) == ("GET ticket", 404):
        assert await desk.call("4711") is None
        return
    with pytest.raises(Permanent if kind in (403, 404) else Temporary):
        await desk.call("4711")


async def test_a_desk_that_is_away_is_temporary(clock: Clock) -> None:
    desk = HaloDesk(settings_of("http://127.0.0.1:9"), clock)
    for asked in (desk.call("1"), desk.note("1", "x", MARKER)):
        with pytest.raises(Temporary):
            await asked
    await desk.close()


# -- signing in -------------------------------------------------------------------------------------------


async def test_one_token_serves_all_until_shortly_before_its_end(halo: Halo, desk: HaloDesk, clock: Clock) -> None:
    await asyncio.gather(*(desk.call("4711") for _ in range(8)))
    assert (len(halo.tokens), halo.busiest) == (1, 1)
    clock.now = NOW + timedelta(seconds=3600 - 61)
    await desk.call("4711")
    assert len(halo.tokens) == 1
    clock.now = NOW + timedelta(seconds=3600 - 59)
    await desk.call("4711")
    assert len(halo.tokens) == 2


@pytest.mark.parametrize("lasts", [None, "soon", -5, 10**20])
async def test_a_token_that_does_not_say_how_long_it_lasts_is_used(halo: Halo, desk: HaloDesk, lasts: Any) -> None:
    halo.expires_in = lasts
    assert await desk.call("4711") is not None
    assert await desk.call("4711") is not None
    assert len(halo.tokens) == 1


async def test_a_revoked_token_is_replaced_once(halo: Halo, desk: HaloDesk) -> None:
    await desk.call("4711")
    halo.good.clear()
    await desk.note("4711", "x", MARKER)
    assert len(halo.tokens) == 2
    halo.faults = [Fault("POST actions", 401, times=9)]
    halo.asked.clear()
    with pytest.raises(Unauthorised, match=r"halo\.client_secret"):
        await desk.note("4711", "x", "another")
    assert halo.asked.count("POST actions") == 2
    halo.faults.clear()
    await desk.note("4711", "x", "another")
    assert len(halo.notes(4711)) == 2


@pytest.mark.parametrize(
    ("changes", "kind", "named"),
    [
        ({"client_secret": SecretStr("wr0ng")}, Unauthorised, "halo.client_secret"),
        ({"scope": "admin"}, Permanent, "halo.scope"),
    ],
)
async def test_a_refused_application_is_named_without_its_secret(
    halo: Halo, make: Callable[..., HaloDesk], changes: dict[str, Any], kind: type[PortError], named: str
) -> None:
    with pytest.raises(kind) as caught:
        await make(**changes).call("4711")
    assert named in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "place",
    [
        "http://auth.example.org/auth",
        "ftp://127.0.0.1/auth",
        "https://me:pw@auth.example.org",
        "//auth.example.org",
        "https:///auth",
        "https://[::1",
        "https://auth.example.org/auth?next=http://x",
    ],
)
async def test_the_secret_goes_to_no_place_that_others_hear(halo: Halo, desk: HaloDesk, place: str) -> None:
    halo.auth_url = place
    with pytest.raises(Permanent, match=r"halo\.base_url"):
        await desk.call("4711")
    assert halo.asked == ["GET authinfo"]


# -- numbers and addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("4711", "4711"),
        (" 4711\n", "4711"),
        ("https://desk.example.org/ticket?id=4711", "4711"),
        ("https://DESK.example.org:443/tickets?showmenu=false&id=4711&mainview=all", "4711"),
        ("https://desk.example.org/tickets/4711", "4711"),
        ("https://desk.example.org/portal/ticket?id=4711#top", "4711"),
        ("https://desk.example.org/?id=4711", "4711"),
        ("https://desk.example.org/ticket", ""),
        ("https://desk.example.org/kb?id=4711", ""),
        ("https://desk.example.org/ticket?id=4711&id=4712", ""),
        ("https://desk.example.org/ticket?id=4711x", ""),
        ("http://desk.example.org/ticket?id=4711", ""),
        ("https://desk.example.org:8443/ticket?id=4711", ""),
        ("https://evil.example/ticket?id=4711", ""),
        ("https://desk.example.org.evil.example/ticket?id=4711", ""),
        ("https://desk.example.org@evil.example/ticket?id=4711", ""),
        ("https://evil.example\\@desk.example.org/ticket?id=4711", ""),
        ("https://me@desk.example.org/ticket?id=4711", ""),
        ("https://[::1/ticket?id=4711", ""),
        ("https://desk.example.org:x/ticket?id=4711", ""),
        ("call 4711", ""),
        ("0", ""),
        ("", ""),
    ],
)
def test_which_call_a_text_names(text: str, key: str, clock: Clock) -> None:
    desk = HaloDesk(settings_of("https://desk.example.org/"), clock)
    assert desk.key_of(text) == key
    if key:
        assert desk.url_of(key) == "https://desk.example.org/ticket?id=4711"
        assert desk.key_of(desk.url_of(key)) == key


def test_an_address_below_a_path_is_known(clock: Clock) -> None:
    desk = HaloDesk(settings_of("https://example.org/desk"), clock)
    assert desk.key_of("https://example.org/desk/ticket?id=7") == "7"
    assert desk.key_of(desk.url_of("7")) == "7"
    assert desk.key_of("https://example.org/ticket?id=7") == ""


async def test_without_a_desk_numbers_are_known_and_nothing_else() -> None:
    desk: ServiceDesk = NoDesk()
    assert not desk.configured
    assert desk.key_of(" 4711 ") == "4711"
    assert desk.key_of("https://any.example/ticket?id=4711") == "4711"
    for text in ("http://any.example/ticket?id=4711", "https://any.example/ticket/4711", "https:///?id=1", "x", ""):
        assert desk.key_of(text) == ""
    assert desk.url_of("4711") == ""
    assert (desk.has_queue, await desk.queue()) == (False, ())
    for asked in (desk.call("4711"), desk.note("4711", "x", MARKER)):
        with pytest.raises(Permanent, match=r"halo\.kind"):
            await asked
    (finding,) = await desk.check()
    assert (finding.ok, "none is configured" in finding.text) == (True, True)
    await desk.close()


# -- doctor -----------------------------------------------------------------------------------------------


async def test_the_doctor_counts_the_calls_and_changes_nothing(halo: Halo, desk: HaloDesk) -> None:
    assert desk.configured
    (finding,) = await desk.check()
    assert (finding.subject, finding.ok, finding.text) == ("service desk", True, "127.0.0.1 shows 1 calls")
    assert halo.asked == ["GET authinfo", "POST token", "GET tickets"]


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        ("POST token", 401, "halo.client_secret"),
        ("GET authinfo", 404, "without /api"),
        ("GET tickets", 403, "docs/halo.md"),
        ("GET tickets", "garbage", "docs/halo.md"),
        ("GET tickets", 500, "docs/halo.md"),
    ],
)
async def test_the_doctor_says_what_to_do(
    halo: Halo, desk: HaloDesk, call: str, kind: str | int, said: str
) -> None:
    halo.faults = [Fault(call, kind)]
    (finding,) = await desk.check()
    assert finding.ok is False
    assert said in f"{finding.text} {finding.advice}"
