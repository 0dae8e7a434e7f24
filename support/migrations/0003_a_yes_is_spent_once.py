"""The end of a line's protection spends the yes of the two officers."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("support", "0002_rules"), ("partners", "0029_a_yes_is_spent_once")]
    operations = [InstallSQL("protected_lines")]
