"""An incident is never deleted, and stays what it was opened for."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("audit", "0023_find_incidents_by_release")]
    operations = [InstallSQL("guards")]
