"""Refuse ends of agreements, and events, that are done or contradicted without a signature."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("revocations", "0002_rules")]
    operations = [InstallSQL("cohorts", "events")]
