"""Believe the cluster's manager of the next timeline alone: a promotion before that may have lost something."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("consent", "0034_a_synchronous_standby_takes_over")]
    operations = [InstallSQL("gate_opening")]
