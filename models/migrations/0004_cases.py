from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0003_incidents_by_their_issue')]

    initial = False

    operations = [
        ops.CreateModel(
            name='CaseRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('uid', fields.CharField(unique=True, max_length=32)),
                ('version', fields.IntField()),
                ('procedure', fields.CharField(max_length=64)),
                ('state', fields.CharField(db_index=True, max_length=16)),
                ('open_key', fields.CharField(null=True, unique=True, max_length=64)),
                ('issue_key', fields.CharField(null=True, db_index=True, max_length=40)),
                ('updated_ms', fields.BigIntField()),
                ('body', fields.TextField(unique=False)),
            ],
            options={'table': 'cases', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='CaseTimelineRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('case_id', fields.IntField(db_index=True)),
                ('at_ms', fields.BigIntField()),
                ('entry', fields.TextField(unique=False)),
            ],
            options={'table': 'case_timeline', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
    ]
