"""The card of a shift's hand-over: what is open, put off, due, and known as noise; and who took over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from cards.actions import Form, encode
from cards.blocks import (
    Element,
    adaptive_card,
    clean,
    container,
    escape,
    execute,
    fit,
    gap,
    mention,
    mention_entity,
    plain,
    rich_text,
    safe_url,
    text_block,
    text_run,
    when,
)
from cards.case_lists import state_name
from cards.shift_actions import encode_shift
from cards.words import ago, public_headline, public_title, times, urgency_name
from models.domain.cases import Case
from models.domain.incidents import Incident
from models.domain.people import Person
from models.domain.process import Process
from models.domain.shifts import ShiftView

_MOST = 8


def shift_card(view: ShiftView, *, now: datetime) -> Element:
    """Return the card as everyone sees it."""
    shift = view.shift
    taken = shift.taken_by is not None and shift.taken_at is not None
    called = [person for person in shift.into if person.teams_id][:_MOST] if not taken else []
    head = [
        text_block("Shift hand-over", weight="Bolder", size="Large", heading=True),
        text_block(_who(view, called), spacing="None"),
    ]
    if shift.taken_by is not None and shift.taken_at is not None:
        moment = when(shift.taken_at, near=now)
        head.append(text_block(f"**{escape(shift.taken_by.name, 80)}** took over {moment}.", spacing="Small"))
    body = [container(head, style="good" if taken else "accent", bleed=True)]
    if view.notice:
        body.append(text_block(escape(view.notice, 300), color="Accent"))
    body += _section(
        "Open", [_incident(each, view.process, now) for each in view.incidents], "Nothing is open.", always=True
    )
    body += _section("Put off", [_parked(each, now) for each in view.parked])
    body += _section("Due", [_due(what, at, now) for what, at in ((each.what, each.at) for each in view.timers)])
    body += _section("Requests and support", [_case(each, now) for each in view.cases])
    body += _section(
        "Known noise", [_noise(each.incident_id, each.title, each.reports, each.dismissed) for each in view.noise]
    )
    body += [text_block(line, spacing="Small") for line in _mails(view)]
    body.append(text_block(f"As of {when(now)}", size="Small", subtle=True, spacing="Medium"))
    actions = [execute("Refresh", encode_shift("shift_show", shift.number), inputs=False)]
    if not taken:
        actions.insert(0, execute("Taken over", encode_shift("shift_take", shift.number), style="positive"))
    card = adaptive_card(
        body, actions, speak="Shift hand-over", entities=[mention_entity(person) for person in called]
    )
    fit(card)
    return card


def _who(view: ShiftView, called: Sequence[Person]) -> str:
    known = {person.teams_id for person in called}
    into = [mention(each) if each.teams_id in known else escape(each.name, 80) for each in view.shift.into[:_MOST]]
    out = [escape(each.name, 80) for each in view.shift.out[:_MOST]]
    start = f"From {', '.join(out)} to " if out else "For "
    return f"{start}{', '.join(into) if into else 'nobody: the rota names nobody'}."


def _section(title: str, lines: Sequence[Element], empty: str = "", *, always: bool = False) -> Iterable[Element]:
    if not lines and not always:
        return
    yield text_block(f"{title} ({len(lines)})" if lines else title, weight="Bolder", spacing="Medium")
    if not lines:
        yield text_block(empty, spacing="None")
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield text_block(f"and {len(lines) - _MOST} more", subtle=True, spacing="None")


def _line(number: int, title: str, *parts: str, url: str | None = None) -> Element:
    told = ", ".join(part for part in parts if part)
    return rich_text(
        text_run(f"#{number}", 20, weight="Bolder", url=url),
        gap(),
        text_run(title, 110),
        gap(" – ", subtle=True),
        text_run(told, 140, subtle=True),
        spacing="None",
    )


def _incident(incident: Incident, process: Process, now: datetime) -> Element:
    state = public_headline(incident).partition(" · ")[2] or ("" if incident.raised else "candidate")
    urgency = "" if incident.private else urgency_name(incident, process) or "not assessed"
    owner = clean(incident.owner.name, 60) if incident.owner else "NOBODY owns it"
    url = None if incident.private else safe_url(incident.issue_url)
    return _line(incident.id, public_title(incident), state, urgency, owner, ago(incident.created_at, now), url=url)


def _parked(incident: Incident, now: datetime) -> Element:
    held = incident.parked
    reason = "" if incident.private or held is None else held.reason
    line = _line(incident.id, public_title(incident), reason)
    if held is not None:
        line["inlines"].append(gap(f" until {when(held.until, near=now)}", subtle=True))
    return line


def _due(what: str, at: datetime, now: datetime) -> Element:
    late = "overdue since" if at <= now else "due"
    return rich_text(text_run(what, 160), gap(f" – {late} {when(at, near=now)}", subtle=True), spacing="None")


def _case(case: Case, now: datetime) -> Element:
    owner = clean(case.owner.name, 60) if case.owner else "NOBODY has it"
    return _line(case.id, case.title, state_name(case), owner, ago(case.opened_at, now))


def _noise(number: int, title: str, reports: int, dismissed: int) -> Element:
    none = f"no incident {times(dismissed)}" if dismissed else ""
    return _line(number, title or "handled in private", f"reported {times(reports)} in the last week", none)


def _mails(view: ShiftView) -> Iterable[str]:
    if view.mails:
        yield f"{view.mails} mail{'s wait' if view.mails > 1 else ' waits'} for somebody to say what they are."
    if view.calls:
        yield f"{view.calls} mail{'s' if view.calls > 1 else ''} about support calls came within a day."


def days_end_card(incident: Incident, owner: Person, on_call: Sequence[Person]) -> Element:
    """Return what an owner is asked at the end of their day; saying nothing means going on (U22, U24)."""
    names = ", ".join(escape(each.name, 80) for each in on_call[:_MOST] if not each.same(owner))
    others = f" On call: {names}." if names else ""
    text = f"{mention(owner)}, the working day ends. Hand it over, put it off, or do nothing and go on.{others}"
    actions = [
        execute(title, encode("open", incident=incident.id, form=form.value), inputs=False)
        for title, form in (("Hand over", Form.HAND_OVER), ("Put off", Form.PARK))
    ]
    return adaptive_card(
        [text_block(text)],
        actions,
        speak=f"The working day ends: {plain(incident.title, 200)}",
        entities=[mention_entity(owner)],
    )
