"""An index of what staff did, whatever their role, made while stops write into the trail.

By itself: one that is broken off is run again from its beginning.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BROKEN_OFF = "DROP INDEX CONCURRENTLY IF EXISTS audit_event_staff"


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('audit', '0014_officers_looks'),
    ]

    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('actor__startswith', 'officer:'), ('actor__startswith', 'agent:'), ('actor__startswith', 'auditor:'), ('actor__startswith', 'legal:'), ('actor__startswith', 'command:'), _connector='OR'), fields=['-at'], name='audit_event_staff'),
        ),
    ]
