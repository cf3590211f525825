"""The post-mortem: written into the issue where it changed, and handed to whoever asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bot import issue_text
from cards.story import post_mortem, to_copy
from models import store
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.requests import PostMortem
from models.domain.timeline import Entry
from models.operations import incidents
from models.operations.incidents import Done


def for_the_issue(incident: Incident, timeline: Sequence[Entry], process: Process) -> tuple[str, str]:
    """Return the document as it goes into the issue, and what tells it from any other."""
    body = post_mortem(incident, timeline, process, issue_text.plain)
    return body, hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:32]


async def ask(incident: Incident, by: Person, process: Process, *, once: Sequence[str]) -> tuple[Done, str]:
    """Have the document written where it changed since it was written last.

    Returns:
        What became of it, and the document to be copied; empty where there is none yet.
    """
    _, digest = for_the_issue(incident, await store.timeline(incident.id), process)
    done = await incidents.act(incident, PostMortem(digest), by, process, once=once)
    if done.refusal is not None:
        return done, ""
    return done, to_copy(post_mortem, done.incident, await store.timeline(incident.id), process)
