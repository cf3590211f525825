"""Which service desk and which directory the settings ask for, and what is missing for them, in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.adapters.graph_people import GraphPeople, NoPeople
from bot.adapters.halo import HaloDesk, NoDesk
from doctor import examine
from fittings import desk_of, people_of
from models.ports.checks import Finding
from models.settings import Settings, SettingsError
from tests.support.graph_people import CLIENT_ID, SECRET, TENANT, GraphDirectory
from tests.support.halo import CLIENT_ID as HALO_ID
from tests.support.halo import SECRET as HALO_SECRET
from tests.support.halo import Halo

HALO = {"kind": "halo", "base_url": "https://desk.example.org", "client_id": "x", "client_secret": "hush"}
TEAMS = {"app_id": "bot", "app_password": "hush", "tenant_id": "t"}


def settings(
    halo: dict[str, object] | None = None, directory: dict[str, object] | None = None, **teams: object
) -> Settings:
    sections = {
        "halo": HALO | (halo or {}),
        "directory": {"kind": "graph"} | (directory or {}),
        "teams": TEAMS | teams,
    }
    return Settings.model_validate(sections)


async def test_what_is_complete_is_taken() -> None:
    for desk in (desk_of(settings()), desk_of(settings({"base_url": "http://[::1]:8080/desk/"}))):
        assert isinstance(desk, HaloDesk)
    assert not desk_of(settings()).has_queue
    assert desk_of(settings({"queue": "Wilson"})).has_queue
    people = people_of(settings())
    assert isinstance(people, GraphPeople)
    assert isinstance(people_of(settings(None, {"client_id": "own", "managed_identity": True})), GraphPeople)


def test_nothing_is_asked_for_by_default() -> None:
    assert isinstance(desk_of(Settings()), NoDesk)
    assert not desk_of(settings({"kind": "none", "queue": "Wilson"})).has_queue
    assert isinstance(people_of(Settings()), NoPeople)


@pytest.mark.parametrize(
    ("make", "given", "setting"),
    [
        (desk_of, settings({"base_url": ""}), "halo.base_url"),
        (desk_of, settings({"base_url": "desk.example.org"}), "halo.base_url"),
        (desk_of, settings({"base_url": "ftp://desk.example.org"}), "halo.base_url"),
        (desk_of, settings({"base_url": "http://desk.example.org"}), "halo.base_url"),
        (desk_of, settings({"base_url": "https://me:hush@desk.example.org"}), "halo.base_url"),
        (desk_of, settings({"base_url": "https://desk.example.org?x=1"}), "halo.base_url"),
        (desk_of, settings({"base_url": "https://[desk"}), "halo.base_url"),
        (desk_of, settings({"base_url": "https://desk.example.org:x"}), "halo.base_url"),
        (desk_of, settings({"base_url": "https://desk.example.org/API/"}), "halo.base_url"),
        (desk_of, settings({"client_id": ""}), "halo.client_id"),
        (desk_of, settings({"client_secret": ""}), "halo.client_secret"),
        (people_of, settings(app_id=""), "directory.client_id"),
        (people_of, settings(tenant_id=""), "directory.tenant_id"),
        (people_of, settings(app_password=""), "directory.client_secret"),
        (people_of, settings(None, {"client_id": "own"}), "directory.client_secret"),
        (people_of, settings(None, {"base_url": "http://graph.example.org"}), "directory.base_url"),
        (people_of, settings(None, {"login_url": "http://login.example.org"}), "directory.login_url"),
        (people_of, settings(login_url="http://login.example.org"), "directory.login_url"),
    ],
)
def test_what_is_missing_is_named(make: Callable[[Settings], object], given: Settings, setting: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make(given)
    assert str(caught.value).startswith(setting)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


async def findings(path: Path, **sections: object) -> dict[str, Finding]:
    local = {
        "database": {"url": f"sqlite://{path}/none.db"},
        "mailbox": {"path": str(path)},
        "tracker": {"path": str(path)},
    }
    found = await examine(Settings.model_validate(local | {"teams": {"auth": "disabled"}} | sections))
    return {each.subject: each for each in found}


async def test_the_doctor_looks_at_both(tmp_path: Path) -> None:
    async with Halo().running() as halo, GraphDirectory().running() as graph:
        halo.ticket(1)
        graph.group("UIS", graph.person("ada@example.org"))
        desk = {"kind": "halo", "base_url": halo.url, "client_id": HALO_ID, "client_secret": HALO_SECRET}
        sign_in = {"client_id": CLIENT_ID, "client_secret": SECRET, "tenant_id": TENANT, "login_url": graph.url}
        people = {"kind": "graph", "base_url": graph.url}
        told = await findings(tmp_path, halo=desk, directory=people | sign_in)
        assert [told[name].ok for name in ("service desk", "directory", "directory groups")] == [True] * 3
        assert "support queue" not in told
        told = await findings(tmp_path, halo=desk | {"queue": "Wilson"})
        assert told["support queue"].text == "open calls of Wilson: 1"


async def test_the_doctor_names_what_is_missing_and_what_is_not_used(tmp_path: Path) -> None:
    told = await findings(tmp_path, halo={"kind": "halo"}, directory={"kind": "graph"})
    for name, setting in (("service desk", "halo.base_url"), ("directory", "directory.client_id")):
        assert told[name].ok is False
        assert told[name].text.startswith(setting)
        assert told[name].advice
    told = await findings(tmp_path)
    for name in ("service desk", "directory"):
        assert told[name].ok
        assert "none is configured" in told[name].text
