"""Each shipped process in the running program: a mail arrives, and the team's own words, levels and roles appear."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.people import TEAMMATES, VIEWER
from tests.support.peer import Peer, Post
from tests.support.program import Program

SANA, JONAS, NGOZI = TEAMMATES[0], TEAMMATES[1], TEAMMATES[2]


@contextlib.asynccontextmanager
async def team_of(process: str, folder: Path) -> AsyncIterator[tuple[Program, Peer]]:
    async with Peer().running() as peer, Program(folder, f'[process]\nname = "{process}"\n').running() as program:
        peer.bot_url = program.bot_url
        await peer.install()
        yield program, peer


async def candidate(program: Program, peer: Peer) -> Post:
    program.send("gcp-firing")
    post = await peer.post("Sign-in is slow")
    await peer.shows(post, "Candidate incident")
    return post


@pytest.mark.parametrize("process", ["wilson"])
async def test_wilson(process: str, tmp_path: Path) -> None:
    async with team_of(process, tmp_path) as (program, peer):
        post = await candidate(program, peer)
        assert VIEWER.name in await peer.click(post, {"do": "claim"})
        await peer.hears(post, f"{VIEWER.name}")
        await peer.say(
            "urgency users=150 critical=no workaround=no self_resolved=no development_blocked=no", under=post
        )
        await peer.shows(post, "Major Incident Process")
        await peer.say(f"decide internal with {SANA.name}", under=post)
        await peer.say(
            "resolve over=yes; cause: a bad certificate; rolled back: none; none: renewed", under=post
        )
        await peer.shows(post, "Resolved incident")
        await peer.until(lambda: any("workflow::Review Required" in each for each in program.issues()))
