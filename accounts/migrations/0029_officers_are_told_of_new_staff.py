"""Officers are told whenever somebody comes to work in the office."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("accounts", "0028_what_ended_does_not_begin_again"), ("audit", "0025_staff_by_operator")]
    operations = [InstallSQL("staff")]
