"""Incidents in every state, as a team would meet them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import models
from models.domain.alerts import Link
from models.domain.incident_parts import Assessment, Escalation, FollowUp, ManualChange, Privacy, Resolution
from models.domain.incidents import Incident, State
from models.domain.mail import Outcome
from models.domain.people import Person
from models.domain.process import Process
from models.domain.process_building import read_process
from models.domain.recent_changes import ChangeKind, RecentChange, RecentChanges
from models.domain.recurrence import Recurrence
from models.domain.views import DigestView, IncidentView, MailView

FOLDER = Path(models.__file__).parent / "processes"
PROCESS_FILE = FOLDER / "wilson.toml"


def process_named(name: str) -> Process:
    """Return one of the shipped processes."""
    return read_process(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")), f"{name}.toml")


PROCESS = process_named("wilson")

AT = datetime(2026, 11, 20, 3, 12, tzinfo=UTC)
NOW = AT + timedelta(minutes=30)

ALEX = Person("00000000-0000-0000-0000-000000000020", "Alex Wilber", "29:user-alex", "alexw")
MEGAN = Person("00000000-0000-0000-0000-000000000021", "Megan Bowen", "29:user-megan", "meganb")
ADELE = Person("00000000-0000-0000-0000-000000000022", "Adele Vance", "29:user-adele", "adelev")
TEAM = (ALEX, MEGAN, ADELE)

CANDIDATE = Incident(
    id=42,
    version=1,
    state=State.CANDIDATE,
    title="High CPU utilisation on lookup-db-1",
    source="gcp_monitoring",
    created_at=AT,
    fingerprint="gcp:lookup-db-1:cpu",
    severity="critical",
    project="uis-lookup-prod",
    resource="lookup-db-1.europe-west2-a.prod.internal",
    condition="CPU utilisation above 0.9 for 5 minutes",
    summary="CPU utilisation for lookup-db-1 is above the threshold of 0.900 with a value of 0.987.",
    source_url="https://console.cloud.google.com/monitoring/alerting/incidents/0.abc?project=uis-lookup-prod",
    links=(Link("Runbook", "https://guidebook.example.com/runbooks/lookup-db"),),
    alerting=True,
    count=3,
    first_seen=AT,
    last_seen=AT + timedelta(minutes=20),
    fired=(AT,),
)
CHANGED = replace(
    CANDIDATE,
    recent=RecentChanges(
        (
            RecentChange(
                ChangeKind.DEPLOYED,
                "lookup/api",
                "main (c0ffee11)",
                "Adele Vance",
                AT - timedelta(minutes=14),
                "https://gitlab.example.com/lookup/api/-/jobs/911",
                "production",
            ),
            RecentChange(
                ChangeKind.MERGED,
                "lookup/api!12",
                "Index the audit table",
                "Megan Bowen",
                AT - timedelta(minutes=31),
                "https://gitlab.example.com/lookup/api/-/merge_requests/12",
            ),
        ),
        more=1,
        minutes=120,
        seen_at=NOW,
    ),
)
RECOVERED = replace(CANDIDATE, alerting=False, recovered=(AT,))
FLAPPING = replace(CANDIDATE, alerting=True, flapping=True, count=9)
PRIVATE = replace(CANDIDATE, state=State.OPEN, raised_at=AT, owner=MEGAN, privacy=Privacy(ALEX, AT, "a key is out"))
UNREADABLE = replace(
    CANDIDATE,
    title="[ALERT - garbled]",
    severity=None,
    project=None,
    resource=None,
    condition=None,
    summary=None,
    unreadable="the mail names no policy",
    why="gcp_monitoring fires. From Google Cloud Alerting, confirmed by our mail server. Message-ID <a@b>",
    source_url=None,
    links=(),
    count=1,
    last_seen=AT,
)
AGAIN = replace(CANDIDATE, previous_id=12, recurrence=Recurrence(2, "Friday", "03:00", (7, 12)))
OPEN = replace(
    CANDIDATE, state=State.OPEN, raised_at=AT, issue_key="iam/admin#77", issue_url="https://gitlab.example.com/i/77"
)
OWNED = replace(OPEN, owner=MEGAN, owned_at=AT + timedelta(minutes=4))
INTERNAL = replace(
    OWNED,
    urgency="resolve_internally",
    assessment=Assessment(
        {"users": 12, "critical": False, "workaround": False}, "resolve_internally", "more than one user can't work"
    ),
)
OVERRIDDEN = replace(
    OWNED,
    urgency="urgent",
    assessment=Assessment({"users": 2}, "resolve_internally", "more than one user can't work", "exams begin today"),
    escalation=Escalation("internal", MEGAN, "Megan, Alex and Adele", AT),
)
URGENT = replace(
    OWNED,
    urgency="urgent",
    assessment=Assessment({"users": 500, "critical": True}, "urgent", "more than 100 users can't work"),
)
CHANGING = replace(
    INTERNAL,
    changes=(ManualChange(1, "Restart lookup-db-1 in the console", "the pipeline needs the database", MEGAN, AT),),
)
NOT_SAFE = replace(INTERNAL, not_safe=("lookup/api", "lookup/deploy"), alerting=False)
RESOLVED = replace(
    INTERNAL,
    state=State.RESOLVED,
    alerting=False,
    resolution=Resolution("A query without an index, since release 4.2", False, ("lookup/api",), MEGAN, NOW),
    follow_ups=(
        FollowUp(
            "1",
            "long_term",
            "Long-term solution: index the audit table",
            "iam/admin#78",
            "https://gitlab.example.com/i/78",
        ),
        FollowUp("2", "documentation", "Documentation: how to fail over lookup-db"),
    ),
)
NONE_NEEDED = replace(
    RESOLVED,
    follow_ups=(),
    resolution=Resolution("", True, (), MEGAN, NOW, none_reason="the service goes away in May"),
)
CLOSED = replace(RESOLVED, state=State.CLOSED)
DISMISSED = replace(CANDIDATE, state=State.DISMISSED, dismiss_reason="A planned load test")
MERGED = replace(DISMISSED, merged_into=40, dismiss_reason="merged into incident 40")
DECLARED = replace(
    OPEN,
    source="person",
    alerting=None,
    count=0,
    severity=None,
    project=None,
    resource=None,
    condition=None,
    source_url=None,
    links=(),
    title="Nobody can log in to the admin console",
    summary="Three people called; the page stays white after the password.",
    declared_by=ADELE,
    issue_key="",
    issue_url="",
    last_seen=AT,
)

STATES = {
    "candidate": CANDIDATE,
    "candidate_again": AGAIN,
    "candidate_changed": CHANGED,
    "recovered": RECOVERED,
    "flapping": FLAPPING,
    "unreadable": UNREADABLE,
    "open": OPEN,
    "declared": DECLARED,
    "owned": OWNED,
    "internal": INTERNAL,
    "urgent": URGENT,
    "overridden": OVERRIDDEN,
    "changing": CHANGING,
    "not_safe": NOT_SAFE,
    "resolved": RESOLVED,
    "none_needed": NONE_NEEDED,
    "closed": CLOSED,
    "dismissed": DISMISSED,
    "merged": MERGED,
}


def view(incident: Incident, viewer: Person | None = None, **more: object) -> IncidentView:
    """Look at an incident; Alex is on call."""
    given: dict[str, object] = {"on_call": (ALEX,), "team": TEAM, "viewer": viewer} | more
    return IncidentView(incident, PROCESS, **given)  # type: ignore[arg-type] # names are checked by the class


MAIL = MailView(
    7,
    Outcome.UNRECOGNISED,
    "Your weekly report is ready",
    "reports@example.org",
    "No parser knows this sender.",
    AT,
)
DIGEST = DigestView(
    3,
    tuple(
        replace(
            CANDIDATE,
            id=100 + n,
            title=f"High CPU utilisation on node-{n}",
            severity="critical" if n < 2 else "warning",
            count=1 + n,
        )
        for n in range(12)
    ),
    PROCESS,
)
