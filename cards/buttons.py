"""Which buttons make sense now: by the incident's state, and by who looks at it.

Nothing here keeps anybody from doing anything: what may be done is decided by ``models.domain`` when it is asked
for. A button that would certainly be refused is not shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cards.actions import Form, encode
from cards.blocks import Element, clean, execute, show_card
from models.domain.decisions import MAY
from models.domain.incident_parts import ManualChange
from models.domain.incidents import Incident, State
from models.domain.notice_rules import ReviewRules
from models.domain.views import IncidentView

VISIBLE = 5
"""How many buttons stand before "More": six are what every Teams client shows."""

CONCERNED = 12
"""For how many people the card renews itself; Teams takes 60, each costs a hundred bytes and more."""


@dataclass(frozen=True, slots=True)
class Press:
    """One button: what it says, and the verb or the form behind it."""

    title: str
    verb: str
    form: Form | None = None
    style: str = ""

    def element(self, incident: Incident) -> Element:
        """Return it as an action."""
        if self.form is None:
            return execute(self.title, encode(self.verb, incident=incident.id), style=self.style)
        data = encode("open", incident=incident.id, form=self.form.value)
        return execute(self.title, data, style=self.style)


_RAISE = Press("Raise", "raise")
_JUDGE = Press("Raise", "raise", Form.JUDGE)
_DISMISS = Press("Not an incident", "dismiss", Form.DISMISS)
_TAKE_OVER = Press("Take over", "claim", Form.TAKE_OVER)
_ASSIGN = Press("Assign", "assign", Form.ASSIGN)
_HAND_OVER = Press("Hand over", "hand_over", Form.HAND_OVER)
_NOTE = Press("Note", "note", Form.NOTE)
_LINK = Press("Link", "link", Form.LINK)
_CHANGE = Press("Change by hand", "change", Form.CHANGE)
_FOLLOW_UP = Press("Follow-up", "follow_up", Form.FOLLOW_UP)
_MERGE = Press("Merge", "merge", Form.MERGE)
_LESSON = Press("Lesson", "lesson", Form.LESSON)
_STORY = Press("Story", "story")
_ROLES = Press("Roles", "role", Form.ROLE)
_HELP = Press("Offer help", "join")
_ME_TOO = Press("Me too", "me_too")
_POST_MORTEM = Press("Post-mortem", "post_mortem")
_UPDATE = Press("Update stakeholders", "update", Form.UPDATE)
_HAND_OFF = Press("Hand-off", "handoff")
_CHANNEL = Press("Channel", "channel")
_FIRE = Press("Fire-fire", "fire")
_SECURITY = Press("Security", "security", Form.SECURITY)
_PARK = Press("Put off", "park", Form.PARK)
_UNPARK = Press("Go on", "unpark")
_REOPEN = Press("Reopen", "reopen", Form.REOPEN)


def _close(view: IncidentView) -> Press:
    name = view.process.review.name
    return Press(f"Close at the {'review' if name == ReviewRules().name else clean(name, 40)}", "close")


def _claim(style: str = "positive") -> Press:
    return Press("Claim", "claim", style=style)


def _urgency(style: str = "") -> Press:
    return Press("Urgency", "assess", Form.ASSESS, style)


def _decide() -> Press:
    return Press("Decide", "decide", Form.DECIDE, "positive")


def _resolve(style: str) -> Press:
    return Press("Resolve", "resolve", Form.RESOLVE, style)


def presses(view: IncidentView) -> tuple[tuple[Press, ...], tuple[Press, ...]]:
    """Return the buttons that are seen at once, and those under "More"."""
    incident = view.incident
    match incident.state:
        case State.CANDIDATE:
            first: tuple[Press, ...] = (_claim(), _JUDGE if view.process.judging.tests else _RAISE, _DISMISS)
            more: tuple[Press, ...] = (_ASSIGN, _NOTE, _LINK, _MERGE, _SECURITY)
        case State.OPEN if incident.owner is None:
            first = (_claim(), _ASSIGN, _urgency(), _NOTE)
            more = (_LINK, _CHANGE, _FOLLOW_UP, _MERGE, _DISMISS, _STORY, _UPDATE, _SECURITY)
        case State.OPEN:
            first, more = _owned(view)
        case State.RESOLVED:
            first = (_FOLLOW_UP, _REOPEN, _NOTE, _LESSON)
            more = (_LINK, _STORY, _POST_MORTEM, _close(view), _UPDATE, _SECURITY)
        case State.CLOSED | State.DISMISSED:
            first, more = (() if incident.merged_into is not None else (_REOPEN,)), ()
    more = (*more, *_wider(view), *((_ME_TOO,) if _may_be_affected(view) else ()))
    if view.process.fire_name and incident.fired_at is None and not incident.private:
        more = (*more, replace(_FIRE, title=view.process.fire_name))
    return _allowed(first, view), _allowed(more, view)


def _grave(view: IncidentView) -> bool:
    level = view.process.urgency(view.incident.urgency)
    return level is not None and level.then == "decide"


def _may_be_affected(view: IncidentView) -> bool:
    """Tell whether whoever looks may see it, too, and has not said so (T40)."""
    incident, viewer = view.incident, view.viewer
    if incident.private or incident.state not in MAY["me_too"]:
        return False
    known = (incident.declared_by, incident.owner, *incident.affected)
    return viewer is None or not any(viewer.same(each) for each in known)


def _wider(view: IncidentView) -> tuple[Press, ...]:
    """Return what takes an incident beyond its thread: its own channel, and the Major Incident Process (W37)."""
    incident, process = view.incident, view.process
    if incident.state is not State.OPEN or incident.private:
        return ()
    channel = incident.urgency in process.channel_for and not incident.channel_name
    return (*((_CHANNEL,) if channel else ()), *((_HAND_OFF,) if _grave(view) and process.hands_off else ()))


def _owned(view: IncidentView) -> tuple[tuple[Press, ...], tuple[Press, ...]]:
    incident = view.incident
    owns = view.viewer is not None and view.viewer.same(incident.owner)
    other = view.viewer is not None and not owns
    stage: tuple[Press, ...]
    if incident.urgency is None:
        stage = (_urgency("positive"), _NOTE)
    elif incident.must_decide(view.process):
        stage = (_decide(), _NOTE, _urgency())
    elif incident.unconfirmed:
        stage = (_NOTE, _urgency())
    else:
        stage = (_resolve("positive"), _NOTE, _urgency())
    if owns:
        passing: tuple[Press, ...] = (_HAND_OVER,)
    elif other:
        passing = (_TAKE_OVER,)
    else:
        passing = (_HAND_OVER, _TAKE_OVER)
    helping = any(view.viewer is not None and view.viewer.same(each) for each in incident.supporters)
    roles = (_ROLES,) if view.process.roles.others else ()
    joining = () if owns or helping else (_HELP,)
    waiting: tuple[Press, ...] = (_UNPARK,) if incident.parked is not None else () if _grave(view) else (_PARK,)
    rest = (_LINK, _CHANGE, _FOLLOW_UP, *roles, *waiting, _MERGE, _DISMISS, _STORY, _UPDATE, _SECURITY, *joining)
    return (*stage, *passing), rest


def _allowed(some: tuple[Press, ...], view: IncidentView) -> tuple[Press, ...]:
    incident = view.incident
    none = {
        *((_SECURITY, _UPDATE) if incident.private else ()),
        *(() if view.process.follow_ups else (_FOLLOW_UP,)),
    }
    fits = tuple(press for press in some if press in (_STORY, _HAND_OFF) or incident.state in MAY[press.verb])
    return tuple(press for press in fits if press not in none)


def actions(view: IncidentView) -> list[Element]:
    """Return the card's buttons, the most wanted first, the rarer ones under "More"."""
    first, more = presses(view)
    shown = [press.element(view.incident) for press in first[:VISIBLE]]
    rest = [press.element(view.incident) for press in (*first[VISIBLE:], *more)]
    return [*shown, show_card("More", rest)] if rest else shown


def confirm(change: ManualChange, view: IncidentView) -> Element | None:
    """Return the button that confirms a change by hand; ``None`` for the one who made it."""
    made_it = view.viewer is not None and view.viewer.same(change.by)
    if made_it or change.confirmed_by is not None or view.incident.state not in MAY["confirm_change"]:
        return None
    data = encode("confirm", incident=view.incident.id, number=change.id)
    return execute(f"Confirm change {change.id}", data)


def refresh(view: IncidentView) -> Element | None:
    """Return what renews the card by itself for the people concerned; ``None`` where nobody is known."""
    incident = view.incident
    people = (incident.owner, incident.declared_by, *view.on_call)
    ids = list(dict.fromkeys(each.teams_id for each in people if each is not None and each.teams_id))[:CONCERNED]
    if not ids:
        return None
    action = execute("Refresh", encode("refresh", incident=incident.id))
    action.pop("fallback")
    return {"action": action, "userIds": ids}
