"""The board in a real browser: by keyboard, in light and dark, checked by axe, and as a tab that signs in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, Route, expect

from bot.board.site import TEAMS_SCRIPT
from demo.playground import fetch_package, find_node
from models import database
from tests.acceptance.conftest import CACHE
from tests.support.board import SECRET, Site, fires, four_incidents, open_board, signed_in_board
from tests.support.program import Program

pytestmark = pytest.mark.acceptance
SUPPORT = Path(__file__).parents[1] / "support"
HOST = "https://teams.microsoft.com/tab"
PUBLIC = "https://wilson.example"
PAGES = ("/board", "/board/review", "/board/figures", "/board/incidents/1", "/board/incidents/99")


@pytest.fixture(scope="session")
def tools(real_client: None) -> Path:
    """The folder of axe and of Microsoft's library for tabs."""

    async def get() -> Path:
        wanted = Path("node_modules/axe-core/axe.min.js")
        source, cache = SUPPORT / "page_tools", CACHE.parent / "page-tools"
        return await fetch_package(await find_node(), source, cache, wanted, "the tools for pages")

    return asyncio.run(get()).parents[1]


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[None]:
    url = f"sqlite://{tmp_path}/wilson.db"
    await database.upgrade(url)
    await database.connect(url)
    try:
        yield
    finally:
        await database.disconnect()


async def complaints(page: Page, tools: Path) -> list[str]:
    """Return what axe finds wrong, but for what it calls minor."""
    await page.evaluate((tools / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run()")
    assert found["passes"]
    return [
        f"{each['impact']} {each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] != "minor"
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_in_light_or_dark(
    browser: Browser, tools: Path, records: None, pictures: Path, scheme: Any
) -> None:
    await four_incidents()
    page = await browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 800})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "404" not in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    async with open_board() as url:
        for address in PAGES:
            await page.goto(url + address)
            assert await complaints(page, tools) == [], address
        await page.goto(f"{url}/board/incidents/1")
        assert "<script>document" in await page.locator("h1").inner_text()
        await page.set_viewport_size({"width": 360, "height": 740})
        await page.goto(f"{url}/board")
        assert await complaints(page, tools) == []
        wider = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wider, "a phone must not scroll the whole page sideways"
    assert said == []
    await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_appears_on_the_board_and_leads_to_its_timeline_by_keyboard(
    browser: Browser, tmp_path: Path, pictures: Path, scheme: Any
) -> None:
    async with Program(tmp_path).running() as wilson:
        page = await browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 780})
        await page.clock.install()
        await page.goto(f"http://127.0.0.1:{wilson.port}/board")
        await expect(page.get_by_text("There is no open incident")).to_be_visible()
        for mail in ("gcp-firing", "alert-triggered", "access-request"):
            wilson.send(mail)
        row = page.get_by_role("row").filter(has_text="Sign-in is slow")
        for _ in range(60):
            await page.clock.fast_forward(61_000)
            if await row.count() and await page.get_by_text("Room Finder").count():
                break
            await asyncio.sleep(0.3)
        await expect(row).to_contain_text("nobody")
        await page.screenshot(path=pictures / f"board-{scheme}.png")

        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        link = row.get_by_role("link")
        for _ in range(6):
            if await link.evaluate("each => each === document.activeElement"):
                break
            await page.keyboard.press("Tab")
        await expect(link).to_be_focused()
        await page.clock.fast_forward(61_000)
        await expect(link).to_be_focused()  # what is renewed keeps the focus
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
        await expect(page.locator("main")).to_be_focused()
        await expect(page).to_have_title("#1 Sign-in is slow – Team Wilson")
        await page.go_back()
        await expect(page.get_by_role("heading", name="What is open")).to_be_visible()
        await page.close()


async def in_teams(
    browser: Browser,
    tools: Path,
    site: Site,
    token: str,
    *,
    path: str = "/board",
    theme: str = "default",
    frame: str = "content",
) -> Page:
    """Show a tab in a page at Teams' own address, with Microsoft's library as Microsoft serves it.

    The board is reached at a public name with TLS, as by a proxy before it.
    """

    async def proxied(route: Route) -> None:
        request = route.request
        address = site.url + request.url.removeprefix(PUBLIC)
        headers = {name: value for name, value in request.headers.items() if name == "authorization"}
        async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as answer:
            await route.fulfill(status=answer.status, headers=dict(answer.headers), body=await answer.read())

    page = await browser.new_page(viewport={"width": 1200, "height": 900})
    host = (SUPPORT / "teams_host.html").read_text(encoding="utf-8")
    for key, value in (("TAB", PUBLIC + path), ("FRAME", frame), ("THEME", theme), ("TOKEN_TEXT", token)):
        host = host.replace(f'"{key}"', json.dumps(value))
    library = (tools / "@microsoft/teams-js/dist/umd/MicrosoftTeams.min.js").read_bytes()
    allowed = {"Access-Control-Allow-Origin": "*"}
    await page.route(f"{PUBLIC}/**", proxied)
    await page.route(HOST, lambda route: route.fulfill(body=host, content_type="text/html"))
    await page.route(
        TEAMS_SCRIPT[0], lambda route: route.fulfill(body=library, content_type="text/javascript", headers=allowed)
    )
    await page.goto(HOST)
    return page


async def test_as_a_tab_it_signs_in_and_follows_teams_theme(browser: Browser, tools: Path, records: None) -> None:
    await four_incidents()
    async with signed_in_board() as site:
        page = await in_teams(browser, tools, site, site.entra.token("aad-ada"), theme="dark")
        tab = page.frame_locator("#tab")
        await expect(tab.get_by_text("Disk nearly full")).to_be_visible()
        assert await tab.locator("html").get_attribute("data-theme") == "dark"
        await tab.get_by_role("link", name="Review").click()
        await expect(tab.get_by_text("Log ran full")).to_be_visible()
        assert SECRET not in await tab.locator("body").inner_text()
        await page.evaluate("say('themeChange', 'contrast')")
        await expect(tab.locator("html")).to_have_attribute("data-theme", "contrast")
        assert "appInitialization.success" in await page.evaluate("asked")
        await page.close()


@pytest.mark.parametrize(("person", "said"), [("aad-eve", "members of the team"), ("", "can't sign you in")])
async def test_as_a_tab_it_says_why_it_shows_nothing(
    browser: Browser, tools: Path, records: None, person: str, said: str
) -> None:
    await fires("Disk nearly full")
    async with signed_in_board() as site:
        token = site.entra.token(person) if person else ""
        page = await in_teams(browser, tools, site, token)
        await expect(page.frame_locator("#tab").get_by_text(said)).to_be_visible()
        assert "Disk" not in await page.frame_locator("#tab").locator("body").inner_text()
        await page.close()


async def test_it_can_be_added_to_a_channel(browser: Browser, tools: Path, records: None) -> None:
    async with signed_in_board() as site:
        page = await in_teams(browser, tools, site, "", path="/board/configure", frame="settings")
        await expect(page.frame_locator("#tab").get_by_text("Add the board to this channel")).to_be_visible()
        await page.wait_for_function("asked.includes('settings.setValidityState')")
        await page.evaluate("say('settings.save', {})")
        await page.wait_for_function("saved !== ''")
        assert await page.evaluate("saved") == "success"
        settings = await page.evaluate("settings")
        assert settings["contentUrl"] == f"{PUBLIC}/board"
        assert settings["entityId"] == "board"
        await page.close()


async def test_outside_of_teams_it_says_where_it_can_be_read(browser: Browser, tools: Path, records: None) -> None:
    await fires("Disk nearly full")
    async with signed_in_board() as site:
        page = await browser.new_page()
        await page.goto(f"{site.url}/board")
        await expect(page.get_by_text("Open the board as a tab in Teams")).to_be_visible()
        await page.close()
