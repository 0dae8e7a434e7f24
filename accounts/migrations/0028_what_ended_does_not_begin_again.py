"""An end that has come is not moved to a moment still to come."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("accounts", "0027_texts_by_kind"), ("audit", "0024_incidents_stay_themselves")]
    operations = [InstallSQL("lines")]
