"""The table of transitions, row by row: each act in each state."""

from dataclasses import replace

import pytest

from models.domain import finishing
from models.domain.decisions import MAY, Decision, Refusal
from models.domain.incident_parts import ManualChange
from models.domain.incidents import Incident, State
from models.domain.requests import (
    AddFollowUp,
    AddLesson,
    AddLink,
    AddNote,
    AddVendor,
    Assess,
    Assign,
    Claim,
    Close,
    ConfirmChange,
    Decide,
    Dismiss,
    FireFire,
    HandOver,
    Join,
    Keep,
    MakeChannel,
    MarkPrivate,
    MeToo,
    PostMortem,
    ProposeChange,
    Raise,
    Reopen,
    Request,
    Resolve,
    SendUpdate,
    carry_out,
)
from tests.unit.domain.samples import (
    ADA,
    AT,
    BEN,
    BY_STATE,
    CANDIDATE,
    CYD,
    INTERNAL,
    LATER,
    OVER,
    PROCESS,
    URGENT,
    act,
    kinds,
    refuse,
    told,
)

CHANGE = ManualChange(1, "restarted it", "the pipeline is down", BEN, AT)

ROWS: dict[str, Request] = {
    "raise": Raise(),
    "dismiss": Dismiss("a test"),
    "claim": Claim(take_over=True),
    "assign": Assign(BEN),
    "hand_over": HandOver(BEN),
    "assess": Assess(INTERNAL),
    "decide": Decide("internal", "Ada, Ben"),
    "note": AddNote("it is full"),
    "link": AddLink("https://example.com/mr/1"),
    "change": ProposeChange("restarted it", "the pipeline is down"),
    "confirm_change": ConfirmChange(1),
    "resolve": Resolve(OVER),
    "vendor": AddVendor("AWS", "1234", "https://aws.example/1"),
    "update": SendUpdate("Login is slow", "We are on it.", "identified"),
    "channel": MakeChannel(),
    "fire": FireFire(),
    "security": MarkPrivate("a key is out"),
    "follow_up": AddFollowUp("documentation"),
    "join": Join(CYD),
    "me_too": MeToo("in Leeds"),
    "lesson": AddLesson("watch the cache"),
    "post_mortem": PostMortem(),
    "close": Close("watch the cache"),
    "keep": Keep("the vendor answers"),
    "reopen": Reopen("it is back"),
}
DONE_ALREADY = {
    ("raise", State.OPEN),
    ("dismiss", State.DISMISSED),
    ("close", State.CLOSED),
    ("reopen", State.CANDIDATE),
    ("reopen", State.OPEN),
}


def in_state(verb: str, state: State) -> Incident:
    incident = BY_STATE[state]
    if verb == "decide" and state is State.OPEN:
        return URGENT
    return replace(incident, changes=(CHANGE,)) if verb == "confirm_change" else incident


def test_every_act_of_the_table_has_its_row() -> None:
    more = {
        "merge",
        "role",
        "improve",
        "park",
        "unpark",
    }  # they have their own: test_roles, test_noise, test_parking
    assert set(ROWS) | more == set(MAY)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verb", list(ROWS))
def test_an_act_is_done_where_the_table_allows_it(verb: str, state: State) -> None:
    before = in_state(verb, state)
    outcome = carry_out(ROWS[verb], before, CYD if verb == "claim" else ADA, PROCESS, at=LATER)
    if state in MAY[verb]:
        assert isinstance(outcome, Decision)
        assert outcome.entries
    elif (verb, state) in DONE_ALREADY:
        assert isinstance(outcome, Decision)
        assert outcome == Decision(before, notice=outcome.notice)
        assert outcome.notice
    else:
        assert isinstance(outcome, Refusal)
        assert outcome.text.endswith(".")


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("whole_state", list(State))
def test_only_unfinished_incidents_are_merged(state: State, whole_state: State) -> None:
    part, whole = BY_STATE[state], replace(BY_STATE[whole_state], id=8)
    gone, grown = finishing.merge(part, whole, ADA, at=LATER)
    allowed = not state.finished and not whole_state.finished
    assert isinstance(gone, Decision) is allowed
    assert isinstance(grown, Decision) is allowed


AFTER = {
    "raise": State.OPEN,
    "dismiss": State.DISMISSED,
    "claim": State.OPEN,
    "assign": State.OPEN,
    "resolve": State.RESOLVED,
    "close": State.CLOSED,
    "reopen": State.OPEN,
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verb", list(ROWS))
def test_the_state_after_an_act(verb: str, state: State) -> None:
    if state not in MAY[verb]:
        return
    decision = act(in_state(verb, state), ROWS[verb], CYD if verb == "claim" else ADA)
    raises = verb in ("security", "fire") and state is State.CANDIDATE
    assert decision.incident.state is (State.OPEN if raises else AFTER.get(verb, state))


TWICE: list[tuple[str, State]] = [
    ("raise", State.CANDIDATE),
    ("dismiss", State.CANDIDATE),
    ("dismiss", State.OPEN),
    ("claim", State.CANDIDATE),
    ("claim", State.OPEN),
    ("assign", State.CANDIDATE),
    ("assign", State.OPEN),
    ("hand_over", State.OPEN),
    ("link", State.CANDIDATE),
    ("link", State.RESOLVED),
    ("confirm_change", State.OPEN),
    ("follow_up", State.OPEN),
    ("follow_up", State.RESOLVED),
    ("close", State.RESOLVED),
    ("reopen", State.RESOLVED),
    ("reopen", State.DISMISSED),
]


@pytest.mark.parametrize(("verb", "state"), TWICE)
def test_the_same_act_twice_changes_nothing_twice(verb: str, state: State) -> None:
    by = CYD if verb == "claim" else ADA
    once = act(in_state(verb, state), ROWS[verb], by).incident
    again = act(once, ROWS[verb], by)
    assert again == Decision(once, notice=again.notice)
    assert again.notice


def test_resolving_twice_is_refused_the_second_time() -> None:
    once = act(BY_STATE[State.OPEN], Resolve(OVER)).incident
    assert "resolved" in refuse(once, Resolve(OVER)).text


def test_a_finished_incident_says_how_to_take_it_up_again() -> None:
    for state in (State.RESOLVED, State.CLOSED, State.DISMISSED):
        assert "Reopen" in refuse(BY_STATE[state], Claim()).text
    assert "raise or claim" in refuse(CANDIDATE, Resolve(OVER)).text


EFFECTS = [
    ("raise", State.CANDIDATE, ["RaiseIssue", "NoteIssue", "Announce", "RefreshCard"]),
    ("dismiss", State.CANDIDATE, ["Announce", "RefreshCard"]),
    ("dismiss", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("claim", State.CANDIDATE, ["RaiseIssue", "NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("claim", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("assign", State.CANDIDATE, ["RaiseIssue", "NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("assign", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("hand_over", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("assess", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("decide", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    (
        "fire",
        State.CANDIDATE,
        ["RaiseIssue", "NoteIssue", "Announce", "RefreshCard", "OpenChannel", "WriteLogPage", "ReportParts"],
    ),
    ("note", State.CANDIDATE, []),
    ("note", State.OPEN, ["NoteIssue"]),
    ("note", State.RESOLVED, ["NoteIssue"]),
    ("link", State.CANDIDATE, ["Announce", "RefreshCard"]),
    ("link", State.OPEN, ["NoteIssue", "Announce", "RefreshCard"]),
    ("change", State.OPEN, ["NoteIssue", "Announce", "RefreshCard"]),
    ("confirm_change", State.OPEN, ["NoteIssue", "Announce", "RefreshCard"]),
    ("resolve", State.OPEN, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("follow_up", State.OPEN, ["NoteIssue", "Announce", "RefreshCard", "RaiseFollowUp"]),
    ("close", State.RESOLVED, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
    ("reopen", State.RESOLVED, ["NoteIssue", "SyncIssue", "Announce", "RefreshCard"]),
]


@pytest.mark.parametrize(("verb", "state", "expected"), EFFECTS)
def test_what_leaves_the_system_after_an_act(verb: str, state: State, expected: list[str]) -> None:
    decision = act(in_state(verb, state), ROWS[verb], CYD if verb == "claim" else ADA)
    assert kinds(decision) == expected
    assert len(told(decision)) == 1
    assert decision.entries[0].at == LATER


@pytest.mark.parametrize("state", list(State))
def test_nothing_but_the_incident_itself_is_in_its_effects(state: State) -> None:
    for verb, request in ROWS.items():
        outcome = carry_out(request, in_state(verb, state), ADA, PROCESS, at=LATER)
        if isinstance(outcome, Decision):
            assert all(getattr(effect, "incident_id", None) == 7 for effect in outcome.effects)
            assert outcome.incident.version == in_state(verb, state).version
            assert all(entry.actor == ADA for entry in outcome.entries)
