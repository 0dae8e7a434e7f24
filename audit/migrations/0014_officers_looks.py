"""An index of who of staff looked at subscribers, made while stops write into the trail.

By itself: one that is broken off is run again from its beginning.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BROKEN_OFF = "DROP INDEX CONCURRENTLY IF EXISTS audit_event_looks"


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('audit', '0013_clocks_begin_anew'),
    ]

    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('line_id__isnull', False), models.Q(('actor__startswith', 'officer:'), ('actor__startswith', 'agent:'), ('actor__startswith', 'auditor:'), ('actor__startswith', 'legal:'), _connector='OR')), fields=['at'], name='audit_event_looks'),
        ),
    ]
