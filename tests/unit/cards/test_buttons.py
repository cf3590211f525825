"""Which buttons each state offers to whom."""

from dataclasses import replace

import pytest

from cards import buttons
from cards.actions import Do, OpenForm, decode
from cards.blocks import Element
from cards.incident import incident_card
from models.domain import requests
from models.domain.decisions import MAY, Decision
from models.domain.people import Person
from models.domain.views import IncidentView
from tests.unit.cards.samples import ADELE, ALEX, MEGAN, NOW, RESOLVED, STATES, TEAM, process_named, view
from tests.unit.cards.test_golden import elements

MORE = "Link, Change by hand, Follow-up, Merge, Not an incident, Story, Update stakeholders, Security"
WAIT = MORE.replace("Merge", "Put off, Merge")
AFTER = "Link, Story, Post-mortem, Close at the review, Update stakeholders, Security"
CANDIDATE = "Claim, Raise, Not an incident | Assign, Note, Link, Merge, Security, Me too"

TABLE: list[tuple[str, Person | None, str]] = [
    ("candidate", None, CANDIDATE),
    ("candidate", ALEX, CANDIDATE),
    ("recovered", None, CANDIDATE),
    ("unreadable", None, CANDIDATE),
    ("open", None, f"Claim, Assign, Urgency, Note | {MORE}, Me too"),
    ("open", ALEX, f"Claim, Assign, Urgency, Note | {MORE}, Me too"),
    ("owned", None, f"Urgency, Note, Hand over, Take over | {WAIT}, Offer help, Me too"),
    ("owned", MEGAN, f"Urgency, Note, Hand over | {WAIT}"),
    ("owned", ALEX, f"Urgency, Note, Take over | {WAIT}, Offer help, Me too"),
    ("urgent", None, f"Decide, Note, Urgency, Hand over, Take over | {MORE}, Offer help, Hand-off, Me too"),
    ("urgent", MEGAN, f"Decide, Note, Urgency, Hand over | {MORE}, Hand-off"),
    ("internal", None, f"Resolve, Note, Urgency, Hand over, Take over | {WAIT}, Offer help, Me too"),
    ("internal", MEGAN, f"Resolve, Note, Urgency, Hand over | {WAIT}"),
    ("internal", ALEX, f"Resolve, Note, Urgency, Take over | {WAIT}, Offer help, Me too"),
    ("overridden", MEGAN, f"Resolve, Note, Urgency, Hand over | {MORE}, Hand-off"),
    ("not_safe", MEGAN, f"Resolve, Note, Urgency, Hand over | {WAIT}"),
    ("changing", None, f"Confirm change 1 + Note, Urgency, Hand over, Take over | {WAIT}, Offer help, Me too"),
    ("changing", MEGAN, f"Note, Urgency, Hand over | {WAIT}"),
    ("changing", ADELE, f"Confirm change 1 + Note, Urgency, Take over | {WAIT}, Offer help, Me too"),
    (
        "resolved",
        None,
        f"Follow-up, Reopen, Note, Lesson | {AFTER}",
    ),
    ("closed", None, "Reopen"),
    ("dismissed", None, "Reopen"),
    ("merged", None, ""),
]


def _described(card: Element) -> str:
    inside = [action["title"] for part in elements(card["body"]) for action in part.get("actions", ())]
    shown = [action for action in card.get("actions", ()) if action["type"] != "Action.ShowCard"]
    hidden = [action for action in card.get("actions", ()) if action["type"] == "Action.ShowCard"]
    text = ", ".join(action["title"] for action in shown)
    if inside:
        text = f"{', '.join(inside)} + {text}"
    for more in hidden:
        rows = [more["card"], *more["card"].get("body", ())]
        text += " | " + ", ".join(action["title"] for row in rows for action in row.get("actions", ()))
    return text


@pytest.mark.parametrize(("name", "viewer", "expected"), TABLE)
def test_the_card_offers(name: str, viewer: Person | None, expected: str) -> None:
    assert _described(incident_card(view(STATES[name], viewer), now=NOW)) == expected


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("viewer", [None, MEGAN, ALEX])
def test_no_button_is_offered_that_would_be_refused(name: str, viewer: Person | None) -> None:
    incident = STATES[name]
    looked: IncidentView = view(incident, viewer)
    first, more = buttons.presses(looked)
    assert len(first) <= buttons.VISIBLE
    assert len({press.title for press in (*first, *more)}) == len((*first, *more))
    for press in (*first, *more):
        assert press.verb in ("story", "handoff") or incident.state in MAY[press.verb]
    for action in elements(incident_card(looked, now=NOW)):
        if action.get("type") != "Action.Execute":
            continue
        button = decode(action["data"], viewer or ADELE, TEAM)
        if isinstance(button, Do):
            assert not isinstance(button.request, requests.Merge)
            done = requests.carry_out(button.request, incident, viewer or ADELE, looked.process, at=NOW)
            assert isinstance(done, Decision)
        elif isinstance(button, OpenForm):
            assert button.hint == incident.id


def test_at_most_six_buttons_stand_side_by_side() -> None:
    for incident in STATES.values():
        for part in elements(incident_card(view(incident), now=NOW)):
            assert len(part.get("actions", ())) <= 6


def test_the_card_renews_itself_for_those_concerned() -> None:
    card = incident_card(view(STATES["owned"]), now=NOW)
    assert card["refresh"]["userIds"] == [MEGAN.teams_id, ALEX.teams_id]
    many = tuple(Person(str(n), f"P{n}", f"29:{n}") for n in range(100))
    assert (
        len(incident_card(view(STATES["open"], on_call=many), now=NOW)["refresh"]["userIds"]) == buttons.CONCERNED
    )
    assert "refresh" not in incident_card(view(STATES["open"], on_call=()), now=NOW)


def test_those_on_call_are_mentioned_only_while_nobody_has_it() -> None:
    entities = incident_card(view(STATES["candidate"]), now=NOW)["msteams"]["entities"]
    assert [each["mentioned"]["id"] for each in entities] == [ALEX.teams_id]
    assert "entities" not in incident_card(view(STATES["owned"]), now=NOW)["msteams"]
    assert "entities" not in incident_card(view(STATES["dismissed"]), now=NOW)["msteams"]


def test_one_action_for_all_is_offered_where_the_process_names_it_until_it_was_pressed() -> None:
    process = process_named("tis")
    for name in ("candidate", "open", "owned"):
        looked = replace(view(STATES[name]), process=process)
        assert _described(incident_card(looked, now=NOW)).count("Fire-fire") == 1
        fired = replace(looked, incident=replace(STATES[name], fired_at=NOW))
        assert "Fire-fire" not in _described(incident_card(fired, now=NOW))
    for name in ("resolved", "dismissed", "closed"):
        assert "Fire-fire" not in _described(incident_card(replace(view(STATES[name]), process=process), now=NOW))


def test_a_channel_is_offered_for_the_urgencies_that_the_process_names() -> None:
    process = replace(process_named("wilson"), channel_for=("resolve_internally",))
    looked = replace(view(STATES["internal"], MEGAN), process=process)
    assert "Security, Channel" in _described(incident_card(looked, now=NOW))
    made = replace(looked, incident=replace(STATES["internal"], channel_name="inc-1"))
    assert "Channel" not in _described(incident_card(made, now=NOW))
    assert "Channel" not in _described(incident_card(replace(looked, incident=STATES["urgent"]), now=NOW))


def test_nothing_is_handed_off_where_the_process_knows_no_major_incident() -> None:
    process = process_named("wilson")
    rules = replace(process.communication, major_incident_option="elsewhere")
    looked = replace(view(STATES["urgent"]), process=replace(process, communication=rules))
    assert "Hand-off" not in _described(incident_card(looked, now=NOW))


def test_closing_names_the_review_as_the_process_does() -> None:
    called = replace(view(RESOLVED), process=process_named("wellcome"))
    assert "Close at the incident retro" in {press.title for some in buttons.presses(called) for press in some}
    assert "Close at the review" in {press.title for some in buttons.presses(view(RESOLVED)) for press in some}
