"""What lets the ledger be spread over servers: see `distribute_ledger`."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0008_keep_terms_once")]
    operations = [InstallSQL("ledger", "anomalies", "giving_back", "notices", "releases", "retention")]
