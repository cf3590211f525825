"""Acceptance tests need Chromium and the Playground. Without them they are skipped loudly; in CI they fail."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser

from demo.playground import PlaygroundError, fetch, find_node
from tests.support.browser import chromium, launched
from tests.support.playground import Client, teams

CACHE = Path(__file__).parents[2] / ".wilson" / "playground"
MISSING: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it once more where nobody can overlook it."""
    for why in MISSING:
        terminalreporter.section("ACCEPTANCE TESTS SKIPPED", red=True, bold=True)
        terminalreporter.write_line(why, red=True)


@pytest.fixture(scope="session")
def real_client() -> None:
    """What the acceptance tests stand on is here, or they don't run."""
    why = _what_is_missing()
    if not why:
        return
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"CI runs the acceptance tests or fails: {why}", pytrace=False)
    MISSING.append(why)
    pytest.skip(why)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: into the documentation where WILSON_PICTURES asks for it."""
    return Path("docs/images") if os.environ.get("WILSON_PICTURES") else tmp_path / "pictures"


@pytest.fixture
async def browser(real_client: None) -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with launched() as running:
        yield running


@pytest.fixture
async def playground(browser: Browser, tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[Client]]]:
    """Starts a Playground for the bot at an address, and opens its page: ``client = await playground(bot_url)``."""
    async with AsyncExitStack() as stack:

        async def start(bot_url: str) -> Client:
            return await stack.enter_async_context(teams(bot_url, browser, tmp_path, cache=CACHE))

        yield start


def _what_is_missing() -> str:
    if chromium() is None:
        return "Chromium is missing: install Debian's package `chromium`, or name one in CHROMIUM"

    async def get() -> None:
        await fetch(await find_node(), CACHE)

    try:
        asyncio.run(get())
    except PlaygroundError as error:
        return f"the Playground is missing: {error}"
    return ""
