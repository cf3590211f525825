"""`wilson mail`, `replay` and `selftest`, beside the running program."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.playground import free_port
from demo.story import render
from tests.integration.test_command_line import ROOT, VALUES, wilson

CONFIG = """
[web]
port = {port}
[teams]
auth = "disabled"
messenger = "console"
[mailbox]
path = "mail"
poll_seconds = 0.2
[rota]
kind = "none"
"""


@asynccontextmanager
async def running(folder: Path, *, command: str = "run") -> AsyncIterator[asyncio.subprocess.Process]:
    (folder / "wilson.toml").write_text(CONFIG.format(port=free_port()), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wilson", command,
        cwd=folder, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        for _ in range(200):
            if (folder / "var" / "wilson.db").exists() and (folder / "mail" / "inbox").is_dir():
                break
            await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def ask(folder: Path, *arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(wilson, folder, *arguments)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(120)
async def test_why_balance_and_selftest_beside_the_running_program(tmp_path: Path) -> None:
    async with running(tmp_path):
        code, said = await ask(tmp_path, "selftest", "--timeout", "20")
        assert code == 0, said
        assert [line.split(":")[0] for line in said.splitlines() if line.startswith("ok")] == [
            "ok sent",
            "ok recorded",
            "ok told in the channel",
        ]
        (tmp_path / "a.eml").write_bytes(render("pipeline-failed", VALUES))
        code, said = await ask(tmp_path, "replay", "--dry-run", "a.eml")
        assert (code, "no open incident has its fingerprint" in said) == (0, True), said
        code, said = await ask(tmp_path, "replay", "a.eml")
        assert (code, "ended as: candidate, incident 1" in said) == (0, True), said
        message_id = said.splitlines()[1].strip()
        for form in (message_id, message_id.strip("<>")):
            code, said = await ask(tmp_path, "mail", "why", form)
            assert code == 0
            assert "because: gitlab_pipeline fires" in said
            assert "fingerprint: gitlab_pipeline|" in said or "fingerprint:" in said
        code, said = await ask(tmp_path, "replay", "--dry-run", "a.eml")
        assert "joins incident 1" in said
        code, said = await ask(tmp_path, "mail", "balance")
        assert "2 mails" in said
        assert "1 candidate" in said
        assert "1 information" in said


async def test_what_was_never_recorded_is_said(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    assert await ask(tmp_path, "mail", "why", "<none@x>") == (
        1,
        "<none@x>: no such mail was recorded; is it in the mailbox still?\n",
    )
    assert (await ask(tmp_path, "mail", "why"))[0] == 2
    assert (await ask(tmp_path, "mail", "balance", "yesterday"))[0] == 2
    assert (await ask(tmp_path, "replay", "nowhere.eml"))[0] == 2


@pytest.mark.timeout(60)
async def test_a_selftest_without_a_watcher_says_which_hop_failed(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    code, said = await ask(tmp_path, "selftest", "--timeout", "1")
    assert code == 1
    assert "!! recorded: not within 1 s: is a watcher running?" in said
