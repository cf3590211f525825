"""One function per effect: what is rendered, and to whom it goes.

Everything is rendered from the state of the moment, so that a retry never tells old news. A delivery may run
twice (a process may die between doing and settling), so each first looks whether it was done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson

from bot import documents, issue_text, issues, merge_requests, recent_changes, security_mail
from bot.case_deliveries import CaseDeliveries
from bot.firing_deliveries import FiringDeliveries
from bot.hearing import Hearing
from bot.mail_view import mail_view
from bot.outside_deliveries import OutsideDeliveries
from bot.paging import PagerDeliveries
from bot.posting import Poster
from bot.recurring import with_recurrence
from bot.reporting import with_follow_ups
from bot.review_deliveries import ReviewDeliveries
from bot.shift_deliveries import ShiftDeliveries
from bot.surroundings import Surroundings
from cards.blocks import escape, mention_name
from cards.digest import digest_card
from cards.incident import incident_card
from cards.lists import greeting
from cards.mail import mail_card
from cards.private import redacted_card
from cards.report import report_card
from cards.timeline import announcement
from cards.words import public_title
from models import digests, directory, mails, queue, reporting, store
from models.directory import DIGEST, INCIDENT, MAIL, PRIVATE
from models.domain.decisions import Decision
from models.domain.effects import (
    Answer,
    AskAtDaysEnd,
    Effect,
    LearnTeam,
    PostDigest,
    PostMail,
    PostReview,
    PostShift,
    RefreshReview,
    RefreshShift,
    SendReport,
    Tell,
)
from models.domain.incident_effects import (
    Announce,
    AskUpdate,
    LookForChanges,
    MailSecurity,
    NoteIssue,
    OfferChannel,
    OpenChannel,
    PostCard,
    PostPrivate,
    PostUpdate,
    RaiseFollowUp,
    RaiseIssue,
    ReadIssue,
    ReadMergeRequest,
    RefreshCard,
    ReportParts,
    ShowOnPage,
    SyncIssue,
    TellPager,
    WriteLogPage,
    WritePostMortem,
)
from models.domain.incident_parts import Documented
from models.domain.incidents import Incident, State
from models.domain.people import MOST_MENTIONS
from models.domain.privacy import raise_unseen
from models.domain.reminders import holds
from models.domain.staffing import inform
from models.domain.timeline import Verb
from models.domain.views import DigestView
from models.operations import reviews
from models.operations.incidents import load
from models.ports.changes import ChangeSource
from models.ports.channels import ChannelMaker
from models.ports.errors import Permanent
from models.ports.messenger import Message, ThreadAddress
from models.ports.pager import Pager
from models.ports.status_page import StatusPage
from models.ports.tracker import IssueChange, IssueTracker
from models.queue import Item
from models.store import from_ms

log = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(minutes=5)
"""How much earlier than ours the tracker's clock may be when an issue is looked for."""


_NO_HELP = frozenset({Verb.HEARD, Verb.ME_TOO})
"""What nobody is thanked for: what they did elsewhere, and that it struck them, too."""


class Deliveries:
    """Carries effects to Teams and to the issue tracker."""

    def __init__(
        self,
        poster: Poster,
        tracker: IssueTracker,
        surroundings: Surroundings,
        cases: CaseDeliveries,
        *,
        template: str,
        page: StatusPage,
        new_channels: ChannelMaker,
        changes: ChangeSource,
        pager: Pager,
    ) -> None:
        self._poster = poster
        self._cases = cases
        self._tracker = tracker
        self._hearing = Hearing(tracker, surroundings)
        self._around = surroundings
        self._template = template
        self._changes = changes
        self._outside = OutsideDeliveries(poster, surroundings, page, new_channels)
        self._pager = PagerDeliveries(poster, surroundings, pager)
        self._shifts = ShiftDeliveries(poster, surroundings)
        self._reviews = ReviewDeliveries(poster, tracker, surroundings)
        self._firing = FiringDeliveries(poster, tracker, surroundings)
        self._posting = asyncio.Lock()  # new cards one by one: under a limit the most severe must come first

    async def prepare(self) -> None:
        """Fold new candidates into a digest where more wait than may be posted in a minute, the mildest first."""
        most = self._around.process.digest_cards_per_minute
        items = await queue.new_cards()
        if len(items) > most:
            digest = await digests.fold(items[most:])
            log.warning(
                "%d new candidates wait; %d of them go into digest %s", len(items), len(items) - most, digest
            )

    async def deliver(self, item: Item) -> Sequence[Effect]:
        """Carry out one item.

        Returns:
            What follows from it.

        Raises:
            NotYet: Something must be there first, or the limits of Teams say to wait.
            PortError: The other side did not do it.
        """
        match item.effect:
            case PostCard(incident_id):
                async with self._posting:
                    return await self._post_card(await load(incident_id), item)
            case PostPrivate(incident_id):
                return await self._post_private(await load(incident_id))
            case PostShift() | RefreshShift() | AskAtDaysEnd() as effect:
                return await self._shifts.deliver(effect, item)
            case PostReview() | RefreshReview() as effect:
                return await self._reviews.deliver(effect, item)
            case AskUpdate() | PostUpdate() | ShowOnPage() | OpenChannel() | OfferChannel() as effect:
                return await self._outside.deliver(effect, item)
            case TellPager(incident_id):
                return await self._pager.deliver(incident_id, item)
            case WriteLogPage() | ReportParts() as effect:
                return await self._firing.deliver(effect, item)
            case MailSecurity(incident_id):
                await security_mail.report(incident_id, self._cases.letters, self._around)
                return ()
            case RefreshCard(incident_id):
                return await self._refresh_card(await load(incident_id))
            case Announce() as effect:
                return await self._announce(effect)
            case PostMail(mail_id):
                return await self._post_mail(mail_id)
            case PostDigest(digest_id):
                return await self._post_digest(digest_id)
            case LearnTeam(team_id):
                return await self._learn_team(team_id)
            case Answer() as effect:
                return await self._answer(effect)
            case Tell() as effect:
                await self._tell(effect)
                return ()
            case SendReport() as effect:
                await self._send_report(effect)
                return ()
            case RaiseIssue(incident_id):
                return await self._raise_issue(await load(incident_id), item)
            case ReadIssue(incident_id):
                return await self._hearing.hear(incident_id)
            case ReadMergeRequest(incident_id, url):
                await merge_requests.read(self._tracker, incident_id, url)
                return ()
            case LookForChanges(incident_id):
                await recent_changes.look(self._changes, self._around.process.changes, incident_id, item)
                return ()
            case SyncIssue(incident_id):
                return await self._sync_issue(incident_id)
            case NoteIssue() as effect:
                return await self._note_issue(effect, item)
            case WritePostMortem(incident_id):
                return await self._write_post_mortem(await load(incident_id))
            case RaiseFollowUp(incident_id, follow_up):
                return await self._raise_follow_up(await load(incident_id), follow_up, item)
            case _:
                return await self._cases.deliver(item)

    # -- Teams --------------------------------------------------------------------------------------------

    async def _post_card(self, incident: Incident, item: Item) -> Sequence[Effect]:
        if incident.digest_id is not None:
            return ()
        follows = [LookForChanges(incident.id)] if self._changes.configured else []
        if await directory.cards_of(INCIDENT, incident.id):
            return follows
        if item.attempts > 1:
            await directory.maybe_twin(incident.id)
        incident = await with_recurrence(incident, self._around.zone)
        await self._poster.post(await self._poster.devs(), INCIDENT, incident.id, self._card(incident))
        return follows

    async def _post_private(self, incident: Incident) -> Sequence[Effect]:
        channel = await self._poster.private()
        while channel is None and (raised := raise_unseen(incident, at=datetime.now(UTC))):
            with contextlib.suppress(store.Conflict):
                await store.commit([(incident, raised)])
            incident = await load(incident.id)
        if channel is None or not incident.private or await directory.cards_of(PRIVATE, incident.id):
            return ()  # without a channel it goes on in the issue, which its marker was told
        incident = await with_recurrence(incident, self._around.zone)
        await self._poster.post(channel, PRIVATE, incident.id, self._whole_card(incident))
        return ()

    def _card(self, incident: Incident) -> Message:
        """Return the card that everyone sees."""
        if not incident.private:
            return self._whole_card(incident)
        card = redacted_card(incident, now=datetime.now(UTC))
        return Message(card=card, summary=f"Incident {incident.id}: {public_title(incident)}")

    def _whole_card(self, incident: Incident) -> Message:
        card = incident_card(self._around.view(incident), now=datetime.now(UTC))
        return Message(card=card, summary=f"Incident {incident.id}: {incident.title}"[:200])

    async def _refresh_card(self, incident: Incident) -> Sequence[Effect]:
        if incident.digest_id is not None:
            return [PostDigest(incident.digest_id)]
        for card in await directory.cards_of(INCIDENT, incident.id):
            await self._poster.update(card, self._card(incident))
        for card in await directory.cards_of(PRIVATE, incident.id) if incident.private else ():
            await self._poster.update(card, self._whole_card(incident))
        return await reviews.refreshes(incident.id)

    async def _announce(self, effect: Announce) -> Sequence[Effect]:
        incident = await load(effect.incident_id)
        private = incident.private
        if effect.entry.verb is Verb.REMINDED:
            timeline = await store.timeline(incident.id)
            if not holds(incident, effect.entry, self._around.process, timeline):
                return ()  # it waited in the outbox meanwhile
        cards = await directory.cards_of(PRIVATE if private else INCIDENT, effect.incident_id)
        if not cards:
            return ()
        mentions = effect.mentions
        head = self._around.process.security.head_of(self._around.team)
        if effect.entry.verb is Verb.MADE_PRIVATE and head is not None:
            mentions = (head,)
        if effect.whole_team and not private:
            others = [each for each in self._around.team if not each.same(effect.entry.actor)]
            mentions = (*mentions, *others)[:MOST_MENTIONS]
        said = announcement(effect.entry, self._around.process, mentions)
        named = tuple(replace(each, name=mention_name(each)) for each in said.mentions)
        thanks = await self._thanks(effect) if effect.entry.verb is Verb.RESOLVED else ""
        await self._poster.reply(cards[0].thread, Message(text=f"{said.text} {thanks}".strip(), mentions=named))
        return ()

    @staticmethod
    async def _thanks(effect: Announce) -> str:
        """Name everybody else who did something about a resolved incident: thanks, not blame (T13)."""
        entries = await store.timeline(effect.incident_id)
        people = [entry.actor for entry in entries if entry.actor is not None and entry.verb not in _NO_HELP]
        names = dict.fromkeys(each.name for each in people if not each.same(effect.entry.actor))
        return f"Thanks to {', '.join(escape(name, 80) for name in list(names)[:12])}." if names else ""

    async def _post_mail(self, mail_id: int) -> Sequence[Effect]:
        record = await mails.mail(mail_id)
        if record is None:
            return ()
        view = mail_view(record, withheld=await mails.is_private(record))
        message = Message(card=mail_card(view), summary=view.subject[:200])
        cards = await directory.cards_of(MAIL, mail_id)
        for card in cards:
            await self._poster.update(card, message)
        if not cards:
            channel = await (self._poster.gateway() if view.about_gateway else self._poster.devs())
            await self._poster.post(channel, MAIL, mail_id, message)
        return ()

    async def _post_digest(self, digest_id: int) -> Sequence[Effect]:
        incidents = await store.incidents_of_digest(digest_id)
        worst_first = sorted(incidents, key=lambda each: (queue.priority_of(each.severity), each.id))
        view = DigestView(digest_id, tuple(worst_first), self._around.process)
        message = Message(card=digest_card(view), summary=f"{len(incidents)} more new candidates")
        cards = await directory.cards_of(DIGEST, digest_id)
        for card in cards:
            await self._poster.update(card, message)
        if not cards:
            await self._poster.post(await self._poster.devs(), DIGEST, digest_id, message)
        return ()

    async def _learn_team(self, team_id: str) -> Sequence[Effect]:
        found = [each for each in await directory.installations() if each.team_id == team_id]
        if not found:
            return ()
        installation = found[0]
        channels = await self._poster.messenger.channels(installation.service_url, team_id)
        ours = self._poster.channels
        devs, gateway, private = (
            _channel(channels, wanted) if wanted else None for wanted in (ours.devs, ours.gateway, ours.private)
        )
        await directory.channels_found(team_id, devs, gateway, private)
        await queue.hasten(
            ("PostCard", "PostCase", "PostMail", "PostDigest", "PostReview", "PostShift"), store.now_ms()
        )
        try:
            await directory.remember_people(
                list(await self._poster.messenger.members(installation.service_url, team_id))
            )
            await self._around.refresh()
        except Permanent as error:
            log.warning("the members of team %r can't be read; they are known once they speak: %s", team_id, error)
        names = ", ".join(name for _, name in channels)
        for wanted, channel in ((self._poster.channels.devs, devs), (self._poster.channels.gateway, gateway)):
            if channel is None:
                log.error("no channel %r in team %r (it has: %s): see wilson doctor", wanted, team_id, names)
        if devs is not None and not installation.greeted:
            text = greeting(self._around.process, self._poster.channels.devs, self._poster.channels.gateway)
            await self._poster.paced(installation.address(devs).channel_id)
            await self._poster.messenger.post(installation.address(devs), Message(text=text))
            await directory.greeted(team_id)
        if private is None:
            return ()
        held = await store.incidents_in((State.CANDIDATE, State.OPEN, State.RESOLVED), 500)
        return [PostPrivate(each.id) for each in held if each.private]

    async def _answer(self, effect: Answer) -> Sequence[Effect]:
        thread = ThreadAddress(effect.service_url, effect.tenant_id, effect.conversation_id, "")
        card = orjson.loads(effect.card) if effect.card else None
        named = tuple(replace(each, name=mention_name(each)) for each in effect.mentions)
        await self._poster.reply(thread, Message(text=effect.text, card=card, mentions=named))
        return ()

    async def _tell(self, effect: Tell) -> None:
        named = tuple(replace(each, name=mention_name(each)) for each in effect.mentions if each.teams_id)
        channel = await (self._poster.gateway() if effect.gateway else self._poster.devs())
        await self._poster.paced(channel.channel_id)
        await self._poster.messenger.post(channel, Message(text=effect.text, mentions=named))

    async def _send_report(self, effect: SendReport) -> None:
        around, days = self._around, (date.fromisoformat(effect.first), date.fromisoformat(effect.after))
        made = await reporting.report(*days, around.process, around.zone, datetime.now(UTC))
        card = report_card(await with_follow_ups(made, self._tracker), around.process, around.zone)
        message = Message(card=card, summary="How it went")
        if effect.conversation_id:
            thread = ThreadAddress(effect.service_url, effect.tenant_id, effect.conversation_id, "")
            await self._poster.reply(thread, message)
            return
        channel = await self._poster.devs()
        await self._poster.paced(channel.channel_id)
        await self._poster.messenger.post(channel, message)

    # -- issue tracker ------------------------------------------------------------------------------------

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


def _channel(channels: Sequence[tuple[str, str]], wanted: str) -> str | None:
    """Find a channel by its id or its name, whatever the case and the blanks around it."""
    if wanted.startswith("19:") and "@thread" in wanted:
        return wanted
    name = wanted.strip().casefold()
    return next((each for each, title in channels if each == wanted or title.strip().casefold() == name), None)
