"""By which staff are found among everybody who ever signed in; made while people do. What is broken off is run again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BROKEN_OFF = "DROP INDEX CONCURRENTLY IF EXISTS accounts_user_staff"


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('accounts', '0016_a_code_for_support'),
    ]

    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='user',
            index=models.Index(condition=models.Q(('role', 'subscriber'), _negated=True), fields=['role'], name='accounts_user_staff'),
        ),
    ]
