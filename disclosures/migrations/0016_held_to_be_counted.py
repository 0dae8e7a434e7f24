"""By which held releases are counted once it is their turn; made while rows come in. What is broken off is run again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BROKEN_OFF = "DROP INDEX CONCURRENTLY IF EXISTS disclosures_held_to_be_counted"


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('disclosures', '0015_held_by_the_gateway'),
    ]

    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='helddisclosure',
            index=models.Index(condition=models.Q(('ungated_at__isnull', True), ('ungated_from__isnull', False)), fields=['ungated_from'], name='disclosures_held_to_be_counted'),
        ),
    ]
