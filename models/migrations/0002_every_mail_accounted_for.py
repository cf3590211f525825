from tortoise import fields, migrations
from tortoise.migrations import operations as ops

OUTCOMES = """
UPDATE mails SET recorded_ms = received_ms, outcome = CASE
    WHEN set_aside_by IS NOT NULL THEN 'not_ours'
    WHEN kind = 'firing' THEN 'candidate'
    WHEN kind = 'recovered' THEN 'recovery'
    WHEN kind = 'ignored' THEN 'not_ours'
    WHEN kind = 'unrecognised' AND incident_id IS NOT NULL THEN 'candidate'
    ELSE kind END
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    initial = False

    operations = [
        ops.AddField(model_name="MailRow", name="outcome", field=fields.CharField(db_default="", max_length=16)),
        ops.AddField(model_name="MailRow", name="recorded_ms", field=fields.BigIntField(db_default=0, db_index=True)),
        ops.AddField(model_name="MailRow", name="why", field=fields.TextField(db_default="", unique=False)),
        ops.RunSQL(OUTCOMES, reverse_sql=ops.RunSQL.noop),
    ]
