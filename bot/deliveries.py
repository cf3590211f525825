"""One function per effect: what is rendered, and to whom it goes.

Everything is rendered from the state of the moment, so that a retry never tells old news. A delivery may run
twice (a process may die between doing and settling), so each first looks whether it was done.
What goes elsewhere than into the team's channels and threads has a file of its own: ``issue_deliveries`` and so on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import orjson

from bot import recent_changes, security_mail
from bot.case_deliveries import CaseDeliveries
from bot.firing_deliveries import FiringDeliveries
from bot.issue_deliveries import IssueDeliveries
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
from models.domain.incidents import Incident, State
from models.domain.people import MOST_MENTIONS
from models.domain.privacy import raise_unseen
from models.domain.reminders import holds
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
from models.ports.tracker import IssueTracker
from models.queue import Item

log = logging.getLogger(__name__)

_NO_HELP = frozenset({Verb.HEARD, Verb.ME_TOO})
"""What nobody is thanked for: what they did elsewhere, and that it struck them, too."""


class Deliveries:
    """Carries effects to Teams, and hands on to the other files what is theirs."""

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
        self._issues = IssueDeliveries(poster, tracker, surroundings, template=template)
        self._around = surroundings
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
            case (
                RaiseIssue()
                | ReadIssue()
                | ReadMergeRequest()
                | SyncIssue()
                | NoteIssue()
                | WritePostMortem()
                | RaiseFollowUp()
            ) as effect:
                return await self._issues.deliver(effect, item)
            case LookForChanges(incident_id):
                await recent_changes.look(self._changes, self._around.process.changes, incident_id, item)
                return ()
            case _:
                return await self._cases.deliver(item)

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


def _channel(channels: Sequence[tuple[str, str]], wanted: str) -> str | None:
    """Find a channel by its id or its name, whatever the case and the blanks around it."""
    if wanted.startswith("19:") and "@thread" in wanted:
        return wanted
    name = wanted.strip().casefold()
    return next((each for each, title in channels if each == wanted or title.strip().casefold() == name), None)
