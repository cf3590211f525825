"""Roles: taken, given, left, doubled; who is informed, who resolves, who helps."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from models.domain.decisions import Decision, Refusal
from models.domain.incident_effects import Announce, NoteIssue
from models.domain.incidents import Incident
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.process_reader import ProcessError
from models.domain.requests import (
    Assign,
    Claim,
    GiveRole,
    HandOver,
    Join,
    Leave,
    LeaveRole,
    Raise,
    Request,
    Resolve,
    carry_out,
)
from models.domain.staffing import inform, vacant
from models.domain.timeline import Verb
from tests.unit.domain.samples import ADA, ASSESSED, BEN, CANDIDATE, CYD, LATER, OPEN, OVER, OWNED, PROCESS


def process_of(name: str) -> Process:
    text = (resources.files("models.processes") / f"{name}.toml").read_text(encoding="utf-8")
    return read_process(tomllib.loads(text), name)


PLATFORM, WELLCOME, HUB = (process_of(each) for each in ("modernisation_platform", "wellcome", "twoi2c"))


def done(incident: Incident, request: Request, by: object = ADA, process: Process = PLATFORM) -> Decision:
    outcome = carry_out(request, incident, by, process, at=LATER)  # type: ignore[arg-type]
    assert isinstance(outcome, Decision), outcome
    return outcome


def test_a_required_role_is_vacant_until_somebody_takes_it() -> None:
    assert [role.key for role in vacant(OWNED, PLATFORM)] == ["scribe"]
    taken = done(OWNED, GiveRole("scribe"), BEN).incident
    assert vacant(taken, PLATFORM) == ()
    left = done(taken, LeaveRole("scribe"), BEN)
    assert [role.key for role in vacant(left.incident, PLATFORM)] == ["scribe"]
    assert "vacant now" in left.notice
    assert left.entries[0].data["required"] is True


def test_a_role_given_to_somebody_mentions_them_and_whoever_had_it() -> None:
    first = done(OWNED, GiveRole("scribe", BEN)).incident
    second = done(first, GiveRole("Scribe", CYD))
    assert dict(second.incident.roles) == {"scribe": CYD}
    (said,) = [each for each in second.effects if isinstance(each, Announce)]
    assert said.mentions == (CYD, BEN)
    again = done(second.incident, GiveRole("scribe", CYD))
    assert (again.entries, again.incident) == ((), second.incident)


def test_a_doubled_role_is_discouraged_and_allowed() -> None:
    both = done(OWNED, GiveRole("scribe"), ADA)
    assert "discouraged" in both.notice
    assert dict(both.incident.roles) == {"scribe": ADA}
    assert done(OWNED, GiveRole("scribe"), BEN).notice == ""
    assert "discouraged" in done(OWNED, GiveRole("steward"), ADA, HUB).notice


def test_the_owners_role_is_taken_by_claiming() -> None:
    assert done(OPEN, GiveRole("lead"), BEN).incident.owner == BEN
    refused = carry_out(GiveRole("lead"), OWNED, BEN, PLATFORM, at=LATER)
    assert isinstance(refused, Refusal)
    assert refused.ask == "take_over"
    assert isinstance(carry_out(LeaveRole("lead"), OWNED, ADA, PLATFORM, at=LATER), Refusal)


def test_whoever_raises_an_incident_is_its_steward_and_is_warned_when_they_take_it_too() -> None:
    raised = done(CANDIDATE, Raise(), BEN, HUB)
    assert dict(raised.incident.roles) == {"steward": BEN}
    assert [entry.verb for entry in raised.entries] == [Verb.RAISED, Verb.ROLE_TAKEN]
    assert "You are Support steward." in raised.notice
    noted = [each.entry.verb for each in raised.effects if isinstance(each, NoteIssue)]
    assert noted == [Verb.RAISED, Verb.ROLE_TAKEN]
    again = done(raised.incident, Raise(), CYD, HUB)
    assert (again.entries, again.incident) == ((), raised.incident)
    warning = f"{BEN.name} is Support steward, too. Both together are discouraged: ask somebody else if you can."
    for request in (Claim(), Assign(BEN), GiveRole("commander", BEN)):
        taken = done(raised.incident, request, BEN, HUB)
        assert taken.incident.owner == BEN
        assert taken.notice == warning
        assert done(raised.incident, request, CYD, HUB).notice == ("" if isinstance(request, Claim) else warning)
    owned = done(raised.incident, Claim(), CYD, HUB).incident
    assert done(owned, HandOver(BEN), CYD, HUB).notice == warning
    assert done(owned, HandOver(ADA), CYD, HUB).notice == ""
    assert done(raised.incident, Claim(), BEN, PLATFORM).notice == ""


def test_where_no_role_is_the_declarers_raising_gives_none() -> None:
    assert done(CANDIDATE, Raise(), BEN, PLATFORM).incident.roles == ()
    held = replace(CANDIDATE, roles=(("steward", CYD),))
    assert dict(done(held, Raise(), BEN, HUB).incident.roles) == {"steward": CYD}


def test_a_process_without_roles_says_so() -> None:
    refused = carry_out(GiveRole("scribe"), OWNED, ADA, PROCESS, at=LATER)
    assert isinstance(refused, Refusal)
    assert "names no roles" in refused.text
    unknown = carry_out(GiveRole("pilot"), OWNED, ADA, PLATFORM, at=LATER)
    assert isinstance(unknown, Refusal)
    assert "lead, scribe, communications" in unknown.text


def test_only_the_delivery_manager_resolves_once_there_is_one() -> None:
    answers = replace(OVER, none_reason="", follow_ups={"retro": ""})
    owned = replace(ASSESSED, urgency="rapid_fix")
    assert isinstance(carry_out(Resolve(answers), owned, ADA, WELLCOME, at=LATER), Decision)
    managed = done(owned, GiveRole("delivery_manager", CYD), ADA, WELLCOME).incident
    refused = carry_out(Resolve(answers), managed, ADA, WELLCOME, at=LATER)
    assert isinstance(refused, Refusal)
    assert CYD.name in refused.text
    assert refused.fields == ("past_reason",)
    assert isinstance(carry_out(Resolve(answers), managed, CYD, WELLCOME, at=LATER), Decision)


def test_resolving_past_the_delivery_manager_needs_a_reason_that_is_kept_and_told() -> None:
    answers = replace(OVER, none_reason="", follow_ups={"retro": ""}, past_reason=" it was so obvious ")
    owned = replace(ASSESSED, urgency="rapid_fix")
    managed = done(owned, GiveRole("delivery_manager", CYD), ADA, WELLCOME).incident
    for empty in ("", " "):
        refused = carry_out(Resolve(replace(answers, past_reason=empty)), managed, ADA, WELLCOME, at=LATER)
        assert isinstance(refused, Refusal)
    decision = done(managed, Resolve(answers), ADA, WELLCOME)
    made = decision.incident.resolution
    assert made is not None
    assert (made.past, made.past_reason) == (f"{CYD.name} (Delivery manager)", "it was so obvious")
    assert decision.entries[-1].data["past"] == made.past
    assert decision.entries[-1].data["past_reason"] == "it was so obvious"
    assert [each.mentions for each in decision.effects if isinstance(each, Announce)] == [(CYD,)]
    by_herself = done(managed, Resolve(answers), CYD, WELLCOME)  # a reason that is not needed says nothing
    assert by_herself.incident.resolution is not None
    assert by_herself.incident.resolution.past == ""
    assert "past" not in by_herself.entries[-1].data
    unheld = done(owned, Resolve(answers), ADA, WELLCOME).incident.resolution
    assert unheld is not None
    assert unheld.past == ""


def test_on_the_platform_the_lead_declares_it_over() -> None:
    owned = replace(ASSESSED, urgency="p3")
    refused = carry_out(Resolve(OVER), owned, BEN, PLATFORM, at=LATER)
    assert isinstance(refused, Refusal)
    assert ADA.name in refused.text
    assert isinstance(carry_out(Resolve(OVER), owned, ADA, PLATFORM, at=LATER), Decision)


def test_the_delivery_manager_is_informed_of_what_is_raised() -> None:
    roles = tuple(replace(each, informed=CYD.username) if each.required else each for each in WELLCOME.roles.all)
    process = replace(WELLCOME, roles=replace(WELLCOME.roles, all=roles))
    told = inform(OPEN, process, (ADA, BEN, CYD), at=LATER)
    assert told is not None
    assert told.entries[0].data["who"] == "Cyd Charisse (Delivery manager)"
    assert [each.mentions for each in told.effects if isinstance(each, Announce)] == [(CYD,)]
    assert inform(replace(OPEN, owner=CYD), process, (ADA, CYD), at=LATER) is None
    assert inform(CANDIDATE, process, (CYD,), at=LATER) is None
    assert inform(OPEN, WELLCOME, (CYD,), at=LATER) is None


def test_helping_is_told_to_the_owner_once_and_ends() -> None:
    helping = done(OWNED, Join(why="knows the cache"), BEN)
    assert helping.incident.supporters == (BEN,)
    assert [each.mentions for each in helping.effects if isinstance(each, Announce)] == [(ADA,)]
    assert done(helping.incident, Join(), BEN).entries == ()
    involved = done(helping.incident, Join(CYD, "wrote it"), ADA)
    assert involved.incident.supporters == (BEN, CYD)
    gone = done(involved.incident, Leave(), BEN)
    assert gone.incident.supporters == (CYD,)
    assert isinstance(carry_out(Leave(), OWNED, ADA, PLATFORM, at=LATER), Refusal)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"resolved_by": "nobody"}, "resolved_by holds 'nobody'"),
        ({"roles": [{"key": "a", "name": "A", "apart_from": ["b"]}]}, "apart_from holds 'b'"),
        ({"roles": [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]}, "each needs its own"),
        ({"roles": [{"key": k, "name": k, "owner": True} for k in "ab"]}, "more than one with owner = true"),
        ({"roles": [{"key": k, "name": k, "declarer": True} for k in "ab"]}, "more than one with declarer = true"),
        ({"roles": [{"key": "a", "name": "A", "declarer": True, "owner": True}]}, "another role than the owner's"),
    ],
)
def test_a_mistake_is_named(change: dict[str, object], says: str) -> None:
    text = (resources.files("models.processes") / "tis.toml").read_text(encoding="utf-8")
    with pytest.raises(ProcessError, match=says):
        read_process(tomllib.loads(text) | change, "new.toml")
