"""The demo's story: sample alert mails that arrive one after another."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import resources
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scene:
    """One mail of the story, and what a person should see because of it."""

    mail: str
    tells: str


SCENES = (
    Scene("gcp-firing", "an alert of Google Cloud fires: a new candidate incident"),
    Scene("pipeline-failed", "a pipeline fails on the default branch: another candidate"),
    Scene("gcp-repeats", "the first alert is mailed again: it joins its card, which counts it"),
    Scene("alert-triggered", "an alert of GitLab fires: a third candidate"),
    Scene("unknown", "a mail that nobody can parse: a quiet card, for a person to judge"),
    Scene("imitation", "somebody writes in Google's name: the sender is not confirmed, so a person must decide"),
    Scene("access-request", "somebody asks for an API: a card in the gateway's channel"),
    Scene("gcp-recovered", "the first alert recovers: the card says so, and nothing is resolved"),
    Scene("pipeline-fixed", "the pipeline is fixed"),
    Scene("alert-resolved", "GitLab's alert is resolved"),
)


async def tell(inbox: Path, *, pace: float, say: Callable[[str], None]) -> None:
    """Let the story's mails arrive.

    Args:
        inbox: The folder that the watcher reads.
        pace: Seconds between two mails.
        say: Told, in one line, what arrives.
    """
    values = _values(datetime.now(UTC))
    for number, scene in enumerate(SCENES, 1):
        values["unique"] = secrets.token_hex(12)
        say(f"mail {number} of {len(SCENES)}: {scene.tells}")
        await asyncio.to_thread(deliver, inbox, f"{number:02d}-{scene.mail}", render(scene.mail, values))
        await asyncio.sleep(pace)
    say("The story is told. Go on trying things; Ctrl-C ends the demo.")


def render(name: str, values: dict[str, str]) -> bytes:
    """Return one of the sample mails with its dates and numbers filled in."""
    text = (resources.files("demo") / "mails" / f"{name}.eml").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text.encode()


def deliver(inbox: Path, name: str, raw: bytes) -> None:
    """Put a mail into the folder so that nobody sees half of it."""
    inbox.mkdir(parents=True, exist_ok=True)
    unfinished = inbox / f".{name}.tmp"
    unfinished.write_bytes(raw)
    unfinished.replace(inbox / f"{name}-{secrets.token_hex(3)}.eml")


def _values(now: datetime) -> dict[str, str]:
    began = now - timedelta(minutes=2)
    pipeline = secrets.randbelow(90_000) + 10_000
    return {
        "date": format_datetime(now),
        "iso": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "now": _google(now + timedelta(minutes=3)),
        "began": _google(began),
        "incident": "o" + secrets.token_hex(6)[:11],
        "pipeline": str(pipeline),
        "later": str(pipeline + 7),
        "alert": str(secrets.randbelow(900) + 100),
    }


def _google(at: datetime) -> str:
    return f"{at:%b} {at.day}, {at.year} at {at:%I:%M%p} UTC".replace(" at 0", " at ")
