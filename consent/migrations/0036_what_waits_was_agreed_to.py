"""A campaign to which somebody agreed whose line is still to come stays as it was agreed to."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("consent", "0035_only_the_next_timeline_takes_over")]
    operations = [InstallSQL("guards")]
