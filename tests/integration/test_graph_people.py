"""People of the whole organisation: found by login or address, with the groups that they are in."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.adapters.graph_people import KEPT_FOR, MOST_KEPT, GraphPeople, NoPeople
from bot.adapters.tokens import directory_registration
from models.ports.errors import Permanent, PortError, Temporary, Unauthorised
from models.ports.people_directory import Member, PeopleDirectory
from models.settings import Directory, Teams
from tests.support.graph import SCHEMA, check_request
from tests.support.graph_people import CLIENT_ID, FIELDS, SECRET, TENANT, Fault, GraphDirectory

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ADA = "ada@example.org"


class Clock:
    """Tells the time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def graph(caplog: pytest.LogCaptureFixture) -> AsyncIterator[GraphDirectory]:
    caplog.set_level(logging.INFO)
    async with GraphDirectory().running() as server:
        yield server
        assert server.violations == []
        assert "@example.org" not in caplog.text


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def people(graph: GraphDirectory, clock: Clock) -> AsyncIterator[GraphPeople]:
    made = directory_of(graph.url, clock)
    yield made
    await made.close()


def directory_of(url: str, clock: Clock, **changes: Any) -> GraphPeople:
    given = {"tenant_id": TENANT, "client_id": CLIENT_ID, "client_secret": SecretStr(SECRET), "login_url": url}
    return GraphPeople(url, directory_registration(Directory(**(given | changes)), Teams()), clock)


# -- who somebody is --------------------------------------------------------------------------------------


async def test_somebody_is_found_by_login(graph: GraphDirectory, people: GraphPeople) -> None:
    ref = graph.person(ADA, "Ada.Example@example.org", displayName="Ada\n Example")
    expected = Member(ref, "Ada Example", "Ada.Example@example.org", "Computer Officer", "UIS")
    assert await people.find(f" {ADA.upper()} ", []) == expected
    assert graph.asked == ["GET user"]
    assert graph.scopes == ["https://graph.microsoft.com/.default"]


async def test_somebody_is_found_by_mail(graph: GraphDirectory, people: GraphPeople) -> None:
    ref = graph.person("ae1@example.org", ADA, jobTitle=None, department=None)
    graph.person("ben@example.org", "ben@other.example")
    assert await people.find(ADA, []) == Member(ref, "Ada Example", ADA)
    assert graph.asked == ["GET user", "GET users"]


async def test_who_is_not_known_is_nobody(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.person("ben@example.org", "ben@example.org")
    assert await people.find(ADA, ["staff"]) is None
    assert graph.asked == ["GET user", "GET users"]


async def test_an_address_of_several_people_is_nobodys(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.person("a1@example.org", ADA)
    graph.person("a2@example.org", ADA)
    with pytest.raises(Permanent, match="2 people"):
        await people.find(ADA, [])


@pytest.mark.parametrize(
    "login", ["o'brien@example.org", "x_y.example#EXT#@tenant.onmicrosoft.com", "a!b^c~d@example.org"]
)
async def test_every_letter_of_a_login_may_stand_in_an_address(
    graph: GraphDirectory, people: GraphPeople, login: str
) -> None:
    ref = graph.person(login)
    found = await people.find(login, ["staff"])
    assert found is not None
    assert (found.id, graph.asked) == (ref, ["GET user", "GET groups"])


@pytest.mark.parametrize(
    "mail",
    [
        "o'brien@example.org",
        "' or mail ne '@example.org",
        "'@example.org",
        "a/b@example.org",
        "a/../me@example.org",
        "a%2fb@example.org",
        "a?$top=1@example.org",
        "a#b@example.org",
        "a&$filter=x@example.org",
        "a+b@example.org",
        "a\\b@example.org",
        "zoë@example.org",
    ],
)
async def test_nothing_in_an_address_acts(graph: GraphDirectory, people: GraphPeople, mail: str) -> None:
    graph.person("ben@example.org", "ben@example.org")
    whole = " " not in mail
    assert await people.find(mail, []) is None
    ref = graph.person("ae1@example.org", mail)
    found = await people.find(mail, [])
    assert (found.id if found else "") == (ref if whole else "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ada",
        "me",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a\n@b",
        "a@b\nc",
        "a b@c",
        "a\x00@b",
        "x" * 257 + "@b",
        "a@b\x7f",
    ],
)
async def test_what_is_no_address_is_not_asked_for(graph: GraphDirectory, people: GraphPeople, text: str) -> None:
    assert await people.find(text, ["staff"]) is None
    assert (graph.asked, graph.scopes) == ([], [])


# -- where they are in ------------------------------------------------------------------------------------


async def test_groups_are_found_by_name_and_id_directly_and_through_others(
    graph: GraphDirectory, people: GraphPeople
) -> None:
    ref = graph.person(ADA)
    inner = graph.group("UIS Platform", ref)
    middle = graph.group("UIS", inner)
    graph.group("IT  Staff", middle)
    graph.group("Choir", ref)
    graph.group("Rowing", graph.person("ben@example.org"))
    graph.group("Chess", ref)
    asked = ["it staff", "Rowing", inner.upper(), "nowhere", "chess", "Chess", ""]
    found = await people.find(ADA, asked)
    assert found is not None
    assert found.groups == ("UIS Platform", "IT Staff", "Chess")
    assert graph.asked == ["GET user", "GET groups", "GET groups", "GET groups"], "five groups, two on a page"


async def test_no_group_is_looked_for_where_none_is_wanted(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.group("UIS", graph.person(ADA))
    found = await people.find(ADA, [" "])
    assert found is not None
    assert (found.groups, graph.asked) == ((), ["GET user"])


async def test_a_part_of_a_name_is_not_the_name(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.group("UIS Staff", graph.person(ADA))
    found = await people.find(ADA, ["UIS", "Staff", "UIS Staff 2", "aaaaaaaa"])
    assert found is not None
    assert found.groups == ()


async def test_names_that_are_not_shown_are_a_missing_permission(
    graph: GraphDirectory, people: GraphPeople
) -> None:
    group = graph.group("UIS", graph.person(ADA))
    graph.permissions = {"User.Read.All"}
    found = await people.find(ADA, [group])
    assert found is not None
    assert found.groups == (group,), "an id says enough"
    for asked in (["UIS"], [group, "UIS"]):
        with pytest.raises(Permanent, match=r"GroupMember\.Read\.All"):
            await people.find(ADA, asked)
    found = await people.find(ADA, ["aaaaaaaa-0000-0000-0000-999999999999"])
    assert found is not None
    assert found.groups == ()


async def test_a_list_goes_on_nowhere_else(graph: GraphDirectory, people: GraphPeople) -> None:
    ref = graph.person(ADA)
    for name in "abc":
        graph.group(name, ref)
    graph.next_url = "https://evil.example/v1.0/users"
    with pytest.raises(Permanent, match="another server"):
        await people.find(ADA, ["a"])


# -- memory -----------------------------------------------------------------------------------------------


async def test_what_was_found_holds_for_ten_minutes(
    graph: GraphDirectory, people: GraphPeople, clock: Clock
) -> None:
    assert timedelta(minutes=10) >= KEPT_FOR
    assert await people.find(ADA, ["UIS"]) is None
    ref = graph.person(ADA)
    found = await people.find(ADA, ["UIS"])
    assert found is not None, "who was not there is looked for again"
    group = graph.group("UIS", ref)
    clock.now = NOW + KEPT_FOR - timedelta(seconds=1)
    before = len(graph.asked)
    assert await people.find(ADA.upper(), ["uis", "UIS "]) == found
    assert len(graph.asked) == before
    other = await people.find(ADA, [group])
    assert other is not None
    assert other.groups == ("UIS",), "another question has another answer"
    clock.now = NOW + KEPT_FOR
    found = await people.find(ADA, ["UIS"])
    assert found is not None
    assert found.groups == ("UIS",)


async def test_memory_is_bounded(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.person(ADA)
    for number in range(MOST_KEPT + 3):
        await people.find(ADA, [f"g{number}"])
    assert len(people._kept) == MOST_KEPT


# -- failures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["GET user", "GET users", "GET groups"])
@pytest.mark.parametrize(
    ("kind", "expected", "wait"),
    [
        (429, Temporary, "30"),
        (429, Temporary, "Fri, 20 Nov 2026 09:00:30 GMT"),
        (429, Temporary, ""),
        (500, Temporary, ""),
        (503, Temporary, "30"),
        ("drop", Temporary, ""),
        ("garbage", Temporary, ""),
        (401, Unauthorised, ""),
        (403, Permanent, ""),
        (400, Permanent, ""),
        (302, Permanent, ""),
    ],
)
async def test_a_failure_is_not_taken_for_nobody(
    graph: GraphDirectory, people: GraphPeople, call: str, kind: str | int, expected: type[PortError], wait: str
) -> None:
    ref = graph.person("ae1@example.org", ADA)
    graph.group("UIS", ref)
    graph.faults = [Fault(call, kind, {"Retry-After": wait} if wait else {}, times=2)]
    with pytest.raises(expected) as caught:
        await people.find(ADA, ["UIS"])
    assert "@example.org" not in str(caught.value)
    if kind == 403:
        needed = "GroupMember.Read.All" if call == "GET groups" else "User.Read.All"
        assert needed in str(caught.value)
    if kind == 429:
        assert isinstance(caught.value, Temporary)
        assert caught.value.retry_after == (30 if wait else None)
    graph.faults.clear()
    found = await people.find(ADA, ["UIS"])
    assert found is not None
    assert found.groups == ("UIS",)


async def test_a_revoked_token_is_replaced_once(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.person(ADA)
    await people.find(ADA, [])
    graph.good.clear()
    assert await people.find(ADA, ["x"]) is not None
    assert len(graph.scopes) == 2
    graph.faults = [Fault("GET user", 401, times=9)]
    graph.asked.clear()
    with pytest.raises(Unauthorised, match=r"directory\.client_id"):
        await people.find(ADA, ["y"])
    assert graph.asked == ["GET user", "GET user"]


async def test_a_wrong_address_of_graph_is_not_an_empty_directory(
    graph: GraphDirectory, people: GraphPeople
) -> None:
    graph.faults = [Fault("GET user", 404), Fault("GET users", 404)]
    with pytest.raises(Permanent, match=r"directory\.base_url"):
        await people.find(ADA, [])


async def test_a_refused_application_is_named_without_its_secret(graph: GraphDirectory, clock: Clock) -> None:
    people = directory_of(graph.url, clock, client_secret=SecretStr("wr0ng"))
    with pytest.raises(Permanent, match=r"directory\.client_id") as caught:
        await people.find(ADA, [])
    assert "wr0ng" not in str(caught.value)
    assert SECRET not in str(caught.value)
    await people.close()


async def test_a_directory_that_is_away_is_temporary(clock: Clock) -> None:
    people = directory_of("http://127.0.0.1:9", clock)
    with pytest.raises(Temporary):
        await people.find(ADA, [])
    await people.close()


async def test_without_a_directory_nobody_is_looked_up() -> None:
    people: PeopleDirectory = NoPeople()
    assert not people.configured
    with pytest.raises(Permanent, match=r"directory\.kind"):
        await people.find(ADA, [])
    (finding,) = await people.check()
    assert (finding.ok, "none is configured" in finding.text) == (True, True)
    await people.close()


# -- doctor -----------------------------------------------------------------------------------------------


async def test_the_doctor_tries_both_permissions(graph: GraphDirectory, people: GraphPeople) -> None:
    graph.group("UIS", graph.person(ADA))
    assert people.configured
    assert [(each.subject, each.ok) for each in await people.check()] == [
        ("directory", True),
        ("directory groups", True),
    ]
    graph.permissions = {"User.Read.All"}
    _, finding = await people.check()
    assert (finding.ok, "GroupMember.Read.All" in finding.advice) == (False, True)
    graph.groups.clear()
    _, finding = await people.check()
    assert (finding.ok, "GroupMember.Read.All" in finding.advice) == (None, True)
    graph.permissions.clear()
    (finding,) = await people.check()
    assert (finding.ok, "User.Read.All" in finding.text) == (False, True)


@pytest.mark.parametrize("call", ["GET users", "GET groups"])
@pytest.mark.parametrize("kind", [401, 403, 404, 500, "garbage"])
async def test_the_doctor_says_what_failed(
    graph: GraphDirectory, people: GraphPeople, call: str, kind: str | int
) -> None:
    graph.person(ADA)
    graph.faults = [Fault(call, kind, times=2)]
    *_, finding = await people.check()
    assert finding.ok is False
    assert finding.advice


async def test_the_doctor_finds_an_empty_directory(graph: GraphDirectory, people: GraphPeople) -> None:
    (finding,) = await people.check()
    assert (finding.ok, "User.Read.All" in finding.advice) == (False, True)


# -- the vendor's schema ----------------------------------------------------------------------------------


@pytest.mark.skipif(not SCHEMA.exists(), reason="Microsoft's schema is not there")
def test_what_is_read_is_in_microsofts_schema() -> None:
    """The trimmed schema has the one user, not the list of users and not ``transitiveMemberOf``."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    get = schema["paths"]["/users/{user-id}"]["get"]
    (select,) = (each for each in get["parameters"] if each.get("name") == "$select")
    assert set(FIELDS) <= set(select["schema"]["items"]["enum"])
    shapes = schema["components"]["schemas"]
    for name, fields in (("user", FIELDS[1:]), ("group", ["displayName"])):
        properties = shapes[f"microsoft.graph.{name}"]["allOf"][1]["properties"]
        assert set(fields) <= set(properties)
    assert not check_request("GET", "/v1.0/users/a", "$select=id", "")
    for path in ("/v1.0/users", "/v1.0/users/a/transitiveMemberOf/microsoft.graph.group"):
        assert "not in the schema" in check_request("GET", path, "", "")
