"""Refuse ends of agreements, and events, that are inserted as done."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("revocations", "0002_rules")]
    operations = [InstallSQL("cohorts")]
