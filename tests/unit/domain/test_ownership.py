from dataclasses import replace

from models.domain.decisions import Decision
from models.domain.incident_effects import Announce
from models.domain.incidents import State
from models.domain.people import Person
from models.domain.requests import Assign, Claim, HandOver, Raise
from tests.unit.domain.samples import (
    ADA,
    BEN,
    CANDIDATE,
    CYD,
    DISMISSED,
    LATER,
    OPEN,
    OWNED,
    act,
    refuse,
    told,
)


def mentioned(decision: Decision) -> list[Person]:
    return [person for effect in decision.effects if isinstance(effect, Announce) for person in effect.mentions]


def test_raising_makes_it_open_and_nobodys() -> None:
    decision = act(CANDIDATE, Raise(), BEN)
    assert decision.incident.state is State.OPEN
    assert decision.incident.raised_at == LATER
    assert decision.incident.owner is None
    assert told(decision) == ["raised"]
    assert mentioned(decision) == []


def test_raising_by_a_second_person_is_answered_and_changes_nothing() -> None:
    once = act(CANDIDATE, Raise(), ADA).incident
    assert act(once, Raise(), BEN) == Decision(once, notice="It is raised already.")


def test_a_claim_makes_the_claimer_the_owner() -> None:
    decision = act(OPEN, Claim(), ADA)
    assert decision.incident.owner == ADA
    assert decision.incident.owned_at == LATER
    assert mentioned(decision) == []
    assert decision.entries[0].data == {"to": ADA.name, "from": None}


def test_a_claim_of_a_candidate_raises_it() -> None:
    decision = act(CANDIDATE, Claim(), ADA)
    assert decision.incident.state is State.OPEN
    assert decision.incident.raised_at == LATER
    assert told(decision) == ["claimed"]


def test_claim_by_second_person_is_refused() -> None:
    refusal = refuse(OWNED, Claim(), BEN)
    assert refusal.ask == "take_over"
    assert "Ada Lovelace owns it since 09:00 UTC" in refusal.text


def test_claim_by_the_owner_changes_nothing() -> None:
    assert act(OWNED, Claim(), ADA) == Decision(OWNED, notice="You own it already.")
    assert act(OWNED, Claim(take_over=True), ADA).incident is OWNED


def test_a_take_over_tells_the_old_owner() -> None:
    decision = act(OWNED, Claim(take_over=True), BEN)
    assert decision.incident.owner == BEN
    assert mentioned(decision) == [ADA]
    assert decision.entries[0].data == {"to": BEN.name, "from": ADA.name}


def test_to_take_over_what_nobody_owns_is_a_claim() -> None:
    assert told(act(OPEN, Claim(take_over=True), BEN)) == ["claimed"]


def test_assigning_mentions_the_new_owner() -> None:
    decision = act(OPEN, Assign(BEN), ADA)
    assert decision.incident.owner == BEN
    assert told(decision) == ["assigned"]
    assert mentioned(decision) == [BEN]


def test_assigning_to_oneself_is_a_claim() -> None:
    assert told(act(OPEN, Assign(ADA), ADA)) == ["claimed"]


def test_assigning_a_candidate_raises_it() -> None:
    assert act(CANDIDATE, Assign(BEN), ADA).incident.raised


def test_assigning_what_another_owns_asks_first() -> None:
    assert refuse(OWNED, Assign(CYD), BEN).ask == "take_over"
    decision = act(OWNED, Assign(CYD, take_over=True), BEN)
    assert decision.incident.owner == CYD
    assert mentioned(decision) == [CYD, ADA]


def test_the_owner_may_assign_at_once() -> None:
    decision = act(OWNED, Assign(BEN), ADA)
    assert decision.incident.owner == BEN
    assert mentioned(decision) == [BEN]


def test_assigning_to_the_owner_changes_nothing() -> None:
    assert act(OWNED, Assign(ADA), BEN) == Decision(OWNED, notice="Ada Lovelace owns it already.")
    by_channel_only = Person("", "ada", ADA.teams_id)
    assert act(OWNED, Assign(by_channel_only), BEN).incident is OWNED


def test_handing_over_by_the_owner_mentions_the_new_one_only() -> None:
    decision = act(OWNED, HandOver(BEN), ADA)
    assert decision.incident.owner == BEN
    assert told(decision) == ["handed_over"]
    assert mentioned(decision) == [BEN]


def test_handing_over_by_somebody_else_asks_first() -> None:
    assert refuse(OWNED, HandOver(CYD), BEN).ask == "take_over"
    assert mentioned(act(OWNED, HandOver(CYD, take_over=True), BEN)) == [CYD, ADA]


def test_what_nobody_owns_is_not_handed_over() -> None:
    refusal = refuse(OPEN, HandOver(BEN), ADA)
    assert "Nobody owns it" in refusal.text
    assert not refusal.ask


def test_a_candidate_is_not_handed_over() -> None:
    assert "raise or claim it first" in refuse(CANDIDATE, HandOver(BEN), ADA).text


def test_what_was_dismissed_is_not_claimed() -> None:
    assert "dismissed" in refuse(DISMISSED, Claim(), ADA).text


def test_a_second_owner_does_not_raise_again() -> None:
    raised = act(OWNED, Claim(take_over=True), BEN).incident
    assert raised.raised_at == OWNED.raised_at


def test_an_owner_without_a_time_is_named_without_one() -> None:
    assert refuse(replace(OWNED, owned_at=None), Claim(), BEN).text.startswith("Ada Lovelace owns it.")
