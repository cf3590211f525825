"""What else tells of an incident that becomes a matter of security: its parts, and other cards in the channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models import directory, mails, store
from models.domain.case_effects import WithholdCase
from models.domain.decisions import Decision
from models.domain.effects import Effect, PostMail, RefreshReview, RefreshShift
from models.domain.incidents import Incident
from models.domain.privacy import mark_part
from models.domain.timeline import Verb
from models.operations import reviews, shifts


async def hidden(before: Incident, decision: Decision, *, at: datetime) -> list[tuple[Incident, Decision]]:
    """Return what becomes of an incident and of its parts, with what renews each card that names one of them."""
    if before.private or not decision.incident.private:
        return [(before, decision)]
    parts = await _parts(before)
    all_of_it = [before, *parts]
    effects: list[Effect] = [RefreshShift(number) for number in await shifts.since(_first(all_of_it))]
    effects += [RefreshReview(review) for review in await reviews.that_name(all_of_it)]
    effects += [PostMail(mail) for mail in await mails.shown_of([each.id for each in all_of_it])]
    told = [await directory.fact(directory.call_of(each.id)) for each in all_of_it]
    effects += [WithholdCase(int(number)) for number in told if number]
    whole = replace(decision, effects=(*decision.effects, *effects))
    return [(before, whole), *((part, mark_part(part, decision.incident, at=at)) for part in parts)]


async def _parts(whole: Incident) -> list[Incident]:
    """Return what was merged into an incident, and into what was, without what is private already."""
    found, numbers = [], [whole.id]
    for number in numbers:
        for entry in await store.timeline(number):
            part = entry.data.get("part") if entry.verb is Verb.ABSORBED else None
            incident = await store.incident(part) if isinstance(part, int) and part not in numbers else None
            if incident is not None and incident.merged_into == number:
                numbers.append(incident.id)
                found.append(incident)
    return [each for each in found if not each.private]


def _first(incidents: list[Incident]) -> datetime:
    return min(each.created_at for each in incidents)
