"""Find what each choice runs by the line's index, also where a session planned it while the tables were small."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("consent", "0027_connecticut")]
    operations = [InstallSQL("orders", "receipts")]
