"""An index of the texts that wait by kind, made while more are written. By itself: it may be broken off."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

BROKEN_OFF = "DROP INDEX CONCURRENTLY IF EXISTS accounts_message_lane"
WAITING = Q(taken_at__isnull=True)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0026_choose_alerts")]
    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            "message", models.Index(fields=["kind", "next_at"], name="accounts_message_lane", condition=WAITING)
        ),
    ]
