"""What is a lifeline, and what follows a family, stays so once somebody agreed to it."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("consent", "0037_name_the_campaigns_of_what_waits"), ("partners", "0035_dealings_stay")]
    operations = [InstallSQL("guards")]
