"""What a pressed button of a case's card leads to."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime

from bot.case_surroundings import CaseSurroundings
from bot.places import Place, Shown, form_keys
from bot.twins import subject_of
from cards.case import case_card
from cards.case_actions import (
    FIELD,
    BeginSupport,
    CaseButton,
    CaseDo,
    CaseForm,
    OpenCaseForm,
    OpenProcedure,
    RefreshCaseCard,
)
from cards.case_forms import case_form, support_form
from cards.notice import notice_card
from cards.payload import BadAction, decode_values
from models import cases as rows
from models.directory import CASE
from models.domain.case_requests import CallWentOn
from models.domain.cases import Call, Case
from models.domain.decisions import Refusal
from models.domain.people import Person
from models.domain.procedures import Procedure
from models.operations import cases
from models.operations.cases import DoneCase
from models.ports.service_desk import ServiceDesk

log = logging.getLogger(__name__)


class CaseClicks:
    """Answers the buttons of cases, each from one transaction and without the network.

    Args:
        around: The team and its procedures.
        desk: Tells the number of a support call from its address.
    """

    def __init__(self, around: CaseSurroundings, desk: ServiceDesk) -> None:
        self._around = around
        self._desk = desk

    async def press(self, button: CaseButton, data: object, by: Person, place: Place) -> Shown:
        """Answer a button.

        Raises:
            BadAction: The card is not one of ours.
            NoSuchCase: It is about nothing that is known.
        """
        match button:
            case RefreshCaseCard(hint):
                return self._card(await self._case(place, hint), by)
            case OpenCaseForm(form, hint):
                return await self._form(form, await self._case(place, hint), by)
            case BeginSupport():
                return await self._begin(button, data, by, place)
            case OpenProcedure(key, hint):
                return await self._open_procedure(key, await self._case(place, hint))
            case CaseDo():
                return await self._act(button, data, by, place)

    async def _case(self, place: Place, hint: int | None) -> Case:
        """Return the case that the clicked message shows."""
        return await cases.load(await subject_of(place, CASE, hint))

    def _card(self, case: Case, by: Person, notice: str = "") -> Shown:
        view = self._around.view(case, by, notice=notice)
        if view.may_decide is False and not notice:
            view = self._around.view(case, by, notice="Those whom the process names decide about this.")
        return Shown(case_card(view, now=datetime.now(UTC)))

    async def _form(
        self,
        form: CaseForm,
        case: Case,
        by: Person,
        values: dict[str, str] | None = None,
        refusal: Refusal | None = None,
    ) -> Shown:
        view = self._around.view(case, by)
        if view.may_decide is False:
            log.warning("%s may not decide about case %d and asked for a form", by.id, case.id)
            return self._card(case, by)
        if form is CaseForm.TAKE:
            view = await self._around.view_for_sharing(case, by)
        return Shown(case_form(view, form, values=values, refusal=refusal, once=secrets.token_hex(8)))

    async def _act(self, button: CaseDo, data: object, by: Person, place: Place) -> Shown:
        case = await self._case(place, button.hint)
        once = form_keys(place, button.once)
        done = DoneCase(case)
        for number, request in enumerate(button.requests):
            keys = [f"{key}:{number}" for key in once]
            done = await cases.act(done.case, request, by, self._around.setting, once=keys)
            if done.refusal is not None:
                break
        if done.refusal is None:
            return self._card(done.case, by, done.notice)
        if done.refusal.ask == "not_allowed":
            log.warning("%s may not decide about case %d and tried to", by.id, case.id)
        elif done.refusal.fields and button.form is not None:
            return await self._form(button.form, done.case, by, decode_values(data), done.refusal)
        return self._card(done.case, by, done.refusal.text)

    async def _begin(self, button: BeginSupport, data: object, by: Person, place: Place) -> Shown:
        procedure = self._procedure(button.procedure)
        call = self._call(procedure, button)
        done = await cases.open_support(
            procedure, button.answers, call, by, shares=button.shares, once=form_keys(place, button.once)
        )
        if isinstance(done, Refusal):
            others = await self._around.shareable(0)
            values, token = decode_values(data), secrets.token_hex(8)
            return Shown(support_form(procedure, values, done, others=others, call=button.call, once=token))
        if button.call is not None and (asked := await rows.case(button.call)) is not None and asked.is_call:
            went_on = CallWentOn(done.case.id, incident=False)
            await cases.act(asked, went_on, by, self._around.setting)
        return Shown(notice_card(f"Begun as number {done.case.id}: {done.case.title}. Its card follows."))

    async def _open_procedure(self, key: str, call: Case) -> Shown:
        procedure = self._procedure(key)
        asked = next((each.key for each in procedure.fields if each.kind == "call"), None)
        values = {FIELD + asked: call.call.key} if asked and call.call else {}
        others, once = await self._around.shareable(0), secrets.token_hex(8)
        return Shown(support_form(procedure, values, others=others, call=call.id, once=once))

    def _procedure(self, key: str) -> Procedure:
        procedure = self._around.setting.procedures.of(key)
        if procedure is None:
            raise BadAction("The process file has no such procedure any more.")
        return procedure

    def _call(self, procedure: Procedure, button: BeginSupport) -> Call | None:
        given = next((button.answers.get(each.key, "") for each in procedure.fields if each.kind == "call"), "")
        key = self._desk.key_of(given) if given else ""
        if not key:
            return None
        url = self._desk.url_of(key) or (given if given.startswith("https://") else "")
        return Call(key, url)
