"""What 1.0.0 added to the tables of 0.1.0.

Sessions are kept by a keyed hash of their key, and every sign-in there is ends: the rows with keys in clear go, and what
old code writes there until it is replaced opens nothing in the new. The rows of wrong passwords stay for older code.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

IN_CLEAR = """
DO $$ BEGIN
    IF to_regclass('public.django_session') IS NOT NULL THEN DELETE FROM django_session; END IF;
    IF to_regclass('public.usersessions_usersession') IS NOT NULL THEN DELETE FROM usersessions_usersession; END IF;
END $$
"""


class Migration(migrations.Migration):
    replaces = [
        ("accounts", "0018_browsersession"),
        ("accounts", "0019_functions_look_in_our_schema"),
        ("accounts", "0020_decide_by_transition"),
        ("accounts", "0021_wrong_codes"),
        ("accounts", "0022_when_we_learned"),
        ("accounts", "0023_throttles"),
    ]
    dependencies = [("accounts", "0017_staff")]
    operations = [
        migrations.CreateModel(
            name='BrowserSession',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key_hash', models.BinaryField(unique=True)),
                ('data', models.BinaryField()),
                ('began_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('origin_sealed', models.BinaryField(default=b'')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='browser_sessions', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.RunSQL(IN_CLEAR, migrations.RunSQL.noop),
        migrations.AddField("textedcode", "number_hash", models.BinaryField(db_default=b"", default=b"")),
        migrations.CreateModel(
            name='WrongCode',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('purpose', models.CharField(max_length=10)),
                ('at', models.DateTimeField()),
                ('compared', models.PositiveSmallIntegerField()),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.line')),
            ],
            options={
                'indexes': [models.Index(fields=['line', 'purpose', 'at'], name='accounts_wrongcode_lately'), models.Index(fields=['at'], name='accounts_wrongcode_over')],
            },
        ),
        migrations.AddField("line", "change_known_at", models.DateTimeField(null=True)),
        migrations.AddField("line", "holder_known_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name='DeviceCookie',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField()),
                ('last_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='device_cookies', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'token_hash'), name='accounts_devicecookie_once')],
            },
        ),
        migrations.CreateModel(
            name='SpentCode',
            fields=[
                ('code_hash', models.BinaryField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Throttle',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('mark_hash', models.BinaryField(unique=True)),
                ('level_milli', models.PositiveIntegerField()),
                ('last_at', models.DateTimeField(db_index=True)),
                ('wait_until', models.DateTimeField()),
            ],
        ),
    ]
