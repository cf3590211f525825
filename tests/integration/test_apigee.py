"""Apigee: what is read, what is approved, and every failure on the way; held against Google's own document."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import googleapiclient.discovery
import httplib2
import pytest

from bot.adapters.apigee import ApigeeGateway
from bot.adapters.unconfigured import NoGateway
from fittings import gateway_of
from models.domain.gateway import GatewayApp, Grant
from models.ports.errors import Permanent, Temporary, Unauthorised
from models.settings import Apigee as ApigeeSettings
from models.settings import Settings, SettingsError
from tests.support.apigee import ORGANIZATION, SECRET, TOKEN, Apigee, Fault, discovery

CARD, LOOKUP = "university-card-v1", "lookup / read"
APPROVING = "POST appgroups/apps/keys/apiproducts"


@dataclass
class World:
    server: Apigee
    gateway: ApigeeGateway


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Apigee().running() as server:
        server.groups["team ü/1"] = {"name": "team ü/1", "displayName": "Timetabling"}
        server.add("my-timetable", [CARD, LOOKUP], team="team ü/1")
        server.add("one-man-show", [CARD], developer="abc12@example.ac.uk")
        settings = ApigeeSettings(
            kind="apigee", base_url=server.url, organization=ORGANIZATION, credentials=server.credentials(tmp_path)
        )
        gateway = ApigeeGateway(settings)
        yield World(server, gateway)
        await gateway.close()
        assert server.violations == []


async def app(world: World, number: int = 1) -> GatewayApp:
    found = await world.gateway.app(app_id=world.server.apps[number - 1]["appId"])
    assert found is not None
    return found


async def test_an_app_of_a_team_and_one_of_a_person_are_told_apart(world: World) -> None:
    team, person = await app(world), await app(world, 2)
    assert (team.team, team.team_title, team.developer, team.title) == (
        "team ü/1",
        "Timetabling",
        "",
        "My Timetable",
    )
    assert (person.team, person.developer) == ("", "abc12@example.ac.uk")
    assert team.pending() == (CARD, LOOKUP)
    assert team.created_at is not None
    assert team.console_url.startswith("https://console.cloud.google.com/apigee/apps/0")


async def test_an_app_is_found_by_its_name_or_title_where_one_alone_is_called_so(world: World) -> None:
    for name in ("my-timetable", "My Timetable", " MY TIMETABLE "):
        found = await world.gateway.app(name=name)
        assert found is not None
        assert found.app_id == world.server.apps[0]["appId"]
    assert await world.gateway.app(name="nobody") is None
    assert await world.gateway.app(name="") is None
    assert await world.gateway.app(app_id="none") is None
    world.server.add("my-timetable", [CARD], developer="x@example.ac.uk")
    assert await world.gateway.app(name="my-timetable") is None


async def test_all_pages_are_looked_through_for_what_is_pending(world: World) -> None:
    world.server.page = 7
    for number in range(20):
        made = world.server.add(f"app-{number}", [CARD], developer=f"d{number}@example.ac.uk")
        if number % 2:
            made["credentials"][0]["apiProducts"][0]["status"] = "approved"
    found = await world.gateway.pending()
    assert len(found) == 12
    assert len({each.app_id for each in found}) == 12


async def test_a_product_is_known_by_name_and_by_title(world: World) -> None:
    for name in (CARD, "University Card V1"):
        product = await world.gateway.product(name)
        assert product is not None
        assert (product.name, product.title, product.description) == (CARD, "University Card V1", f"About {CARD}")
    assert await world.gateway.product("nothing") is None


@pytest.mark.parametrize("number", [1, 2])
async def test_what_is_pending_is_approved_once_and_read_again(world: World, number: int) -> None:
    before = await app(world, number)
    after = await world.gateway.approve(before, [CARD])
    assert after.grant(CARD) is Grant.APPROVED
    again = await world.gateway.approve(before, [CARD])
    assert again.grant(CARD) is Grant.APPROVED
    assert world.server.approved == [(f"key/{number}", CARD)]
    if number == 1:
        assert after.grant(LOOKUP) is Grant.PENDING


async def test_each_usable_key_that_asks_is_approved(world: World) -> None:
    keys = world.server.apps[0]["credentials"]
    keys.append({"consumerKey": "k2", "consumerSecret": SECRET, "status": "approved",
                 "apiProducts": [{"apiproduct": CARD, "status": "pending"}]})  # fmt: skip
    keys.append({"consumerKey": "k3", "consumerSecret": SECRET, "status": "revoked",
                 "apiProducts": [{"apiproduct": CARD, "status": "pending"}]})  # fmt: skip
    await world.gateway.approve(await app(world), [CARD])
    assert world.server.approved == [("key/1", CARD), ("k2", CARD)]


@pytest.mark.parametrize("what", ["app", "key", "product", "asked"])
async def test_what_is_revoked_is_left_alone_and_shows(world: World, what: str) -> None:
    told = world.server.apps[0]
    before = await app(world)
    if what == "app":
        told["status"] = "revoked"
    elif what == "key":
        told["credentials"][0]["status"] = "revoked"
    elif what == "product":
        told["credentials"][0]["apiProducts"][0]["status"] = "revoked"
    else:
        told["credentials"][0]["apiProducts"].pop(0)
    after = await world.gateway.approve(before, [CARD])
    assert world.server.approved == []
    assert after.grant(CARD) is (None if what == "asked" else Grant.REVOKED)


async def test_an_app_that_is_gone_and_a_missing_permission_are_said(world: World) -> None:
    before = await app(world)
    world.server.may_approve = False
    with pytest.raises(Permanent, match=r"apigee\.appkeys\.manage"):
        await world.gateway.approve(before, [CARD])
    world.server.apps.clear()
    with pytest.raises(Permanent, match="gone"):
        await world.gateway.approve(before, [CARD])


@pytest.mark.parametrize("kind", ["drop before", "drop after", 500, 502, 503, 429, "garbage"])
@pytest.mark.parametrize("call", ["GET apps", "GET appgroups", APPROVING])
async def test_any_failure_in_passing_is_mended_by_doing_it_again(world: World, call: str, kind: str | int) -> None:
    before = await app(world)
    times = 2 if "drop" in str(kind) else 1  # a client repeats what may be repeated once, where it was hung up on
    world.server.faults = [Fault(call, kind, {"Retry-After": "7"} if kind == 429 else {}, times)]
    waits: list[float | None] = []
    for _ in range(4):
        try:
            after = await world.gateway.approve(before, [CARD, LOOKUP])
        except Temporary as error:
            waits.append(error.retry_after)
            continue
        break
    assert waits == ([7] if kind == 429 else waits)
    assert (after.grant(CARD), after.grant(LOOKUP)) == (Grant.APPROVED, Grant.APPROVED)
    assert sorted(world.server.approved) == [("key/1", LOOKUP), ("key/1", CARD)]


async def test_a_refused_token_is_renewed_and_refused_credentials_are_said(world: World) -> None:
    world.server.faults = [Fault("GET apps", 401)]
    with pytest.raises(Unauthorised, match=r"apigee\.credentials"):
        await app(world)
    assert (await app(world)).name == "my-timetable"
    assert world.server.signed_in == 2
    fresh = ApigeeGateway(
        ApigeeSettings(base_url=world.server.url, organization=ORGANIZATION, credentials="/no/file")
    )
    with pytest.raises(Unauthorised, match=r"apigee\.credentials"):
        await fresh.pending()
    assert [each.ok for each in await fresh.check()] == [False]
    await fresh.close()


async def test_one_token_serves_many_calls(world: World) -> None:
    await asyncio.gather(*(app(world) for _ in range(10)))
    assert world.server.signed_in == 1


async def test_secrets_reach_no_text(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found = await app(world)
    said = [repr(found), repr(await world.gateway.pending())]
    world.server.faults = [Fault(APPROVING, 400)]
    with pytest.raises(Permanent) as error:
        await world.gateway.approve(found, [CARD])
    said += [str(error.value), caplog.text]
    for text in said:
        assert SECRET not in text
        assert TOKEN not in text
    assert "key/1" not in str(error.value)


async def test_the_doctor_says_what_can_be_told(world: World) -> None:
    assert [each.ok for each in await world.gateway.check()] == [True, True, None]
    world.server.faults = [Fault("GET apps list", 403)]
    found = (await world.gateway.check())[-1]
    assert (found.ok, "apigee.apps.list" in found.advice) == (False, True)


async def test_googles_own_client_is_understood_by_the_stand_in(world: World) -> None:
    def use() -> None:
        class Signed(httplib2.Http):
            def request(self, uri, method="GET", body=None, headers=None, **more):  # type: ignore[no-untyped-def]
                return super().request(
                    uri, method, body, {**(headers or {}), "authorization": f"Bearer {TOKEN}"}, **more
                )

        document = discovery() | {"rootUrl": f"{world.server.url}/", "servicePath": ""}
        client = googleapiclient.discovery.build_from_document(document, http=Signed())
        apps = client.organizations().apps()
        name = f"organizations/{ORGANIZATION}"
        assert len(apps.list(parent=name, expand=True, includeCred=True).execute()["app"]) == 2
        keys = client.organizations().developers().apps().keys().apiproducts()
        where = f"{name}/developers/abc12@example.ac.uk/apps/one-man-show/keys/key%2F2/apiproducts/{CARD}"
        keys.updateDeveloperAppKeyApiProduct(name=where, action="approve").execute()
        client.close()

    await asyncio.to_thread(use)
    assert world.server.approved == [("key/2", CARD)]


async def test_without_a_gateway_people_use_the_console() -> None:
    gateway = NoGateway("my org")
    assert not gateway.configured
    assert gateway.console_url("x") == "https://console.cloud.google.com/apigee/apps?project=my%20org"
    with pytest.raises(Permanent, match=r"\[apigee\]"):
        await gateway.pending()
    assert (await gateway.check())[0].ok


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "apigee"}, "apigee.organization"),
        ({"kind": "apigee", "organization": "x", "base_url": "http://apigee.example"}, "apigee.base_url"),
        ({"kind": "apigee", "organization": "x", "base_url": "nonsense"}, "apigee.base_url"),
    ],
)
def test_wrong_settings_are_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        gateway_of(Settings.model_validate({"apigee": given}))
