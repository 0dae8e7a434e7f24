"""Keep sessions by a keyed hash of their key. Every sign-in there is ends.

The rows with keys in clear go; what old code writes there until it is replaced opens nothing in the new.
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

    dependencies = [
        ('accounts', '0017_staff'),
    ]

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
    ]
