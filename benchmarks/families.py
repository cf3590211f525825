"""Reading a mail of each family, beside the standard library's compat32 parse of the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

from benchmarks.figures import Figure, median, on_core
from mailwatcher.envelope import read_mail
from mailwatcher.parsers import recognise

FIXTURES = Path("tests/fixtures/mail")
ROUNDS, TIMES = 7, 20
MOST = 2.0
DELIVERED = "".join(
    [
        *(
            f"Received: from hop{n}.example.org (192.0.2.{n}) by hop{n + 1}.example.org\n (203.0.113.{n}) with"
            " Microsoft SMTP Server (version=TLS1_3,\n cipher=TLS_AES_256_GCM_SHA384); Fri, 20 Nov 2026 09:00:00\n"
            for n in range(4)
        ),
        "Received-SPF: Pass (protection.outlook.com: domain of x.example\n designates 192.0.2.1)\n",
        *(f"X-MS-Exchange-Organization-Fact-{n}: 11111111-2222-3333-4444-55555555555{n}\n" for n in range(9)),
        f"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=1;\n bh={'A' * 43}=;\n b={'B' * 70}\n {'C' * 70}\n",
        f"X-Microsoft-Antispam-Message-Info:\n {'D' * 72}\n {'E' * 72}\n {'F' * 72}\n",
    ]
).encode()
"""What a mail carries once Exchange Online has delivered it; the fixtures are kept short, and lack it."""


def _bare(raw: bytes) -> None:
    for part in message_from_bytes(raw).walk():
        if not part.is_multipart():
            part.get_payload(decode=True)


def _ours(raw: bytes) -> None:
    recognise(read_mail(raw))


def _micros(read: Callable[[bytes], None], raws: list[bytes]) -> float:
    began = time.perf_counter()
    for _ in range(TIMES):
        for raw in raws:
            read(raw)
    return (time.perf_counter() - began) / (TIMES * len(raws)) * 1e6


async def families() -> list[Figure]:
    """Take turns between both, family by family, on one core."""
    on_core()
    figures = []
    for family in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
        raws = [DELIVERED + file.read_bytes() for file in sorted(family.glob("*.eml"))]
        pairs = [(_micros(_bare, raws), _micros(_ours, raws)) for _ in range(ROUNDS)]
        bare, ours = median([each for each, _ in pairs]), median([each for _, each in pairs])
        ratio = median([mine / floor for floor, mine in pairs])
        size = sum(map(len, raws)) / len(raws) / 1000
        figures.append(
            Figure(
                f"reading a mail of {family.name} ({size:.1f} kB), µs",
                f"{ours:.0f}",
                f"compat32 parse {bare:.0f}",
                f"{ratio:.2f}",
                f"≤ {MOST:g} × the bare parse",
                ratio <= MOST,
            )
        )
    return figures
