"""What a typed command leads to. Nothing of the Bot Framework is known here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from bot import documents
from bot.case_speech import CaseSpeech
from bot.command_types import (
    Act,
    AskReport,
    AskService,
    ChangeRota,
    Chatter,
    Command,
    Declare,
    Elsewhere,
    Misused,
    Show,
    ShowForm,
    Unknown,
)
from bot.commands import parse
from bot.places import ELSEWHERE, Place
from bot.rota import days, remember_swap, swaps, undo_swaps
from bot.surroundings import Surroundings
from cards.actions import Form
from cards.blocks import escape, mention
from cards.declare_form import declare_form
from cards.forms import form_card
from cards.judging import definition_text
from cards.known_issue import runbook_entry
from cards.lists import help_text, incident_list, oncall_text, review_called_up, rota_text, status_text, swap_text
from cards.outside import handoff_text, vendors_text
from cards.services import service_text
from cards.story import document_text, story, to_copy
from models import directory, store
from models.directory import INCIDENT, PRIVATE
from models.domain.decisions import Refusal
from models.domain.effects import Answer, PostReview, SendReport
from models.domain.incidents import Incident, State
from models.domain.notice_rules import review_of
from models.domain.people import Person
from models.domain.privacy import IN_PRIVATE
from models.domain.requests import Assess, Assign, GiveRole, HandOver, Join, Merge, PostMortem, Request
from models.domain.rota import Swap, alike, read_days
from models.operations import incidents, shifts
from models.ports.errors import PortError


class Speech:
    """Carries out commands. What they change is told in the thread; what they ask is answered there.

    Args:
        around: Process, team and who is on call.
        cases: Carries out commands about cases.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, around: Surroundings, cases: CaseSpeech, wake: Callable[[], None]) -> None:
        self._around = around
        self._cases = cases
        self._wake = wake

    async def say(
        self, text: str, mentioned: Sequence[Person], by: Person, place: Place, *, addressed: bool = True
    ) -> None:
        """Carry out what somebody typed, with the bot's own mention taken off already.

        Args:
            addressed: Whether the bot was mentioned. Where it may hear everything, people also talk to each other.
        """
        if not await self._around.meet(by, place):
            if addressed:
                await self._answer(place, ELSEWHERE)
                self._wake()
            return
        card = await directory.card_of_activity("", place.conversation_id)
        if await self._cases.say(text, card, by, place, addressed=addressed):
            self._wake()
            return
        incident = (
            await store.incident(card.subject) if card is not None and card.kind in (INCIDENT, PRIVATE) else None
        )
        if not addressed and incident is None:
            return
        process, people = self._around.process, self._around.find(mentioned)
        command = parse(text, people, process, in_thread=incident is not None, addressed=addressed)
        if incident is not None and incident.private and card is not None and card.kind == INCIDENT:
            if not isinstance(command, Chatter):
                await self._answer(place, IN_PRIVATE)
        else:
            await self._obey(command, incident, by, place)
        self._wake()

    async def _obey(self, command: Command, incident: Incident | None, by: Person, place: Place) -> None:
        match command:
            case Act(PostMortem()) if incident is not None:
                await self._post_mortem(incident, by, place)
            case Act(request) if incident is not None:
                await self._act(incident, request, by, place)
            case Show("review"):
                await self._call_up_review(place)
            case Show("shift"):
                await self._hand_shift_over(by, place)
            case Show("definition") if incident is not None and self._to_judge(incident):
                await self._show_form(Form.JUDGE, incident, by, place)
            case ShowForm(form) if incident is not None and form != "declare":
                await self._show_form(Form(form), incident, by, place)
            case ShowForm():
                card = declare_form(self._around.process, once=secrets.token_hex(8))
                await self._answer(place, card=card)
            case Declare():
                await self._declare(command, by, place)
            case ChangeRota():
                await self._change_rota(command, by, place)
            case AskReport():
                await self._report(command, place)
            case Show(what):
                await self._answer(place, await self._shown(what, incident))
            case AskService(name):
                await self._answer(place, service_text(name, self._around.process, incident))
            case Unknown(text, nearest):
                await self._answer(place, _unknown(text, nearest))
            case Misused(text) | Elsewhere(text):
                await self._answer(place, escape(text, 600))
            case Chatter():
                return
            case Act():
                await self._answer(place, "This command belongs into an incident's thread.")

    async def _act(self, incident: Incident, request: Request | Merge, by: Person, place: Place) -> None:
        if isinstance(request, Assign | HandOver | GiveRole) and request.to is not None:
            request = replace(request, to=self._around.find([request.to])[0])
        elif isinstance(request, Join) and request.who is not None:
            request = replace(request, who=self._around.find([request.who])[0])
        request = self._around.timed(request)
        done = await incidents.act(incident, request, by, self._around.process, once=[place.once])
        if done.refusal is not None:
            text = escape(done.refusal.text, 600)
            if done.refusal.ask == "take_over":
                text += " To take it over, say `take over`; to help its owner, `offer help`."
            await self._answer(place, text)
        elif done.notice:
            await self._answer(place, escape(done.notice, 600))

    async def _post_mortem(self, incident: Incident, by: Person, place: Place) -> None:
        done, document = await documents.ask(incident, by, self._around.process, once=[place.once])
        said = done.refusal.text if done.refusal else done.notice
        await self._answer(place, document_text(done.incident, said, document))

    def _to_judge(self, incident: Incident) -> bool:
        return incident.state is State.CANDIDATE and bool(self._around.process.judging.tests)

    async def _show_form(self, form: Form, incident: Incident, by: Person, place: Place) -> None:
        if form is Form.MERGE:
            view = await self._around.view_for_merging(incident, by)
        else:
            view = self._around.view(incident, by)
        card = form_card(view, form, once=secrets.token_hex(8), now=datetime.now(UTC))
        await self._answer(place, card=card)

    async def _declare(self, command: Declare, by: Person, place: Place) -> None:
        assess = None
        process, answers = self._around.process, command.answers
        if command.urgency or any(each.key in answers for each in process.questions):
            assess = Assess(answers, command.urgency, command.reason)
        done = await incidents.declare_incident(
            command.title,
            command.description,
            by,
            process,
            assess=assess,
            answers=answers,
            anyway=True,
            fire=command.fire,
            service=command.service,
            once=[place.once],
        )
        if isinstance(done, Refusal):
            await self._answer(place, escape(done.text, 600))
        else:
            said = f"Declared as incident **#{done.incident.id}**; its card follows."
            if process.judging.verdict(answers) is False:
                said += f" {escape(process.judging.why_not(answers), 500)} If so, say `dismiss` in its thread."
            await self._answer(place, f"{said} {escape(done.notice, 300)}".strip())

    async def _change_rota(self, command: ChangeRota, by: Person, place: Place) -> None:
        now = datetime.now(UTC)
        today = now.astimezone(self._around.zone).date()
        found = read_days(command.days, today)
        if found is None:
            text = f"I know no such day: {escape(command.days, 80)}."
            await self._answer(place, f"{text} Say 2026-12-24, 2026-12-24..2026-12-28, tomorrow or monday.")
            return
        first, last = found
        if first < today:
            await self._answer(place, f"{first} is over; the rota of the past stays as it was.")
            return
        if command.into is None:
            gone = [each for day in _days(first, last) for each in await undo_swaps(day)]
            said = " ".join(f"Taken back: {swap_text(each)}" for each in gone)
            await self._tell_rota(place, said or f"Nothing was changed on {command.days}.")
            return
        into = self._around.find([command.into])[0]
        out = self._around.find([command.out])[0] if command.out is not None else None
        if out is not None and not await self._is_on_call(out, first, last):
            await self._answer(place, f"{escape(out.name, 80)} is not on call then: `oncall` shows who is.")
            return
        swap = Swap(first, last, into, by, now, out)
        await remember_swap(swap, place.once)
        concerned = tuple(each for each in (into, out) if each is not None and each.teams_id and not each.same(by))
        await self._tell_rota(place, swap_text(swap), concerned)

    async def _is_on_call(self, person: Person, first: date, last: date) -> bool:
        try:
            found = await days(self._around.rota, first, (last - first).days + 1, self._around.zone)
        except PortError:
            return True  # a rota that can't be read keeps nobody from changing it
        return all(any(alike(each, person) for each in people) for _, people in found)

    async def _tell_rota(self, place: Place, text: str, concerned: tuple[Person, ...] = ()) -> None:
        await self._around.refresh()
        called = " ".join(mention(each) for each in concerned)
        await self._answer(place, f"{text} {called}".strip(), mentions=concerned)

    async def _oncall(self) -> str:
        today = datetime.now(UTC).astimezone(self._around.zone).date()
        now = oncall_text(self._around.on_call)
        try:
            ahead = await days(self._around.rota, today, 8, self._around.zone)
        except PortError as error:
            return f"{now} The days to come can't be read: {escape(str(error), 200)}"
        if not any(people for _, people in ahead):
            return now
        return f"{now}\n\n{rota_text(ahead, await swaps())}"

    async def _report(self, command: AskReport, place: Place) -> None:
        today = datetime.now(UTC).astimezone(self._around.zone).date()
        last = command.last or today
        first = command.first or last - timedelta(days=command.days - 1)
        after = last + timedelta(days=1)
        where = (place.service_url, place.tenant_id, place.conversation_id)
        await store.leave([SendReport(first.isoformat(), after.isoformat(), *where)], once=[f"answer:{place.once}"])

    async def _shown(self, what: str, incident: Incident | None) -> str:
        now = datetime.now(UTC)
        match what:
            case "status" if incident is not None:
                return status_text(self._around.view(incident), now)
            case "story" if incident is not None:
                told = to_copy(story, incident, await store.timeline(incident.id), self._around.process)
                return f"```\n{told}\n```"
            case "handoff" if incident is not None:
                return handoff_text(incident, await store.timeline(incident.id), self._around.process)
            case "definition":
                return definition_text(self._around.process)
            case "vendors":
                return vendors_text(self._around.process)
            case "runbook" if incident is not None:
                if not incident.state.finished:
                    return "Resolve it first: a runbook's entry is made of its cause and of the actions noted."
                return runbook_entry(incident, await store.timeline(incident.id), self._around.process)
            case "list" | "status":
                return incident_list(await incidents.unfinished(), self._around.process, now)
            case "oncall":
                return await self._oncall()
            case _:
                return help_text(self._around.process)

    async def _call_up_review(self, place: Place) -> None:
        waiting = await store.incidents_in((State.RESOLVED,))
        if waiting:
            today = datetime.now(UTC).astimezone(self._around.zone).date()
            await store.leave([PostReview(review_of(today))], once=[f"review:{place.once}"])
        await self._answer(place, review_called_up(len(waiting), self._around.process))

    async def _hand_shift_over(self, by: Person, place: Place) -> None:
        into = self._around.on_call
        out = [] if any(each.same(by) for each in into) else [by]
        await shifts.begin(out, into, datetime.now(UTC), once=f"shift:{place.once}")
        await self._answer(place, "The shift's hand-over follows in the channel.")

    async def _answer(
        self,
        place: Place,
        text: str = "",
        *,
        card: dict[str, Any] | None = None,
        mentions: tuple[Person, ...] = (),
    ) -> None:
        carried = orjson.dumps(card).decode() if card else ""
        where = (place.service_url, place.tenant_id, place.conversation_id)
        answer = Answer(*where, text, carried, mentions)
        await store.leave([answer], once=[f"answer:{place.once}"])


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _unknown(text: str, nearest: Sequence[str]) -> str:
    said = f"I don't know “{escape(text, 60)}”."
    if nearest:
        said += " Did you mean " + " or ".join(f"`{each}`" for each in nearest) + "?"
    return f"{said} `help` lists what I know."
