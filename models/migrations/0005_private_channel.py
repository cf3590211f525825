from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0004_cases')]

    initial = False

    operations = [
        ops.AddField(
            model_name='InstallationRow',
            name='private_channel',
            field=fields.CharField(null=True, max_length=200),
        ),
    ]
