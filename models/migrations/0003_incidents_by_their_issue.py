import json
from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


async def fill(_: Any, editor: Any) -> None:
    """Take each incident's issue out of its body."""
    _, rows = await editor.client.execute_query("SELECT id, body FROM incidents")
    for row in rows:
        key = json.loads(row["body"]).get("issue_key", "")
        if key:
            quoted = "'" + str(key).replace("'", "''") + "'"
            await editor.client.execute_script(f"UPDATE incidents SET issue_key = {quoted} WHERE id = {int(row['id'])}")


class Migration(migrations.Migration):
    dependencies = [("models", "0002_every_mail_accounted_for")]

    initial = False

    operations = [
        ops.AddField(
            model_name="IncidentRow",
            name="issue_key",
            field=fields.CharField(db_index=True, max_length=40, null=True),
        ),
        ops.RunPython(fill, reverse_code=ops.RunPython.noop),
    ]
