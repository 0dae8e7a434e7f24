"""Makes an index beside whoever is there."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("support", "0003_alone")]
    operations = [
        migrations.RunSQL(
            [
                "DROP INDEX CONCURRENTLY IF EXISTS support_next_release",
                "CREATE INDEX CONCURRENTLY support_next_release ON support_ticket (about)",
            ],
            "DROP INDEX CONCURRENTLY support_next_release",
        )
    ]
