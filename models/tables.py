"""Rows and constraints. Only ``store`` and ``queue`` touch them.

Times are whole milliseconds since 1970 in UTC, so that both databases compare and sort them alike. Bodies are
JSON texts of the domain's dataclasses; what is searched for has a column of its own.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class IncidentRow(Model):
    """One incident. ``version`` is what compare-and-set goes by, ``policy`` the rule that alerted."""

    id = fields.IntField(primary_key=True)
    uid = fields.CharField(max_length=32, unique=True)
    version = fields.IntField()
    state = fields.CharField(max_length=16, db_index=True)
    fingerprint = fields.CharField(max_length=64, db_index=True)
    digest_id = fields.IntField(null=True, db_index=True)
    updated_ms = fields.BigIntField()
    body = fields.TextField()
    issue_key = fields.CharField(max_length=40, null=True, db_index=True)
    policy = fields.CharField(max_length=64, db_default="", db_index=True)

    class Meta:
        table = "incidents"


class OpenFingerprintRow(Model):
    """Which unfinished incident an alert belongs to; what makes two replicas agree on one."""

    fingerprint = fields.CharField(max_length=64, primary_key=True)
    incident_id = fields.IntField(db_index=True)

    class Meta:
        table = "open_fingerprints"


class MailRow(Model):
    """One mail and what became of it. ``identity`` is what makes a second delivery of it the same mail.

    ``outcome`` is what it ended as, ``why`` what the rules or people added to the reading's own reason.
    """

    id = fields.IntField(primary_key=True)
    identity = fields.CharField(max_length=64, unique=True)
    message_id = fields.TextField()
    received_ms = fields.BigIntField()
    kind = fields.CharField(max_length=16, db_index=True)
    fingerprint = fields.CharField(max_length=64, null=True, db_index=True)
    ended_ms = fields.BigIntField(null=True)
    incident_id = fields.IntField(null=True)
    reading = fields.TextField()
    set_aside_by = fields.TextField(null=True)
    outcome = fields.CharField(max_length=16, db_default="")
    why = fields.TextField(db_default="")
    recorded_ms = fields.BigIntField(db_default=0, db_index=True)

    class Meta:
        table = "mails"


class TimelineRow(Model):
    """Who did what when. Rows are added and never changed."""

    id = fields.IntField(primary_key=True)
    incident_id = fields.IntField(db_index=True)
    at_ms = fields.BigIntField()
    entry = fields.TextField()

    class Meta:
        table = "timeline"


class CaseRow(Model):
    """One case. ``open_key`` is unique while it is undecided, so that two replicas agree on one."""

    id = fields.IntField(primary_key=True)
    uid = fields.CharField(max_length=32, unique=True)
    version = fields.IntField()
    procedure = fields.CharField(max_length=64)
    state = fields.CharField(max_length=16, db_index=True)
    open_key = fields.CharField(max_length=64, null=True, unique=True)
    issue_key = fields.CharField(max_length=40, null=True, db_index=True)
    updated_ms = fields.BigIntField()
    body = fields.TextField()

    class Meta:
        table = "cases"


class CaseTimelineRow(Model):
    """Who did what when about a case. Rows are added and never changed."""

    id = fields.IntField(primary_key=True)
    case_id = fields.IntField(db_index=True)
    at_ms = fields.BigIntField()
    entry = fields.TextField()

    class Meta:
        table = "case_timeline"


class OutboxRow(Model):
    """One thing that must leave the system. Settled rows are deleted.

    ``coalesce`` is unique while the row waits, so that several refreshes of one card are one; a lease clears it.
    ``blocking`` rows hold their stream even when they are parked: what follows needs what they create.
    """

    id = fields.IntField(primary_key=True)
    uid = fields.CharField(max_length=32, unique=True)
    target = fields.CharField(max_length=16)
    stream = fields.CharField(max_length=100)
    kind = fields.CharField(max_length=32)
    subject = fields.IntField(default=0)
    payload = fields.TextField()
    blocking = fields.BooleanField(default=False)
    priority = fields.IntField(default=5)
    coalesce = fields.CharField(max_length=100, null=True, unique=True)
    state = fields.CharField(max_length=8)
    attempts = fields.IntField(default=0)
    due_ms = fields.BigIntField()
    created_ms = fields.BigIntField()
    attempted_ms = fields.BigIntField(null=True)
    lease_until_ms = fields.BigIntField(null=True)
    lease = fields.CharField(max_length=32, null=True)
    error = fields.TextField(default="")

    class Meta:
        table = "outbox"
        indexes = (Index(fields=("stream", "id")), Index(fields=("state", "due_ms")))


class CardRow(Model):
    """A posted card: which message shows what. More than one row of a subject are twins."""

    id = fields.IntField(primary_key=True)
    activity_id = fields.CharField(max_length=200, db_index=True)
    conversation_id = fields.CharField(max_length=400, db_index=True)
    service_url = fields.TextField()
    tenant_id = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=16)
    subject = fields.IntField()

    class Meta:
        table = "cards"
        indexes = (Index(fields=("kind", "subject")),)


class InstallationRow(Model):
    """A team that the bot is installed in, and its channels once they are found."""

    team_id = fields.CharField(max_length=200, primary_key=True)
    tenant_id = fields.CharField(max_length=64)
    service_url = fields.TextField()
    name = fields.TextField(default="")
    devs_channel = fields.CharField(max_length=200, null=True)
    gateway_channel = fields.CharField(max_length=200, null=True)
    private_channel = fields.CharField(max_length=200, null=True)
    removed = fields.BooleanField(default=False)
    greeted = fields.BooleanField(default=False)

    class Meta:
        table = "installations"


class PersonRow(Model):
    """Somebody who was seen in a team."""

    teams_id = fields.CharField(max_length=200, primary_key=True)
    person_id = fields.CharField(max_length=64, db_index=True)
    name = fields.TextField()
    username = fields.CharField(max_length=200, default="")

    class Meta:
        table = "people"


class SeenRow(Model):
    """What must have its effect once only: a delivered activity, a submitted form, an event of a source."""

    key = fields.CharField(max_length=200, primary_key=True)
    at_ms = fields.BigIntField(db_index=True)

    class Meta:
        table = "seen"


class DigestRow(Model):
    """Candidates that share one digest card."""

    id = fields.IntField(primary_key=True)
    created_ms = fields.BigIntField()

    class Meta:
        table = "digests"


class FactRow(Model):
    """Single facts that outlive a process: this database's name for itself, when the mailbox was last read."""

    key = fields.CharField(max_length=64, primary_key=True)
    value = fields.TextField()

    class Meta:
        table = "facts"
