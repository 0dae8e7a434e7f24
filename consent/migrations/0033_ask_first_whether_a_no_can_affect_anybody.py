"""Ask first whether a no can affect anybody, and write the gate's row without further calls: files bring millions."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("consent", "0032_follow_outcomes")]
    operations = [InstallSQL("orders", "gate")]
