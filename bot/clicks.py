"""What a pressed button leads to. Nothing of the Bot Framework is known here."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from bot import documents
from bot.case_clicks import CaseClicks
from bot.mail_view import mail_view
from bot.places import ELSEWHERE, STRANGE, Place, Shown, form_keys
from bot.review_clicks import ReviewClicks
from bot.shift_clicks import ShiftClicks
from bot.surroundings import Surroundings
from cards.actions import (
    AdoptMail,
    Button,
    DeclareIncident,
    Do,
    Form,
    OpenForm,
    Refresh,
    SetMailAside,
    ShowCard,
    TellHandOff,
    TellStory,
    decode,
)
from cards.case_actions import decode_case, is_about_a_case
from cards.declare_form import declare_form
from cards.digest import digest_card
from cards.forms import form_card
from cards.incident import incident_card
from cards.mail import mail_card
from cards.notice import notice_card
from cards.outside import handoff_card
from cards.payload import BadAction, decode_values
from cards.private import redacted_card
from cards.review_actions import decode_review, is_about_the_review
from cards.shift_actions import decode_shift, is_about_a_shift
from cards.story import copy_card, document_text, story, to_copy
from models import directory, mails, store
from models.directory import DIGEST, INCIDENT, MAIL
from models.domain.decisions import Refusal
from models.domain.effects import Answer
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.privacy import IN_PRIVATE
from models.domain.requests import Assess, PostMortem
from models.domain.views import DigestView
from models.operations import incidents
from models.operations.cases import NoSuchCase
from models.ports.messenger import ThreadAddress

log = logging.getLogger(__name__)


class _InPrivate(Exception):
    """The public card of an incident of security was pressed.

    Args:
        incident: Which.
    """

    def __init__(self, incident: Incident) -> None:
        super().__init__(IN_PRIVATE)
        self.incident = incident


class Clicks:
    """Answers buttons, each from one transaction and without the network.

    Args:
        around: Process, team and who is on call.
        cases: Answers the buttons of cases.
        wake: Called when something was put into the outbox.
    """

    def __init__(self, around: Surroundings, cases: CaseClicks, wake: Callable[[], None]) -> None:
        self._around = around
        self._cases = cases
        self._review = ReviewClicks(around)
        self._shift = ShiftClicks(around)
        self._wake = wake

    async def press(self, data: object, by: Person, place: Place) -> Shown:
        """Answer an ``Action.Execute``."""
        if not await self._around.meet(by, place):
            log.warning("a button was pressed by %s, who is not of the team, in another place than ours", by.id)
            return Shown(text=ELSEWHERE)
        try:
            if is_about_a_shift(data):
                shown = await self._shift.press(decode_shift(data), by, place)
            elif is_about_the_review(data):
                shown = await self._review.press(decode_review(data), data, by, place)
            elif is_about_a_case(data):
                shown = await self._cases.press(decode_case(data), data, by, place)
            else:
                button = decode(data, by, self._around.team)
                shown = await self._pressed(button, data, by, place)
        except BadAction as bad:
            log.warning("a button of %s was refused: %s", by.id, bad.text)
            return Shown(text=bad.text)
        except _InPrivate as handled:
            shown = Shown(redacted_card(handled.incident, now=_now(), notice=IN_PRIVATE))
        except incidents.NoSuchIncident:
            return Shown(text="This incident is not known here any more.")
        except NoSuchCase:
            return Shown(text="This request is not known here any more.")
        self._wake()
        return shown

    async def submit(self, data: object, by: Person, place: Place) -> None:
        """Carry out an ``Action.Submit``: a client that can't execute. What it can't show is said in the thread."""
        shown = await self.press(data, by, place)
        if shown.text or (shown.card and _is_form(data)):
            card = orjson.dumps(shown.card).decode() if shown.card else ""
            answer = Answer(place.service_url, place.tenant_id, place.conversation_id, shown.text, card)
            await store.leave([answer], once=[f"answer:{place.once}"])
            self._wake()

    async def _pressed(self, button: Button, data: object, by: Person, place: Place) -> Shown:
        match button:
            case DeclareIncident():
                return await self._declare(button, data, by, place)
            case AdoptMail(mail_id) | SetMailAside(mail_id):
                await self._subject(place, MAIL, expected=mail_id)
                return await self._mail(button, by)
            case ShowCard(incident_id):
                return await self._digest(await self._subject(place, DIGEST), incident_id)
            case Refresh(hint):
                return self._card(await self._incident(place, hint), by)
            case TellStory(hint):
                incident = await self._incident(place, hint)
                timeline = await store.timeline(incident.id)
                return Shown(copy_card(incident, to_copy(story, incident, timeline, self._around.process)))
            case TellHandOff(hint):
                incident = await self._incident(place, hint)
                timeline = await store.timeline(incident.id)
                return Shown(handoff_card(incident, timeline, self._around.process))
            case OpenForm(form, _, hint):
                return await self._form(form, await self._incident(place, hint), by)
            case Do(PostMortem()):
                return await self._post_mortem(button, by, place)
            case Do():
                return await self._act(button, data, by, place)

    async def _incident(self, place: Place, hint: int | None) -> Incident:
        """Return the incident that the clicked message shows. What the card's data claims is not believed.

        A card that was posted twice because Teams' answer was lost is recognised by its first click: the delivery
        left a note that there may be a twin.
        """
        found = await directory.incident_shown(place.message_id, place.conversation_id)
        if found is not None:
            incident, in_private = found
            if incident.private and not in_private:
                raise _InPrivate(incident)
            return incident
        if hint is None or not await directory.take_twin(hint):
            raise BadAction(STRANGE)
        thread = ThreadAddress(place.service_url, place.tenant_id, place.conversation_id, place.message_id)
        await directory.remember_card(INCIDENT, hint, thread)
        incident = await incidents.load(hint)
        if incident.private:
            raise _InPrivate(incident)
        return incident

    async def _subject(self, place: Place, kind: str, *, expected: int | None = None) -> int:
        """Return the mail or the digest that the clicked message shows."""
        card = await directory.card_of_activity(place.message_id, place.conversation_id)
        if card is None or card.kind != kind or (expected is not None and card.subject != expected):
            raise BadAction(STRANGE)
        return card.subject

    async def _act(self, button: Do, data: object, by: Person, place: Place) -> Shown:
        incident = await self._incident(place, button.hint)
        once = form_keys(place, button.once)
        request = self._around.timed(button.request)
        done = await incidents.act(incident, request, by, self._around.process, once=once)
        if done.incident.private and not incident.private:  # just now, by this or by somebody quicker
            return Shown(redacted_card(done.incident, now=_now(), notice=done.notice or IN_PRIVATE))
        if done.refusal is None:
            return self._card(done.incident, by, done.notice)
        if done.refusal.ask or done.refusal.fields:
            form = form_of(data) or (Form.TAKE_OVER if done.refusal.ask == "take_over" else None)
            if form is not None:
                return await self._form(form, done.incident, by, decode_values(data), done.refusal)
        return self._card(done.incident, by, done.refusal.text)

    async def _post_mortem(self, button: Do, by: Person, place: Place) -> Shown:
        incident = await self._incident(place, button.hint)
        once = form_keys(place, button.once)
        done, document = await documents.ask(incident, by, self._around.process, once=once)
        if done.refusal is not None:
            return self._card(done.incident, by, done.refusal.text)
        said = document_text(done.incident, done.notice)
        return Shown(copy_card(done.incident, document, "The post-mortem, to be copied", said))

    async def _form(
        self,
        form: Form,
        incident: Incident,
        by: Person,
        values: dict[str, str] | None = None,
        refusal: Refusal | None = None,
    ) -> Shown:
        if form is Form.MERGE:
            view = await self._around.view_for_merging(incident, by)
        else:
            view = self._around.view(incident, by)
        once = secrets.token_hex(8)
        return Shown(form_card(view, form, values=values, refusal=refusal, once=once, now=_now()))

    def _card(self, incident: Incident, by: Person, notice: str = "") -> Shown:
        return Shown(incident_card(self._around.view(incident, by, notice=notice), now=_now()))

    async def _mail(self, button: AdoptMail | SetMailAside, by: Person) -> Shown:
        if isinstance(button, AdoptMail):
            await incidents.adopt_mail(button.mail_id, by, self._around.process)
        else:
            await incidents.set_mail_aside(button.mail_id, by)
        record = await mails.mail(button.mail_id)
        if record is None:
            raise BadAction("This mail is not known here any more.")
        view = mail_view(record, withheld=await mails.is_private(record))
        return Shown(mail_card(view))

    async def _digest(self, digest_id: int, incident_id: int) -> Shown:
        if (await incidents.load(incident_id)).digest_id == digest_id:
            await incidents.show_card(incident_id)
        left = await store.incidents_of_digest(digest_id)
        return Shown(digest_card(DigestView(digest_id, tuple(left), self._around.process)))

    async def _declare(self, button: DeclareIncident, data: object, by: Person, place: Place) -> Shown:
        assess = None
        if button.urgency or any(each.key in button.answers for each in self._around.process.questions):
            assess = Assess(button.answers, button.urgency, button.reason)
        once = form_keys(place, button.once)
        done = await incidents.declare_incident(
            button.title,
            button.description,
            by,
            self._around.process,
            assess=assess,
            answers=button.answers,
            anyway=button.anyway,
            service=button.service,
            once=once,
        )
        if isinstance(done, Refusal):
            values, token = decode_values(data), secrets.token_hex(8)
            return Shown(declare_form(self._around.process, values, done, once=token))
        said = f"Declared as incident {done.incident.id}: {done.incident.title}. Its card follows. {done.notice}"
        return Shown(notice_card(said.strip()))


_FORMS = {
    "raise": Form.JUDGE,
    "assess": Form.ASSESS,
    "resolve": Form.RESOLVE,
    "note": Form.NOTE,
    "link": Form.LINK,
    "assign": Form.ASSIGN,
    "hand_over": Form.HAND_OVER,
    "decide": Form.DECIDE,
    "change": Form.CHANGE,
    "dismiss": Form.DISMISS,
    "merge": Form.MERGE,
    "reopen": Form.REOPEN,
    "follow_up": Form.FOLLOW_UP,
    "lesson": Form.LESSON,
    "role": Form.ROLE,
    "security": Form.SECURITY,
    "update": Form.UPDATE,
    "park": Form.PARK,
}


def form_of(data: object) -> Form | None:
    """Return the form that a payload was filled in on, to show it again with what is missing."""
    return _FORMS.get(str(data.get("do"))) if isinstance(data, dict) else None


_OPENING = frozenset({"open", "case_open", "review_show", "review_discuss", "review_ask_follow_up"})


def _is_form(data: object) -> bool:
    return isinstance(data, dict) and data.get("do") in _OPENING


def _now() -> datetime:
    return datetime.now(UTC)
