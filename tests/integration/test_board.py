"""The board's pages: what they tell, what they withhold, and whom they are shown to."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from models import directory
from tests.support.board import ADA, HOSTILE, SECRET, Site, fires, four_incidents, open_board, signed_in_board
from tests.support.botframework import APP_ID, TENANT

pytestmark = pytest.mark.usefixtures("connected")
PAGES = ("/board", "/board/review", "/board/figures", "/board/incidents/1", "/board/incidents/3")
ELSEWHERE = "99999999-0000-0000-0000-000000000000"


async def get(url: str, token: str | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


def table(html: str, caption: str) -> list[list[str]]:
    """Return the cells of the table whose caption holds that."""
    for each in HTMLParser(html).css("table"):
        if caption in (each.css_first("caption").text() or ""):
            return [[cell.text(strip=True) for cell in row.css("th, td")] for row in each.css("tbody tr")]
    return []


async def test_what_is_open_stands_on_it_and_whether_all_of_it_is_owned() -> None:
    await four_incidents()
    async with open_board() as url:
        status, html, _ = await get(f"{url}/board")
    assert status == 200
    assert "3 incidents: 1 without an owner, the oldest for less than a minute." in html
    open_rows = table(html, "Open incidents")
    assert [row[0] for row in open_rows] == ["#1", "#3"]
    assert open_rows[0][1:5] == [HOSTILE, "firing", "Resolve internally", "Ada Example"]
    assert [row[:2] + row[4:5] for row in table(html, "not judged yet")] == [["#2", "Disk nearly full", "nobody"]]


async def test_the_review_queue_has_age_owner_and_what_is_left() -> None:
    await four_incidents()
    async with open_board() as url:
        _, html, _ = await get(f"{url}/board/review")
    (row,) = table(html, "awaits the review")
    assert row[:7] == [
        "#4",
        "Log ran full",
        "Resolve internally",
        "Ada Example",
        "less than a minute ago",
        "none",
        "1",
    ]


async def test_one_incident_tells_its_timeline() -> None:
    await four_incidents()
    async with open_board() as url:
        _, html, _ = await get(f"{url}/board/incidents/4")
    lines = [each.text(strip=True) for each in HTMLParser(html).css("ol.timeline li span")]
    assert "Ada Example owns this" in " ".join(lines)
    assert any("resolved this" in line for line in lines)
    assert lines[-1].endswith("rotate the log.")
    assert "a log ran full" in html


async def test_figures_stand_in_the_chart_and_in_its_table() -> None:
    await four_incidents()
    async with open_board() as url:
        _, html, _ = await get(f"{url}/board/figures")
    assert table(html, "By source") == [["GCP Monitoring", "3"], ["In private", "1"]]
    assert sum(int(row[1]) for row in table(html, "Reported by week")) == 4
    drawn = [each.attributes["aria-label"] for each in HTMLParser(html).css("svg[role=img]")]
    assert "By source: GCP Monitoring 3, In private 1" in drawn
    assert any("Resolve internally 2" in str(each) for each in drawn)


async def test_empty_pages_say_so() -> None:
    async with open_board() as url:
        assert "There is no open incident" in (await get(f"{url}/board"))[1]
        assert "Nothing is open" in (await get(f"{url}/board/"))[1]
        assert "Nothing awaits" in (await get(f"{url}/board/review"))[1]
        assert "0 incidents" in (await get(f"{url}/board/figures"))[1]
        status, html, _ = await get(f"{url}/board/incidents/7")
    assert status == 404
    assert "Nothing has the number 7" in html


@pytest.mark.parametrize("page", PAGES)
async def test_no_page_tells_of_a_private_incident_or_lets_foreign_text_become_markup(page: str) -> None:
    await four_incidents()
    async with open_board() as url:
        status, html, headers = await get(f"{url}{page}")
    assert status == 200
    assert SECRET not in html
    assert "<script>document" not in html
    assert "<img" not in html
    assert "onerror=&#34;" in html or HOSTILE not in HTMLParser(html).body.text()
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    scripts = HTMLParser(html).css("script")
    assert all(each.attributes.get("src") and not each.text() for each in scripts)
    assert not HTMLParser(html).css("[style], style, [onclick], [onload]")


async def test_the_open_board_is_for_this_machine_by_its_own_name() -> None:
    async with open_board() as url:
        status, html, _ = await get(f"{url}/board", Host="wilson.attacker.example")
    assert status == 403
    assert "this machine only" in html


async def test_only_named_files_are_served() -> None:
    async with open_board() as url:
        for name in ("board.css", "board.js", "configure.js", "icon.svg"):
            assert (await get(f"{url}/board/static/{name}"))[0] == 200
        for name in ("..%2Fsite.py", "site.py", "%2Fetc%2Fpasswd", "board.html"):
            assert (await get(f"{url}/board/static/{name}"))[0] == 404


@pytest.mark.parametrize("page", [*PAGES, "/board/configure"])
async def test_without_a_token_there_is_only_the_sign_in(page: str) -> None:
    await four_incidents()
    async with signed_in_board() as site:
        status, html, _ = await get(f"{site.url}{page}")
    assert status == 200
    for word in ("Ada", "Disk", "incident", "Log ran", "#1"):
        assert word not in HTMLParser(html).css_first("main").text().replace("incident review", "")
    assert not site.connector.asked


async def test_a_member_is_let_in_and_the_roster_is_kept_for_a_while() -> None:
    await four_incidents()
    async with signed_in_board() as site:
        for page in PAGES:
            assert (await get(f"{site.url}{page}", site.entra.token("AAD-ada")))[0] == 200
        _, html, _ = await get(f"{site.url}/board", site.entra.token("aad-ben"))
    assert "Disk nearly full" in html
    assert len(site.connector.asked) == 2  # one roster of two pages


def _changes(what: str, site: Site) -> dict[str, Any]:
    now = int(time.time())
    return {
        "expired": {"exp": now - 3600},
        "without an end": {"exp": None},
        "not yet good": {"nbf": now + 3600},
        "of another audience": {"aud": ELSEWHERE},
        "of another issuer": {"iss": f"{site.entra.url}/{ELSEWHERE}/v2.0"},
        "of version 1": {"iss": f"https://sts.windows.net/{TENANT}/", "ver": "1.0"},
        "of a tenant that its issuer is not": {"tid": ELSEWHERE},
        "without a tenant": {"tid": None},
        "for the application, not a person": {"scp": None, "roles": ["access_as_user"]},
        "of another scope": {"scp": "access_as_user_too User.Read"},
        "of nobody": {"oid": None},
        "of the Bot Framework": {"iss": "https://api.botframework.com", "aud": APP_ID},
        "signed by somebody else": {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
        "of a key that nobody knows": {"kid": "entra-2"},
    }[what]


@pytest.mark.parametrize(
    "what",
    [
        "expired",
        "without an end",
        "not yet good",
        "of another audience",
        "of another issuer",
        "of version 1",
        "of a tenant that its issuer is not",
        "without a tenant",
        "for the application, not a person",
        "of another scope",
        "of nobody",
        "of the Bot Framework",
        "signed by somebody else",
        "of a key that nobody knows",
    ],
)
async def test_a_bad_token_is_refused_without_a_word_of_what_there_is(what: str) -> None:
    await fires("Disk nearly full")
    async with signed_in_board() as site:
        status, html, _ = await get(f"{site.url}/board", site.entra.token(ADA.id, **_changes(what, site)))
        assert (await get(f"{site.url}/board", site.entra.token(ADA.id)))[0] == 200
    assert status == 401
    assert "Disk" not in html


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YWRhOnB3", "Bearer not.a.token", "Bearer a"])
async def test_what_is_no_token_is_refused(header: str) -> None:
    async with signed_in_board() as site:
        status, _, _ = await get(f"{site.url}/board", Authorization=header)
    assert status == 401


async def test_somebody_of_the_tenant_who_is_not_in_the_team_is_refused() -> None:
    await fires("Disk nearly full")
    async with signed_in_board() as site:
        status, html, _ = await get(f"{site.url}/board", site.entra.token("aad-eve"))
    assert status == 403
    assert "members of the team" in html
    assert "Disk" not in html


async def test_a_team_that_the_bot_left_lets_nobody_in() -> None:
    async with signed_in_board() as site:
        await directory.forget_installation("19:team")
        assert (await get(f"{site.url}/board", site.entra.token(ADA.id)))[0] == 403


async def test_where_teams_does_not_tell_the_members_nobody_is_let_in_and_the_next_look_asks_again() -> None:
    await fires("Disk nearly full")
    async with signed_in_board() as site:
        site.connector.told = [503]
        status, html, _ = await get(f"{site.url}/board", site.entra.token(ADA.id))
        assert (await get(f"{site.url}/board", site.entra.token(ADA.id)))[0] == 200
    assert status == 503
    assert "Try again soon" in html
    assert "Disk" not in html
