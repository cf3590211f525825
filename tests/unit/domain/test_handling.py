from dataclasses import replace

import pytest

from models.domain.alerts import Link
from models.domain.decisions import Decision
from models.domain.incident_effects import Announce, NoteIssue
from models.domain.people import Person
from models.domain.requests import AddLink, AddNote, ConfirmChange, ProposeChange
from models.domain.timeline import NoteKind
from tests.unit.domain.samples import ADA, BEN, CANDIDATE, CLOSED, CYD, OPEN, RESOLVED, act, kinds, refuse, told

PROPOSED = act(OPEN, ProposeChange(" restarted db-1 ", " the pipeline is down "), ADA).incident


@pytest.mark.parametrize("kind", list(NoteKind))
def test_a_note_goes_into_the_issue_and_not_into_the_channel(kind: NoteKind) -> None:
    decision = act(OPEN, AddNote(" it is full ", kind), BEN)
    entry = decision.entries[0]
    assert entry.data == {"kind": kind.value, "text": "it is full"}
    assert decision == Decision(OPEN, (entry,), (NoteIssue(7, entry),), "Noted in the issue.")


def test_a_note_on_a_candidate_is_kept_until_there_is_an_issue() -> None:
    decision = act(CANDIDATE, AddNote("it is full"))
    assert decision.effects == ()
    assert told(decision) == ["noted"]
    assert "once the incident is raised" in decision.notice


def test_an_empty_note_is_refused() -> None:
    assert refuse(OPEN, AddNote(" \n ")).fields == ("text",)


def test_a_closed_incident_takes_no_notes() -> None:
    assert "review" in refuse(CLOSED, AddNote("x")).text


def test_a_link_is_attached_with_its_label() -> None:
    decision = act(OPEN, AddLink("https://example.com/mr/1", " The fix "))
    assert decision.incident.links[-1] == Link("The fix", "https://example.com/mr/1")
    assert decision.entries[0].data == {"url": "https://example.com/mr/1", "label": "The fix"}


def test_a_link_without_a_label_is_called_by_its_address() -> None:
    assert act(RESOLVED, AddLink("https://example.com")).incident.links[-1].label == "https://example.com"


def test_the_same_link_under_another_label_is_linked_already() -> None:
    linked = act(OPEN, AddLink("https://example.com", "one")).incident
    assert act(linked, AddLink("https://example.com", "two")).incident is linked


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "javascript:alert(1)",
        "ftp://example.com",
        "https://a b",
        "https://a\nb",
        "https://" + 2000 * "a",
    ],
)
def test_what_is_no_web_address_is_not_linked(url: str) -> None:
    assert refuse(OPEN, AddLink(url)).fields == ("url",)


def test_a_change_by_hand_waits_for_a_second_developer() -> None:
    (change,) = PROPOSED.unconfirmed
    assert (change.id, change.what, change.why, change.by) == (1, "restarted db-1", "the pipeline is down", ADA)
    assert change.confirmed_by is None


@pytest.mark.parametrize(
    ("what", "why", "fields"),
    [("", "y", ("what",)), ("x", " ", ("why",)), (" ", "", ("what", "why"))],
)
def test_a_change_by_hand_says_what_and_why(what: str, why: str, fields: tuple[str, ...]) -> None:
    assert refuse(OPEN, ProposeChange(what, why)).fields == fields


def test_changes_are_numbered_in_their_order() -> None:
    two = act(PROPOSED, ProposeChange("and again", "still down")).incident
    assert [change.id for change in two.unconfirmed] == [1, 2]
    second = act(two, ConfirmChange(2), BEN).incident
    assert [change.id for change in second.unconfirmed] == [1]


def test_a_second_different_developer_confirms_and_the_first_is_told() -> None:
    decision = act(PROPOSED, ConfirmChange(1), BEN)
    assert decision.incident.changes[0].confirmed_by == BEN
    assert decision.incident.unconfirmed == ()
    assert [each.mentions for each in decision.effects if isinstance(each, Announce)] == [(ADA,)]
    assert decision.entries[0].data == {"number": 1, "what": "restarted db-1", "by": ADA.name}


@pytest.mark.parametrize(
    "same",
    [
        ADA,
        replace(ADA, name="Somebody else"),
        replace(ADA, id=ADA.id.upper(), teams_id="29:elsewhere"),
        Person("", "Countess", ADA.teams_id),
    ],
)
def test_the_same_identity_does_not_confirm_its_own_change(same: Person) -> None:
    assert "somebody else" in refuse(PROPOSED, ConfirmChange(1), same).text


def test_a_change_is_confirmed_once() -> None:
    confirmed = act(PROPOSED, ConfirmChange(1), BEN).incident
    assert act(confirmed, ConfirmChange(1), CYD) == Decision(confirmed, notice="Ben Okri confirmed it already.")


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_change_that_is_not_there_is_not_confirmed(number: int) -> None:
    assert f"number {number}" in refuse(PROPOSED, ConfirmChange(number), BEN).text


def test_a_proposed_change_is_noted_and_announced() -> None:
    assert kinds(act(OPEN, ProposeChange("x", "y"))) == ["NoteIssue", "Announce", "RefreshCard"]
