"""Check a stop that concerns nobody without looking for its orders."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("consent", "0028_find_by_the_line_s_index")]
    operations = [InstallSQL("orders")]
