"""People, incidents in each state and answers, for tests of what the domain decides."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import models
from models.domain import intake
from models.domain.alerts import Alert, MailKind
from models.domain.decisions import Decision, Refusal
from models.domain.incident_parts import Assessment
from models.domain.incidents import Incident, State
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.requests import Request, carry_out
from models.domain.resolving import ResolveAnswers

PROCESS_FILE = Path(models.__file__).parent / "processes" / "wilson.toml"
PROCESS = read_process(tomllib.loads(PROCESS_FILE.read_text(encoding="utf-8")), "wilson.toml")

ADA = Person("00000000-0000-0000-0000-00000000000a", "Ada Lovelace", "29:ada", "ada")
BEN = Person("00000000-0000-0000-0000-00000000000b", "Ben Okri", "29:ben", "ben")
CYD = Person("00000000-0000-0000-0000-00000000000c", "Cyd Charisse", "29:cyd", "cyd")

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)

ALERT = Alert(
    source="gcp_monitoring",
    kind=MailKind.FIRING,
    title="Disk is full",
    fingerprint="gcp|disk",
    severity="critical",
    condition="more than 95%",
    incident_id="0.abc",
    incident_url="https://console.cloud.google.com/monitoring/alerting/incidents/0.abc",
    summary="db-1 has 4% left",
)
RECOVERY = replace(ALERT, kind=MailKind.RECOVERED, summary="db-1 has 40% left")

CANDIDATE = replace(intake.candidate(ALERT, at=AT).incident, id=7)
OPEN = replace(CANDIDATE, state=State.OPEN, raised_at=AT, issue_key="iam/admin#3")
OWNED = replace(OPEN, owner=ADA, owned_at=AT)
ASSESSED = replace(OWNED, urgency="resolve_internally", assessment=Assessment({}, "resolve_internally", "x"))
URGENT = replace(OWNED, urgency="urgent", assessment=Assessment({}, "urgent", "x"))
RESOLVED = replace(ASSESSED, state=State.RESOLVED)
CLOSED = replace(RESOLVED, state=State.CLOSED)
DISMISSED = replace(CANDIDATE, state=State.DISMISSED, dismiss_reason="a test")
DISMISSED_AFTER_RAISING = replace(OWNED, state=State.DISMISSED, dismiss_reason="a test")

BY_STATE = {
    State.CANDIDATE: CANDIDATE,
    State.OPEN: ASSESSED,
    State.RESOLVED: RESOLVED,
    State.CLOSED: CLOSED,
    State.DISMISSED: DISMISSED_AFTER_RAISING,
}

INTERNAL: dict[str, Any] = {
    "users": 5,
    "critical": False,
    "workaround": False,
    "self_resolved": False,
    "development_blocked": False,
}
MILD = INTERNAL | {"workaround": True}
GRAVE = INTERNAL | {"users": 101}

OVER = ResolveAnswers(over=True, cause="a log ran full", rolled_back=False, none_reason="a one-off")


def act(
    incident: Incident, request: Request, by: Person = ADA, process: Process = PROCESS, *, at: datetime = LATER
) -> Decision:
    """Carry out a request that must succeed."""
    outcome = carry_out(request, incident, by, process, at=at)
    assert isinstance(outcome, Decision), outcome
    return outcome


def refuse(incident: Incident, request: Request, by: Person = ADA, process: Process = PROCESS) -> Refusal:
    """Carry out a request that must be refused."""
    outcome = carry_out(request, incident, by, process, at=LATER)
    assert isinstance(outcome, Refusal), outcome
    assert outcome.text
    return outcome


def kinds(decision: Decision) -> list[str]:
    """Return the names of a decision's effects, in order."""
    return [type(effect).__name__ for effect in decision.effects]


def told(decision: Decision) -> list[str]:
    """Return the verbs of what was written down, in order."""
    return [entry.verb.value for entry in decision.entries]
