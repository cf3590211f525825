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

from benchmarks.figures import Figure, percentile
from demo.playground import free_port


async def _once(folder: Path) -> float:
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
                            return time.perf_counter() - began
                await asyncio.sleep(0.02)
    finally:
        process.terminate()
        await process.wait()


async def start() -> list[Figure]:
    """Start the whole program five times."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(5):
            times.append(await _once(Path(folder)))
    median = percentile(times, 0.5)
    return [Figure("command to ready, median of 5", f"{median:.2f} s", "", "≤ 2.5 s", median <= 2.5)]
