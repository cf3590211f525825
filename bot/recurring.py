"""Looking, before a candidate's card is posted, whether its alert keeps to a weekday."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from models import store
from models.domain.decisions import Decision
from models.domain.incidents import Incident
from models.domain.recurrence import recurrence
from models.operations.incidents import load


async def with_recurrence(incident: Incident, zone: tzinfo) -> Incident:
    """Keep on the incident what its alert keeps to, so that each card says it; nothing where it is kept already."""
    if incident.recurrence is not None or not incident.fingerprint:
        return incident
    earlier = await store.same_rule_before(incident)
    before = [(each.id, at) for each in earlier for at in {each.first_seen or each.created_at, *each.fired}]
    found = recurrence(incident.first_seen or incident.created_at, before, zone)
    while found is not None and incident.recurrence is None:
        try:
            (incident,) = await store.commit([(incident, Decision(replace(incident, recurrence=found)))])
        except store.Conflict:
            incident = await load(incident.id)
    return incident
