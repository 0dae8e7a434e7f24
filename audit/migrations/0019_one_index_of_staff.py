"""The index of officers' acts goes: that of staff's holds them too."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0018_acts_of_staff")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_event_officers", migrations.RunSQL.noop),
    ]
