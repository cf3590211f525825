"""The incident review's card: what awaits it, and each incident of it to be talked about in turn (W67-W70)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from cards import inputs
from cards.blocks import (
    MAX_BYTES,
    Element,
    action_set,
    adaptive_card,
    clean,
    container,
    escape,
    execute,
    fit,
    gap,
    open_url,
    plain,
    rich_text,
    row,
    safe_url,
    size,
    text_block,
    text_run,
)
from cards.payload import LONG, TITLE
from cards.review_actions import encode_review
from cards.timeline import sentence
from cards.words import ago, public_title, urgency_name
from models.domain.decisions import Refusal
from models.domain.incidents import Incident, State
from models.domain.process import Process
from models.domain.timeline import Entry, Verb
from models.domain.views import ReviewView

_MOST, _STRAYS = 12, 5
_TOLD = 12
_QUIET = frozenset({Verb.REPEATED, Verb.REMINDED, Verb.KEPT})


def review_card(view: ReviewView, *, now: datetime) -> Element:
    """Return the list, as many incidents with buttons as a card holds; the rest comes up as these are done."""
    most = _MOST
    card = _list(view, most, now)
    while most and size(card) > MAX_BYTES:
        most -= 1
        card = _list(view, most, now)
    fit(card)
    return card


def _list(view: ReviewView, most: int, now: datetime) -> Element:
    waiting = [each for each in view.incidents if view.waits(each)]
    done = [each for each in view.incidents if not view.waits(each)]
    standing = _standing(len(waiting), len(done), view.process.review.name)
    head = [
        text_block(escape(view.process.review.title, 40), weight="Bolder", size="Large", heading=True),
        text_block(escape(standing), spacing="None"),
    ]
    body = [container(head, style="emphasis" if waiting else "good", bleed=True)]
    if view.notice:
        body.append(text_block(escape(view.notice, 600), color="Accent"))
    for each in waiting[:most]:
        body.append(container(_waiting(view, each, now), spacing="Medium"))
    if len(waiting) > most:
        body.append(text_block(f"and {len(waiting) - most} more, once these are done", subtle=True))
    body += [_done(view, each) for each in done[-_MOST:]]
    body += _strays(view)
    actions = [execute("Refresh", encode_review("review_show", view.review), inputs=False)]
    if board := safe_url(view.process.review.board):
        actions.append(open_url("Board", board))
    return adaptive_card(body, actions, speak=plain(f"{view.process.review.title}: {standing}"))


def _standing(waiting: int, done: int, name: str) -> str:
    if not waiting and not done:
        return f"Nothing awaits the {name}."
    await_it = f"{waiting} await{'s' if waiting == 1 else ''} the {name}" if waiting else "All are done"
    return f"{await_it}; {done} done." if waiting and done else f"{await_it}."


def _title(incident: Incident) -> Element:
    url = None if incident.private else safe_url(incident.issue_url)
    return rich_text(
        text_run(f"#{incident.id}", 20, weight="Bolder", url=url),
        gap(),
        text_run(public_title(incident), 120, weight="Bolder"),
    )


def _waiting(view: ReviewView, incident: Incident, now: datetime) -> list[Element]:
    if incident.private:
        return [
            _title(incident),
            text_block(f"{_owner(incident)}. Close it in its own place.", subtle=True, spacing="None"),
        ]
    lines = [
        _title(incident),
        rich_text(text_run(", ".join(_facts(incident, view.process, now)), 240, subtle=True), spacing="None"),
    ]
    lacking = [*(["not labelled for the review"] if incident.id in view.unlabelled else []), *gaps(incident)]
    if lacking:
        lines.append(rich_text(text_run(f"Open: {', '.join(lacking)}", 240, color="Attention"), spacing="None"))
    buttons = [
        execute(title, encode_review(do, view.review, incident=incident.id), inputs=False)
        for title, do in (
            ("Discuss", "review_discuss"),
            *([("Raise follow-up", "review_ask_follow_up")] if view.process.follow_ups else []),
            ("Close", "review_close"),
        )
    ]
    return [*lines, action_set(buttons)]


def _done(view: ReviewView, incident: Incident) -> Element:
    held = incident.kept
    if view.kept(incident) and held is not None and incident.state is State.RESOLVED:
        how = "kept for the next one" if incident.private else f"kept for the next one: {held.reason}"
    else:
        how = {State.CLOSED: "closed", State.OPEN: "open again"}.get(incident.state, incident.state.value)
    return rich_text(
        text_run(f"#{incident.id} {public_title(incident)}", 140, subtle=True),
        gap(" – ", subtle=True),
        text_run(how, 160, subtle=True),
        spacing="Small",
    )


def _strays(view: ReviewView) -> list[Element]:
    if not view.strays:
        return []
    lines = [
        rich_text(text_run(title, 120, url=safe_url(url)), spacing="None") for title, url in view.strays[:_STRAYS]
    ]
    if len(view.strays) > _STRAYS:
        lines.append(text_block(f"and {len(view.strays) - _STRAYS} more", subtle=True, spacing="None"))
    head = text_block(
        "Labelled for the review in the tracker, but not resolved here:", weight="Bolder", spacing="Medium"
    )
    return [head, *lines]


def _owner(incident: Incident) -> str:
    return clean(incident.owner.name, 80) if incident.owner else "nobody owns it"


def _facts(incident: Incident, process: Process, now: datetime) -> list[str]:
    resolved = incident.resolution.at if incident.resolution else incident.raised_at or incident.created_at
    return [
        urgency_name(incident, process) or "not assessed",
        _owner(incident),
        f"resolved {ago(resolved, now)} ago",
        *_follow_ups(incident),
    ]


def _follow_ups(incident: Incident) -> list[str]:
    count = len(incident.follow_ups)
    if not count:
        return []
    unfinished = sum(each.closed is False for each in incident.follow_ups)
    known = any(each.closed is not None for each in incident.follow_ups)
    told = f" ({unfinished} open)" if known else ""
    return [f"{count} follow-up{'s' if count > 1 else ''}{told}"]


def gaps(incident: Incident) -> list[str]:
    """Return what the review should ask about, since nobody has said it yet (W49-W51, W62-W69)."""
    made = incident.resolution
    found = []
    if made is None or not made.cause:
        found.append("the cause is not understood")
    if incident.not_safe:
        found.append("the trunk may not be safe to deploy")
    if incident.unconfirmed:
        found.append("a change by hand was not confirmed")
    if not incident.follow_ups and not (made and made.none_reason):
        found.append("no follow-up, and no reason for none")
    if not incident.lessons:
        found.append("no lesson noted")
    return found


def discussed_card(
    view: ReviewView,
    incident: Incident,
    timeline: Sequence[Entry],
    *,
    once: str,
    now: datetime,
    values: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Element:
    """Return one incident to be talked about, with what the review can say of it.

    Args:
        once: Names this form.
        values: What was entered before, where something is missing.
        refusal: What is missing.
    """
    body = [*_head(view, incident), *_about(view, incident, now)]
    told = [entry for entry in timeline if entry.verb not in _QUIET][-_TOLD:]
    body.append(text_block("What happened", weight="Bolder", spacing="Medium"))
    for entry in told:
        here = entry.at.astimezone(view.zone)
        moment = f"{here.day} {here:%b %H:%M}"
        body.append(
            rich_text(
                text_run(moment, 20, subtle=True), gap(), text_run(sentence(entry, plain=True), 220), spacing="None"
            )
        )
    body += _said(view.notice, refusal)
    body.append(
        inputs.text(
            "text",
            "What the review says: what was learnt, what it waits for, a further concern",
            value=(values or {}).get("text", ""),
            limit=LONG,
            multiline=True,
        )
    )

    def does(title: str, do: str, style: str = "") -> Element:
        return execute(title, encode_review(do, view.review, incident=incident.id, once=once), style=style)

    ask = encode_review("review_ask_follow_up", view.review, incident=incident.id)
    actions = [
        does("Close", "review_close", "positive"),
        does("Keep for the next", "review_keep"),
        does("Note a concern", "review_concern"),
        *([execute("Raise follow-up", ask, inputs=False)] if view.process.follow_ups else []),
        _back(view),
    ]
    card = adaptive_card(body, actions, speak=plain(f"{view.process.review.title}: {incident.title}"))
    fit(card)
    return card


def follow_up_card(
    view: ReviewView,
    incident: Incident,
    *,
    once: str,
    values: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Element:
    """Return the form that raises a follow-up during the review; arguments as for ``discussed_card``."""
    held = values or {}
    kinds = [(clean(f"{kind.name}: {kind.question}", 160), kind.key) for kind in view.process.follow_ups]
    body = [
        *_head(view, incident),
        *_said("", refusal),
        inputs.choice(
            "kind", "What is wanted?", kinds, value=held.get("kind", ""), expanded=True, required="Choose one."
        ),
        inputs.text("title", "Title", value=held.get("title", ""), limit=TITLE, hint="Empty for the usual one"),
    ]
    raise_it = encode_review("review_follow_up", view.review, incident=incident.id, once=once)
    actions = [execute("Raise it", raise_it, style="positive"), _back(view)]
    return adaptive_card(body, actions, speak=f"A follow-up of {plain(incident.title, 200)}")


def _head(view: ReviewView, incident: Incident) -> list[Element]:
    title = [text_block(escape(view.process.review.title, 40), weight="Bolder", size="Small"), _title(incident)]
    return [container(title, style="emphasis", bleed=True)]


def _about(view: ReviewView, incident: Incident, now: datetime) -> list[Element]:
    made = incident.resolution
    cause = (made.cause if made else "") or "not understood"
    rows = [
        row("How it is", rich_text(text_run(", ".join(_facts(incident, view.process, now)), 240))),
        row("Cause", rich_text(text_run(cause, 400))),
    ]
    if lacking := gaps(incident):
        rows.append(row("Open", rich_text(text_run(", ".join(lacking), 300, color="Attention"))))
    for each in incident.follow_ups[:6]:
        state = {True: "closed", False: "open", None: ""}[each.closed]
        runs = [text_run(each.title, 140, url=safe_url(each.url))]
        rows.append(row("Follow-up", rich_text(*runs, *([gap(" – "), text_run(state)] if state else []))))
    rows += [row("Lesson", rich_text(text_run(each.text, 200))) for each in incident.lessons[:4]]
    if incident.kept is not None:
        rows.append(row("Kept before", rich_text(text_run(incident.kept.reason, 200))))
    return rows


def _said(notice: str, refusal: Refusal | None) -> list[Element]:
    if refusal is not None:
        line = text_block(escape(refusal.text, 600), weight="Bolder", color="Attention")
        return [container([line], style="attention")]
    return [text_block(escape(notice, 600), color="Accent")] if notice else []


def _back(view: ReviewView) -> Element:
    return execute("Back to the list", encode_review("review_show", view.review), inputs=False)
