"""The service desk and the directory: what is read, one note whatever breaks, and who is in which group."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.adapters.graph_people import GraphPeople
from bot.adapters.halo import HaloDesk
from bot.adapters.unconfigured import NoDesk, NoPeople
from models.ports import Ambiguous, Permanent, PortError, Temporary, Unauthorised
from models.settings import Halo as HaloSettings
from models.settings import Settings, SettingsError, Teams
from tests.support.apigee import Fault
from tests.support.desk import Halo, People
from wiring import desk_of, people_of

TICKET = {"id": 4711, "summary": "Files <b>please</b>", "user_name": "Sam Smith", "useremail": "sam@example.ac.uk"}


def desk(server: Halo, secret: str = "s3cret") -> HaloDesk:
    return HaloDesk(HaloSettings(base_url=server.url, client_id="wilson", client_secret=SecretStr(secret)))


async def test_a_call_is_read_with_its_requester() -> None:
    async with Halo(tickets={"4711": TICKET}).running() as server:
        halo = desk(server)
        call = await halo.call("4711")
        assert call is not None
        assert (call.subject, call.requester, call.requester_mail, call.closed) == (
            "Files <b>please</b>", "Sam Smith", "sam@example.ac.uk", False,
        )  # fmt: skip
        assert halo.key_of(call.url) == "4711"
        assert await halo.call("1") is None
        await asyncio.gather(*(halo.call("4711") for _ in range(5)))
        assert server.signed_in == 1
        await halo.close()


@pytest.mark.parametrize("kind", ["drop before", "drop after", 500, 429, 401, 403, 404, "garbage"])
@pytest.mark.parametrize("call", ["GET actions", "POST action"])
async def test_whatever_breaks_there_is_one_note_in_the_end(call: str, kind: str | int) -> None:
    async with Halo(faults=[Fault(call, kind, {"Retry-After": "3"} if kind == 429 else {})]).running() as server:
        halo = desk(server)
        failed: list[PortError] = []
        for _ in range(3):
            try:
                await halo.note("4711", "Done <script>\n& closed", "wilson-1")
            except PortError as error:
                failed.append(error)
        await halo.close()
    assert len(server.actions) == 1
    assert "&lt;script&gt;<br>&amp; closed" in server.actions[0]["note_html"]
    for error in failed:
        if kind == 429:
            assert isinstance(error, Temporary)
            assert error.retry_after == 3
        elif kind in (403, 404):
            assert isinstance(error, Permanent)
        elif kind == 401:
            assert isinstance(error, Unauthorised)
        elif call == "POST action":
            assert isinstance(error, Ambiguous)


async def test_refused_credentials_are_said() -> None:
    async with Halo().running() as server:
        halo = desk(server, "wrong")
        with pytest.raises(Unauthorised, match=r"halo\.client_id"):
            await halo.call("1")
        assert (await halo.check())[0].ok is False
        await halo.close()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("4711", "4711"),
        ("#4711 ", "4711"),
        ("https://halo.example.ac.uk/tickets?id=4711&x=1", "4711"),
        ("https://halo.example.ac.uk/ticket/4711", "4711"),
        ("https://halo.example.ac.uk/tickets", ""),
        ("https://evil.example/tickets?id=4711", ""),
        ("http://halo.example.ac.uk/tickets?id=4711", ""),
        ("ticket 4711", ""),
        ("0", ""),
        ("https://[x", ""),
    ],
)
def test_a_call_is_known_by_its_number_or_address(text: str, key: str) -> None:
    assert HaloDesk(HaloSettings(base_url="https://halo.example.ac.uk")).key_of(text) == key


async def test_without_a_desk_calls_are_links() -> None:
    none = NoDesk()
    assert none.key_of("https://any.example/tickets?id=12") == "12"
    assert (none.key_of("12"), none.key_of("x"), none.url_of("12"), none.configured) == ("12", "", "", False)
    with pytest.raises(Permanent):
        await none.call("12")


ADA = {"id": "u-1", "displayName": "Ada Example", "mail": "ada@example.ac.uk", "jobTitle": "Computer Officer",
       "department": "Physics", "userPrincipalName": "abc12@example.ac.uk"}  # fmt: skip


def people(server: People) -> GraphPeople:
    registration = Teams(app_id="a", tenant_id="tenant", app_password=SecretStr("x"), login_url=server.url)
    return GraphPeople(f"{server.url}/v1.0", registration)


async def test_people_are_found_with_the_groups_that_were_asked_for() -> None:
    groups = [{"id": f"g-{n}", "displayName": f"Group {n}"} for n in range(5)]
    async with People({"abc12@example.ac.uk": ADA}, {"u-1": groups}).running() as server:
        graph = people(server)
        found = await graph.find("abc12@example.ac.uk", ["group 4", "G-0", "Other"])
        assert found is not None
        assert (found.name, found.title, found.department) == ("Ada Example", "Computer Officer", "Physics")
        assert set(found.groups) == {"G-0", "group 4"}
        by_mail = await graph.find("ada@example.ac.uk", ["Other"])
        assert by_mail is not None
        assert (by_mail.id, by_mail.groups) == ("u-1", ())
        asked = len(server.asked)
        assert await graph.find("ABC12@example.ac.uk", ["group 4", "G-0", "Other"]) == found
        assert len(server.asked) == asked  # held for a while
        await graph.close()
        assert server.violations == []


@pytest.mark.parametrize(
    "who", ["nobody@example.ac.uk", "o'neil@example.ac.uk", "a/b?c#d", "..", "", "a\nb", "ü ö"]
)
async def test_strange_names_find_nobody_and_break_nothing(who: str) -> None:
    async with People({"abc12@example.ac.uk": ADA}).running() as server:
        graph = people(server)
        assert await graph.find(who, ["x"]) is None
        await graph.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [(401, Unauthorised), (403, Permanent), (429, Temporary), (503, Temporary), ("garbage", Temporary)],
)
async def test_what_graph_refuses_is_said(kind: str | int, error: type[PortError]) -> None:
    faults = [Fault("GET user", kind, {"Retry-After": "9"} if kind == 429 else {})]
    async with People({"abc12@example.ac.uk": ADA}, faults=faults).running() as server:
        graph = people(server)
        with pytest.raises(error) as told:
            await graph.find("abc12@example.ac.uk", [])
        assert kind != 403 or "User.Read.All" in str(told.value)
        assert await graph.find("abc12@example.ac.uk", []) is not None
        assert (await graph.check())[0].ok
        await graph.close()


async def test_without_a_directory_a_person_ticks_it() -> None:
    with pytest.raises(Permanent):
        await NoPeople().find("x", [])
    assert (await NoPeople().check())[0].ok


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"halo": {"kind": "halo"}}, "halo.base_url"),
        ({"halo": {"kind": "halo", "base_url": "http://halo.example"}}, "halo.base_url"),
        ({"halo": {"kind": "halo", "base_url": "https://halo.example"}}, "halo.client_id"),
        ({"directory": {"kind": "graph"}}, "directory.client_id"),
        ({"directory": {"kind": "graph", "client_id": "x"}}, "directory.tenant_id"),
    ],
)
def test_wrong_settings_are_named(given: dict[str, dict[str, str]], said: str) -> None:
    settings = Settings.model_validate(given)
    with pytest.raises(SettingsError, match=said):
        (desk_of if "halo" in given else people_of)(settings)


def test_the_directory_takes_what_it_lacks_from_teams() -> None:
    teams = {"app_id": "a", "tenant_id": "t", "app_password": "p"}
    assert people_of(Settings.model_validate({"directory": {"kind": "graph"}, "teams": teams})).configured
