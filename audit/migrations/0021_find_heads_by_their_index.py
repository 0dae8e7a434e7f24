"""Find the heads of the chains by their index, also in a session that planned it while the table was small."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("audit", "0020_addresses_by_the_operator")]
    operations = [InstallSQL("chain")]
