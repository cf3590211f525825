"""What a typed command about a case leads to."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bot.call_commands import parse_call
from bot.case_commands import (
    Begin,
    Bring,
    CaseAct,
    CaseCommand,
    Say,
    ShowCaseForm,
    Wrong,
    parse_case,
    parse_channel,
)
from bot.case_surroundings import CaseSurroundings
from bot.places import Place
from cards.blocks import escape
from cards.case_actions import FIELD, CaseForm
from cards.case_forms import case_form, support_form
from cards.case_lists import access_list, call_help, case_help, case_status, support_list
from models import cases as rows
from models import store
from models.directory import CASE, Card
from models.domain import access
from models.domain.cases import Call, Case
from models.domain.effects import Answer
from models.domain.people import Person
from models.domain.procedures import Procedure
from models.operations import cases
from models.operations.calls import open_call
from models.ports.service_desk import ServiceDesk

log = logging.getLogger(__name__)

LOOKED_BACK = timedelta(days=30)


def filled_in(procedure: Procedure, given: Sequence[str]) -> dict[str, str]:
    """Return a form's inputs as far as what was typed fills them: a call, a choice, and logins."""
    values: dict[str, str] = {}
    left = list(given)
    for each in procedure.fields:
        if each.kind == "call":
            found = [word for word in left if re.fullmatch(r"#?\d{1,12}|https://\S+", word)][:1]
        elif each.kind == "choice":
            found = [word for word in left if word.casefold() in each.choices][:1]
        elif each.kind == "logins":
            found = [word.strip(",;") for word in left if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,60}[,;]?", word)]
        else:
            continue
        if found:
            values[FIELD + each.key] = found[0].casefold() if each.kind == "choice" else ", ".join(found)
            left = [word for word in left if word.strip(",;") not in found]
    return values


class CaseSpeech:
    """Carries out commands about cases; see ``bot.speech``.

    Args:
        around: The team and its procedures.
        desk: Tells the number of a support call from its address.
    """

    def __init__(self, around: CaseSurroundings, desk: ServiceDesk) -> None:
        self._around = around
        self._desk = desk

    async def say(self, text: str, card: Card | None, by: Person, place: Place, *, addressed: bool) -> bool:
        """Carry out what somebody typed, if it is about a case.

        Args:
            card: What the thread is about; ``None`` for a channel itself.

        Returns:
            Whether it was; otherwise it is for somebody else.
        """
        if card is not None and card.kind == CASE:
            case = await cases.load(card.subject)
            if case.is_call:
                understood = parse_call(text, self._around.setting.procedures.calls, addressed=addressed)
            else:
                understood = parse_case(text, self._steps(case), addressed=addressed)
            await self._obey(understood, case, by, place)
            return True
        if card is not None or not addressed:
            return False
        procedures = self._around.setting.procedures
        known, calls_too = [each.key for each in procedures.support], bool(procedures.calls.outcomes)
        command = parse_channel(text, known, calls=calls_too)
        if command is None:
            return False
        await self._obey(command, None, by, place)
        return True

    def _steps(self, case: Case) -> list[str]:
        procedures = self._around.setting.procedures
        if case.is_access:
            found = [each.key for each in access.checks(case, procedures.access) if each.tickable]
            return [*found, access.APPROVED]
        procedure = procedures.of(case.procedure)
        return [each.key for each in procedure.steps] if procedure else []

    async def _obey(self, command: CaseCommand, case: Case | None, by: Person, place: Place) -> None:
        match command:
            case CaseAct(request) if case is not None:
                done = await cases.act(case, request, by, self._around.setting, once=[place.once])
                if done.refusal is not None and done.refusal.ask == "not_allowed":
                    log.warning("%s may not decide about case %d and tried to", by.id, case.id)
                said = done.refusal.text if done.refusal else done.notice
                if said:
                    await self._answer(place, escape(said, 600))
            case ShowCaseForm(form) if case is not None:
                await self._form(form, case, by, place)
            case Begin(key, given):
                procedure = self._around.setting.procedures.of(key)
                assert procedure is not None
                others, values = await self._around.shareable(0), filled_in(procedure, given)
                card = support_form(procedure, values, others=others, once=secrets.token_hex(8))
                await self._answer(place, card=card)
            case Bring(call):
                await self._answer(place, await self._bring(call, by, place))
            case Say(what):
                await self._answer(place, await self._shown(what, case))
            case Wrong(text):
                await self._answer(place, escape(text, 600))

    async def _bring(self, given: str, by: Person, place: Place) -> str:
        key = self._desk.key_of(given)
        if not key:
            return f"{escape(given, 80)} is no number or address of a support call."
        url = self._desk.url_of(key) or (given if given.startswith("https://") else "")
        try:
            case, new = await open_call(Call(key, url), by, once=[place.once])
        except store.DoneAlready:
            return "It was brought already."
        return f"Support call {key} is number {case.id}; its card follows." if new else f"It is number {case.id}."

    async def _form(self, form: CaseForm, case: Case, by: Person, place: Place) -> None:
        view = self._around.view(case, by)
        if view.may_decide is False:
            log.warning("%s may not decide about case %d and asked for a form", by.id, case.id)
            await self._answer(place, "Only those whom the process names may decide about access.")
            return
        await self._answer(place, card=case_form(view, form, once=secrets.token_hex(8)))

    async def _shown(self, what: str, case: Case | None) -> str:
        now, procedures = datetime.now(UTC), self._around.setting.procedures
        match what:
            case "status" if case is not None:
                return case_status(self._around.view(case), now)
            case "access list":
                ended = await rows.ended_since(store.to_ms(now - LOOKED_BACK))
                return access_list(await rows.unfinished(), ended, procedures, now)
            case "support":
                ended = await rows.ended_since(store.to_ms(now - LOOKED_BACK))
                return support_list(await rows.unfinished(), procedures, now, ended)
        if case is not None and case.is_call:
            return call_help(procedures.calls)
        return case_help(case.is_access if case is not None else True)

    async def _answer(self, place: Place, text: str = "", *, card: dict[str, Any] | None = None) -> None:
        carried = orjson.dumps(card).decode() if card else ""
        answer = Answer(place.service_url, place.tenant_id, place.conversation_id, text, carried)
        await store.leave([answer], once=[f"answer:{place.once}"])
