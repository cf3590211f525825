"""What the issue tracker is told of incidents, and asked about them: one function per effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import documents, issue_text, issues, merge_requests
from bot.hearing import Hearing
from bot.posting import Poster
from bot.surroundings import Surroundings
from models import directory, store
from models.directory import INCIDENT, PRIVATE
from models.domain.decisions import Decision
from models.domain.effects import Effect
from models.domain.incident_effects import (
    NoteIssue,
    RaiseFollowUp,
    RaiseIssue,
    ReadIssue,
    ReadMergeRequest,
    RefreshCard,
    SyncIssue,
    WritePostMortem,
)
from models.domain.incident_parts import Documented
from models.domain.incidents import Incident
from models.domain.staffing import inform
from models.domain.timeline import Verb
from models.operations.incidents import load
from models.ports.errors import Permanent
from models.ports.tracker import IssueChange, IssueTracker
from models.queue import Item
from models.store import from_ms

CLOCK_SKEW = timedelta(minutes=5)
"""How much earlier than ours the tracker's clock may be when an issue is looked for."""

IssueEffect = RaiseIssue | ReadIssue | ReadMergeRequest | SyncIssue | NoteIssue | WritePostMortem | RaiseFollowUp


class IssueDeliveries:
    """Carries effects to the issue tracker."""

    def __init__(self, poster: Poster, tracker: IssueTracker, surroundings: Surroundings, *, template: str) -> None:
        self._poster = poster
        self._tracker = tracker
        self._around = surroundings
        self._template = template
        self._hearing = Hearing(tracker, surroundings)

    async def deliver(self, effect: IssueEffect, item: Item) -> Sequence[Effect]:
        """Carry one out; as ``bot.deliveries.Deliveries.deliver``."""
        match effect:
            case RaiseIssue(incident_id):
                return await self._raise_issue(await load(incident_id), item)
            case ReadIssue(incident_id):
                return await self._hearing.hear(incident_id)
            case ReadMergeRequest(incident_id, url):
                await merge_requests.read(self._tracker, incident_id, url)
                return ()
            case SyncIssue(incident_id):
                return await self._sync_issue(incident_id)
            case NoteIssue():
                return await self._note_issue(effect, item)
            case WritePostMortem(incident_id):
                return await self._write_post_mortem(await load(incident_id))
            case RaiseFollowUp(incident_id, follow_up):
                return await self._raise_follow_up(await load(incident_id), follow_up, item)

    async def _raise_issue(self, incident: Incident, item: Item) -> Sequence[Effect]:
        await self._inform(incident.id)
        if incident.issue_key or not incident.raised:
            return ()
        instance = await directory.instance()
        mark = issues.incident_marker(incident.id, instance)
        ref = None
        if item.attempted_ms is not None:
            ref = await self._tracker.find_by_marker(mark, from_ms(item.created_ms) - CLOCK_SKEW)
        if ref is None:
            timeline = await store.timeline(incident.id)
            thread = await self._poster.thread_url(PRIVATE if incident.private else INCIDENT, incident.id)
            owner = await self._account(incident)
            new = issues.incident_issue(
                incident, self._around.process, self._template, timeline, thread, instance, owner
            )
            ref = await self._tracker.create(new)
            await self._hearing.created(incident.id, new)
        await self._keep(incident.id, lambda each: replace(each, issue_key=ref.key, issue_url=ref.url))
        return [RefreshCard(incident.id), SyncIssue(incident.id), *merge_requests.to_read(incident, self._tracker)]

    async def _inform(self, incident_id: int) -> None:
        """Tell those whom the process wants to know of each incident, once."""
        while (incident := await load(incident_id)).raised:
            decision = inform(incident, self._around.process, self._around.team, at=datetime.now(UTC))
            if decision is None:
                return
            try:
                await store.commit([(incident, decision)], once=[f"inform:{incident_id}"])
            except store.Conflict:
                continue
            except store.DoneAlready:
                return

    async def _account(self, incident: Incident) -> issues.Account:
        if incident.owner is None:
            return issues.Account()
        username = await self._tracker.username_of(incident.owner)
        return issues.Account(username, "" if username else self._tracker.how_to_map(incident.owner))

    async def _sync_issue(self, incident_id: int) -> Sequence[Effect]:
        """Write what the incident says, after hearing what people did in the tracker: their newest act wins."""
        await self._hearing.hear(incident_id)
        incident = await load(incident_id)
        if incident.issue_gone:
            return ()
        key, owner = self._key(incident), await self._account(incident)
        await self._tracker.change(key, issues.issue_change(incident, self._around.process, owner))
        await self._hearing.wrote(incident)
        return ()

    async def _note_issue(self, effect: NoteIssue, item: Item) -> Sequence[Effect]:
        incident = await load(effect.incident_id)
        if incident.issue_gone:
            return ()
        mark = issue_text.marker("note", item.uid)
        key, entry = self._key(incident), effect.entry
        hint = ""
        if entry.verb in (Verb.CLAIMED, Verb.ASSIGNED, Verb.HANDED_OVER):
            hint = issues.unmapped(incident, await self._account(incident))
        is_event = not hint and entry.verb in issues.EVENTS
        url = str(entry.data.get("url") or "") if entry.verb is Verb.LINKED else ""
        if url.startswith("https://") and self._tracker.merge_request_of(url) is None:
            is_event = await self._tracker.resource(key, str(entry.data.get("label") or url), url)
        if not (is_event and await self._tracker.event(key, issues.event_text(entry), entry.at)):
            await self._tracker.comment(key, issue_text.blocks(issues.comment_body(entry), hint), mark)
        return merge_requests.to_read(incident, self._tracker) if entry.verb is Verb.LINKED else ()

    async def _write_post_mortem(self, incident: Incident) -> Sequence[Effect]:
        """Write the document as it is now. The comment is marked by what it says: none stands there twice."""
        if incident.issue_gone:
            return ()
        timeline = await store.timeline(incident.id)
        body, digest = documents.for_the_issue(incident, timeline, self._around.process)
        there = Documented(digest, written=True)
        if incident.documented != there:
            await self._tracker.comment(self._key(incident), body, issue_text.marker("post-mortem", digest))
            await self._keep(incident.id, lambda each: replace(each, documented=there))
        return ()

    async def _raise_follow_up(self, incident: Incident, name: str, item: Item) -> Sequence[Effect]:
        follow_up = next((each for each in incident.follow_ups if each.id == name), None)
        if follow_up is None:
            return ()
        key = follow_up.key
        if key and incident.private:
            await self._tracker.change(key, IssueChange(confidential=True))
        elif not key:
            instance = await directory.instance()
            mark = issues.follow_up_marker(incident.id, name, instance)
            ref = None
            if item.attempted_ms is not None:
                ref = await self._tracker.find_by_marker(mark, from_ms(item.created_ms) - CLOCK_SKEW)
            if ref is None:
                ref = await self._tracker.create(
                    issues.follow_up_issue(incident, follow_up, self._around.process, instance)
                )
            key, url = ref.key, ref.url
            await self._keep(incident.id, lambda each: _with_follow_up(each, name, key, url))
        if incident.raised and not incident.issue_gone:
            await self._tracker.link(key, self._key(incident))
        return [RefreshCard(incident.id)]

    @staticmethod
    def _key(incident: Incident) -> str:
        if not incident.issue_key:
            raise Permanent("the incident has no issue: its raising was dropped from the outbox")
        return incident.issue_key

    @staticmethod
    async def _keep(incident_id: int, change: Callable[[Incident], Incident]) -> None:
        """Write down what the tracker answered, whatever people do to the incident meanwhile."""
        while True:
            before = await load(incident_id)
            try:
                await store.commit([(before, Decision(change(before)))])
            except store.Conflict:
                continue
            return


def _with_follow_up(incident: Incident, name: str, key: str, url: str) -> Incident:
    named = tuple(replace(each, key=key, url=url) if each.id == name else each for each in incident.follow_ups)
    return replace(incident, follow_ups=named)
