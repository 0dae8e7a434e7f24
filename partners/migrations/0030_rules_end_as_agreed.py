"""A rule of a state ends no sooner than two officers agreed."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("partners", "0029_a_yes_is_spent_once")]
    operations = [InstallSQL("rules")]
