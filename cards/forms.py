"""The forms that take a card's place for the one who pressed. What was entered survives a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cards import inputs
from cards.actions import Form, encode
from cards.blocks import (
    Element,
    adaptive_card,
    clean,
    container,
    escape,
    execute,
    inert,
    plain,
    rich_text,
    text_block,
    text_run,
    when,
)
from cards.form_parts import Values, assessment, marked, refused, said, text
from cards.judging import YES_NO, instead_input, judging_inputs
from cards.payload import LONG, NOTE, REPOSITORIES, SHORT, TITLE, URL
from cards.words import NOTES, headline
from models.domain.communication import draft
from models.domain.decisions import Refusal
from models.domain.incidents import Incident
from models.domain.judging import ASK as NOT_AN_INCIDENT
from models.domain.judging import asked
from models.domain.outside import STAGES
from models.domain.process import Answer, FollowUpKind
from models.domain.staffing import declares_resolved
from models.domain.timeline import NoteKind
from models.domain.views import IncidentView

MOST_PEOPLE, MOST_OTHERS = 50, 25
"""How many choices a form offers; a command takes any."""


def form_card(
    view: IncidentView,
    form: Form,
    *,
    values: Values | None = None,
    refusal: Refusal | None = None,
    once: str,
    now: datetime,
) -> Element:
    """Return a form about an incident.

    Args:
        view: What it is about; ``view.team`` and ``view.others`` are the choices of the forms that need them.
        form: Any but ``DECLARE``, which is about no incident yet: ``declare_form``.
        values: What was entered before, as ``decode_values`` gave it back; or what is to be entered already.
        refusal: Why the last try changed nothing.
        once: Names this form, so that a repeated delivery is noticed.
        now: When the form is shown.
    """
    if form is Form.UPDATE and not values:
        values = dict(zip(("headline", "text", "stage"), draft(view.incident, now), strict=True))
    values = values or {}
    title, verb, button, build = _FORMS[form]
    asked = refusal is not None and refusal.ask == "take_over"
    none = refusal is not None and refusal.ask == NOT_AN_INCIDENT and form is Form.JUDGE
    take_over: dict[str, bool] = {"take_over": True} if asked or form is Form.TAKE_OVER else {}
    data = encode(verb, incident=view.incident.id, once=once, **take_over, **({"anyway": True} if none else {}))
    if asked and form is not Form.TAKE_OVER:
        button = f"{button} all the same"
    if none:
        button = f"{button} all the same"
    style = "destructive" if take_over or none or form is Form.DISMISS else "positive"
    asks = marked(build(view, values), refusal)
    body = [
        container(_head(view, now), style="emphasis", bleed=True),
        text_block(title, weight="Bolder", size="Large", heading=True),
        *refused(refusal),
        *asks,
    ]
    leave = "Not now" if form is Form.UPDATE else "Back"
    back = [execute(leave, encode("refresh", incident=view.incident.id), inputs=False)]
    if form is Form.UPDATE:
        back.append(execute("Not needed", encode("no_updates", incident=view.incident.id), inputs=False))
    can_be_sent = form is Form.TAKE_OVER or any(str(each["type"]).startswith("Input.") for each in asks)
    if form is Form.JUDGE:
        dismissal = encode("dismiss", incident=view.incident.id, once=once)
        back = [execute("Not an incident", dismissal, style="positive" if none else ""), *back]
    if form is Form.TAKE_OVER:
        back = [execute("Offer help", encode("join", incident=view.incident.id), inputs=False), *back]
    return adaptive_card(
        body,
        [execute(button, data, style=style), *back] if can_be_sent else back,
        speak=f"{title}: {plain(view.incident.title, 200)}",
    )


def _head(view: IncidentView, now: datetime) -> list[Element]:
    incident = view.incident
    parts = [
        text_block(headline(incident), weight="Bolder", size="Small"),
        rich_text(text_run(incident.title, 200), spacing="None"),
    ]
    if incident.owner is not None:
        since = f" since {when(incident.owned_at, near=now)}" if incident.owned_at else ""
        owner = f"{escape(view.process.roles.owner, 40)}: {escape(incident.owner.name, 80)}{since}"
        parts.append(text_block(owner, size="Small", subtle=True, spacing="None"))
    return parts


def _assess(view: IncidentView, values: Values) -> list[Element]:
    made = view.incident.assessment
    judged = view.incident.judged
    answers: Mapping[str, Answer] = made.answers if made else judged.answers if judged else {}
    known = {f"q_{key}": said(value) for key, value in answers.items()}
    parts = assessment(view.process, {**known, **values})
    tests = asked(view.process.judging.tests, [each.key for each in view.process.questions])
    if tests and judged is None:
        heading = text_block("Is it an incident at all?", weight="Bolder")
        parts = [heading, *judging_inputs(tests, values), *parts]
    return [*parts, *_at_once(view, values)]


def _at_once(view: IncidentView, values: Values) -> list[Element]:
    """Return what is said of the levels that go straight to resolved, with the follow-up that they require."""
    straight = [level for level in view.process.urgencies if level.then == "resolve"]
    if not straight:
        return []
    keys = {level.key for level in straight}
    kinds = [kind for kind in view.process.follow_ups if keys & set(kind.required_for)]
    names = " or ".join(f"“{escape(each.name, 80)}”" for each in straight)
    line = f"If it comes out as {names}, it is resolved at once"
    if not kinds:
        return [text_block(f"{line}.", spacing="Large")]
    proposed = _proposed(kinds[0], view.incident) if len(kinds) == 1 else ""
    preset = {"follow_up_title": proposed, **values}
    return [
        text_block(f"{line}, with this follow-up:", spacing="Large"),
        text("follow_up_title", "Follow-up", preset, TITLE, hint="Empty for the usual title"),
    ]


def _resolve(view: IncidentView, values: Values) -> list[Element]:
    parts = [
        inputs.choice("over", "Has it stopped occurring?", YES_NO, value=values.get("over", ""), expanded=True),
        text("cause", "What was the cause?", values, LONG, multiline=True),
        inputs.toggle(
            "limit_reached",
            "The cause is not known, and the limit of understanding is reached",
            on=values.get("limit_reached") == "true",
        ),
        inputs.choice(
            "rolled_back", "Was anything rolled back?", YES_NO, value=values.get("rolled_back", ""), expanded=True
        ),
        text(
            "repositories", "If so, in which repositories?", values, REPOSITORIES, hint="With commas between them"
        ),
        inputs.choice(
            "safe",
            "Is their trunk (main, master) safe to deploy again?",
            (*YES_NO, ("Nothing was rolled back", "unknown")),
            value=values.get("safe", ""),
            expanded=True,
        ),
    ]
    if view.process.follow_ups:
        parts.append(text_block("Follow-ups", weight="Bolder", spacing="Large", id="follow_ups"))
    have = {each.kind for each in view.incident.follow_ups}
    for kind in view.process.follow_ups:
        if kind.key in have:
            parts.append(text_block(f"{escape(kind.name, 80)}: raised already.", subtle=True))
            continue
        required = _is_required(kind, view.incident)
        preset = "true" if required and not values else values.get(f"follow_{kind.key}", "")
        label = f"{kind.question} (required)" if required else kind.question
        parts.append(inputs.toggle(f"follow_{kind.key}", clean(label, 200), on=preset == "true"))
        titles = {f"title_{kind.key}": _proposed(kind, view.incident), **values}
        parts.append(text(f"title_{kind.key}", f"Title of “{clean(kind.name, 80)}”", titles, TITLE))
    if view.process.follow_ups:
        parts.append(text("none_reason", "If none is needed: why?", values, SHORT))
    if view.viewer is not None and (other := declares_resolved(view.incident, view.viewer, view.process)):
        role, person = other
        who = f"{clean(person.name, 80)}, the {clean(role.name, 80)},"
        parts.append(
            text("past_reason", f"{who} declares it resolved. Why is it done without them?", values, SHORT)
        )
    return parts


def _is_required(kind: FollowUpKind, incident: Incident) -> bool:
    answers = incident.assessment.answers if incident.assessment else {}
    facts = {incident.urgency} | ({"self_resolved"} if answers.get("self_resolved") is True else set())
    return bool(facts & set(kind.required_for))


def _proposed(kind: FollowUpKind, incident: Incident) -> str:
    return clean(kind.title.replace("{title}", incident.title), TITLE)


def _note(view: IncidentView, values: Values) -> list[Element]:
    kinds = [(NOTES[kind], kind.value) for kind in NoteKind]
    where = "It goes into the issue, not into the channel." if view.incident.raised else ""
    where = where or "It is kept, and goes into the issue once the incident is raised."
    return [
        text_block(where, subtle=True),
        inputs.choice("kind", "What is it?", kinds, value=values.get("kind", "") or NoteKind.OBSERVATION.value),
        text("text", "Note", values, NOTE, multiline=True, required="Write something."),
    ]


def _lesson(view: IncidentView, values: Values) -> list[Element]:
    kinds = [(clean(kind.name, 80), kind.key) for kind in view.process.lessons]
    about = values.get("lesson", "") or view.process.lessons[-1].key
    return [
        text_block("It goes into the issue and the post-mortem. It blames nobody.", subtle=True),
        inputs.choice("lesson", "What is it about?", kinds, value=about),
        text("text", "What is taken from it?", values, SHORT, multiline=True, required="Write something."),
    ]


def _link(view: IncidentView, values: Values) -> list[Element]:
    return [
        inputs.text(
            "url",
            "Address of a merge request, a document, a call",
            value=values.get("url", ""),
            limit=URL,
            hint="https://…",
            style="Url",
            required="Give the address.",
        ),
        text("label", "What it is", values, TITLE, hint="For example: Fix for the token cache"),
    ]


def _people(view: IncidentView, values: Values) -> list[Element]:
    if not view.team:
        return [text_block("Wilson does not know the team's members yet. Type `assign @person` in the thread.")]
    people = sorted(view.team, key=lambda person: person.name.casefold())[:MOST_PEOPLE]
    choices = [(inert(person.name, 60), person.id or person.teams_id) for person in people]
    value = values.get("person", "")
    parts = [inputs.choice("person", "Who takes it?", choices, value=value, required="Choose somebody.")]
    if len(view.team) > MOST_PEOPLE:
        parts.append(text_block("Somebody else: type `assign @person` in the thread.", subtle=True))
    return parts


def _role(view: IncidentView, values: Values) -> list[Element]:
    people = sorted(view.team, key=lambda person: person.name.casefold())[:MOST_PEOPLE]
    choices = [(inert(person.name, 60), person.id or person.teams_id) for person in people]
    roles = [
        (clean(f"{each.name}: {each.about}" if each.about else each.name, 120), each.key)
        for each in view.process.roles.others
    ]
    if not choices or not roles:
        return [text_block("Type `role <role> @person` in the thread.")]
    role, person = values.get("role", ""), values.get("person", "")
    return [
        inputs.choice("role", "Which role?", roles, value=role, expanded=True, required="Choose one."),
        inputs.choice("person", "Who takes it?", choices, value=person, required="Choose somebody."),
    ]


def _decide(view: IncidentView, values: Values) -> list[Element]:
    options = [(clean(option.name, 100), option.key) for option in view.process.decision_options]
    if not options:
        return [text_block("The process knows no decision.")]
    return [
        inputs.choice(
            "option",
            clean(view.process.decision_question, 300),
            options,
            value=values.get("option", ""),
            expanded=True,
            required="Choose what was decided.",
        ),
        text("present", "Who took part?", values, REPOSITORIES, required="Say who took part."),
    ]


def _change(view: IncidentView, values: Values) -> list[Element]:
    return [
        text_block("A second developer, on a call with you, confirms it on the card.", subtle=True),
        text("what", "What is changed by hand?", values, SHORT, multiline=True, required="Say what is changed."),
        text("why", "Why not by merge request?", values, SHORT, multiline=True, required="Say why."),
    ]


def _dismiss(view: IncidentView, values: Values) -> list[Element]:
    required = "Say why: it has an issue already." if view.incident.raised else ""
    parts = [text("reason", "Why is it not an incident?", values, SHORT, required=required)]
    if view.incident.raised and (kind := view.process.follow_up("alerting")):
        label = f"Raise the follow-up “{clean(kind.name, 80)}”: make the alert better"
        parts.append(inputs.toggle("improve", label, on=values.get("improve") == "true"))
    return parts


def _merge(view: IncidentView, values: Values) -> list[Element]:
    if not view.others:
        return [text_block("There is no other unfinished incident to merge it into.")]
    choices = [(inert(f"#{number} {title}", 90), str(number)) for number, title in view.others[:MOST_OTHERS]]
    value = values.get("into", "")
    parts = [inputs.choice("into", "It is the same problem as", choices, value=value, required="Choose one.")]
    if len(view.others) > MOST_OTHERS:
        parts.append(text_block("Another one: type `merge into <number>` in the thread.", subtle=True))
    return parts


def _reopen(view: IncidentView, values: Values) -> list[Element]:
    return [text("reason", "Why is it taken up again?", values, SHORT)]


def _follow_up(view: IncidentView, values: Values) -> list[Element]:
    kinds = [(clean(f"{kind.name}: {kind.question}", 160), kind.key) for kind in view.process.follow_ups]
    if not kinds:
        return [text_block("The process knows no follow-ups.")]
    value = values.get("kind", "")
    return [
        inputs.choice("kind", "What is wanted?", kinds, value=value, expanded=True, required="Choose one."),
        text("title", "Title", values, TITLE, hint="Empty for the usual one"),
    ]


def _update(view: IncidentView, values: Values) -> list[Element]:
    stages = [(stage.capitalize(), stage) for stage in STAGES]
    return [
        text_block("Nothing goes out before you confirm it. Correct the draft.", subtle=True),
        text("headline", "Headline", values, TITLE, required="Give it a headline."),
        text("text", "What stakeholders are told", values, LONG, multiline=True, required="Say something."),
        inputs.choice("stage", "How it stands", stages, value=values.get("stage", ""), required="Choose one."),
    ]


def _judge(view: IncidentView, values: Values) -> list[Element]:
    process = view.process
    return [
        text_block(escape(process.definition, 300), subtle=True),
        *judging_inputs(process.judging.tests, values, view.incident.judged),
        text_block("Not known counts as an incident: better raised than ignored.", subtle=True, size="Small"),
        *instead_input(process, values),
    ]


def _park(view: IncidentView, values: Values) -> list[Element]:
    preset = {"when": "tomorrow", **values}
    return [
        text_block("Nobody is reminded of it before; then its owner is.", subtle=True),
        text(
            "when", "Until when? tomorrow, monday 10:00, 2026-12-01, 3 hours", preset, TITLE, required="Say when."
        ),
        text("reason", "What does it wait for?", values, SHORT, required="Say what it waits for."),
    ]


def _security(view: IncidentView, values: Values) -> list[Element]:
    about = "It is handled in private from then on; here, only its number, state and owner stay to be seen."
    if view.process.security.text:
        about = f"{about} {clean(view.process.security.text, 300)}"
    return [text_block(escape(about)), text("reason", "Why is it a matter of security?", values, SHORT)]


def _take_over(view: IncidentView, values: Values) -> list[Element]:
    owner = view.incident.owner
    if owner is None:
        return [text_block("Nobody owns it at present.")]
    return [
        text_block(f"**{escape(owner.name, 80)}** owns it and will be told. Do it only if you have agreed on it.")
    ]


_Build = Callable[[IncidentView, Values], list[Element]]

_FORMS: Mapping[Form, tuple[str, str, str, _Build]] = {
    Form.JUDGE: ("Is it an incident?", "raise", "Raise", _judge),
    Form.ASSESS: ("How urgent is it?", "assess", "Set the urgency", _assess),
    Form.RESOLVE: ("Resolve", "resolve", "Resolve", _resolve),
    Form.NOTE: ("Note", "note", "Note it", _note),
    Form.ROLE: ("Who plays which role?", "role", "Note it", _role),
    Form.LESSON: ("A lesson", "lesson", "Note it", _lesson),
    Form.LINK: ("Link", "link", "Link it", _link),
    Form.ASSIGN: ("Assign", "assign", "Assign", _people),
    Form.HAND_OVER: ("Hand over", "hand_over", "Hand over", _people),
    Form.DECIDE: ("The team's decision", "decide", "Record it", _decide),
    Form.CHANGE: ("A change by hand", "change", "Record it", _change),
    Form.DISMISS: ("Not an incident", "dismiss", "Dismiss", _dismiss),
    Form.MERGE: ("Merge", "merge", "Merge", _merge),
    Form.REOPEN: ("Reopen", "reopen", "Reopen", _reopen),
    Form.FOLLOW_UP: ("Follow-up", "follow_up", "Raise it", _follow_up),
    Form.UPDATE: ("Update stakeholders", "update", "Confirm and send", _update),
    Form.PARK: ("Put off", "park", "Put it off", _park),
    Form.SECURITY: ("A matter of security", "security", "Handle it in private", _security),
    Form.TAKE_OVER: ("Take over?", "claim", "Take over", _take_over),
}
"""For each form: its heading, the verb that it sends, its button, and what builds its inputs."""
