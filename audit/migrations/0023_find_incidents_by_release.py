"""An index of the releases that incidents reached, made while more are written. By itself: it may be broken off."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BROKEN_OFF = "DROP INDEX CONCURRENTLY IF EXISTS audit_incidentline_release"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0002_rules")]
    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            "incidentline", models.Index(fields=["disclosure_id"], name="audit_incidentline_release")
        ),
    ]
