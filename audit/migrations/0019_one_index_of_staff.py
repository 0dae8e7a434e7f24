"""The index of officers' acts goes: that of staff's holds them too."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('audit', '0018_acts_of_staff'),
    ]

    operations = [
        RemoveIndexConcurrently(
            model_name='auditevent',
            name='audit_event_officers',
        ),
    ]
