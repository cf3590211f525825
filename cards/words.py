"""How things are called on cards and in messages, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cards.blocks import clean
from models.domain.incidents import Incident, State
from models.domain.process import Process
from models.domain.recurrence import Recurrence
from models.domain.resolving import TO_BE_PRIVATE, to_be_private
from models.domain.staffing import vacant
from models.domain.timeline import NoteKind

_SOURCES = {
    "alertmanager": "Alertmanager",
    "aws_cloudwatch": "AWS CloudWatch",
    "azure_monitor": "Azure Monitor",
    "gcp_billing": "GCP Billing",
    "gcp_error_reporting": "GCP Error Reporting",
    "gcp_monitoring": "GCP Monitoring",
    "gcp_uptime": "GCP Uptime Check",
    "gitlab_alert": "GitLab alert",
    "gitlab_pipeline": "GitLab pipeline",
    "grafana": "Grafana",
    "person": "A person",
    "private": "In private",
    "uptime_kuma": "Uptime Kuma",
}
_SHORT_WORDS = {"gcp", "aws", "api", "sql", "tls", "ssl", "dns"}

STATES = {
    State.CANDIDATE: "Candidate incident",
    State.OPEN: "Incident",
    State.RESOLVED: "Resolved incident",
    State.CLOSED: "Closed incident",
    State.DISMISSED: "Dismissed",
}

NOTES = {
    NoteKind.OBSERVATION: "Observation",
    NoteKind.ACTION: "Action",
    NoteKind.REASONING: "Reasoning",
    NoteKind.DECISION: "Decision",
    NoteKind.STATUS: "Service status",
}


def source_name(source: str) -> str:
    """Return a source's name in words; one that is not known here is taken apart at its underscores."""
    if name := _SOURCES.get(source):
        return name
    words = clean(source, 40).replace("_", " ").split()
    return " ".join(word.upper() if word in _SHORT_WORDS else word.capitalize() for word in words) or "Unknown"


def headline(incident: Incident) -> str:
    """Return what it is and how it stands: ``Candidate incident #42 · firing``."""
    parts = [f"{STATES[incident.state]} #{incident.id}"]
    if incident.state is State.DISMISSED and incident.merged_into is not None:
        parts = [f"Merged #{incident.id}"]
    if incident.flapping:
        parts.append("flapping")
    elif incident.alerting is not None:
        parts.append("firing" if incident.alerting else "recovered")
    return " · ".join(parts)


PRIVATE_TITLE = "handled in private"


def public_title(incident: Incident) -> str:
    """Return the title as a public place may show it: that of an incident of security is withheld."""
    return PRIVATE_TITLE if incident.private else incident.title


def public_headline(incident: Incident) -> str:
    """Return what it is and how it stands, without what its alert does where that is withheld."""
    return f"{STATES[incident.state]} #{incident.id}" if incident.private else headline(incident)


def times(count: int) -> str:
    """Return how often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def recurring(found: Recurrence) -> str:
    """Return on which days a rule alerted before, as a sentence (T37)."""
    days = f"the last {found.count} {found.weekday}s" if found.weekday else f"each of the last {found.count} days"
    around = f", always around {found.around}" if found.around else ""
    which = f" ({numbered(found.incidents)})" if found.incidents else ""
    return f"The same alert came on {days}, too{around}{which}."


def affected(incident: Incident, most: int = 6) -> str:
    """Return how many people see it, too, and who; empty for nobody. Foreign text: their names."""
    people = incident.affected
    if not people:
        return ""
    names = ", ".join(clean(each.name, 60) for each in people[:most])
    more = f" and {len(people) - most} more" if len(people) > most else ""
    return f"{'1 person sees' if len(people) == 1 else f'{len(people)} people see'} it, too: {names}{more}"


def numbered(incidents: Sequence[int], most: int = 8) -> str:
    """Return incidents' numbers: ``#3, #7``; the newest ones, where there are many."""
    left_out = "…, " if len(incidents) > most else ""
    return left_out + ", ".join(f"#{each}" for each in incidents[-most:])


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was: ``12 min``."""
    gone = max(now - at, timedelta())
    minutes = int(gone.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{round(minutes / 60)} h"
    return f"{round(minutes / 60 / 24)} days"


def urgency_name(incident: Incident, process: Process) -> str | None:
    """Return the level's name, or its key where the process has dropped it since; ``None`` for not assessed."""
    level = process.urgency(incident.urgency)
    return level.name if level else incident.urgency


def next_step(incident: Incident, process: Process) -> str:
    """Return what somebody should do about it now, in one sentence; empty where nothing is left to do."""
    match incident.state:
        case State.CANDIDATE:
            return "Is it real? Claim it if you take it, raise it if somebody else should, or say that it is none."
        case State.RESOLVED:
            return f"It waits for the {clean(process.review.name, 40)}, which closes it."
        case State.CLOSED | State.DISMISSED:
            return ""
    level = process.urgency(incident.urgency)
    if to_be_private(incident, process):
        return TO_BE_PRIVATE
    if incident.owner is None:
        return "Somebody must take it: claim it, or assign it to whoever agreed to."
    if level is None:
        return "How bad is it? Set the urgency."
    if incident.must_decide(process):
        return process.decision_question
    if lacking := vacant(incident, process):
        names = " and ".join(clean(role.name, 40) for role in lacking[:3])
        return f"Who is {names}? Take the role with Roles, or ask somebody to."
    if incident.unconfirmed:
        return "A second developer, on a call with the first, confirms the change by hand."
    if incident.not_safe:
        return "Make the trunk safe to deploy again, then resolve."
    return "Investigate, write findings down with Note, and resolve it when it is over."
