"""Databases that ran the migrations of 1.0.0 get the rule as it stands now: only what loosens spends a yes of two."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0005_past_figures")]
    operations = [InstallSQL("anomalies")]
