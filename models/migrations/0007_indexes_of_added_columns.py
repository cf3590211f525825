from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Make the indexes that Tortoise leaves out where a column is added to a table, under the names it gives."""

    dependencies = [("models", "0006_incidents_by_their_policy")]

    initial = False

    operations = [
        ops.RunSQL(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" ("{column}")', f'DROP INDEX "{name}"')
        for name, table, column in (
            ("idx_mails_recorde_45c4fe", "mails", "recorded_ms"),
            ("idx_incidents_issue_k_799b0e", "incidents", "issue_key"),
            ("idx_incidents_policy_c29824", "incidents", "policy"),
        )
    ]
