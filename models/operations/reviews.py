"""The incident review's list: what awaited it when it was called up, and what it says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
from pydantic import TypeAdapter

from models import directory, store
from models.domain.decisions import Decision
from models.domain.effects import Effect, RefreshReview
from models.domain.incidents import Incident, State

_PREFIX, _APART = "review-list:", "review-apart:"
MOST_STRAYS = 20


async def call_up(review: int) -> list[int]:
    """Put what awaits the review onto its list, behind what stands there already.

    Returns:
        The numbers of the incidents, in the order in which they are gone through.
    """
    waiting = await store.incidents_in((State.RESOLVED,))
    found = list(dict.fromkeys((*await listed(review), *(each.id for each in reversed(waiting)))))
    await directory.remember_fact(f"{_PREFIX}{review}", orjson.dumps(found).decode())
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """How the tracker's own list differed when the review was called up (W71).

    Attributes:
        strays: What it had labelled for the review, and nobody here knows of: title and address.
        unlabelled: The numbers of incidents that it had not labelled so.
    """

    strays: tuple[tuple[str, str], ...] = ()
    unlabelled: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The same as it is kept: ``strays`` are title, address and, but for old ones, key."""

    strays: tuple[tuple[str, ...], ...] = ()
    unlabelled: tuple[int, ...] = ()

    @property
    def keys(self) -> list[str]:
        return [key for each in self.strays for key in each[2:]]


_KEPT = TypeAdapter(_Kept)


async def compare(review: int, labelled: Sequence[tuple[str, str, str]]) -> None:
    """Remember how the tracker's own list of what awaits the review differs from ours.

    Args:
        labelled: Key, title and address of the open issues that it has labelled for the review.
    """
    ours = [
        each
        for each in await incidents_of(review)
        if each.state is State.RESOLVED and each.issue_key and not each.private
    ]
    there, known = {key for key, _, _ in labelled}, {each.issue_key for each in ours}
    found = _Kept(
        tuple((title, url, key) for key, title, url in labelled if key not in known)[:MOST_STRAYS],
        tuple(each.id for each in ours if each.issue_key not in there),
    )
    await directory.remember_fact(f"{_APART}{review}", _KEPT.dump_json(found).decode())


async def difference(review: int) -> Difference:
    """Return how the tracker's list differed; nothing where that was not looked up.

    What has become a matter of security since is left out.
    """
    found = await _difference(review)
    owners = [await store.incident(number) for number in await store.incidents_of_issues(found.keys)]
    hidden = {each.issue_key for each in owners if each is not None and each.private}
    shown = [each for each in found.strays if hidden.isdisjoint(each[2:])]
    return Difference(tuple((title, url) for title, url, *_ in shown), found.unlabelled)


async def _difference(review: int) -> _Kept:
    held = await directory.fact(f"{_APART}{review}")
    return _KEPT.validate_json(held) if held else _Kept()


async def that_name(incidents: Sequence[Incident]) -> list[int]:
    """Return the reviews whose cards name one of some incidents, the oldest first."""
    numbers, keys = {each.id for each in incidents}, {each.issue_key for each in incidents if each.issue_key}
    found = []
    for key, held in (await directory.facts(_PREFIX)).items():
        review = int(key.removeprefix(_PREFIX))
        strays = (await _difference(review)).strays
        if not numbers.isdisjoint(orjson.loads(held)) or not keys.isdisjoint(
            key for each in strays for key in each[2:]
        ):
            found.append(review)
    return sorted(found)


async def listed(review: int) -> list[int]:
    """Return the numbers on a review's list; none where it was not called up."""
    found: list[int] = orjson.loads(await directory.fact(f"{_PREFIX}{review}") or "[]")
    return found


async def incidents_of(review: int) -> tuple[Incident, ...]:
    """Return the incidents of a review's list as they are now."""
    found = [await store.incident(number) for number in await listed(review)]
    return tuple(each for each in found if each is not None)


async def refreshes(incident_id: int) -> list[Effect]:
    """Return what shows an incident's change on the card of the newest review, where that lists it."""
    lists = await directory.facts(_PREFIX)
    if not lists:
        return []
    newest = max(lists, key=lambda key: int(key.removeprefix(_PREFIX)))
    if incident_id not in orjson.loads(lists[newest]):
        return []
    return [RefreshReview(int(newest.removeprefix(_PREFIX)))]


async def saw_follow_up(incident_id: int, follow_up: str, closed: bool) -> None:
    """Remember how the issue of a follow-up stands."""
    while True:
        before = await store.incident(incident_id)
        if before is None:
            return
        told = tuple(replace(each, closed=closed) if each.id == follow_up else each for each in before.follow_ups)
        if told == before.follow_ups:
            return
        try:
            await store.commit([(before, Decision(replace(before, follow_ups=told)))])
        except store.Conflict:
            continue
        return
