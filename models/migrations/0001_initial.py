from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='CardRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('activity_id', fields.CharField(db_index=True, max_length=200)),
                ('conversation_id', fields.CharField(db_index=True, max_length=400)),
                ('service_url', fields.TextField(unique=False)),
                ('tenant_id', fields.CharField(max_length=64)),
                ('kind', fields.CharField(max_length=16)),
                ('subject', fields.IntField()),
            ],
            options={'table': 'cards', 'app': 'models', 'indexes': [Index(fields=['kind', 'subject'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='DigestRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_ms', fields.BigIntField()),
            ],
            options={'table': 'digests', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='FactRow',
            fields=[
                ('key', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('value', fields.TextField(unique=False)),
            ],
            options={'table': 'facts', 'app': 'models', 'pk_attr': 'key'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='IncidentRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('uid', fields.CharField(unique=True, max_length=32)),
                ('version', fields.IntField()),
                ('state', fields.CharField(db_index=True, max_length=16)),
                ('fingerprint', fields.CharField(db_index=True, max_length=64)),
                ('digest_id', fields.IntField(null=True, db_index=True)),
                ('updated_ms', fields.BigIntField()),
                ('body', fields.TextField(unique=False)),
            ],
            options={'table': 'incidents', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='InstallationRow',
            fields=[
                ('team_id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=200)),
                ('tenant_id', fields.CharField(max_length=64)),
                ('service_url', fields.TextField(unique=False)),
                ('name', fields.TextField(default='', unique=False)),
                ('devs_channel', fields.CharField(null=True, max_length=200)),
                ('gateway_channel', fields.CharField(null=True, max_length=200)),
                ('removed', fields.BooleanField(default=False)),
                ('greeted', fields.BooleanField(default=False)),
            ],
            options={'table': 'installations', 'app': 'models', 'pk_attr': 'team_id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MailRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('identity', fields.CharField(unique=True, max_length=64)),
                ('message_id', fields.TextField(unique=False)),
                ('received_ms', fields.BigIntField()),
                ('kind', fields.CharField(db_index=True, max_length=16)),
                ('fingerprint', fields.CharField(null=True, db_index=True, max_length=64)),
                ('ended_ms', fields.BigIntField(null=True)),
                ('incident_id', fields.IntField(null=True)),
                ('reading', fields.TextField(unique=False)),
                ('set_aside_by', fields.TextField(null=True, unique=False)),
            ],
            options={'table': 'mails', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OpenFingerprintRow',
            fields=[
                ('fingerprint', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('incident_id', fields.IntField(db_index=True)),
            ],
            options={'table': 'open_fingerprints', 'app': 'models', 'pk_attr': 'fingerprint'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OutboxRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('uid', fields.CharField(unique=True, max_length=32)),
                ('target', fields.CharField(max_length=16)),
                ('stream', fields.CharField(max_length=100)),
                ('kind', fields.CharField(max_length=32)),
                ('subject', fields.IntField(default=0)),
                ('payload', fields.TextField(unique=False)),
                ('blocking', fields.BooleanField(default=False)),
                ('priority', fields.IntField(default=5)),
                ('coalesce', fields.CharField(null=True, unique=True, max_length=100)),
                ('state', fields.CharField(max_length=8)),
                ('attempts', fields.IntField(default=0)),
                ('due_ms', fields.BigIntField()),
                ('created_ms', fields.BigIntField()),
                ('attempted_ms', fields.BigIntField(null=True)),
                ('lease_until_ms', fields.BigIntField(null=True)),
                ('lease', fields.CharField(null=True, max_length=32)),
                ('error', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'outbox', 'app': 'models', 'indexes': [Index(fields=['stream', 'id']), Index(fields=['state', 'due_ms'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PersonRow',
            fields=[
                ('teams_id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=200)),
                ('person_id', fields.CharField(db_index=True, max_length=64)),
                ('name', fields.TextField(unique=False)),
                ('username', fields.CharField(default='', max_length=200)),
            ],
            options={'table': 'people', 'app': 'models', 'pk_attr': 'teams_id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SeenRow',
            fields=[
                ('key', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=200)),
                ('at_ms', fields.BigIntField(db_index=True)),
            ],
            options={'table': 'seen', 'app': 'models', 'pk_attr': 'key'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='TimelineRow',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('incident_id', fields.IntField(db_index=True)),
                ('at_ms', fields.BigIntField()),
                ('entry', fields.TextField(unique=False)),
            ],
            options={'table': 'timeline', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
    ]
