"""When a company had something of a line stays as it was reported."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("partners", "0034_both_are_officers_still")]
    operations = [InstallSQL("guards")]
