"""Whatever people and alerts do, in whatever order, some things hold."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.domain import finishing, intake
from models.domain.decisions import Decision, Refusal
from models.domain.incident_effects import Announce, NoteIssue, RaiseFollowUp, RaiseIssue
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.requests import (
    AddFollowUp,
    AddLink,
    AddNote,
    Assess,
    Assign,
    Claim,
    ConfirmChange,
    Decide,
    Dismiss,
    HandOver,
    ProposeChange,
    Raise,
    Reopen,
    Request,
    Resolve,
    carry_out,
)
from models.domain.resolving import ResolveAnswers
from models.domain.timeline import NoteKind
from tests.unit.domain.samples import ADA, ALERT, AT, BEN, CYD, GRAVE, INTERNAL, MILD, OPEN, OVER, PROCESS, RECOVERY

PEOPLE = st.sampled_from([ADA, BEN, CYD, replace(ADA, name="Countess"), Person("", "Ben", BEN.teams_id)])
TEXTS = st.sampled_from(["", " ", "x", "exams are on"])
YES_NO = st.sampled_from([True, True, False, None])
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "users": st.sampled_from([0, 1, 2, 100, 101, None]),
        "critical": YES_NO,
        "workaround": YES_NO,
        "self_resolved": YES_NO,
        "development_blocked": YES_NO,
    },
)
KINDS = st.sampled_from([*(kind.key for kind in PROCESS.follow_ups), "holiday"])
RESOLVING = st.builds(
    ResolveAnswers,
    over=YES_NO,
    cause=TEXTS,
    limit_reached=st.booleans(),
    rolled_back=YES_NO,
    repositories=st.sampled_from([(), ("a",), (" ",)]),
    safe=YES_NO,
    follow_ups=st.dictionaries(KINDS, TEXTS, max_size=2),
    none_reason=TEXTS,
)
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Raise),
    st.builds(Claim, st.booleans()),
    st.builds(Assign, PEOPLE, st.booleans()),
    st.builds(HandOver, PEOPLE, st.booleans()),
    st.builds(
        Assess, ANSWERS, st.sampled_from(["", "not_urgent", "resolve_internally", "urgent", "dire"]), TEXTS, TEXTS
    ),
    st.builds(Decide, st.sampled_from(["internal", "major_incident", "later"]), TEXTS),
    st.builds(AddNote, TEXTS, st.sampled_from(NoteKind)),
    st.builds(AddLink, st.sampled_from(["https://a.example", "https://b.example", "x"]), TEXTS),
    st.builds(ProposeChange, TEXTS, TEXTS),
    st.builds(ConfirmChange, st.integers(0, 3)),
    st.builds(Resolve, RESOLVING),
    st.builds(AddFollowUp, KINDS, TEXTS),
    st.builds(Reopen, TEXTS),
    st.builds(Dismiss, TEXTS, st.booleans()),
)
WELL_MEANT: list[Request] = [
    Claim(take_over=True),
    Assess(INTERNAL),
    Assess(GRAVE),
    Assess(MILD),
    Decide("internal", "Ada, Ben"),
    ProposeChange("restarted it", "no pipeline"),
    ConfirmChange(1),
    Resolve(replace(OVER, follow_ups={"investigate": "Why?"})),
    Resolve(replace(OVER, rolled_back=True, repositories=("a",), safe=True)),
    Resolve(replace(OVER, rolled_back=True, repositories=("a",), safe=False)),
    Reopen("it is back"),
    Dismiss("a test"),
]
ALWAYS_KEPT = ("id", "version", "title", "source", "created_at", "fingerprint", "first_seen", "previous_id")


class Handling(RuleBasedStateMachine):
    """One incident, three people, one alert source and a clock."""

    @initialize(declared=st.booleans())
    def begin(self, declared: bool) -> None:
        made = intake.declare("Login is slow", "", ADA, at=AT) if declared else intake.candidate(ALERT, at=AT)
        self.incident: Incident = replace(made.incident, id=7)
        self.before = self.incident
        self.now = AT

    def _tick(self) -> None:
        self.now += timedelta(minutes=1)

    def _take(self, decision: Decision) -> None:
        for name in ALWAYS_KEPT:
            assert getattr(decision.incident, name) == getattr(self.incident, name)
        self.before, self.incident = self.incident, decision.incident

    @rule(request=REQUESTS, by=PEOPLE)
    def somebody_acts(self, request: Request, by: Person) -> None:
        self._act(request, by)

    @rule(request=st.sampled_from(WELL_MEANT), by=PEOPLE)
    def somebody_does_the_next_thing(self, request: Request, by: Person) -> None:
        self._act(request, by)

    def _act(self, request: Request, by: Person) -> None:
        self._tick()
        outcome = carry_out(request, self.incident, by, PROCESS, at=self.now)
        if isinstance(outcome, Refusal):
            assert outcome.text
            return
        before, after = self.incident, outcome.incident
        if not outcome.entries:
            assert after == before
            assert outcome.effects == ()
            assert outcome.notice
        assert all(entry.actor == by and entry.at == self.now for entry in outcome.entries)
        self._effects(before, outcome)
        if before.state.finished and not isinstance(request, Reopen):
            assert (after.owner, after.urgency, after.state) == (before.owner, before.urgency, before.state)
        if not isinstance(request, Claim | Assign | HandOver):
            assert after.owner == before.owner
        if after.changes != before.changes and len(after.changes) == len(before.changes):
            (number,) = [n for n, change in enumerate(after.changes) if change != before.changes[n]]
            assert not by.same(after.changes[number].by)
        self._take(outcome)

    def _effects(self, before: Incident, decision: Decision) -> None:
        raising = [n for n, effect in enumerate(decision.effects) if isinstance(effect, RaiseIssue)]
        assert len(raising) == (decision.incident.raised and not before.raised)
        assert raising in ([], [0])
        if not decision.incident.raised:
            assert not any(isinstance(effect, NoteIssue) for effect in decision.effects)
        for effect in decision.effects:
            if isinstance(effect, Announce | NoteIssue):
                assert effect.entry in decision.entries
        new = decision.incident.follow_ups[len(before.follow_ups) :]
        raised = [effect.follow_up for effect in decision.effects if isinstance(effect, RaiseFollowUp)]
        assert raised == [each.id for each in new]

    @rule(fires=st.booleans())
    def the_alert_reports(self, fires: bool) -> None:
        self._tick()
        if self.incident.state.finished:
            return
        decision = intake.absorb(self.incident, ALERT if fires else RECOVERY, PROCESS, at=self.now)
        human: Any = ("state", "owner", "urgency", "resolution", "changes", "follow_ups", "raised_at")
        for name in human:
            assert getattr(decision.incident, name) == getattr(self.incident, name)
        self._take(decision)

    @rule(by=PEOPLE)
    def it_is_merged_and_that_is_final(self, by: Person) -> None:
        gone, grown = finishing.merge(self.incident, replace(OPEN, id=8), by, at=self.now)
        assert isinstance(gone, Refusal) is self.incident.state.finished
        if isinstance(gone, Decision) and isinstance(grown, Decision):
            assert grown.incident.count >= OPEN.count
            for request in (Raise(), Claim(True), Reopen("x"), Assess({}), Resolve(ResolveAnswers(over=True))):
                assert isinstance(carry_out(request, gone.incident, by, PROCESS, at=self.now), Refusal)

    @rule()
    def the_review_closes_it(self) -> None:
        if self.incident.state is State.RESOLVED:
            self.incident = replace(self.incident, state=State.CLOSED)

    @invariant()
    def what_is_resolved_meets_the_conditions(self) -> None:
        incident = getattr(self, "incident", None)
        if incident is None or incident.state is not State.RESOLVED:
            return
        assert incident.owner is not None
        assert PROCESS.urgency(incident.urgency) is not None
        assert not incident.must_decide(PROCESS)
        assert incident.unconfirmed == ()
        assert incident.not_safe == ()
        assert incident.resolution is not None
        assert incident.follow_ups or incident.resolution.none_reason
        if incident.urgency == "not_urgent":
            assert "investigate" in {each.kind for each in incident.follow_ups}

    @invariant()
    def state_and_record_agree(self) -> None:
        incident = getattr(self, "incident", None)
        if incident is None:
            return
        assert incident.raised or incident.state in (State.CANDIDATE, State.DISMISSED)
        assert (incident.state is State.CANDIDATE) <= (not incident.raised)
        assert incident.owner is None or incident.raised
        assert (incident.resolution is not None) == (incident.state in (State.RESOLVED, State.CLOSED))
        assert [each.id for each in incident.follow_ups] == [str(n + 1) for n in range(len(incident.follow_ups))]
        assert [each.id for each in incident.changes] == list(range(1, len(incident.changes) + 1))
        assert len({each.url for each in incident.links}) == len(incident.links)


TestHandling = Handling.TestCase
TestHandling.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
