"""What must leave the system because of a case: one function per effect. See ``bot.deliveries``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot import case_issue, issue_text
from bot.case_letters import Letters
from bot.case_lookup import Lookup, app_of_mail
from bot.case_surroundings import CaseSurroundings
from bot.outbox import NotYet
from bot.posting import Poster
from cards.blocks import mention_name
from cards.case import case_card
from cards.case_timeline import case_announcement, case_sentence
from models import cases as rows
from models import directory, mails, store
from models.directory import CASE
from models.domain import access, support
from models.domain import calls as calls_rules
from models.domain.case_effects import (
    CarryOut,
    CloseCall,
    DeclareFromCall,
    HearAnswer,
    LookUpCase,
    NoteCall,
    NoteCaseIssue,
    OpenCase,
    PostCase,
    RaiseCaseIssue,
    RefreshCase,
    SendLetter,
    SyncCaseIssue,
    TellCase,
    WithholdCase,
)
from models.domain.case_reminders import holds
from models.domain.case_timeline import CaseVerb
from models.domain.cases import Case, CaseDecision, CaseState
from models.domain.effects import Effect
from models.domain.people import Person
from models.operations import calls, cases
from models.ports.errors import Permanent, Temporary, Unauthorised
from models.ports.messenger import Message
from models.ports.service_desk import ServiceDesk
from models.ports.tracker import IssueTracker
from models.queue import Item

log = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CaseDeliveries:
    """Carries the effects of cases to Teams, the tracker, the gateway, the service desk and the mail server."""

    poster: Poster
    tracker: IssueTracker
    around: CaseSurroundings
    lookup: Lookup
    desk: ServiceDesk
    letters: Letters

    async def deliver(self, item: Item) -> Sequence[Effect]:
        """Carry out one item; as ``bot.deliveries.Deliveries.deliver``."""
        match item.effect:
            case OpenCase(mail_id):
                await self._open(mail_id)
            case HearAnswer(case_id, mail_id):
                await self._hear(case_id, mail_id)
            case PostCase(case_id):
                await self._post(await cases.load(case_id), item)
            case RefreshCase(case_id):
                await self._refresh(await cases.load(case_id))
            case TellCase() as effect:
                await self._tell(effect)
            case LookUpCase(case_id):
                await self._look_up(await cases.load(case_id))
            case CarryOut(case_id):
                await self._carry_out(await cases.load(case_id))
            case SendLetter(case_id, token):
                await self.letters.send(await cases.load(case_id), token)
            case DeclareFromCall(case_id, by):
                process, setting = self.around.around.process, self.around.setting
                await calls.declare(await cases.load(case_id), by, process, setting, once=f"call:{item.uid}")
            case WithholdCase(case_id):
                case = await cases.load(case_id)
                await cases.change(case, lambda before: calls_rules.withheld(before, datetime.now(UTC)))
            case NoteCall() as effect:
                await self._note_call(effect, item)
            case CloseCall(case_id):
                await self._close_call(await cases.load(case_id), item)
            case RaiseCaseIssue(case_id):
                return await self._raise(await cases.load(case_id), item)
            case SyncCaseIssue(case_id):
                await self._sync(await cases.load(case_id))
            case NoteCaseIssue() as effect:
                await self._note(effect, item)
            case effect:
                raise Permanent(f"nothing is known of {type(effect).__name__}")
        return ()

    # -- mail and gateway ---------------------------------------------------------------------------------

    async def _open(self, mail_id: int) -> None:
        record = await mails.mail(mail_id)
        if record is None or record.reading.alert is None:
            return
        app = app_of_mail(record.reading.alert)
        try:
            app = await self.lookup.app(app, self.around.around.process.procedures.access)
        except (Permanent, Temporary) as error:
            log.warning(
                "an app that asks for access can't be looked up now; its card says what the mail says: %s", error
            )
        try:
            await cases.open_access(app, how="mail", once=[f"case:mail:{mail_id}"])
        except store.DoneAlready:
            return

    async def _hear(self, case_id: int, mail_id: int) -> None:
        record, case = await mails.mail(mail_id), await rows.case(case_id)
        if record is None or record.reading.alert is None or case is None:
            return
        alert, sender = record.reading.alert, record.reading.sender
        token, text = str(alert.details.get("token") or ""), alert.summary or ""
        await cases.change(
            case,
            lambda before: access.answered(before, token, sender, text, datetime.now(UTC)),
            once=[f"answer:mail:{mail_id}"],
        )

    async def _look_up(self, case: Case) -> None:
        if case.state.finished:
            return
        procedures = self.around.around.process.procedures
        if case.app is not None:
            await cases.learnt(case, await self.lookup.app(case.app, procedures.access))
        elif case.call is not None:
            call = await self.lookup.call(case.call, procedures.of(case.procedure))
            learn = calls_rules.looked_up if case.is_call else support.looked_up
            await cases.change(case, lambda before: learn(before, call, datetime.now(UTC)))

    async def _carry_out(self, case: Case) -> None:
        """Approve in the gateway, and claim what it says afterwards; nothing else."""
        if case.state is not CaseState.APPROVED or case.app is None:
            return
        gateway = self.lookup.gateway
        try:
            app = await gateway.app(app_id=case.app.app_id, name=case.app.name or case.app.title)
            if app is None:
                await self._failed(case, "the gateway does not know the app any more")
                return
            after = await gateway.approve(app, [each.name for each in case.app.products])
        except Unauthorised:
            raise
        except Permanent as error:
            await self._failed(case, str(error))
            return
        await cases.change(case, lambda before: access.carried_out(before, after, datetime.now(UTC)))

    @staticmethod
    async def _failed(case: Case, why: str) -> None:
        await cases.change(case, lambda before: access.failed(before, why, datetime.now(UTC)))

    # -- Teams --------------------------------------------------------------------------------------------

    def _card(self, case: Case) -> Message:
        card = case_card(self.around.view(case), now=datetime.now(UTC))
        return Message(card=card, summary=f"Number {case.id}: {case.title}"[:200])

    async def _post(self, case: Case, item: Item) -> None:
        if await directory.cards_of(CASE, case.id):
            return
        if item.attempts > 1:
            await directory.maybe_twin(f"case:{case.id}")
        channel = await (self.poster.gateway() if case.is_access else self.poster.devs())
        await self.poster.post(channel, CASE, case.id, self._card(case))

    async def _refresh(self, case: Case) -> None:
        for card in await directory.cards_of(CASE, case.id):
            await self.poster.update(card, self._card(case))

    async def _tell(self, effect: TellCase) -> None:
        cards = await directory.cards_of(CASE, effect.case_id)
        if not cards:
            return
        if effect.entry.verb in (CaseVerb.DUE, CaseVerb.REMINDED):
            case = await cases.load(effect.case_id)
            if not holds(case, effect.entry, self.around.around.process.procedures):
                return  # it waited in the outbox meanwhile
        people = tuple({each.id or each.teams_id: each for each in effect.mentions}.values())
        text = case_announcement(effect.entry, people)
        named = tuple(replace(each, name=mention_name(each)) for each in people if each.teams_id)
        await self.poster.reply(cards[0].thread, Message(text=text, mentions=named))

    # -- issue tracker ------------------------------------------------------------------------------------

    async def _account(self, owner: Person | None) -> tuple[str | None, str]:
        if owner is None:
            return None, ""
        username = await self.tracker.username_of(owner)
        return username, "" if username else self.tracker.how_to_map(owner)

    async def _raise(self, case: Case, item: Item) -> Sequence[Effect]:
        if case.issue_key:
            return ()
        thread, procedures = await self.poster.thread_url(CASE, case.id), self.around.around.process.procedures
        instance = await directory.instance()
        if case.shares is not None:
            other = await cases.load(case.shares)
            if not other.issue_key:
                raise NotYet(f"the issue of number {other.id} is not raised yet", 5)
            mark = issue_text.marker("shared", f"{instance}.{case.id}")
            await self.tracker.comment(other.issue_key, case_issue.shared_text(case, procedures, thread), mark)
            key, url = other.issue_key, other.issue_url
        else:
            ref = None
            if item.attempted_ms is not None:
                since = store.from_ms(item.created_ms) - CLOCK_SKEW
                ref = await self.tracker.find_by_marker(case_issue.case_marker(case.id, instance), since)
            if ref is None:
                username, hint = await self._account(case.owner)
                taken = case.owned_at or case.opened_at
                before = [entry for entry in await rows.timeline(case.id) if entry.at < taken]
                new = case_issue.case_issue(case, procedures, thread, instance, username, hint, before)
                ref = await self.tracker.create(new)
            key, url = ref.key, ref.url
        await self._keep(case, lambda before: replace(before, issue_key=key, issue_url=url))
        return [RefreshCase(case.id)]

    @staticmethod
    async def _keep(case: Case, changed: Callable[[Case], Case]) -> None:
        await cases.change(case, lambda before: CaseDecision(changed(before)))

    async def _sync(self, case: Case) -> None:
        key = self._key(case)
        sharing = await rows.of_issue(key)
        all_over = all(each.state.finished for each in sharing)
        username, _ = await self._account(case.owner)
        await self.tracker.change(key, case_issue.case_change(case, username, all_over=all_over))

    async def _note(self, effect: NoteCaseIssue, item: Item) -> None:
        case = await cases.load(effect.case_id)
        key = self._key(case)
        shared = len(await rows.of_issue(key)) > 1
        text = case_issue.case_comment(effect.entry, case, shared=shared)
        await self.tracker.comment(key, text, issue_text.marker("note", item.uid))

    @staticmethod
    def _key(case: Case) -> str:
        if not case.issue_key:
            raise Permanent("the case has no issue: its raising was dropped from the outbox")
        return case.issue_key

    # -- service desk -------------------------------------------------------------------------------------

    async def _note_call(self, effect: NoteCall, item: Item) -> None:
        case, entry = await cases.load(effect.case_id), effect.entry
        if case.call is not None and self.desk.configured:
            said = case_sentence(entry, markdown=False)
            await self.desk.note(case.call.key, said, f"wilson-{item.uid}")

    async def _close_call(self, case: Case, item: Item) -> None:
        if case.call is None or not self.desk.configured:
            return
        entries = await rows.timeline(case.id)
        said = case_sentence(entries[-1], markdown=False) if entries else "It has ended."
        where = f" Issue: {case.issue_url}" if case.issue_url.startswith("https://") else ""
        await self.desk.note(case.call.key, f"{case.title}: {said}{where}", f"wilson-{item.uid}")
