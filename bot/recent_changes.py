"""Looking once for what was merged and deployed shortly before an incident began."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from models import store
from models.domain.change_hints import awaits_hints, take_hints, window
from models.domain.recent_changes import ChangeRules
from models.operations.incidents import load
from models.ports.changes import ChangeSource
from models.ports.errors import Temporary
from models.queue import Item
from models.store import from_ms

log = logging.getLogger(__name__)

WORTH_IT = timedelta(hours=1)
"""For how long it is tried while the tracker is away; people have looked themselves by then."""


async def look(source: ChangeSource, rules: ChangeRules, incident_id: int, item: Item) -> None:
    """Find the changes before an incident, and write them down once.

    Raises:
        Temporary: The tracker is away; it is tried again for an hour.
    """
    incident = await load(incident_id)
    if not source.configured or not awaits_hints(incident, rules):
        return
    try:
        found = await source.between(*window(incident, rules))
    except Temporary as error:
        if datetime.now(UTC) - from_ms(item.created_ms) < WORTH_IT:
            raise
        log.warning("what was changed before incident %s is not looked for any more: %s", incident_id, error)
        return
    while awaits_hints(incident, rules):
        try:
            await store.commit([(incident, take_hints(incident, found, rules, at=datetime.now(UTC)))])
        except store.Conflict:
            incident = await load(incident_id)
            continue
        return
