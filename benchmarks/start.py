"""From the command to ready."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from benchmarks.figures import Figure, median, memory
from demo.playground import free_port

ROUNDS = 5


async def _once(folder: Path) -> tuple[float, float]:
    """Return the seconds until it is ready, and the memory that it holds then."""
    port = free_port()
    config = folder / "wilson.toml"
    config.write_text(
        f'[database]\nurl = "sqlite://{folder}/wilson.db"\n[web]\nport = {port}\n[teams]\nauth = "disabled"\n'
        f'[mailbox]\npath = "{folder}/mail"\n[tracker]\npath = "{folder}/issues"\n'
    )
    began = time.perf_counter()
    command = (sys.executable, "-m", "wilson", "--log-level", "error", "--config", str(config), "run")
    process = await asyncio.create_subprocess_exec(*command, env=dict(os.environ))
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            return time.perf_counter() - began, memory(process.pid)
                await asyncio.sleep(0.02)
    finally:
        process.terminate()
        await process.wait()


async def start() -> list[Figure]:
    """Start the whole program: once with an empty folder, so that it makes its database, then again and again."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [await _once(Path(folder)) for _ in range(ROUNDS + 1)]
    first, later = runs[0][0], median([took for took, _ in runs[1:]])
    held = median([held for _, held in runs])
    return [
        Figure(
            "command to ready, first start (makes its database)", f"{first:.2f} s", "", "", "≤ 2.5 s", first <= 2.5
        ),
        Figure(f"command to ready, median of {ROUNDS}", f"{later:.2f} s", "", "", "≤ 2.5 s", later <= 2.5),
        Figure("memory when ready", f"{held:.0f} MB", "", "", "≤ 150 MB", held <= 150),
    ]
