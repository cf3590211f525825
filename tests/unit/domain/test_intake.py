"""What alerts do: candidates, repeats, recoveries, flapping; and what people declare."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from models.domain import intake
from models.domain.alerts import Link, MailKind, is_flapping
from models.domain.decisions import Decision
from models.domain.incident_effects import Announce, PostCard, RaiseIssue, RefreshCard
from models.domain.incidents import Incident, State
from tests.unit.domain.samples import (
    ADA,
    ALERT,
    ASSESSED,
    AT,
    CANDIDATE,
    LATER,
    PROCESS,
    RECOVERY,
    kinds,
    told,
)

HOUR = timedelta(hours=1)


def minutes(*numbers: int) -> list[datetime]:
    return [AT + timedelta(minutes=n) for n in numbers]


def after(incident: Incident, *story: tuple[str, int]) -> list[Decision]:
    """Absorb a story of firings and recoveries, each so many minutes after the start."""
    decisions = []
    for what, minute in story:
        alert = ALERT if what == "fires" else RECOVERY
        decisions.append(intake.absorb(incident, alert, PROCESS, at=AT + timedelta(minutes=minute)))
        incident = decisions[-1].incident
    return decisions


def announced(decisions: list[Decision]) -> list[str]:
    return [each.entry.verb.value for one in decisions for each in one.effects if isinstance(each, Announce)]


def test_an_alert_becomes_a_candidate_with_a_card() -> None:
    decision = intake.candidate(ALERT, at=AT, previous_id=3)
    incident = decision.incident
    assert incident.state is State.CANDIDATE
    assert (incident.id, incident.version) == (0, 1)
    assert (incident.title, incident.source, incident.severity) == ("Disk is full", "gcp_monitoring", "critical")
    assert (incident.alerting, incident.count, incident.fired) == (True, 1, (AT,))
    assert (incident.first_seen, incident.last_seen) == (AT, AT)
    assert incident.previous_id == 3
    assert not incident.raised
    assert decision.effects == (PostCard(0),)
    assert told(decision) == ["reported"]
    assert decision.entries[0].actor is None


def test_a_candidate_says_why_it_is_there_and_what_is_doubtful_about_its_mail() -> None:
    incident = intake.candidate(ALERT, at=AT, why="cron fires", unreadable="no subject").incident
    assert incident.why == "cron fires"
    assert incident.unreadable == "no subject"


def test_a_repeat_counts_and_refreshes_without_a_word() -> None:
    (decision,) = after(CANDIDATE, ("fires", 5))
    assert decision.incident.count == 2
    assert decision.incident.last_seen == LATER
    assert decision.incident.first_seen == AT
    assert decision.effects == (RefreshCard(7),)
    assert told(decision) == ["repeated"]


def test_a_repeat_brings_news_and_keeps_what_it_does_not_say() -> None:
    alert = replace(
        ALERT, severity=None, summary="db-1 has 1% left", incident_id="0.def", condition="more than 99%"
    )
    incident = intake.absorb(CANDIDATE, alert, PROCESS, at=LATER).incident
    assert (incident.severity, incident.summary) == ("critical", "db-1 has 1% left")
    assert (incident.source_id, incident.condition) == ("0.def", "more than 99%")
    assert incident.source_url == ALERT.incident_url


def test_repeats_never_touch_what_people_did() -> None:
    incident = after(ASSESSED, ("fires", 5), ("recovers", 6), ("fires", 7))[-1].incident
    for name in ("state", "owner", "urgency", "raised_at", "links", "title", "version"):
        assert getattr(incident, name) == getattr(ASSESSED, name)


@pytest.mark.parametrize("incident", [CANDIDATE, ASSESSED])
def test_a_recovery_is_told_and_never_resolves(incident: Incident) -> None:
    (decision,) = after(incident, ("recovers", 5))
    assert decision.incident.state is incident.state
    assert decision.incident.alerting is False
    assert decision.incident.recovered == (LATER,)
    assert decision.incident.count == incident.count
    assert decision.incident.resolution is None
    assert kinds(decision) == ["RefreshCard", "Announce"]


def test_a_second_recovery_is_not_told_again() -> None:
    assert announced(after(CANDIDATE, ("recovers", 5), ("recovers", 6))) == ["recovered"]


def test_firing_again_after_a_recovery_is_told() -> None:
    decisions = after(CANDIDATE, ("recovers", 5), ("fires", 6), ("fires", 7))
    assert announced(decisions) == ["recovered", "fired_again"]
    assert decisions[-1].incident.alerting is True
    assert decisions[-1].incident.count == 3


def test_a_recovery_of_an_older_event_changes_nothing() -> None:
    newest = replace(CANDIDATE, source_id="1002")
    late = replace(RECOVERY, incident_id="1001")
    assert intake.absorb(newest, late, PROCESS, at=LATER) == Decision(newest)


@pytest.mark.parametrize("mine", ["1002", "1003", "0.abc", None, "²"])
def test_a_recovery_that_is_not_known_to_be_older_counts(mine: str | None) -> None:
    newest = replace(CANDIDATE, source_id="1002")
    assert intake.absorb(newest, replace(RECOVERY, incident_id=mine), PROCESS, at=LATER).incident.alerting is False


def test_flapping_is_announced_once_and_the_rest_is_silent() -> None:
    story = [("recovers", 1), ("fires", 2), ("recovers", 3), ("fires", 4), ("recovers", 5), ("fires", 6)]
    more = [("recovers", 7), ("fires", 8), ("recovers", 9), ("fires", 10)]
    decisions = after(CANDIDATE, *story, *more)
    assert announced(decisions) == ["recovered", "fired_again", "recovered", "fired_again", "recovered", "flapping"]
    assert decisions[5].incident.flapping
    assert not decisions[4].incident.flapping
    assert decisions[-1].incident.flapping
    assert all(RefreshCard(7) in decision.effects for decision in decisions)


def test_flapping_ends_when_it_has_been_quiet() -> None:
    story = [("recovers", 1), ("fires", 2), ("recovers", 3), ("fires", 4), ("recovers", 5), ("fires", 6)]
    decisions = after(CANDIDATE, *story, ("recovers", 120))
    assert not decisions[-1].incident.flapping
    assert announced(decisions)[-1] == "recovered"


def test_repeats_without_a_recovery_do_not_flap() -> None:
    decisions = after(CANDIDATE, *[("fires", n) for n in range(1, 40)])
    assert not decisions[-1].incident.flapping
    assert announced(decisions) == []


def test_only_the_newest_times_are_kept() -> None:
    incident = after(CANDIDATE, *[("fires", n) for n in range(1, 200)])[-1].incident
    assert incident.count == 200
    assert len(incident.fired) == intake.KEPT_TIMES
    assert incident.fired[-1] == AT + timedelta(minutes=199)
    incident = after(CANDIDATE, *[("recovers", n) for n in range(1, 200)])[-1].incident
    assert len(incident.recovered) == intake.KEPT_TIMES


@pytest.mark.parametrize(
    ("fired", "recovered", "flaps"),
    [
        ([], [], False),
        ([0], [], False),
        ([0, 2, 4], [1, 3], False),
        ([0, 2, 4, 6], [1, 3, 5], True),
        ([2, 4, 6], [1, 3, 5], True),
        ([0, 2, 4, 6], [1, 3], False),
        ([0, 2, 3, 4, 5, 6], [1], False),
        ([0, 2, 4], [1, 3, 5], False),
        ([6, 6, 6], [1, 3, 5], False),
        ([0, 2, 4, 60], [1, 3, 5], True),
        ([2, 4, 61], [0, 3, 5], False),
        ([2, 4, 62], [1, 3, 5], False),
    ],
)
def test_flapping_is_so_many_firings_after_recoveries_within_the_window(
    fired: list[int], recovered: list[int], flaps: bool
) -> None:
    now = max([AT, *minutes(*fired)])
    assert is_flapping(minutes(*fired), minutes(*recovered), now=now, cycles=3, window=HOUR) is flaps


def test_the_window_and_the_cycles_come_from_the_process() -> None:
    calm = replace(PROCESS, flapping_cycles=2, flapping_window=timedelta(minutes=3))
    incident = CANDIDATE
    for n, alert in enumerate((RECOVERY, ALERT, RECOVERY, ALERT), 1):
        incident = intake.absorb(incident, alert, calm, at=AT + timedelta(minutes=n)).incident
    assert incident.flapping
    incident = CANDIDATE
    for n, alert in enumerate((RECOVERY, ALERT, RECOVERY, ALERT), 1):
        incident = intake.absorb(incident, alert, calm, at=AT + timedelta(minutes=2 * n)).incident
    assert not incident.flapping


def test_an_incident_is_declared_open_and_raised() -> None:
    decision = intake.declare("Login is slow", "since noon", ADA, at=AT)
    incident = decision.incident
    assert incident.state is State.OPEN
    assert incident.raised_at == AT
    assert incident.declared_by == ADA
    assert incident.owner is None
    assert (incident.title, incident.summary, incident.source) == ("Login is slow", "since noon", "person")
    assert (incident.alerting, incident.count, incident.fingerprint) == (None, 0, "")
    assert decision.effects == (PostCard(0), RaiseIssue(0))
    assert told(decision) == ["declared"]


def test_a_declared_incident_without_a_description_has_none() -> None:
    assert intake.declare("Login is slow", "", ADA, at=AT).incident.summary is None


def test_a_candidate_of_a_recovery_does_not_fire() -> None:
    assert intake.candidate(RECOVERY, at=AT).incident.alerting is False
    assert intake.candidate(replace(ALERT, kind=MailKind.FIRING), at=AT).incident.alerting is True


def test_the_links_of_an_alert_are_the_candidates() -> None:
    link = Link("Runbook", "https://example.com")
    assert intake.candidate(replace(ALERT, links=(link,)), at=AT).incident.links == (link,)
