"""Who proposed is an officer still as another agrees, within 7 days; a signed contract only narrows."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("partners", "0033_notices_take_two_officers")]
    operations = [InstallSQL("proposals", "contracts")]
