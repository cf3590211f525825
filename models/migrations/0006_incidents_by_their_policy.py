import hashlib
import json
from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


async def fill(_: Any, editor: Any) -> None:
    """Work out of each incident's body which rule alerted."""
    _, rows = await editor.client.execute_query("SELECT id, body FROM incidents")
    for row in rows:
        body = json.loads(row["body"])
        if body.get("fingerprint"):
            title = " ".join(body["title"].casefold().split())
            text = "|".join((body["source"], (body.get("project") or "").casefold(), title))
            key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            await editor.client.execute_script(f"UPDATE incidents SET policy = '{key}' WHERE id = {int(row['id'])}")


class Migration(migrations.Migration):
    dependencies = [("models", "0005_private_channel")]

    initial = False

    operations = [
        ops.AddField(
            model_name="IncidentRow",
            name="policy",
            field=fields.CharField(db_index=True, max_length=64, db_default=""),
        ),
        ops.RunPython(fill, reverse_code=ops.RunPython.noop),
    ]
