"""What Teams sends, as clicks, commands and installations. One of the three files that know the Bot Framework."""

from __future__ import annotations

import logging
from typing import Any

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.core.teams import TeamsActivityHandler
from botbuilder.schema import Activity, ActivityTypes

from bot.clicks import Clicks
from bot.places import Place, Shown
from bot.speech import Speech
from bot.typed_text import strip_mention
from cards.blocks import clean
from models import directory
from models.domain.people import Person

log = logging.getLogger(__name__)

NAME = 300
CARD = "application/vnd.microsoft.card.adaptive"
TEXT = "application/vnd.microsoft.activity.message"
BOT_ADDED = frozenset({"add", "add-upgrade"})


class Activities(TeamsActivityHandler):  # type: ignore[misc]  # the SDK ships no types
    """Hands each activity on to what answers it. The adapter has checked who sends it."""

    def __init__(self, clicks: Clicks, speech: Speech) -> None:
        super().__init__()
        self._clicks = clicks
        self._speech = speech
        self._addresses: dict[str, str] = {}

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        """Answer a pressed button."""
        activity = turn_context.activity
        if activity.name != "adaptiveCard/action":
            return InvokeResponse(status=501)
        value = activity.value if isinstance(activity.value, dict) else {}
        action = value.get("action")
        data = action.get("data") if isinstance(action, dict) else None
        await self._seen(activity)
        shown = await self._clicks.press(data, _person(activity), _place(activity))
        answer = InvokeResponse(status=200, body=_answer(shown))
        # Sent by ourselves: ``TurnContext`` would first copy the whole card, part by part.
        sent = Activity(type=ActivityTypes.invoke_response, value=answer)
        await turn_context.adapter.send_activities(turn_context, [sent])
        return answer

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        """Carry out a command, or a button of a client that can only submit."""
        activity = turn_context.activity
        await self._seen(activity)
        if isinstance(activity.value, dict) and not (activity.text or "").strip():
            await self._clicks.submit(activity.value, _person(activity), _place(activity))
            return
        names = [name for name in (activity.recipient.name, "Wilson") if name]
        text = strip_mention(activity.text or "", names)
        people, place = _mentioned(activity), _place(activity)
        await self._speech.say(text, people, _person(activity), place, addressed=_addressed(activity))

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        """Remember or forget a team."""
        activity = turn_context.activity
        if activity.action in BOT_ADDED:
            await _installed(activity)
        else:
            await _removed(activity)

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        """Follow what happens to a team: the bot added or removed, channels renamed, members changed."""
        activity = turn_context.activity
        bot = activity.recipient.id if activity.recipient else ""
        event = (activity.channel_data or {}).get("eventType", "")
        if any(member.id == bot for member in activity.members_removed or ()):
            await _removed(activity)
        elif any(member.id == bot for member in activity.members_added or ()):
            await _installed(activity)
        elif str(event).startswith(("channel", "team")) or activity.members_added:
            await _look_again(activity)

    async def _seen(self, activity: Activity) -> None:
        """Keep a team's service address: Microsoft may change it. The adapter has checked that it may be used."""
        team = _team(activity)
        if team and self._addresses.get(team["id"]) != activity.service_url:
            await directory.refresh_service_url(team["id"], activity.service_url)
            self._addresses[team["id"]] = activity.service_url


def _answer(shown: Shown) -> dict[str, Any]:
    if shown.card is not None:
        return {"statusCode": 200, "type": CARD, "value": shown.card}
    return {"statusCode": 200, "type": TEXT, "value": shown.text}


def _person(activity: Activity) -> Person:
    sender = activity.from_property
    name = clean(sender.name or "", NAME) or "somebody"
    return Person(clean(sender.aad_object_id or "", NAME), name, clean(sender.id or "", NAME))


def _tenant(activity: Activity) -> str:
    tenant = (activity.channel_data or {}).get("tenant") or {}
    return str(tenant.get("id") or "")


def _team(activity: Activity) -> dict[str, str] | None:
    team = (activity.channel_data or {}).get("team")
    return team if isinstance(team, dict) and isinstance(team.get("id"), str) else None


def _place(activity: Activity) -> Place:
    conversation = activity.conversation.id if activity.conversation else ""
    team = _team(activity)
    return Place(
        activity_id=activity.id or "",
        conversation_id=conversation,
        message_id=activity.reply_to_id or "",
        channel_id=conversation.partition(";")[0],
        service_url=activity.service_url or "",
        tenant_id=_tenant(activity),
        content=(activity.from_property.id, activity.text, activity.value),
        team_id=team["id"] if team else "",
    )


def _addressed(activity: Activity) -> bool:
    """Tell whether the bot is mentioned: with the RSC permission all messages of the channel arrive."""
    bot = activity.recipient.id if activity.recipient else ""
    return any(each.get("id") == bot for each in _mention_entities(activity))


def _mention_entities(activity: Activity) -> list[dict[str, str]]:
    found = []
    for entity in activity.entities or ():
        if entity.type == "mention":
            mentioned = (entity.additional_properties or {}).get("mentioned")
            if isinstance(mentioned, dict):
                found.append(mentioned)
    return found


def _mentioned(activity: Activity) -> list[Person]:
    bot = activity.recipient.id if activity.recipient else ""
    return [
        Person(
            clean(str(each.get("aadObjectId") or ""), NAME),
            clean(str(each.get("name") or ""), NAME),
            clean(str(each["id"]), NAME),
        )
        for each in _mention_entities(activity)
        if isinstance(each.get("id"), str) and each["id"] != bot
    ]


async def _installed(activity: Activity) -> None:
    team = _team(activity)
    if team is None:
        log.info("the bot was added to something that is not a team; it only works in teams")
        return
    await directory.remember_installation(
        team["id"], _tenant(activity), activity.service_url, team.get("name") or ""
    )


async def _removed(activity: Activity) -> None:
    team = _team(activity)
    if team is not None:
        await directory.forget_installation(team["id"])
        log.warning("the bot was removed from team %r; nothing is posted there any more", team.get("name"))


async def _look_again(activity: Activity) -> None:
    team = _team(activity)
    known = await directory.installations()
    if team is not None and any(each.team_id == team["id"] for each in known):
        await _installed(activity)
